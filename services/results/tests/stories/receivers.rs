//! Receivers: they answer, refuse, stay away, and come back.

use crate::lab::*;
use tenfold_domain::time::Millis;
use tenfold_proto::v1;

fn reported() -> Lab {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=3)]);
    lab.run("PL-1", &[]);
    lab
}

fn resolve(lab: &mut Lab, how: v1::WorkResolution) {
    let number = lab.work().items[0].work.as_ref().expect("named").number;
    lab.command(v1::results_command::Command::ResolveWork(
        v1::ResolveWorkRequest {
            lab: LAB.to_owned(),
            number,
            how: how.into(),
            note: "telephoned".to_owned(),
            actor: "tech-1".to_owned(),
            request_id: "r".to_owned(),
        },
    ))
    .expect("resolved");
}

#[test]
fn what_is_sent_is_not_sent_again_before_its_time() {
    let mut lab = reported();
    assert_eq!(lab.send(RECEIVER).len(), 3);
    assert!(lab.send(RECEIVER).is_empty());
    lab.advance(Millis::from_secs(31));
    let again = lab.pending(RECEIVER, 0).deliveries;
    assert_eq!(again.len(), 3);
    assert_eq!(again[0].delivery.as_ref().expect("it").attempt, 2);
}

#[test]
fn a_refused_report_is_a_work_item_and_blocks_nobody_else() {
    let mut lab = reported();
    let numbers = lab.send(RECEIVER);
    lab.answer(RECEIVER, &numbers[..1], "unknown site code");
    lab.answer(RECEIVER, &numbers[1..], "");
    assert_eq!(lab.closed().len(), 2);
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::DeliveryRejected]);
    assert!(lab.work().items[0].detail.contains("unknown site code"));
    lab.advance(Millis::from_mins(10));
    assert!(lab.send(RECEIVER).is_empty(), "it waits for a person");
    resolve(&mut lab, v1::WorkResolution::Redeliver);
    assert!(lab.work().items.is_empty());
    lab.accept_all(RECEIVER);
    assert_eq!(lab.closed().len(), 1);
}

#[test]
fn a_person_can_record_an_acknowledgement_by_hand() {
    let mut lab = reported();
    let numbers = lab.send(RECEIVER);
    lab.answer(RECEIVER, &numbers[..1], "field too long");
    resolve(&mut lab, v1::WorkResolution::Acknowledged);
    assert_eq!(lab.closed().len(), 1);
}

#[test]
fn a_report_is_given_up_after_the_policys_attempts() {
    let mut lab = reported();
    for _ in 0..100 {
        assert_eq!(lab.send(RECEIVER).len(), 3);
        lab.advance(Millis::from_secs(30));
    }
    assert!(lab.send(RECEIVER).is_empty());
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::DeliveryGivenUp; 3]);
}

#[test]
fn a_receiver_that_was_away_for_a_day_gets_everything_in_order() {
    let mut lab = reported();
    lab.advance(Millis::from_hours(24));
    lab.load("PL-2", vec![pool("A1", 2, 4..=5)]);
    lab.run("PL-2", &[]);
    let pending = lab.pending(RECEIVER, 0).deliveries;
    let numbers: Vec<u64> = pending.iter().map(|d| d.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    lab.accept_all(RECEIVER);
    assert!(lab.pending(RECEIVER, 0).deliveries.is_empty());
    assert_eq!(lab.board().waiting_deliveries, 0);
}

#[test]
fn an_answer_that_comes_twice_changes_nothing() {
    let mut lab = reported();
    let numbers = lab.send(RECEIVER);
    lab.answer(RECEIVER, &numbers, "");
    let events = lab.driver.events().len();
    lab.answer(RECEIVER, &numbers, "");
    lab.answer(RECEIVER, &numbers, "too late");
    assert_eq!(lab.driver.events().len(), events);
}

#[test]
fn two_receivers_get_what_their_filters_say_and_both_must_accept() {
    let mut lab = Lab::new();
    let policy = tenfold_domain::policy::Policy::default_text()
        .replace("\nversion = 1\n\n# ---", "\nversion = 2\n\n# ---")
        + "\n[receivers.north]\nareas = [\"north\"]\n\n[receivers.s2]\nsites = [\"s-02\"]\n";
    lab.apply(&policy, 2).expect("applied");
    let mut south = member(2);
    south.sample.site = "s-02".into();
    lab.load("PL-1", vec![single("A1", member(1)), single("B1", south)]);
    lab.run("PL-1", &[]);
    let receivers = |lab: &Lab, n| -> Vec<String> {
        lab.result(n)
            .receivers
            .into_iter()
            .map(|r| r.receiver)
            .collect()
    };
    assert_eq!(receivers(&lab, 1), ["cdc", "north"]);
    assert_eq!(receivers(&lab, 2), ["cdc", "s2"]);
    lab.accept_all(RECEIVER);
    assert!(lab.closed().is_empty());
    lab.accept_all("north");
    assert_eq!(lab.closed().len(), 1);
}

#[test]
fn tubes_that_are_not_read_in_time_are_at_risk_and_then_late() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=3)]);
    lab.advance(Millis::from_hours(15));
    assert_eq!(lab.result(1).clock, "in-time");
    lab.advance(Millis::from_hours(6));
    assert_eq!(lab.result(1).clock, "at-risk");
    assert_eq!(lab.board().at_risk, [3, 0, 0, 0, 0]);
    lab.advance(Millis::from_hours(4));
    assert_eq!(lab.result(1).clock, "late");
    assert_eq!(lab.board().late, [3, 0, 0, 0, 0]);
}

#[test]
fn a_retest_has_a_clock_of_its_own() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=3)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.advance(Millis::from_hours(5));
    assert_eq!(lab.board().late_orders, 0);
    lab.advance(Millis::from_hours(2));
    assert_eq!(lab.board().late_orders, 3);
    assert!(lab.orders().iter().all(|order| order.late));
}
