//! Bytes that nobody should send, to a lab in the middle of its day: every door refuses or takes them,
//! nothing panics, what is taken folds, and time goes on.

use crate::lab::*;
use proptest::prelude::*;
use prost::Message as _;
use std::sync::LazyLock;
use tenfold_domain::message::{MemberAmended, Message, PlateVoided};
use tenfold_proto::v1;
use tenfold_results::processor::ResultsProcessor;
use tenfold_results::readers;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::driver::hostile::damaged;
use tenfold_tests::hostile::HalfDone;
use v1::results_query::Query;

/// One of each question.
fn questions() -> Vec<Vec<u8>> {
    let lab = || LAB.to_owned();
    let name = || v1::GetResultRequest {
        lab: lab(),
        barcode: barcode(2).to_string(),
    };
    let pending = v1::PendingDeliveriesQuery {
        receiver: RECEIVER.to_owned(),
        after: 0,
        limit: 10,
    };
    let run = v1::GetRunRequest {
        lab: lab(),
        run: 1,
        version: 0,
    };
    [
        Query::Pending(pending),
        Query::Result(name()),
        Query::Timeline(name()),
        Query::Explain(name()),
        Query::Run(run),
        Query::Board(v1::ResultsBoardRequest { lab: lab() }),
        Query::Orders(v1::ListOrdersRequest {
            lab: lab(),
            limit: 10,
        }),
        Query::Work(v1::ListResultsWorkRequest {
            lab: lab(),
            limit: 10,
        }),
        Query::Invariants(v1::CheckResultsInvariantsRequest::default()),
    ]
    .into_iter()
    .map(|query| v1::ResultsQuery { query: Some(query) }.encode_to_vec())
    .collect()
}

/// A day in which everything is half done.
fn day() -> Driver<ResultsProcessor> {
    let mut lab = Lab::new();
    let mut collection = member(9);
    collection.sample.collection_pool = true;
    lab.load(
        "P1",
        vec![
            pool("A1", 1, 1..4),
            pool("B1", 2, 4..7),
            single("C1", member(8)),
            single("D1", collection),
        ],
    );
    lab.run("P1", &[("A1", POSITIVE), ("C1", GREY), ("D1", INVALID)]);
    let retests = lab.retests();
    lab.load_retests("P2", &retests);
    lab.run("P2", &[("A1", POSITIVE)]);
    lab.load("P3", vec![single("A1", member(20))]);
    let _ = lab.analyse_again("P1", &[("A1", POSITIVE), ("B1", SINGLE)]);
    lab.load("P4", vec![single("A1", member(21))]);
    let _ = lab.message(Message::PlateVoided(PlateVoided {
        lab: LAB.into(),
        plate: "P4".into(),
        reason: "dropped".to_owned(),
    }));
    let amended = tenfold_domain::sample::Sample {
        version: 2,
        ..sample(5)
    };
    let _ = lab.message(Message::MemberAmended(MemberAmended {
        tube: tube(5),
        sample: Some(amended),
        withdrawn: false,
    }));
    let numbers = lab.send(RECEIVER);
    if let [first, ..] = numbers[..] {
        lab.answer(RECEIVER, &[first], "no such site");
    }
    lab.driver
}

/// The day, played once; a case takes a fork of it.
static DAY: LazyLock<HalfDone<ResultsProcessor>> =
    LazyLock::new(|| HalfDone::new(day(), ResultsProcessor::new, questions()));

#[test]
fn hostile_bytes_at_any_door_are_taken_or_refused() {
    DAY.takes_or_refuses_any_bytes();
}

#[test]
fn hostile_inputs_are_taken_or_refused_and_time_goes_on() {
    DAY.takes_or_refuses_damaged_inputs();
}

#[test]
fn a_hostile_journal_folds_or_is_refused() {
    DAY.folds_or_refuses_damaged_journals();
}

#[test]
fn the_day_is_worth_damaging_by_hostile_bytes() {
    DAY.is_worth_damaging(11, 31, 6..=9);
    assert!(
        readers::read(&file()).is_ok(),
        "{:?}",
        readers::read(&file())
    );
}

/// A file as instruments write it.
fn file() -> Vec<u8> {
    b"\xEF\xBB\xBF# Plate: P1\nInstrument serial;SN-7\n\nWell;Sample;Target;Dye;C\xD1\x82\n\
      A1;x;ORF1ab;;28,1\nA1;\"x;y\";N;;Undetermined\nH12;;IC;;30.0\n"
        .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_of_an_instrument_is_read_or_refused(
        plan in prop::collection::vec(any::<u8>(), 2..40),
        utf16 in any::<bool>(),
    ) {
        let mut bytes = damaged(&[file()], &plan);
        if utf16 {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            bytes = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
            bytes.truncate(plan.len() * 30);
        }
        if let Ok(table) = readers::read(&bytes) {
            prop_assert!(table.rows.len() <= tenfold_domain::results::run::ROWS_MAX);
        }
    }
}

#[test]
fn a_version_that_a_damaged_journal_makes_up_is_not_counted_up_to() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    let damaged: Vec<Vec<u8>> = lab
        .driver
        .events()
        .iter()
        .filter_map(|bytes| {
            let mut event = v1::ResultsEvent::decode(bytes.as_slice()).expect("an event");
            let Some(v1::results_event::Event::RunImported(run)) = &mut event.event else {
                return None;
            };
            run.version = u32::MAX;
            Some(event.encode_to_vec())
        })
        .collect();
    assert_eq!(damaged.len(), 1);
    let explain = v1::GetResultRequest {
        lab: LAB.to_owned(),
        barcode: barcode(1).to_string(),
    };
    let question = v1::ResultsQuery {
        query: Some(v1::results_query::Query::Explain(explain)),
    };
    // It would take minutes.
    assert!(
        lab.driver
            .fold_anything(&damaged, &[question.encode_to_vec()])
    );
}
