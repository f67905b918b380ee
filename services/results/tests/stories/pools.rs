//! What a pool's result does to its members.

use crate::lab::*;
use tenfold_domain::ids::PoolId;
use tenfold_domain::message::{
    FinalResult, MemberAmended, Message, RecollectionRegistered, RetestReason,
};
use tenfold_domain::time::Millis;
use tenfold_domain::well::Well;
use tenfold_proto::v1;

#[test]
fn a_negative_pool_makes_ten_negatives_and_closes_them_when_they_are_accepted() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=10)]);
    let run = lab.run("PL-1", &[]);
    assert_eq!((run.state(), run.negative), (v1::ImportState::Released, 1));
    assert!((1..=10).all(|n| lab.verdict(n) == "negative" && lab.standing(n) == "final"));
    assert!(lab.closed().is_empty(), "sent is not accepted");
    lab.accept_all(RECEIVER);
    let closed = lab.closed();
    assert_eq!(closed.len(), 10);
    assert!(
        closed
            .iter()
            .all(|c| c.result == FinalResult::Negative && c.report_version == 1)
    );
    assert_eq!(lab.messages("intake").len(), 10);
    assert!((1..=10).all(|n| lab.standing(n) == "closed"));
    assert_eq!(lab.board().count, [0, 0, 0, 0, 10]);
}

#[test]
fn a_positive_pool_is_resolved_by_its_members_own_tests() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=10), pool("B1", 2, 11..=20)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    assert!(
        (1..=10).all(|n| lab.verdict(n).is_empty()),
        "no member may be reported"
    );
    assert!((1..=10).all(|n| lab.standing(n) == "pending-confirmation"));
    assert!(
        (11..=20).all(|n| lab.verdict(n) == "negative"),
        "the other pool waits for nobody"
    );
    let retests = lab.retests();
    assert_eq!(retests.len(), 10);
    assert!(
        retests
            .iter()
            .all(|r| r.reason == RetestReason::PoolPositive && r.round == 2)
    );
    lab.load_retests("PL-2", &retests);
    lab.run("PL-2", &[(&Lab::retest_well(3), POSITIVE)]);
    assert_eq!(lab.verdict(4), "positive");
    assert!(
        (1..=10)
            .filter(|n| *n != 4)
            .all(|n| lab.verdict(n) == "negative")
    );
    assert!(lab.orders().is_empty());
    assert_eq!(lab.explain(4).pool_end, "confirmed");
    assert!(lab.work_kinds().is_empty());
    assert!(
        !lab.result(1).report.expect("reported").pooled,
        "tested alone"
    );
}

#[test]
fn a_pool_whose_members_are_all_negative_is_an_unconfirmed_pool_positive() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=3)]);
    lab.run("PL-1", &[("A1", SINGLE)]);
    let retests = lab.retests();
    assert!(
        retests
            .iter()
            .all(|r| r.reason == RetestReason::PoolSuspect)
    );
    lab.load_retests("PL-2", &retests[..2]);
    lab.run("PL-2", &[]);
    assert_eq!(
        lab.explain(1).pool_end,
        "open",
        "one member is not final yet"
    );
    lab.load_retests("PL-3", &retests[2..]);
    lab.run("PL-3", &[]);
    assert_eq!(lab.explain(1).pool_end, "unconfirmed pool positive");
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::ContaminationReview]);
}

#[test]
fn a_suspect_pools_alert_has_a_clock_that_stops_at_accepted() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2), pool("B1", 2, 3..=4)]);
    lab.run("PL-1", &[("A1", GREY), ("B1", POSITIVE)]);
    let pending = lab.pending(RECEIVER, 0).deliveries;
    let alerts: Vec<u64> = pending
        .iter()
        .filter(|d| {
            matches!(
                d.delivery.as_ref().and_then(|d| d.cargo.as_ref()),
                Some(v1::results_delivery::Cargo::Alert(_))
            )
        })
        .map(|d| d.number)
        .collect();
    assert_eq!(alerts.len(), 2);
    lab.send(RECEIVER);
    lab.answer(RECEIVER, &alerts[..1], "");
    let late = |lab: &Lab| {
        lab.driver
            .events()
            .iter()
            .filter(|event| is_alert_late(event))
            .count()
    };
    lab.advance(Millis::from_mins(119));
    assert_eq!(late(&lab), 0);
    lab.advance(Millis::from_mins(2));
    assert_eq!(late(&lab), 1, "the one that was not accepted");
}

fn is_alert_late(event: &[u8]) -> bool {
    use prost::Message as _;
    matches!(
        v1::ResultsEvent::decode(event).expect("an event").event,
        Some(v1::results_event::Event::AlertLate(_))
    )
}

#[test]
fn an_invalid_pool_is_plated_again_once_and_then_everybody_is_collected_again() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2), pool("B1", 2, 3..=4)]);
    lab.run("PL-1", &[("A1", INVALID)]);
    let replates = lab.replates();
    assert_eq!(replates.len(), 1);
    assert_eq!(replates[0].wells, [well("A1")]);
    assert_eq!(lab.standing(1), "awaiting-replate");
    lab.load("PL-2", vec![pool("C3", 1, 1..=2)]);
    lab.run("PL-2", &[("C3", INVALID)]);
    assert_eq!(
        (lab.verdict(1).as_str(), lab.verdict(2).as_str()),
        ("recollect", "recollect")
    );
    let orders = lab.recollections();
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[0].subject.as_str(), "person-1");
    lab.message(Message::RecollectionRegistered(RecollectionRegistered {
        order: orders[0].order.clone(),
        barcode: barcode(91),
    }))
    .expect("it is known");
    assert_eq!(
        lab.orders().len(),
        1,
        "the other person was not swabbed yet"
    );
}

#[test]
fn an_invalid_pool_that_is_negative_the_second_time_is_negative() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[("A1", INVALID)]);
    lab.load("PL-2", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-2", &[]);
    assert_eq!(lab.verdict(1), "negative");
    assert!(lab.orders().is_empty());
}

#[test]
fn a_single_tube_is_repeated_once_when_inconclusive() {
    let mut lab = Lab::new();
    lab.load(
        "PL-1",
        vec![single("A1", member(1)), single("B1", member(2))],
    );
    lab.run("PL-1", &[("A1", GREY), ("B1", SINGLE)]);
    let retests = lab.retests();
    assert_eq!(retests.len(), 2);
    assert!(
        retests
            .iter()
            .all(|r| r.reason == RetestReason::Inconclusive)
    );
    assert_eq!(lab.standing(1), "awaiting-repeat");
    lab.load_retests("PL-2", &retests);
    lab.run("PL-2", &[("A1", GREY), ("B1", POSITIVE)]);
    assert_eq!(lab.verdict(1), "inconclusive");
    assert_eq!(lab.verdict(2), "positive");
}

#[test]
fn a_single_tube_is_repeated_once_when_invalid_and_then_collected_again() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[("A1", INVALID)]);
    let retests = lab.retests();
    assert_eq!(retests[0].reason, RetestReason::Invalid);
    lab.load_retests("PL-2", &retests);
    lab.run("PL-2", &[("A1", INVALID)]);
    assert_eq!(lab.verdict(1), "recollect");
    assert_eq!(lab.orders().len(), 1);
}

#[test]
fn a_withdrawn_member_is_tested_and_its_release_suppressed() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let amended = MemberAmended {
        tube: tube(2),
        sample: Some(tenfold_domain::sample::Sample {
            version: 2,
            ..sample(2)
        }),
        withdrawn: true,
    };
    lab.message(Message::MemberAmended(amended))
        .expect("it is taken");
    lab.run("PL-1", &[]);
    assert_eq!(
        (lab.verdict(1).as_str(), lab.verdict(2).as_str()),
        ("negative", "")
    );
    let closed = lab.closed();
    assert_eq!(closed.len(), 1);
    assert_eq!(
        (closed[0].result, closed[0].report_version),
        (FinalResult::Withdrawn, 0)
    );
}

#[test]
fn without_a_recorded_transfer_there_is_no_negative() {
    let mut lab = Lab::new();
    let mut well = pool("A1", 1, 1..=2);
    well.members[1].transferred_at = tenfold_domain::Timestamp(0);
    lab.load("PL-1", vec![well]);
    lab.run("PL-1", &[]);
    assert_eq!(
        (lab.verdict(1).as_str(), lab.verdict(2).as_str()),
        ("negative", "")
    );
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::BrokenChain]);
}

#[test]
fn a_member_names_its_file_well_and_rule() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[("A1", ["38.9", "", "25.5"])]);
    let explained = lab.explain(1);
    let test = &explained.tests[0];
    assert_eq!((test.plate.as_str(), test.well.as_str()), ("PL-1", "A1"));
    assert_eq!(test.pool, PoolId::new(LAB, 1).to_string());
    assert_eq!(test.call(), v1::WellCall::Grey);
    assert_eq!(test.file_hash.len(), 64);
    let n = test
        .targets
        .iter()
        .find(|t| t.target == "ORF1ab")
        .expect("the target");
    assert_eq!((n.rule.as_str(), n.rule_version), ("default-cn", 1));
    assert_eq!(n.reading.as_ref().and_then(|r| r.ct), Some(38.9));
    let _: Well = well("A1");
}

#[test]
fn a_retest_is_explained_by_both_rounds_and_by_what_became_of_the_pool() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    let waiting = lab.explain(1);
    assert!(waiting.reports.is_empty() && waiting.closed_at == 0);
    assert_eq!(waiting.standing, "pending-confirmation");
    assert_eq!(waiting.orders.len(), 1);
    let retests = lab.retests();
    lab.load_retests("PL-2", &retests);
    lab.run("PL-2", &[(&Lab::retest_well(1), POSITIVE)]);
    lab.accept_all(RECEIVER);
    let told = lab.explain(1);
    let rounds: Vec<_> = told
        .tests
        .iter()
        .map(|test| (test.round, test.plate.as_str(), test.members, test.call()))
        .collect();
    assert_eq!(
        rounds,
        [
            (1, "PL-1", 2, v1::WellCall::Positive),
            (2, "PL-2", 1, v1::WellCall::Negative)
        ]
    );
    let (first, own) = (&told.tests[0], &told.tests[1]);
    assert!(own.pool.is_empty() && !first.pool.is_empty());
    assert_eq!(
        (first.imported_by.as_str(), first.instrument.is_empty()),
        ("tech-1", false)
    );
    assert!(first.loaded_at > 0 && first.imported_at >= first.loaded_at);
    let suspect = told.suspect.expect("its pool was suspect");
    assert_eq!(
        (
            suspect.plate.as_str(),
            suspect.well.as_str(),
            suspect.end.as_str(),
            suspect.members
        ),
        ("PL-1", "A1", "confirmed", 2)
    );
    assert_eq!(suspect.call(), v1::WellCall::Positive);
    let report = &told.reports[0];
    assert_eq!(
        (report.verdict(), report.pooled),
        (v1::Verdict::Negative, false)
    );
    assert_eq!(told.receivers[0].state, "accepted");
    assert!(told.closed_at > 0);
}

#[test]
fn what_an_earlier_analysis_said_stays_in_the_explanation() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[]);
    lab.analyse_again("PL-1", &[("A1", POSITIVE)]);
    let told = lab.explain(1);
    let test = &told.tests[0];
    assert_eq!((test.version, test.call()), (2, v1::WellCall::Positive));
    assert_eq!(test.earlier.len(), 1);
    assert_eq!(test.earlier[0].call(), v1::WellCall::Negative);
    assert_ne!(test.earlier[0].file_hash, test.file_hash);
    assert!(told.reports[0].pooled, "the first negative was the pool's");
}

#[test]
fn a_plate_out_of_control_says_which_control_failed() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[("H12", POSITIVE)]);
    let told = lab.explain(1);
    let test = &told.tests[0];
    assert_eq!(test.controls, "out-of-control");
    assert_eq!(test.failures[0].well, "H12");
    assert!(told.reports.is_empty());
}
