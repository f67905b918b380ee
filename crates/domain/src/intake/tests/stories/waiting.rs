//! A sample does not come in time, or another is to come in its place.

use crate::intake::board::Gauge;
use crate::intake::event::Event;
use crate::intake::query;
use crate::intake::state::{Awaited, Watch};
use crate::intake::tests::bench::{Lane, START, collection, single};
use crate::message::{FinalResult, Recollected};
use crate::tables::ReadExt;
use crate::time::Millis;

#[test]
fn a_sample_that_does_not_arrive_comes_at_risk_and_then_late() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.register(single("ABCD0002")).expect("accepted");
    assert_eq!(lane.state.all::<Watch>().len(), 1, "one watch for both");
    // Transport has a quarter of 24 hours.
    lane.pass(Millis::from_hours(6));
    assert_eq!(lane.gauge("lab-1", Gauge::AtRisk), 2);
    lane.seen("ABCD0002", "lab-1", 1);
    lane.pass(Millis::from_hours(18));
    assert_eq!(lane.gauge("lab-1", Gauge::Late), 1);
    assert_eq!(lane.gauge("lab-1", Gauge::Received), 1);
    assert!(lane.state.all::<Watch>().is_empty());
    let late: Vec<_> = lane
        .events
        .iter()
        .filter_map(|e| match e {
            Event::WatchChecked { late, .. } => Some(late.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(late, ["ABCD0001".into()]);
}

#[test]
fn a_sample_registered_when_its_report_was_due_is_late_at_once() {
    let mut lane = Lane::new();
    let mut late = single("ABCD0001");
    late.collected_at = Some(START.minus(Millis::from_hours(30)));
    lane.register(late).expect("accepted");
    lane.pass(Millis(0));
    assert_eq!(lane.gauge("lab-1", Gauge::Late), 1);
}

#[test]
fn a_re_collection_is_fulfilled_by_the_tube_that_names_the_old_one() {
    let mut lane = Lane::new();
    lane.register(collection("ABCD0001", 2)).expect("accepted");
    lane.ordered(1, "ABCD0001", "p-1");
    lane.ordered(2, "ABCD0001", "p-2");
    assert_eq!(query::orders_open(&lane.state, lane.now), (2, 0));
    lane.sent();
    let mut new = single("ABCD0002");
    new.subjects = vec!["p-2".into()];
    new.recollection_of = Some("ABCD0001".into());
    lane.register(new).expect("accepted");
    lane.deliver_recollected();
    let told = [
        ("lab-1".to_owned(), "details"),
        ("lab-1".to_owned(), "order fulfilled"),
        ("ABCD0002".to_owned(), "order fulfilled"),
    ];
    assert_eq!(lane.sent(), told);
    let (open, _) = query::orders(&lane.state, None, 0, 10);
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].subject.as_str(), "p-1");
    assert_eq!(open[0].site.as_ref().map(|s| s.as_str()), Some("s-01"));
}

#[test]
fn a_new_swab_that_comes_before_its_order_fulfils_it_too() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    let new = Recollected {
        old: "ABCD0001".into(),
        new: "ABCD0002".into(),
        subjects: vec!["p-1".into()],
    };
    lane.recollected(new.clone());
    lane.recollected(new);
    lane.sent();
    lane.ordered(1, "ABCD0001", "p-1");
    let told = [
        ("lab-1".to_owned(), "order fulfilled"),
        ("ABCD0002".to_owned(), "order fulfilled"),
    ];
    assert_eq!(lane.sent(), told);
    assert_eq!(query::orders_open(&lane.state, lane.now), (0, 0));
}

#[test]
fn the_lab_that_ordered_a_new_swab_is_told_its_result_whoever_tests_it() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0002")).expect("accepted");
    lane.awaited(1, "ABCD0002").expect("registered");
    lane.awaited(1, "ABCD0002").expect("told twice");
    lane.awaited(2, "ABCD0002").expect("a second order");
    lane.seen("ABCD0002", "lab-2", 7);
    lane.sent();
    lane.closed("ABCD0002", FinalResult::Negative)
        .expect("known");
    let told = ("lab-1".to_owned(), "result found");
    assert_eq!(lane.sent(), [told.clone(), told]);
    assert!(lane.state.all::<Awaited>().is_empty(), "nothing is kept");
    lane.closed("ABCD0002", FinalResult::Negative)
        .expect("known");
    assert!(lane.sent().is_empty());
}

#[test]
fn a_result_that_was_there_before_the_order_asked_is_told_at_once() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0002")).expect("accepted");
    lane.closed("ABCD0002", FinalResult::Positive)
        .expect("known");
    lane.sent();
    lane.awaited(1, "ABCD0002").expect("registered");
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "result found")]);
    assert!(lane.state.all::<Awaited>().is_empty());
    let unknown = lane.awaited(1, "ABCD0009").expect_err("never registered");
    assert_eq!(unknown.reason, "SAMPLE_UNKNOWN");
}
