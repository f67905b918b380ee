//! Tubes that several persons were swabbed into at the site: they can never be separated again, so each is swabbed anew.

use crate::lab::*;
use tenfold_domain::message::{
    FinalResult, Message, RecollectionFound, RecollectionOrder, RecollectionRegistered,
};

#[test]
fn a_positive_collection_pool_recollects_every_person_and_closes_with_their_new_results() {
    let mut lab = Lab::new();
    let mut tube = member(1);
    tube.sample.collection_pool = true;
    tube.sample.subjects = vec!["p-a".into(), "p-b".into(), "p-c".into()];
    lab.load("PL-1", vec![single("A1", tube)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    assert_eq!(lab.verdict(1), "recollect");
    assert_eq!(
        lab.result(1).report.expect("reported").subjects,
        ["p-a", "p-b", "p-c"]
    );
    let orders = lab.recollections();
    assert_eq!(orders.len(), 3);
    assert!(
        lab.retests().is_empty(),
        "they can never be separated again"
    );
    for (order, new) in orders.iter().zip([11, 12, 13]) {
        lab.message(Message::RecollectionRegistered(RecollectionRegistered {
            order: order.order.clone(),
            barcode: barcode(new),
        }))
        .expect("it is known");
    }
    let new = |n: u64| {
        let mut new = member(n);
        new.sample.recollection_of = Some(barcode(1));
        new
    };
    lab.load(
        "PL-2",
        vec![
            single("A1", new(11)),
            single("B1", new(12)),
            single("C1", new(13)),
        ],
    );
    assert_eq!(lab.explain(1).pool_end, "open");
    lab.run("PL-2", &[]);
    assert_eq!(lab.explain(1).pool_end, "unconfirmed pool positive");
}

#[test]
fn a_suspect_collection_pool_stays_one_whatever_its_registration_says_later() {
    let mut lab = Lab::new();
    let mut collection = member(1);
    collection.sample.collection_pool = true;
    collection.sample.subjects = vec!["p-a".into(), "p-b".into()];
    lab.load("PL-1", vec![single("A1", collection)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.load("PL-2", vec![single("A1", member(1))]);
    lab.run("PL-2", &[]);
    assert_eq!(lab.verdict(1), "recollect");
}

/// A positive tube of three persons, and the orders to swab them again.
fn positive(lab: &mut Lab) -> Vec<RecollectionOrder> {
    let mut tube = member(1);
    tube.sample.collection_pool = true;
    tube.sample.subjects = vec!["p-a".into(), "p-b".into(), "p-c".into()];
    lab.load("PL-1", vec![single("A1", tube)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.recollections()
}

/// Intake tells that the new sample of an order exists.
fn registered(lab: &mut Lab, order: &RecollectionOrder, new: u64) {
    lab.message(Message::RecollectionRegistered(RecollectionRegistered {
        order: order.order.clone(),
        barcode: barcode(new),
    }))
    .expect("it is known");
}

/// Intake tells what another lab found.
fn found(lab: &mut Lab, order: &RecollectionOrder, new: u64, finding: FinalResult) {
    lab.message(Message::RecollectionFound(RecollectionFound {
        order: order.order.clone(),
        barcode: barcode(new),
        finding,
    }))
    .expect("it is known");
}

#[test]
fn a_collection_pool_closes_with_the_results_of_another_lab() {
    use FinalResult::{Negative, Positive};
    for (last, end) in [
        (Negative, "unconfirmed pool positive"),
        (Positive, "confirmed"),
    ] {
        let mut lab = Lab::new();
        let orders = positive(&mut lab);
        for (order, new) in orders.iter().zip(11..) {
            registered(&mut lab, order, new);
        }
        found(&mut lab, &orders[0], 11, Negative);
        found(&mut lab, &orders[1], 12, Negative);
        assert_eq!(lab.explain(1).pool_end, "open", "one person is unknown");
        found(&mut lab, &orders[2], 13, last);
        assert_eq!(lab.explain(1).pool_end, end);
    }
}

#[test]
fn a_result_that_comes_before_its_registration_counts_and_a_later_one_changes_nothing() {
    use FinalResult::{Negative, Positive};
    let mut lab = Lab::new();
    let orders = positive(&mut lab);
    found(&mut lab, &orders[0], 11, Positive);
    registered(&mut lab, &orders[0], 11);
    for (order, new) in orders[1..].iter().zip(12..) {
        registered(&mut lab, order, new);
        found(&mut lab, order, new, Negative);
    }
    assert_eq!(lab.explain(1).pool_end, "confirmed");
    assert!(lab.orders().is_empty(), "nobody is waited for");
    found(&mut lab, &orders[0], 11, Negative);
    assert_eq!(lab.explain(1).pool_end, "confirmed");
}

#[test]
fn a_result_of_an_order_that_was_never_given_is_refused() {
    let mut lab = Lab::new();
    let mut order = positive(&mut lab).remove(0);
    order.order.number = 99;
    let refused = lab
        .message(Message::RecollectionFound(RecollectionFound {
            order: order.order,
            barcode: barcode(11),
            finding: FinalResult::Negative,
        }))
        .expect_err("nobody ordered it");
    assert_eq!(refused.reason, "ORDER_UNKNOWN");
}
