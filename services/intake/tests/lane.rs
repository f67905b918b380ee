//! A lane of intake as the engine runs it: bytes in, journal and messages out.

mod common;

use common::{Lab, registration};
use tenfold_domain::time::Millis;
use tenfold_proto::v1;
use tenfold_proto::v1::message::Message;

#[test]
fn a_tube_goes_from_registration_to_its_lab_and_is_closed() {
    let mut intake = Lab::with_policy();
    let receipt = intake.register(registration("ABCD0001")).expect("accepted");
    assert_eq!(receipt.effect(), v1::RegistrationEffect::Accepted);
    let sent = intake.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, "pooling lab-1");
    assert!(matches!(sent[0].1, Message::SampleDetails(_)));

    intake.driver.advance(Millis::from_mins(40));
    intake.seen("ABCD0001", "lab-1");
    let sample = intake.sample("ABCD0001").expect("known");
    assert_eq!(sample.life(), v1::BarcodeLife::Open);
    assert_eq!(sample.custody.map(|c| c.tube), Some("lab-1/T1".to_owned()));

    intake.closed("ABCD0001");
    let sample = intake.sample("ABCD0001").expect("known");
    assert_eq!(sample.life(), v1::BarcodeLife::Closed);
    assert_eq!(sample.result(), v1::FinalResult::Negative);
}

#[test]
fn before_a_policy_is_active_a_registration_is_refused_and_a_tube_is_taken_in() {
    let mut intake = Lab::new();
    let refused = intake
        .register(registration("ABCD0001"))
        .expect_err("refused");
    assert_eq!(refused.reason, "NO_POLICY");
    intake.seen("ABCD0001", "lab-1");
    intake.activate();
    intake.register(registration("ABCD0001")).expect("accepted");
    let sent = intake.sent();
    let Some((to, Message::SampleDetails(sample))) = sent.first() else {
        panic!("{sent:?}");
    };
    assert_eq!(to, "pooling lab-1");
    assert_eq!(
        sample.flags().collect::<Vec<_>>(),
        [v1::Flag::RegisteredAfterReceipt]
    );
}

#[test]
fn the_same_policy_again_journals_nothing() {
    let mut intake = Lab::with_policy();
    let events = intake.driver.events().len();
    intake.activate();
    assert_eq!(intake.driver.events().len(), events);
}

#[test]
fn a_stream_of_registrations_is_decided_item_by_item_and_a_bad_one_is_told_to_its_source() {
    let mut intake = Lab::with_policy();
    for (n, barcode) in [(1, "ABCD0001"), (2, "short"), (3, "ABCD0003")] {
        intake.take(registration(barcode), n);
    }
    let outcomes = intake.outcomes("s-01");
    let barcodes: Vec<&str> = outcomes
        .outcomes
        .iter()
        .map(|o| o.barcode.as_str())
        .collect();
    assert_eq!(barcodes, ["ABCD0001", "ABCD0003", "short"]);
    let refusal = outcomes.outcomes[2].refusal.clone().expect("refused");
    assert_eq!(refusal.reason, "BARCODE_PATTERN");
    assert_eq!(outcomes.outcomes[2].sequence, 2);
}

#[test]
fn what_does_not_arrive_is_at_risk_and_then_late_on_the_board() {
    let mut intake = Lab::with_policy();
    for n in 0..2_000 {
        intake
            .register(registration(&format!("ABCD{n:04}")))
            .expect("accepted");
    }
    let board = |intake: &Lab| {
        let lab = intake.board().labs[0].clone();
        (lab.expected, lab.at_risk, lab.late)
    };
    assert_eq!(board(&intake), (2_000, 0, 0));
    intake.driver.advance(Millis::from_hours(6));
    assert_eq!(board(&intake), (0, 2_000, 0));
    intake.driver.advance(Millis::from_hours(18));
    assert_eq!(board(&intake), (0, 0, 2_000));
}

#[test]
fn a_new_swab_fulfils_its_order_across_lanes() {
    let mut old_lane = Lab::with_policy();
    old_lane
        .register(registration("ABCD0001"))
        .expect("accepted");
    old_lane.ordered("ABCD0001", "p-1");
    assert_eq!(old_lane.board().recollections_open, 1);

    let mut new_lane = Lab::with_policy();
    let mut new = registration("ABCD0002");
    new.recollection_of = Some("ABCD0001".to_owned());
    new_lane.register(new).expect("accepted");
    let sent = new_lane.sent();
    let (to, message) = sent.last().expect("a message");
    assert_eq!(to, "intake ABCD0001");

    old_lane.sent();
    old_lane.deliver(message.clone());
    assert_eq!(old_lane.board().recollections_open, 0);
    let sent = old_lane.sent();
    assert_eq!(sent[0].0, "results lab-1");
    assert!(matches!(sent[0].1, Message::RecollectionRegistered(_)));
}
