//! Stories of tubes that change while they are on a plate: cancelled, amended, closed, tested again.

mod lab;

use lab::Lab;
use lab::reason;
use tenfold_domain::message::Message;
use tenfold_proto::v1::PoolingStage;

#[test]
fn a_closed_sample_leaves_the_hot_state() {
    let mut lab = Lab::new();
    lab.tested(&["T01", "T02"], "PL1");
    lab.close_sample("T01", 1);
    lab.close_sample("T01", 1);
    let tube = lab.tube("T01");
    assert_eq!(tube.stage(), PoolingStage::Closed);
    assert_eq!((tube.sample, tube.timeline.len()), (None, 0));
    assert_eq!(lab.on_board(PoolingStage::Loaded).count, 1);
    lab.close_sample("T02", 2);
    assert_eq!(lab.on_board(PoolingStage::Loaded).count, 0);
    assert!(lab.work("loaded").is_empty());
}

#[test]
fn results_hears_when_a_loaded_member_is_cancelled_or_amended() {
    let mut lab = Lab::new();
    lab.tested(&["T01", "T02"], "PL1");
    lab.cancel("T01");
    let mut amended = lab.sample("T02", "voluntary");
    amended.version = 2;
    lab.register(amended);
    let told: Vec<(u64, bool, u32)> = lab
        .sent()
        .into_iter()
        .filter_map(|(_, message)| match message {
            Message::MemberAmended(m) => Some((
                m.tube.number,
                m.withdrawn,
                m.sample.map_or(0, |s| s.version),
            )),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, true, 1), (2, false, 2)]);
}

#[test]
fn results_hears_of_a_change_that_intake_took_before_it_heard_of_the_closing() {
    let mut lab = Lab::new();
    lab.tested(&["T01", "T02"], "PL1");
    lab.close_sample("T01", 1);
    lab.close_sample("T02", 2);
    lab.sent();
    lab.cancel("T01");
    let mut amended = lab.sample("T02", "routine");
    amended.version = 2;
    lab.register(amended);
    let told: Vec<(u64, bool, Option<u32>)> = lab
        .sent()
        .into_iter()
        .filter_map(|(_, message)| match message {
            Message::MemberAmended(m) => {
                Some((m.tube.number, m.withdrawn, m.sample.map(|s| s.version)))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, true, None), (2, false, Some(2))]);
    assert_eq!(lab.on_board(PoolingStage::Expected).count, 0);
}

#[test]
fn a_tube_that_results_is_done_with_leaves_an_open_plate_and_is_passed_over_on_a_sealed_one() {
    let mut lab = Lab::new();
    lab.here("emergency", &["T01", "T02", "T03"]);
    for barcode in ["T01", "T02", "T03"] {
        lab.scan(barcode).unwrap();
    }
    lab.start_plate("PL1").unwrap();
    for (well, barcode) in [("A1", "T01"), ("A2", "T02"), ("A3", "T03")] {
        lab.place("PL1", well, barcode).unwrap();
    }
    lab.close_sample("T01", 1);
    assert!(lab.plate_view("PL1").wells.iter().any(|w| w.lost.is_some()));
    lab.seal_plate("PL1").unwrap();
    lab.order_retest(2, 41, 2).unwrap();
    lab.sent();
    assert_eq!(lab.load("PL1").unwrap().wells, 1);
    assert_eq!(lab.stage("T02"), PoolingStage::AwaitingRetest);
    let Message::PlateLoaded(told) = lab.sent().remove(0).1 else {
        panic!("results heard of the plate");
    };
    let dropped: Vec<String> = told.dropped.iter().map(ToString::to_string).collect();
    assert_eq!(dropped, ["A1", "A2"], "there may be liquid in them");
}

#[test]
fn a_tube_cancelled_while_its_well_was_pipetted_is_told_as_dropped_and_stops_nobody() {
    let mut lab = Lab::new();
    lab.here("emergency", &["T01", "T02"]);
    for barcode in ["T01", "T02"] {
        lab.scan(barcode).unwrap();
    }
    lab.start_plate("PL1").unwrap();
    let filled = lab.fill("PL1").unwrap();
    let (of_t01, of_t02) = (filled.wells[0].well.clone(), filled.wells[1].well.clone());
    lab.cancel("T01");
    let told = lab.confirm_plate("PL1", &[(&of_t01, "bubble")]).unwrap();
    assert_eq!((told.transferred, told.failed), (vec![of_t02], vec![]));
    assert_eq!(told.dropped[0].well, of_t01);
    let why = &told.dropped[0].reason;
    assert!(why.contains("cancelled"), "{why}");
    let nothing_there = lab.confirm_plate("PL1", &[("D7", "bubble")]);
    assert_eq!(reason(nothing_there), "WELL_EMPTY");
    lab.seal_plate("PL1").unwrap();
    lab.sent();
    assert_eq!(lab.load("PL1").unwrap().wells, 1);
    let Message::PlateLoaded(told) = lab.sent().remove(0).1 else {
        panic!("results heard of the plate");
    };
    assert_eq!(told.dropped.len(), 1);
    assert_eq!(told.wells.len(), 1);
}

#[test]
fn a_pool_that_became_an_illegal_mix_in_the_instrument_is_not_plated_again_unseen() {
    let mut lab = Lab::new();
    lab.tested(&["T01", "T02"], "PL1");
    let mut amended = lab.sample("T01", "fever-clinic");
    amended.version = 2;
    lab.register(amended);
    lab.order_replate("PL1", &[]).unwrap();
    assert!(lab.work("ready").is_empty());
    assert_eq!(lab.work("held")[0].what, "lab-1/P1");
}

#[test]
fn a_tube_that_is_only_planned_leaves_its_pool_when_its_retest_is_ordered() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.scan("T01").unwrap();
    lab.scan("T02").unwrap();
    lab.order_retest(2, 41, 2).unwrap();
    assert_eq!(lab.close(1).unwrap().members, 1);
    assert_eq!(lab.work("retest").len(), 1);
}
