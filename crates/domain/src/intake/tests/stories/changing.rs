//! A sample is amended, cancelled, closed.

use super::reason;
use crate::intake::board::Gauge;
use crate::intake::register::Effect;
use crate::intake::state::Life;
use crate::intake::tests::bench::{Lane, single};
use crate::message::FinalResult;

#[test]
fn an_amendment_reaches_the_lab_that_has_the_tube() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.seen("ABCD0001", "lab-2", 1);
    lane.sent();
    let mut amended = single("ABCD0001");
    amended.class = "fever-clinic".into();
    let receipt = lane.amend(amended.clone()).expect("amended");
    assert_eq!((receipt.effect, receipt.version), (Effect::Amended, 2));
    assert_eq!(lane.sent(), [("lab-2".to_owned(), "details")]);
    // Once more says the same; a stale version is refused; so is another lab.
    let again = lane.amend(amended.clone()).expect("known");
    assert_eq!(again.effect, Effect::AlreadyKnown);
    amended.class = "routine".into();
    amended.version = 2;
    assert_eq!(reason(lane.amend(amended.clone())), "VERSION_OLD");
    amended.version = 0;
    amended.lab = Some("lab-1".into());
    assert_eq!(reason(lane.amend(amended)), "LAB_HAS_TUBE");
}

#[test]
fn an_amendment_before_receipt_may_send_the_tube_elsewhere() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.sent();
    let mut amended = single("ABCD0001");
    amended.lab = Some("lab-2".into());
    lane.amend(amended).expect("amended");
    let labs = [
        ("lab-1".to_owned(), "withdrawn"),
        ("lab-2".to_owned(), "details"),
    ];
    assert_eq!(lane.sent(), labs);
}

#[test]
fn what_is_not_registered_cannot_be_amended_or_cancelled() {
    let mut lane = Lane::new();
    lane.seen("ABCD0002", "lab-1", 1);
    for barcode in ["ABCD0001", "ABCD0002"] {
        assert_eq!(reason(lane.amend(single(barcode))), "SAMPLE_UNKNOWN");
        assert_eq!(reason(lane.cancel(barcode)), "SAMPLE_UNKNOWN");
    }
}

#[test]
fn a_cancelled_registration_is_withdrawn_from_its_lab_for_good() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.sent();
    assert_eq!(lane.cancel("ABCD0001").expect("cancelled").version, 2);
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "withdrawn")]);
    let again = lane.cancel("ABCD0001").expect("no error");
    assert_eq!(again.effect, Effect::AlreadyKnown);
    let old = lane.register(single("ABCD0001")).expect("old");
    assert_eq!(old.effect, Effect::AlreadyKnown);
    let mut newer = single("ABCD0001");
    newer.version = 2;
    assert_eq!(reason(lane.register(newer.clone())), "BARCODE_WITHDRAWN");
    assert_eq!(reason(lane.amend(newer)), "VERSION_OLD");
    // The tube comes all the same.
    lane.seen("ABCD0001", "lab-1", 1);
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "withdrawn")]);
}

#[test]
fn a_closed_sample_shrinks_and_still_knows_its_own_registration() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.seen("ABCD0001", "lab-1", 1);
    lane.closed("ABCD0001", FinalResult::Positive)
        .expect("closed");
    let entry = lane.entry("ABCD0001").expect("kept");
    assert!(matches!(entry.life, Life::Closed(_)));
    assert_eq!(lane.gauge("lab-1", Gauge::Closed), 1);
    let again = lane.register(single("ABCD0001")).expect("known");
    assert_eq!((again.effect, again.sample), (Effect::AlreadyKnown, None));
    let mut other = single("ABCD0001");
    other.subjects = vec!["p-2".into()];
    assert_eq!(
        reason(lane.register(other.clone())),
        "REGISTRATION_CONFLICT"
    );
    assert_eq!(reason(lane.cancel("ABCD0001")), "SAMPLE_CLOSED");
    // A correction after the report still reaches the lab.
    lane.sent();
    other.version = 2;
    assert_eq!(
        lane.register(other).expect("amended").effect,
        Effect::Amended
    );
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "details")]);
}

#[test]
fn closing_what_was_never_registered_is_refused() {
    let mut lane = Lane::new();
    let unknown = lane.closed("ABCD0001", FinalResult::Negative);
    assert_eq!(reason(unknown), "SAMPLE_UNKNOWN");
}
