//! Stories of samples that results has filed: their tubes leave pooling, and with the last of them pools and plates.

mod lab;

use lab::{LAB, Lab, pool_name, reason, verdicts};
use tenfold_domain::message::Message;
use tenfold_domain::pooling::lab::LabRecord;
use tenfold_domain::pooling::plate::Plate;
use tenfold_domain::pooling::pool::Pool;
use tenfold_domain::pooling::queue::Entry;
use tenfold_domain::pooling::tube::{Expected, Rack, Tube};
use tenfold_domain::tables::{ReadExt, Record, Row};
use tenfold_proto::v1;
use tenfold_proto::v1::{PoolingStage, ReceiveVerdict};
use v1::pooling_query::Query;

impl Lab {
    /// Rows of a table.
    fn rows<R: Record>(&self) -> usize {
        self.driver.state().all::<R>().len()
    }

    /// Bytes of a table's rows, without their keys.
    fn bytes<R: Record>(&self) -> usize {
        let rows = self.driver.state().all::<R>();
        rows.iter()
            .map(|(_, row)| row.encode(Vec::new()).map_or(0, |bytes| bytes.len()))
            .sum()
    }

    fn ask_tube(&self, tube: &str) -> Result<v1::TubeView, tenfold_domain::Rejection> {
        self.ask(Query::Tube(v1::GetTubeRequest {
            lab: LAB.to_owned(),
            tube: tube.to_owned(),
        }))
    }

    fn ask_pool(&self, pool: u64) -> Result<v1::PoolView, tenfold_domain::Rejection> {
        self.ask(Query::Pool(v1::GetPoolRequest {
            lab: LAB.to_owned(),
            pool: pool_name(pool),
        }))
    }

    /// What results heard of amended members since the last call: tube, version, cancelled.
    fn amended(&mut self) -> Vec<(u64, Option<u32>, bool)> {
        let sent = self.sent().into_iter();
        sent.filter_map(|(_, message)| match message {
            Message::MemberAmended(m) => {
                Some((m.tube.number, m.sample.map(|s| s.version), m.withdrawn))
            }
            _ => None,
        })
        .collect()
    }
}

/// Two tubes in one pool, on a plate in an instrument, both reported.
fn two_reported() -> Lab {
    let mut lab = Lab::new();
    lab.tested(&["T01", "T02"], "PL1");
    lab.close_sample("T01", 1);
    lab.close_sample("T02", 2);
    lab.sent();
    lab
}

#[test]
fn a_pool_and_its_plate_go_with_the_last_of_their_tubes_and_the_plates_name_stays() {
    let mut lab = two_reported();
    lab.file(&[("T01", 1)]);
    assert_eq!(lab.rows::<Tube>(), 1);
    assert_eq!(lab.pool_view(1).members.len(), 2, "T02 is at hand");
    lab.file(&[("T02", 2)]);
    assert_eq!((lab.rows::<Tube>(), lab.rows::<Pool>()), (0, 0));
    let plate = lab.plate_view("PL1");
    assert!(plate.filed && plate.wells.is_empty());
    assert_eq!((plate.state.as_str(), plate.free), ("loaded", 0));
    assert_eq!(reason(lab.start_plate("PL1")), "PLATE_REUSED");
    assert_eq!(lab.board().filed, 2);
    assert_eq!(lab.on_board(PoolingStage::Closed).count, 0);
    assert_eq!(lab.sent(), [], "nobody is told");
}

#[test]
fn what_is_asked_of_a_filed_tube_says_where_its_timeline_is() {
    let mut lab = two_reported();
    lab.file(&[("T01", 1), ("T02", 2)]);
    let by_id = lab.ask_tube("lab-1/T1").expect_err("it is gone");
    assert_eq!(by_id.reason, "TUBE_FILED");
    assert!(by_id.help.contains("results"), "{}", by_id.help);
    let never = lab.ask_tube("lab-1/T3").expect_err("never received");
    assert_eq!(never.reason, "TUBE_UNKNOWN");
    let by_label = lab.ask_tube("T01").expect_err("it is gone");
    assert_eq!(by_label.reason, "TUBE_UNKNOWN");
    assert!(by_label.help.contains("filed"), "{}", by_label.help);
    assert_eq!(reason(lab.ask_pool(1)), "POOL_UNKNOWN");
}

#[test]
fn only_what_is_over_is_filed_and_the_same_word_again_changes_nothing() {
    let mut lab = Lab::new();
    lab.tested(&["T01", "T02"], "PL1");
    lab.close_sample("T01", 1);
    lab.order_retest(2, 41, 2).unwrap();
    lab.file(&[("T01", 1), ("T02", 2), ("T09", 9)]);
    assert_eq!(lab.stage("T02"), PoolingStage::AwaitingRetest);
    assert_eq!(lab.rows::<Tube>(), 1);
    let events = lab.driver.events().len();
    lab.file(&[("T01", 1), ("T02", 2), ("T09", 9)]);
    assert_eq!(lab.driver.events().len(), events);
    lab.run_plate("PL2");
    lab.close_sample("T02", 2);
    lab.file(&[("T02", 2)]);
    let rows = [lab.rows::<Tube>(), lab.rows::<Pool>(), lab.rows::<Entry>()];
    assert_eq!(rows, [0, 0, 0]);
    assert!(lab.plate_view("PL1").filed && lab.plate_view("PL2").filed);
}

#[test]
fn a_closed_tube_stays_while_another_with_its_label_is_at_hand() {
    let mut lab = two_reported();
    lab.receive_tubes(&["T01"], true);
    lab.file(&[("T01", 1), ("T02", 2)]);
    assert!(lab.ask_tube("lab-1/T1").is_ok(), "T3 bears its label");
    let mut amended = lab.sample("T01", "routine");
    amended.version = 2;
    lab.register(amended);
    assert_eq!(lab.amended(), [(1, Some(2), false)]);
    lab.discard("lab-1/T3").unwrap();
    lab.file(&[("T01", 1)]);
    assert_eq!(reason(lab.ask_tube("lab-1/T1")), "TUBE_FILED");
}

#[test]
fn a_filed_label_that_is_scanned_again_is_held_once_intake_has_answered() {
    let mut lab = two_reported();
    lab.file(&[("T01", 1), ("T02", 2)]);
    assert_eq!(reason(lab.scan("T01")), "TUBE_UNKNOWN");
    let received = lab.receive(&["T01"]);
    assert_eq!(verdicts(&received), [ReceiveVerdict::DetailsPending]);
    let (_, Message::TubeSeen(seen)) = lab.sent().remove(0) else {
        panic!("intake is asked");
    };
    assert_eq!(seen.tube.number, 3, "a number is used once");
    assert_eq!(reason(lab.scan("T01")), "DETAILS_PENDING", "nor meanwhile");
    lab.held_by(LAB, "T01");
    assert_eq!(reason(lab.scan("T01")), "TUBE_HELD");
    let again = lab.receive(&["T01"]);
    assert_eq!(verdicts(&again), [ReceiveVerdict::Held]);
    assert_eq!(lab.on_board(PoolingStage::Held).count, 1);
}

#[test]
fn what_comes_late_about_a_filed_tube_is_harmless() {
    let mut lab = two_reported();
    lab.file(&[("T01", 1), ("T02", 2)]);
    let events = lab.driver.events().len();
    lab.close_sample("T01", 1);
    lab.cancel("T01");
    lab.held_by("lab-9", "T01");
    lab.order_replate("PL1", &[]).expect("nothing stands there");
    assert_eq!(reason(lab.order_retest(1, 41, 2)), "TUBE_UNKNOWN");
    lab.wait(60 * 24 * 3);
    assert_eq!(lab.driver.events().len(), events, "nothing happens");
    assert_eq!(lab.sent(), []);
    assert_eq!(reason(lab.load("PL1")), "PLATE_LOADED");
    lab.void_plate("PL1").unwrap();
    let told = lab.sent();
    assert!(
        matches!(&told[..], [(_, Message::PlateVoided(v))] if v.plate.as_str() == "PL1"),
        "results tells a person: {told:?}"
    );
    assert_eq!(reason(lab.release("lab-1/P1")), "POOL_UNKNOWN");
}

#[test]
fn a_change_that_found_the_tube_gone_reaches_results_all_the_same() {
    let mut lab = two_reported();
    lab.file(&[("T01", 1), ("T02", 2)]);
    let mut amended = lab.sample("T01", "routine");
    amended.version = 2;
    lab.register(amended);
    let same = lab.sample("T02", "routine");
    lab.register(same);
    assert_eq!(lab.rows::<Expected>(), 2, "taken for tubes to come");
    lab.file(&[("T01", 1), ("T02", 2)]);
    assert_eq!(lab.rows::<Expected>(), 0);
    assert_eq!(lab.amended(), [(1, Some(2), false)], "of T02 all is known");
    assert_eq!(lab.on_board(PoolingStage::Expected).count, 0);
}

#[test]
fn a_pool_that_was_plated_twice_and_one_that_was_void_go_with_all_their_plates() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02", "T03"]);
    lab.pool(&["T01", "T02"]);
    lab.close(1).unwrap();
    lab.void(1).unwrap();
    lab.discard("T02").unwrap();
    lab.pool(&["T01", "T03"]);
    lab.close(2).unwrap();
    lab.run_plate("PL1");
    lab.order_replate("PL1", &[]).unwrap();
    lab.run_plate("PL2");
    for (barcode, tube) in [("T01", 1), ("T03", 3)] {
        lab.close_sample(barcode, tube);
    }
    lab.file(&[("T03", 3)]);
    assert_eq!(lab.rows::<Pool>(), 2, "T01 was in both");
    lab.file(&[("T01", 1)]);
    assert_eq!(lab.rows::<Pool>(), 0);
    assert!(lab.plate_view("PL1").filed && lab.plate_view("PL2").filed);
    assert_eq!(
        lab.stage("T02"),
        PoolingStage::Discarded,
        "results never heard of it"
    );
}

#[test]
fn a_pool_on_a_plate_that_is_not_read_yet_stays_until_the_plate_is() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.pool(&["T01"]);
    lab.close(1).unwrap();
    lab.pool(&["T02"]);
    lab.close(2).unwrap();
    lab.start_plate("PL1").unwrap();
    lab.fill("PL1").unwrap();
    lab.confirm_plate("PL1", &[]).unwrap();
    lab.close_sample("T01", 1);
    lab.file(&[("T01", 1)]);
    assert_eq!((lab.rows::<Tube>(), lab.rows::<Pool>()), (1, 2));
    lab.seal_plate("PL1").unwrap();
    assert_eq!(lab.load("PL1").unwrap().tubes, 1);
    lab.close_sample("T02", 2);
    lab.file(&[("T02", 2)]);
    assert_eq!(lab.rows::<Pool>(), 0, "the first went with the second");
    assert!(lab.plate_view("PL1").filed);
}

#[test]
fn after_many_days_of_the_same_work_the_tables_are_as_long_as_after_the_retention() {
    const DAYS: u64 = 40;
    const RETENTION: u64 = 14;
    let mut lab = Lab::new();
    let mut sizes = Vec::new();
    let mut bytes = Vec::new();
    let name = |tube: u64| format!("T{tube:05}");
    for day in 0..DAYS {
        let numbers: Vec<u64> = (day * 6 + 1..=day * 6 + 6).collect();
        let labels: Vec<String> = numbers.iter().map(|n| name(*n)).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let rack: Vec<(&str, &str)> = ["A1", "A2", "A3", "A4", "A5", "A6"]
            .into_iter()
            .zip(labels.iter().copied())
            .collect();
        lab.registered("routine", &labels);
        lab.receive_rack("R1", &rack);
        lab.pool(&labels[..3]);
        lab.close(day * 2 + 1).unwrap();
        lab.pool(&labels[3..]);
        lab.close(day * 2 + 2).unwrap();
        lab.run_plate(&format!("PL{day:03}"));
        lab.order_retest(numbers[0], day + 1, 2).unwrap();
        lab.run_plate(&format!("RE{day:03}"));
        for (label, number) in labels.iter().zip(&numbers) {
            lab.close_sample(label, *number);
        }
        if let Some(old) = day.checked_sub(RETENTION) {
            let old: Vec<u64> = (old * 6 + 1..=old * 6 + 6).collect();
            let labels: Vec<String> = old.iter().map(|n| name(*n)).collect();
            let group: Vec<(&str, u64)> = labels.iter().map(String::as_str).zip(old).collect();
            lab.file(&group);
        }
        lab.wait(60 * 24);
        sizes.push([
            lab.rows::<Tube>(),
            lab.rows::<Pool>(),
            lab.rows::<Expected>(),
            lab.rows::<Entry>(),
            lab.rows::<Rack>(),
            lab.rows::<LabRecord>(),
        ]);
        bytes.push(lab.bytes::<Tube>() + lab.bytes::<Pool>());
    }
    let steady = sizes[20];
    assert_eq!(steady[0], 14 * 6, "the days of the retention are at hand");
    assert!(sizes[20..].iter().all(|size| *size == steady), "{sizes:?}");
    let grown = bytes[39].abs_diff(bytes[20]);
    assert!(grown < 100, "keys grow by a byte: {bytes:?}");
    let plates = lab.driver.state().all::<Plate>();
    let (filed, at_hand): (Vec<_>, Vec<_>) = plates.iter().partition(|(_, plate)| plate.filed);
    assert_eq!((filed.len(), at_hand.len()), (26 * 2, 14 * 2));
    let name_of_one = filed[0].1.encode(Vec::new()).map_or(0, |bytes| bytes.len());
    assert!(name_of_one <= 45, "{name_of_one} bytes for ever, a plate");
}
