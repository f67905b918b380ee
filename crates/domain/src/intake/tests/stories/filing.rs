//! A sample that results has filed: a card is left of it, and whoever comes late with its label is answered as before.

use super::reason;
use crate::intake::board::Gauge;
use crate::intake::register::Effect;
use crate::intake::state::{Awaited, Entry, Filed, Life, Watch};
use crate::intake::tests::bench::{Lane, single};
use crate::message::{FinalResult, Message};
use crate::tables::{ReadExt, Row};
use crate::time::Millis;

/// A sample of lab-1's first tube, reported.
fn closed() -> Lane {
    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.seen("ABCD0001", "lab-1", 1);
    lane.pass(Millis::from_hours(3));
    lane.closed("ABCD0001", FinalResult::Negative)
        .expect("taken");
    lane.sent();
    lane
}

/// And filed.
fn filed() -> Lane {
    let mut lane = closed();
    lane.filed("ABCD0001", 1, 1);
    assert!(matches!(life(&lane), Life::Filed(_)));
    assert_eq!(lane.sent(), []);
    lane
}

fn life(lane: &Lane) -> Life {
    lane.entry("ABCD0001")
        .expect("a filed barcode is known")
        .life
}

fn card(lane: &Lane) -> Filed {
    match life(lane) {
        Life::Filed(card) => card,
        other => panic!("{other:?}"),
    }
}

fn bytes(lane: &Lane) -> usize {
    let entry = lane.entry("ABCD0001").expect("an entry");
    entry
        .encode(Vec::new())
        .map_or(usize::MAX, |bytes| bytes.len())
}

#[test]
fn a_card_takes_two_thirds_of_a_closed_entry() {
    let mut lane = closed();
    let before = bytes(&lane);
    lane.filed("ABCD0001", 1, 1);
    let after = bytes(&lane);
    assert_eq!((before, after), (63, 40));
    assert_eq!(
        lane.gauge("lab-1", Gauge::Closed),
        1,
        "it is closed for ever"
    );
}

#[test]
fn after_weeks_of_the_same_work_there_is_one_card_a_sample_and_nothing_else() {
    let mut lane = Lane::new();
    let mut sizes = Vec::new();
    for day in 0..40_u64 {
        for n in 0..5 {
            let barcode = format!("ABCD{:04}", day * 5 + n);
            lane.register(single(&barcode)).expect("accepted");
            lane.seen(&barcode, "lab-1", day * 5 + n + 1);
            lane.closed(&barcode, FinalResult::Negative).expect("taken");
        }
        for n in 0..5 {
            if let Some(old) = day.checked_sub(14) {
                lane.filed(&format!("ABCD{:04}", old * 5 + n), old * 5 + n + 1, 1);
            }
        }
        lane.pass(Millis::from_hours(24));
        let entries = lane.state.all::<Entry>();
        let at_hand = entries
            .iter()
            .filter(|(_, entry)| !matches!(entry.life, Life::Filed(_)));
        sizes.push([
            at_hand.count(),
            lane.state.all::<Watch>().len(),
            lane.state.all::<Awaited>().len(),
        ]);
    }
    assert!(
        sizes[20..].iter().all(|size| *size == [14 * 5, 0, 0]),
        "{sizes:?}"
    );
    assert_eq!(lane.state.all::<Entry>().len(), 40 * 5);
}

#[test]
fn a_repeat_of_a_filed_registration_is_known_and_another_content_is_refused() {
    let mut lane = filed();
    let again = lane.register(single("ABCD0001")).expect("known");
    assert_eq!((again.effect, again.version), (Effect::AlreadyKnown, 1));
    let mut other = single("ABCD0001");
    other.class = "fever-clinic".into();
    assert_eq!(
        reason(lane.register(other.clone())),
        "REGISTRATION_CONFLICT"
    );
    other.source = "another-system".to_owned();
    assert_eq!(reason(lane.register(other)), "BARCODE_TAKEN");
    assert_eq!(reason(lane.cancel("ABCD0001")), "SAMPLE_CLOSED");
    assert_eq!(lane.sent(), []);
}

#[test]
fn a_newer_version_of_a_filed_registration_is_told_to_results_which_tells_a_person() {
    let mut lane = filed();
    let mut newer = single("ABCD0001");
    newer.version = 2;
    newer.class = "fever-clinic".into();
    let receipt = lane.register(newer.clone()).expect("amended");
    assert_eq!((receipt.effect, receipt.version), (Effect::Amended, 2));
    let [outgoing] = &lane.sent[..] else {
        panic!("{:?}", lane.sent);
    };
    let Message::MemberAmended(amended) = &outgoing.message else {
        panic!("{outgoing:?}");
    };
    assert_eq!((outgoing.key.as_str(), amended.tube.number), ("lab-1", 1));
    assert_eq!(amended.sample.as_ref().map(|s| s.version), Some(2));
    assert_eq!((card(&lane).version, card(&lane).by.as_str()), (2, "s-01"));
    let again = lane.register(newer).expect("known");
    assert_eq!(again.effect, Effect::AlreadyKnown);
    let old = lane.register(single("ABCD0001")).expect("old");
    assert_eq!(old.effect, Effect::OldVersion);
    // Results says once more that it is closed: nothing comes back.
    lane.closed("ABCD0001", FinalResult::Negative)
        .expect("taken");
    assert_eq!(card(&lane).version, 2);
    let mut elsewhere = single("ABCD0001");
    elsewhere.lab = Some("lab-2".into());
    assert_eq!(reason(lane.amend(elsewhere)), "LAB_HAS_TUBE");
}

#[test]
fn the_label_of_a_filed_sample_that_is_used_again_is_a_conflict() {
    let mut lane = filed();
    lane.seen("ABCD0001", "lab-1", 1);
    assert_eq!(lane.sent(), [], "the same word about the same tube");
    for (lab, tube) in [("lab-1", 9), ("lab-2", 1)] {
        lane.seen("ABCD0001", lab, tube);
        assert_eq!(lane.sent(), [(lab.to_owned(), "conflict")]);
    }
    assert_eq!(card(&lane).tube, 1, "nobody takes it silently");
}

#[test]
fn who_waits_for_a_filed_sample_is_told_its_result_at_once() {
    let mut lane = filed();
    lane.awaited(3, "ABCD0001").expect("taken");
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "result found")]);
    assert_eq!(lane.state.all::<Awaited>(), []);
}

#[test]
fn what_is_not_closed_or_is_held_to_be_another_tube_is_not_filed() {
    let mut lane = Lane::new();
    lane.filed("ABCD0001", 1, 1);
    assert!(lane.entry("ABCD0001").is_none());
    lane.register(single("ABCD0001")).expect("accepted");
    lane.seen("ABCD0001", "lab-2", 4);
    lane.filed("ABCD0001", 1, 1);
    assert!(matches!(life(&lane), Life::Open(_)));
    lane.closed("ABCD0001", FinalResult::Negative)
        .expect("taken");
    lane.filed("ABCD0001", 1, 1);
    assert!(matches!(life(&lane), Life::Closed(_)), "lab-2 has it");
    let mut twice = closed();
    twice.filed("ABCD0001", 1, 1);
    let events = twice.events.len();
    twice.filed("ABCD0001", 1, 1);
    assert_eq!(twice.events.len(), events);
}

#[test]
fn a_change_that_crossed_the_filing_is_followed_to_pooling_and_a_cancellation_told_to_results() {
    let mut lane = closed();
    let mut newer = single("ABCD0001");
    newer.class = "fever-clinic".into();
    lane.amend(newer).expect("amended");
    lane.sent();
    lane.filed("ABCD0001", 1, 1);
    assert_eq!(lane.sent(), [("lab-1".to_owned(), "filed")]);
    assert_eq!(card(&lane).version, 2);

    let mut lane = Lane::new();
    lane.register(single("ABCD0001")).expect("accepted");
    lane.seen("ABCD0001", "lab-1", 1);
    lane.cancel("ABCD0001").expect("cancelled");
    lane.closed("ABCD0001", FinalResult::Negative)
        .expect("taken");
    lane.sent();
    lane.filed("ABCD0001", 1, 1);
    let Some(Message::MemberAmended(amended)) = lane.sent.first().map(|m| &m.message) else {
        panic!("{:?}", lane.sent);
    };
    assert!(amended.withdrawn && amended.sample.is_none());
}

#[test]
fn what_is_asked_of_a_filed_sample_is_answered_from_its_card() {
    let lane = filed();
    let entry = lane.entry("ABCD0001").expect("an entry");
    assert_eq!(entry.stated(), Some(("s-01", 1)));
    assert_eq!(entry.lab().map(|lab| lab.as_str()), Some("lab-1"));
    let holder = entry.holder().expect("a lab has it");
    assert_eq!(
        (holder.tube.to_string().as_str(), holder.received_at),
        ("lab-1/T1", None)
    );
    let card = card(&lane);
    assert_eq!(
        (card.report_version, card.result),
        (1, FinalResult::Negative)
    );
}

#[test]
fn a_barcode_whose_card_was_dropped_is_free_again() {
    let mut lane = filed();
    assert!(lane.dropped("ABCD0001", "lab-1", 1));
    assert_eq!(lane.entry("ABCD0001"), None);
    assert_eq!(lane.gauge("lab-1", Gauge::Closed), 0);
    assert_eq!(reason(lane.cancel("ABCD0001")), "SAMPLE_UNKNOWN");
    assert!(!lane.dropped("ABCD0001", "lab-1", 1), "told once more");
    assert_eq!(lane.sent(), []);
    let mut another = single("ABCD0001");
    another.class = "fever-clinic".into();
    let anew = lane.register(another).expect("a new sample");
    assert_eq!((anew.effect, anew.version), (Effect::Accepted, 1));
    lane.seen("ABCD0001", "lab-1", 2);
    assert!(
        !lane.dropped("ABCD0001", "lab-1", 1),
        "the old tube's card went long ago"
    );
    assert!(matches!(life(&lane), Life::Open(_)));
}

#[test]
fn of_a_sample_that_is_not_filed_or_of_another_tube_no_card_is_dropped() {
    let mut lane = closed();
    assert!(!lane.dropped("ABCD0001", "lab-1", 1), "closed, not filed");
    lane.filed("ABCD0001", 1, 1);
    assert!(!lane.dropped("ABCD0001", "lab-1", 2), "another tube");
    assert!(!lane.dropped("ABCD0001", "lab-2", 1), "another lab's");
    assert!(!lane.dropped("ABCD0009", "lab-1", 1), "nobody's");
    assert!(matches!(life(&lane), Life::Filed(_)));
}
