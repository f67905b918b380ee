//! A tube comes to a lab: before its registration, to another lab than expected, or with a label that is taken.

use crate::intake::board::Gauge;
use crate::intake::tests::bench::{Lane, START, single};
use crate::message::{FinalResult, Message};
use crate::sample::Flag;
use crate::time::Millis;

#[test]
fn a_tube_that_arrives_is_told_its_details() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.sent();
    lane.seen("ABCD0001", "lab-1", 7);
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "details")]);
    assert_eq!(lane.gauge("lab-1", Gauge::Received), 1);
    // The same word again, or a second tube with the label in the same lab, is answered again.
    lane.seen("ABCD0001", "lab-1", 8);
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "details")]);
}

#[test]
fn a_tube_that_came_before_its_registration_gets_its_details_when_they_come() {
    let mut lane = Lane::new();
    lane.seen("ABCD0001", "lab-2", 7);
    assert_eq!(lane.sent(), []);
    assert_eq!(lane.gauge("lab-2", Gauge::Pending), 1);
    lane.now = START.plus(Millis::from_mins(30));
    let receipt = lane.register(single("ABCD0001")).expect("accepted");
    let sample = receipt.sample.expect("in force");
    assert_eq!(sample.flags, [Flag::RegisteredAfterReceipt]);
    assert_eq!(sample.lab.as_str(), "lab-2");
    assert_eq!(lane.sent(), [("lab-2".to_owned(), "details")]);
    assert_eq!(lane.gauge("lab-2", Gauge::Received), 1);
}

#[test]
fn a_registration_follows_the_tube_to_another_lab_and_the_first_hears_of_it() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.sent();
    lane.seen("ABCD0001", "lab-2", 1);
    let labs = [
        ("lab-1".to_owned(), "withdrawn"),
        ("lab-2".to_owned(), "details"),
    ];
    assert_eq!(lane.sent(), labs);
    assert_eq!(lane.gauge("lab-1", Gauge::Expected), 0);
    assert_eq!(lane.gauge("lab-2", Gauge::Received), 1);
}

#[test]
fn a_second_lab_with_the_same_barcode_is_told_of_a_conflict() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.seen("ABCD0001", "lab-1", 1);
    lane.sent();
    lane.seen("ABCD0001", "lab-2", 1);
    let conflict = lane.sent.first().map(|m| m.message.clone());
    let Some(Message::CustodyConflict(conflict)) = conflict else {
        panic!("{conflict:?}");
    };
    assert_eq!((conflict.holder.as_str(), conflict.epoch), ("lab-1", 1));
    let custody = lane
        .entry("ABCD0001")
        .and_then(|e| e.custody)
        .expect("held");
    assert_eq!(custody.lab.as_str(), "lab-1");
    assert_eq!(custody.claims, ["lab-2".into()]);
}

#[test]
fn a_label_used_again_after_the_report_is_a_conflict() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.seen("ABCD0001", "lab-1", 1);
    lane.closed("ABCD0001", FinalResult::Negative)
        .expect("closed");
    lane.sent();
    lane.seen("ABCD0001", "lab-1", 1);
    assert_eq!(lane.sent(), [], "the same tube once more is nothing");
    lane.seen("ABCD0001", "lab-1", 2);
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "conflict")]);
}

#[test]
fn a_lab_that_knows_the_registration_is_told_nothing_when_the_tube_comes() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.sent();
    lane.seen_by_one_who_knows(Some(1), "ABCD0001", "lab-1", 1);
    assert_eq!(lane.sent(), []);
    assert_eq!(lane.gauge("lab-1", Gauge::Received), 1);
}

#[test]
fn a_lab_that_knows_an_older_version_is_told_the_newest() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    let mut amended = single("ABCD0001");
    amended.class = "fever-clinic".into();
    lane.amend(amended).expect("accepted");
    lane.sent();
    lane.seen_by_one_who_knows(Some(1), "ABCD0001", "lab-1", 1);
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "details")]);
}

/// What another lab knows was meant for that.
#[test]
fn a_lab_that_the_tube_was_not_registered_for_is_told_whatever_it_knows() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.sent();
    lane.seen_by_one_who_knows(Some(1), "ABCD0001", "lab-2", 1);
    let told = lane.sent();
    assert!(told.contains(&("lab-2".to_owned(), "details")), "{told:?}");
}
