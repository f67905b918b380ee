//! What comes about a sample after it was filed finds its card: a person is told, and nothing of it comes back.

use crate::filing::{RETENTION, amended, one_accepted};
use crate::lab::*;
use prost::Message as _;
use tenfold_domain::message::{MemberAmended, Message, PlateVoided};
use tenfold_domain::results::state::Analysis;
use tenfold_proto::v1;

#[test]
fn a_correction_of_a_filed_sample_is_told_to_a_person_and_closed_again() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    lab.closed();
    lab.messages("intake");
    lab.message(amended(1, 2, false)).expect("taken");
    let items = lab.work().items;
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::AfterFiling]);
    assert_eq!(items[0].about, barcode(1).to_string());
    assert!(
        items[0]
            .detail
            .contains("changed to version 2 after it was filed"),
        "{}",
        items[0].detail
    );
    let closed = lab.closed();
    assert_eq!(
        (closed.len(), closed[0].report_version),
        (1, 1),
        "pooling holds it for open"
    );
    assert_eq!(lab.messages("intake").len(), 1, "and intake does");
    lab.message(amended(1, 2, false)).expect("taken");
    assert_eq!(
        lab.work().items.len(),
        1,
        "the same again is no second item"
    );
    lab.message(amended(1, 1, false)).expect("taken");
    assert_eq!(lab.closed().len(), 1, "what is known says nothing new");
    assert!(!lab.is_at_hand(1), "nothing of it comes back");
}

#[test]
fn a_cancellation_of_a_filed_sample_is_told_to_a_person() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    let cancelled = MemberAmended {
        tube: tube(1),
        sample: None,
        withdrawn: true,
    };
    lab.message(Message::MemberAmended(cancelled))
        .expect("taken");
    let items = lab.work().items;
    assert!(
        items[0].detail.contains("was cancelled after it was filed"),
        "{}",
        items[0].detail
    );
}

#[test]
fn a_filed_sample_on_a_plate_again_is_told_to_a_person_and_gets_no_second_report() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    lab.load(
        "PL-2",
        vec![single("A1", member(1)), single("B1", member(2))],
    );
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::AfterFiling]);
    lab.run("PL-2", &[("A1", POSITIVE)]);
    assert_eq!(lab.verdict(2), "negative", "its neighbour is reported");
    assert!(!lab.is_at_hand(1));
    assert_eq!(lab.card(1).expect("a card").report, 1);
    lab.accept_all(RECEIVER);
    lab.advance(RETENTION);
    assert_eq!(
        lab.rows::<Analysis>(),
        0,
        "the plate is filed with the neighbour"
    );
}

#[test]
fn a_file_that_comes_again_after_filing_is_known_and_another_is_refused() {
    let mut lab = one_accepted();
    let file = lab.file("PL-1", &[]);
    let other = lab.file("PL-1", &[("A1", POSITIVE)]);
    lab.advance(RETENTION);
    let again = lab.import("PL-1", "run-PL-1", "", &file).expect("known");
    assert!(again.same_file);
    let refused = lab
        .import("PL-1", "run-PL-1", "", &other)
        .expect_err("refused");
    assert_eq!(refused.reason, "PLATE_FILED");
}

#[test]
fn a_plate_barcode_stays_taken_after_filing() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    let twice = lab.plate("PL-1", &[], vec![single("A1", member(7))]);
    let refused = lab
        .message(Message::PlateLoaded(twice))
        .expect_err("refused");
    assert_eq!(refused.reason, "PLATE_TWICE");
}

#[test]
fn a_plate_voided_after_filing_is_told_to_a_person() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    let voided = PlateVoided {
        lab: LAB.into(),
        plate: "PL-1".into(),
        reason: "the kit was recalled".to_owned(),
    };
    lab.message(Message::PlateVoided(voided)).expect("taken");
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::VoidedAfterReport]);
    assert!(lab.work().items[0].detail.contains("filed"));
}

#[test]
fn what_is_asked_of_a_filed_sample_is_answered_from_its_card() {
    let mut lab = one_accepted();
    lab.advance(RETENTION);
    let view = lab.result(1);
    assert_eq!(view.standing, "filed");
    let filed = view.filed.expect("its card");
    assert_eq!(
        (filed.report_version, filed.result()),
        (1, v1::FinalResult::Negative)
    );
    assert!(filed.from > 0 && filed.from <= filed.until);
    let bytes = v1::ResultsQuery {
        query: Some(v1::results_query::Query::Timeline(v1::GetResultRequest {
            lab: LAB.to_owned(),
            barcode: barcode(1).to_string(),
        })),
    };
    let timeline = lab.driver.query(bytes.encode_to_vec()).expect("answered");
    let timeline = v1::ResultTimeline::decode(timeline).expect("it reads");
    assert_eq!(timeline.filed.expect("its card").until, filed.until);
}
