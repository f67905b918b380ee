//! Stories of receiving, holding and relabelling.

mod lab;

use lab::{LAB, Lab, reason, verdicts};
use tenfold_domain::message::Message;
use tenfold_domain::sample::Hold;
use tenfold_proto::v1::{PoolingStage, ReceiveVerdict as V};
use tenfold_runtime::processor::Destination;

#[test]
fn a_registered_tube_is_expected_until_it_comes_and_intake_hears_of_it() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01"]);
    assert_eq!(lab.on_board(PoolingStage::Expected).count, 1);
    assert_eq!(lab.stage("T01"), PoolingStage::Expected);
    let tubes = lab.receive(&["T01"]);
    assert_eq!(tubes[0].verdict(), V::Known);
    assert_eq!(tubes[0].tube.as_deref(), Some("lab-1/T1"));
    assert_eq!(lab.on_board(PoolingStage::Expected).count, 0);
    assert_eq!(lab.on_board(PoolingStage::Waiting).count, 1);
    let (to, message) = lab.sent().remove(0);
    let key = "T01".to_owned();
    assert_eq!(
        to,
        Destination::Lane {
            service: "intake",
            key
        }
    );
    let Message::TubeSeen(seen) = message else {
        panic!("{message:?}")
    };
    assert_eq!((seen.tube.number, seen.known_version), (1, Some(1)));
}

#[test]
fn receiving_the_same_tube_again_changes_nothing() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    let events = lab.driver.events().len();
    assert_eq!(verdicts(&lab.receive(&["T01"])), [V::AlreadyReceived]);
    assert_eq!(lab.driver.events().len(), events);
}

#[test]
fn an_unregistered_tube_is_taken_and_waits_for_its_details() {
    let mut lab = Lab::new();
    assert_eq!(verdicts(&lab.receive(&["T01"])), [V::DetailsPending]);
    let (_, Message::TubeSeen(seen)) = lab.sent().remove(0) else {
        panic!("intake does not hear of it")
    };
    assert_eq!(seen.known_version, None, "it waits for its registration");
    assert_eq!(reason(lab.scan("T01")), "DETAILS_PENDING");
    let sample = lab.sample("T01", "routine");
    lab.register(sample);
    assert_eq!(lab.stage("T01"), PoolingStage::Waiting);
    assert_eq!(lab.seat("T01"), "P1/1");
}

#[test]
fn details_may_come_before_or_after_the_tube_and_end_the_same() {
    let mut before = Lab::new();
    before.here("routine", &["T01"]);
    let mut after = Lab::new();
    after.receive(&["T01"]);
    after.registered("routine", &["T01"]);
    let (mut a, mut b) = (before.tube("T01"), after.tube("T01"));
    a.timeline.clear();
    b.timeline.clear();
    assert_eq!(a, b);
}

#[test]
fn one_bad_tube_of_a_rack_does_not_reject_the_others() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01", "T02"]);
    let tubes = lab.receive_rack(
        "R1",
        &[
            ("A1", "T01"),
            ("A2", "?"),
            ("A3", "-"),
            ("A4", "T 4"),
            ("A05", "T02"),
            ("B1", "T09"),
        ],
    );
    assert_eq!(
        verdicts(&tubes),
        [
            V::Known,
            V::Unreadable,
            V::Unreadable,
            V::Known,
            V::DetailsPending
        ]
    );
    assert!(tubes[2].why.contains("U+0020 at 2"), "{}", tubes[2].why);
    assert_eq!(lab.tube("T02").position.as_deref(), Some("A5"));
    assert_eq!(lab.on_board(PoolingStage::Held).count, 2);
}

#[test]
fn the_same_rack_stated_again_is_no_news_and_a_difference_becomes_events() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01", "T02", "T03"]);
    let rack = [("A1", "T01"), ("A2", "?"), ("A3", "T02"), ("A4", "-")];
    lab.receive_rack("R1", &rack);
    let events = lab.driver.events().len();
    let again = lab.receive_rack("R1", &rack);
    assert_eq!(
        verdicts(&again),
        [V::AlreadyReceived, V::Unreadable, V::AlreadyReceived]
    );
    assert_eq!(lab.driver.events().len(), events, "a repeat is a no-op");
    lab.receive_rack("R1", &[("A1", "-"), ("A3", "T03"), ("A4", "T02")]);
    assert_eq!(lab.tube("T01").rack, None);
    assert_eq!(lab.tube("T02").position.as_deref(), Some("A4"));
    assert_eq!(lab.tube("T03").position.as_deref(), Some("A3"));
}

#[test]
fn a_tube_seen_in_another_rack_has_moved() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01"]);
    lab.receive_rack("R1", &[("A1", "T01")]);
    let tubes = lab.receive_rack("R2", &[("H12", "T01")]);
    assert_eq!(verdicts(&tubes), [V::AlreadyReceived]);
    let tube = lab.tube("T01");
    assert_eq!(
        (tube.rack.as_deref(), tube.position.as_deref()),
        (Some("R2"), Some("H12"))
    );
}

#[test]
fn two_tubes_with_one_barcode_are_both_held_until_one_is_relabelled() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01"]);
    let rack = [("A1", "T01"), ("A2", "T01")];
    let tubes = lab.receive_rack("R1", &rack);
    assert_eq!(verdicts(&tubes), [V::Known, V::Conflict]);
    assert_eq!(lab.on_board(PoolingStage::Held).count, 2);
    let events = lab.driver.events().len();
    assert_eq!(verdicts(&lab.receive_rack("R1", &rack)), [V::Held, V::Held]);
    assert_eq!(lab.driver.events().len(), events, "a repeat is a no-op");
    assert_eq!(reason(lab.scan("T01")), "BARCODE_AMBIGUOUS");
    lab.relabel("lab-1/T2", "NEW1").unwrap();
    assert_eq!(lab.stage("lab-1/T1"), PoolingStage::Waiting);
    assert_eq!(lab.stage("lab-1/T2"), PoolingStage::Pending);
    assert_eq!(lab.seat("T01"), "P1/1");
    assert_eq!(lab.tube("T01").tube.as_deref(), Some("lab-1/T1"));
}

#[test]
fn a_person_may_say_that_a_second_tube_bears_a_known_barcode() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    assert_eq!(verdicts(&lab.receive_tubes(&["T01"], true)), [V::Conflict]);
    assert_eq!(lab.on_board(PoolingStage::Held).count, 2);
}

#[test]
fn a_tube_without_a_readable_label_is_relabelled_and_finds_its_registration() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01"]);
    lab.receive_rack("R1", &[("A1", "?")]);
    assert_eq!(reason(lab.release("lab-1/T1")), "LABEL_MISSING");
    lab.sent();
    lab.relabel("lab-1/T1", "T01").unwrap();
    assert_eq!(lab.stage("T01"), PoolingStage::Waiting);
    assert!(matches!(lab.sent()[0].1, Message::TubeSeen(_)));
    assert_eq!(lab.on_board(PoolingStage::Expected).count, 0);
}

#[test]
fn an_old_label_stays_an_alias() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.relabel("T01", "NEW1").unwrap();
    assert_eq!(lab.tube("T01").tube, lab.tube("NEW1").tube);
    assert_eq!(reason(lab.relabel("T02", "NEW1")), "BARCODE_TAKEN");
}

#[test]
fn a_label_that_became_readable_names_the_tube_that_stood_there() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01"]);
    lab.receive_rack("R1", &[("A1", "?")]);
    let tubes = lab.receive_rack("R1", &[("A1", "T01")]);
    assert_eq!(
        tubes[0].tube.as_deref(),
        Some("lab-1/T1"),
        "no second tube is made"
    );
    assert_eq!(lab.stage("T01"), PoolingStage::Waiting);
}

#[test]
fn a_count_that_does_not_match_holds_the_tube_until_a_person_decides() {
    let mut lab = Lab::new();
    let mut sample = lab.sample("T01", "routine");
    sample.collection_pool = true;
    sample.hold = Some(Hold::CountMismatch {
        registered: 9,
        observed: 10,
    });
    lab.register(sample);
    assert_eq!(verdicts(&lab.receive(&["T01"])), [V::Held]);
    assert_eq!(reason(lab.scan("T01")), "TUBE_HELD");
    lab.release("T01").unwrap();
    assert_eq!(reason(lab.release("T01")), "NOT_HELD");
    assert_eq!(lab.seat("T01"), "alone");
}

#[test]
fn an_amended_count_that_matches_releases_the_hold() {
    let mut lab = Lab::new();
    let mut sample = lab.sample("T01", "routine");
    sample.hold = Some(Hold::CountMismatch {
        registered: 1,
        observed: 2,
    });
    lab.register(sample.clone());
    lab.receive(&["T01"]);
    sample.hold = None;
    sample.version = 2;
    lab.register(sample);
    assert_eq!(lab.stage("T01"), PoolingStage::Waiting);
}

#[test]
fn a_tube_that_another_lab_holds_waits_for_a_person() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.scan("T02").unwrap();
    lab.custody_conflict("T01");
    lab.custody_conflict("T02");
    assert_eq!(lab.stage("T01"), PoolingStage::Held);
    assert_eq!(
        lab.stage("T02"),
        PoolingStage::Held,
        "only planned: it leaves its pool"
    );
    let events = lab.driver.events().len();
    lab.custody_conflict("T01");
    assert_eq!(lab.driver.events().len(), events);
}

#[test]
fn a_held_tube_whose_liquid_is_in_a_pool_holds_the_pool() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.pool(&["T01", "T02"]);
    lab.hold("T01").unwrap();
    lab.close(1).unwrap();
    assert!(lab.pool_view(1).hold.unwrap().contains("it leaks"));
    assert!(lab.work("ready").is_empty());
    lab.release("lab-1/P1").unwrap();
    assert_eq!(lab.work("ready").len(), 1);
}

#[test]
fn a_cancelled_tube_is_withdrawn_before_mixing_and_tested_in_silence_after() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02", "T03"]);
    lab.registered("routine", &["T04"]);
    lab.scan("T01").unwrap();
    lab.scan("T02").unwrap();
    for barcode in ["T01", "T02", "T03", "T04"] {
        lab.cancel(barcode);
    }
    assert!(
        lab.tube("T01").withdrawn,
        "mixed: its release is suppressed"
    );
    assert_eq!(lab.stage("T01"), PoolingStage::Pooled);
    assert_eq!(lab.stage("T02"), PoolingStage::Withdrawn, "only planned");
    assert_eq!(lab.stage("T03"), PoolingStage::Withdrawn);
    assert_eq!(lab.on_board(PoolingStage::Expected).count, 0);
    lab.close(1).unwrap();
    let plate = lab.run_plate("PL1");
    assert!(plate.wells[0].members[0].withdrawn);
}

#[test]
fn an_amendment_that_makes_the_mix_illegal_holds_the_pool() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.pool(&["T01", "T02"]);
    let mut amended = lab.sample("T01", "fever-clinic");
    amended.version = 2;
    lab.register(amended);
    lab.close(1).unwrap();
    assert!(lab.pool_view(1).hold.unwrap().contains("lab-1/T1"));
    lab.start_plate("PL1").unwrap();
    assert_eq!(reason(lab.place("PL1", "A1", "lab-1/P1")), "POOL_HELD");
}

#[test]
fn an_amendment_that_makes_the_plan_illegal_takes_the_tube_out() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.scan("T01").unwrap();
    let mut amended = lab.sample("T01", "fever-clinic");
    amended.version = 2;
    lab.register(amended);
    assert_eq!(lab.stage("T01"), PoolingStage::Waiting);
    assert_eq!(lab.seat("T01"), "alone");
}

#[test]
fn a_discarded_tube_says_why_and_one_in_a_pool_is_kept() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.discard("T01").unwrap();
    assert_eq!(lab.stage("T01"), PoolingStage::Discarded);
    assert_eq!(reason(lab.scan("T01")), "TUBE_OVER");
    lab.pool(&["T02"]);
    assert_eq!(reason(lab.discard("T02")), "TUBE_IN_POOL");
}

#[test]
fn a_planning_bench_assigns_tubes_as_they_arrive_and_the_scan_verifies() {
    use tenfold_domain::policy::{Bench, BenchMode};
    let mut lab = Lab::with(|policy| {
        policy.pooling.benches.insert(
            format!("{LAB}/plan"),
            Bench {
                mode: BenchMode::Plan,
                assay: None,
            },
        );
    });
    lab.here("routine", &["T01", "T02", "T03"]);
    assert_eq!(lab.pool_view(1).members.len(), 3);
    assert!(
        lab.pool_view(1)
            .members
            .iter()
            .all(|m| m.transferred_at.is_none())
    );
    assert_eq!(reason(lab.scan_at("b1", "T01")), "ALREADY_POOLED");
    let first = lab.scan_at("plan", "T01").unwrap();
    assert_eq!(lab::seat_of(&first), "P1/1");
    let second = lab.scan_at("plan", "T02").unwrap();
    assert_eq!(second.transferred.unwrap().tube, "lab-1/T1");
    let sealed = lab.close(1).unwrap();
    assert_eq!(sealed.members, 2, "T03 was never scanned: it leaves");
    assert_eq!(lab.stage("T03"), PoolingStage::Waiting);
}

#[test]
fn a_tube_that_is_registered_again_after_its_cancellation_is_received_anew() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.cancel("T01");
    assert_eq!(verdicts(&lab.receive(&["T01"])), [V::AlreadyReceived]);
    let mut anew = lab.sample("T01", "routine");
    anew.version = 3;
    lab.register(anew);
    assert_eq!(verdicts(&lab.receive(&["T01"])), [V::Known]);
    assert_eq!(lab.seat("T01"), "P1/1");
}

#[test]
fn a_registration_that_followed_its_tube_to_another_lab_is_not_withdrawn_there() {
    use tenfold_domain::message::SampleWithdrawn;
    let mut lab = Lab::with(|policy| {
        let other = policy.labs["lab-1"].clone();
        policy.labs.insert("lab-2".into(), other);
    });
    let mut sample = lab.sample("T01", "routine");
    sample.lab = "lab-2".into();
    lab.register(sample.clone());
    let tubes = lab.receive(&["T01"]);
    assert_eq!(verdicts(&tubes), [V::BelongsElsewhere]);
    let gone = SampleWithdrawn {
        barcode: "T01".into(),
        lab: "lab-2".into(),
        version: 1,
        reason: "elsewhere".to_owned(),
    };
    lab.hear(Message::SampleWithdrawn(gone)).unwrap();
    assert_eq!(lab.stage("T01"), PoolingStage::Pending);
    sample.lab = LAB.into();
    lab.register(sample);
    assert_eq!(lab.stage("T01"), PoolingStage::Waiting);
}

#[test]
fn a_tube_that_moved_within_its_rack_is_not_the_one_that_cannot_be_read() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01"]);
    lab.receive_rack("R1", &[("A1", "T01")]);
    let tubes = lab.receive_rack("R1", &[("A1", "?"), ("A3", "T01")]);
    assert_eq!(verdicts(&tubes), [V::Unreadable, V::AlreadyReceived]);
    assert_eq!(tubes[0].tube.as_deref(), Some("lab-1/T2"));
    assert_eq!(lab.tube("T01").position.as_deref(), Some("A3"));
    let back = lab.receive_rack("R1", &[("A1", "T01"), ("A3", "?")]);
    assert_eq!(back[0].tube.as_deref(), Some("lab-1/T1"));
    assert_eq!(lab.tube("T01").position.as_deref(), Some("A1"));
}
