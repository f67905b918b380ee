//! Stories of a lane.

use super::bench::{Lane, START, collection, single};
use crate::intake::board::Gauge;
use crate::intake::event::Event;
use crate::intake::query::{self, Cursor, Told};
use crate::intake::register::Effect;
use crate::intake::state::{Life, Watch};
use crate::message::{FinalResult, Message, Recollected};
use crate::sample::{Flag, Hold};
use crate::tables::ReadExt;
use crate::time::{Millis, Timestamp};

fn reason<T: std::fmt::Debug>(result: Result<T, crate::Rejection>) -> String {
    result.expect_err("refused").reason
}

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
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "order fulfilled")]);
    assert_eq!(query::orders_open(&lane.state, lane.now), (0, 0));
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
