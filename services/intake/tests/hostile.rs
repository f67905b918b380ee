//! Bytes that nobody should send, to a lane in the middle of its day: every door refuses or takes them,
//! nothing panics, what is taken folds, and time goes on.

mod common;

use common::{Lab, registration};
use prost::Message as _;
use std::sync::LazyLock;
use tenfold_intake::IntakeProcessor;
use tenfold_proto::v1;
use tenfold_runtime::driver::Driver;
use tenfold_tests::hostile::HalfDone;
use v1::intake_command::Command;
use v1::intake_query::Query;

/// One of each question.
fn questions() -> Vec<Vec<u8>> {
    [
        Query::Sample(v1::GetSampleRequest {
            barcode: "ABCD0001".to_owned(),
        }),
        Query::Recollections(v1::IntakeRecollectionsQuery {
            most: 10,
            ..Default::default()
        }),
        Query::Board(v1::IntakeBoardRequest::default()),
        Query::Policy(v1::GetPolicyRequest {}),
        Query::Outcomes(v1::IntakeOutcomesQuery {
            source: "s-01".to_owned(),
            after: Some(v1::IntakeCursor::default()),
            most: 10,
            end: false,
        }),
    ]
    .into_iter()
    .map(|query| v1::IntakeQuery { query: Some(query) }.encode_to_vec())
    .collect()
}

/// A day in which everything is half done.
fn day() -> Driver<IntakeProcessor> {
    let mut lab = Lab::with_policy();
    let name = |n: u8| format!("ABCD{n:04}");
    for n in 1..10 {
        let _ = lab.register(registration(&name(n)));
        lab.take(registration(&name(n + 10)), n.into());
    }
    lab.take(
        v1::Registration {
            version: 9,
            ..registration("BAD")
        },
        40,
    );
    let mut pool = registration("ABCD0030");
    pool.collection_pool = true;
    pool.subjects = vec!["p-1".to_owned(), "p-2".to_owned()];
    pool.observed_swabs = Some(3);
    let _ = lab.register(pool);
    let mut amended = registration(&name(2));
    amended.version = 2;
    amended.round = Some("r-2".to_owned());
    let cancel = v1::IntakeCancel {
        barcode: name(3),
        reason: "twice".to_owned(),
    };
    for command in [Command::Amend(amended), Command::Cancel(cancel)] {
        let command = v1::IntakeCommand {
            command: Some(command),
        };
        let _ = lab.driver.command("test", command.encode_to_vec());
    }
    for n in [1, 2, 4, 50] {
        lab.seen(&name(n), "lab-1");
    }
    lab.seen(&name(2), "lab-2");
    lab.closed(&name(1));
    lab.ordered(&name(4), "p-1");
    let mut again = registration("ABCD0040");
    again.recollection_of = Some(name(4));
    let _ = lab.register(again);
    lab.driver
}

/// The day, played once; a case takes a fork of it.
static DAY: LazyLock<HalfDone<IntakeProcessor>> =
    LazyLock::new(|| HalfDone::new(day(), IntakeProcessor::new, questions()));

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
    DAY.is_worth_damaging(26, 26, 5..=5);
}
