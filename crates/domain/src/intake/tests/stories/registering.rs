//! A registration comes: taken, known already, a conflict, or with a mark; and its sender is told.

use super::reason;
use crate::intake::board::Gauge;
use crate::intake::query::{self, Cursor, Told};
use crate::intake::register::Effect;
use crate::intake::tests::bench::{Lane, START, collection, single};
use crate::sample::{Flag, Hold};
use crate::time::{Millis, Timestamp};

#[test]
fn a_registration_is_routed_to_the_lab_of_its_site() {
    let mut lane = Lane::new();
    let receipt = lane.register(single("ABCD0001")).expect("accepted");
    assert_eq!((receipt.effect, receipt.version), (Effect::Accepted, 1));
    assert_eq!(receipt.due, Some(START.plus(Millis::from_hours(24))));
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "details")]);
    assert_eq!(lane.gauge("lab-1", Gauge::Expected), 1);
}

#[test]
fn a_lab_that_the_sender_names_counts_before_the_sites_own() {
    let mut lane = Lane::new();
    let mut elsewhere = single("ABCD0001");
    elsewhere.lab = Some("lab-2".into());
    lane.register(elsewhere).expect("accepted");
    assert_eq!(lane.sent(), [("lab-2".to_owned(), "details")]);
}

#[test]
fn the_same_again_is_already_known_and_says_nothing_new() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.sent();
    let events = lane.events.len();
    let again = lane.register(single("ABCD0001")).expect("known");
    assert_eq!(again.effect, Effect::AlreadyKnown);
    let mut other_source = single("ABCD0001");
    other_source.source = "city-gateway".to_owned();
    let again = lane.register(other_source).expect("known");
    assert_eq!(again.effect, Effect::AlreadyKnown);
    assert_eq!((lane.events.len(), lane.sent().len()), (events, 0));
}

#[test]
fn other_content_under_the_same_version_is_a_conflict_and_from_another_source_taken() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    let mut other = single("ABCD0001");
    other.class = "patient".into();
    let refused = lane.register(other.clone()).expect_err("conflict");
    assert_eq!(refused.reason, "REGISTRATION_CONFLICT");
    assert!(refused.message.contains("sampling_class"), "{refused}");
    other.source = "city-gateway".to_owned();
    other.version = 7;
    assert_eq!(reason(lane.register(other)), "BARCODE_TAKEN");
    let mut other_site = single("ABCD0001");
    other_site.site = "s-02".into();
    assert_eq!(reason(lane.register(other_site)), "BARCODE_TAKEN");
}

#[test]
fn a_higher_version_of_the_source_amends_and_a_lower_one_is_old() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    let mut newer = single("ABCD0001");
    newer.version = 3;
    newer.class = "patient".into();
    let receipt = lane.register(newer.clone()).expect("amended");
    assert_eq!((receipt.effect, receipt.version), (Effect::Amended, 3));
    assert_eq!(lane.sent(), vec![("lab-1".to_owned(), "details"); 2]);
    let old = lane.register(single("ABCD0001")).expect("old");
    assert_eq!((old.effect, old.version), (Effect::OldVersion, 3));
    assert_eq!(
        lane.register(newer).expect("known").effect,
        Effect::AlreadyKnown
    );
}

#[test]
fn the_same_person_in_another_tube_is_a_repeat_and_no_duplicate() {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    let mut repeat = single("ABCD0002");
    repeat.isolation_repeat = true;
    let receipt = lane.register(repeat).expect("accepted");
    let flags = receipt.sample.map(|s| s.flags);
    assert_eq!(flags, Some(vec![Flag::IsolationRepeat]));
}

#[test]
fn a_count_that_differs_is_accepted_and_held() {
    let mut lane = Lane::new();
    let mut pool = collection("ABCD0001", 9);
    pool.observed_swabs = Some(10);
    let receipt = lane.register(pool).expect("accepted");
    let hold = Hold::CountMismatch {
        registered: 9,
        observed: 10,
    };
    assert_eq!(receipt.hold(), Some(&hold));
    let mut right = collection("ABCD0002", 10);
    right.observed_swabs = Some(10);
    assert_eq!(lane.register(right).expect("accepted").hold(), None);
}

#[test]
fn times_that_cannot_be_right_are_taken_with_a_mark() {
    let hours = |h: i64| Some(START.plus(Millis::from_hours(h)));
    for (collected_at, flag) in [
        (None, Some(Flag::CollectedUnknown)),
        (hours(1), Some(Flag::CollectedInFuture)),
        (hours(-13), Some(Flag::LateEntry)),
        (Some(Timestamp(-2_208_988_800_000)), Some(Flag::LateEntry)),
        (hours(-12), None),
        (Some(START.plus(Millis::from_mins(5))), None),
    ] {
        let mut lane = Lane::new();
        let mut registration = single("ABCD0001");
        registration.collected_at = collected_at;
        let sample = lane.register(registration).expect("accepted").sample;
        let sample = sample.expect("in force");
        assert_eq!(sample.collected_at, collected_at);
        assert_eq!(sample.flags, Vec::from_iter(flag), "{collected_at:?}");
    }
}

#[test]
fn outcomes_of_a_stream_are_told_once_each_by_source() {
    let mut lane = Lane::new();
    lane.seen("ABCD0003", "lab-1", 1);
    lane.take(single("ABCD0001"), 1).expect("accepted");
    lane.take(single("bad"), 2).expect_err("refused");
    lane.take(single("ABCD0003"), 3).expect("accepted");
    let mut other = single("ABCD0009");
    other.site = "s-02".into();
    lane.take(other, 1).expect("accepted");
    let telling = query::outcomes(&lane.state, "s-01", Cursor::default(), 10);
    let told: Vec<(String, u64)> = telling
        .told
        .iter()
        .map(|t| match t {
            Told::Accepted {
                barcode, sequence, ..
            } => (barcode.to_string(), *sequence),
            Told::Refused(outcome) => (format!("not {}", outcome.barcode), outcome.sequence),
        })
        .collect();
    let wanted = [("ABCD0001", 0), ("not bad", 2), ("ABCD0003", 3)];
    assert_eq!(told, wanted.map(|(b, n)| (b.to_owned(), n)));
    assert_eq!((telling.dropped, telling.more), (0, false));
    let rest = query::outcomes(&lane.state, "s-01", telling.cursor, 10);
    assert_eq!(rest.told, []);
    assert_eq!(rest.cursor, query::end(&lane.state));
}
