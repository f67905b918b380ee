//! What the fuzz targets share: a lane of each service in the middle of a day, folded from the journals of
//! `tests/golden`, and how one input of the fuzzer becomes several of a lane.
//!
//! `make fuzz` runs every target for a few seconds, from the seeds in `corpus`; `scripts/fuzz TARGET SECONDS`
//! one for longer. There is one target a parser:
//!
//! | target | reads |
//! |---|---|
//! | `journal` | records of a journal: envelope, validity, the engine's rows |
//! | `inbox` | records of an inbox: relays, inputs from outside |
//! | `intake`, `pooling`, `results` | commands, messages, inputs, timers, questions; events of a journal |
//! | `json`, `record` | registrations: JSON; a posted record with its headers |
//! | `stored` | records in the embedded log's file, pressed or not |
//! | `csv`, `files` | files of instruments: the table of a run; every format, workbooks and archives too |
//! | `policy` | policies |

use prost::Message as _;
use tenfold_domain::policy::Policy;
use tenfold_proto::lane::{Decisions, RecordKind};
use tenfold_proto::v1;
use tenfold_runtime::driver::Driver;
use tenfold_runtime::lane::record;
use tenfold_runtime::processor::Processor;

/// The journals of the first release.
pub const JOURNALS: [(&str, &str); 3] = [
    (
        "intake",
        include_str!("../../tests/golden/0.1.0/intake.journal"),
    ),
    (
        "pooling",
        include_str!("../../tests/golden/0.1.0/pooling.journal"),
    ),
    (
        "results",
        include_str!("../../tests/golden/0.1.0/results.journal"),
    ),
];

/// The records of a journal, in hexadecimal, one a line.
#[must_use]
pub fn records(text: &str) -> Vec<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.as_bytes().chunks(2).map(byte).collect())
        .collect()
}

/// What was decided, in order.
#[must_use]
pub fn decisions(text: &str) -> Vec<Decisions> {
    records(text)
        .into_iter()
        .filter_map(|bytes| record::read(&bytes.into()))
        .filter(|envelope| envelope.kind() == RecordKind::Decisions)
        .filter_map(|envelope| Decisions::decode(envelope.body).ok())
        .collect()
}

/// A lane under the default policy that heard what the other services sent it in the story.
#[must_use]
pub fn lane<P: Processor>(processor: P) -> Driver<P> {
    let inbox = format!("{}.inbox", processor.service());
    let mut lane = Driver::new(processor);
    let policy = v1::PolicyActivated {
        content: Policy::default_text().to_owned(),
        version: 1,
    };
    let input = v1::ExternalInput {
        input: Some(v1::external_input::Input::Policy(policy)),
    };
    let _ = lane.external("fuzz", input.encode_to_vec());
    for (_, text) in JOURNALS {
        for message in decisions(text).into_iter().flat_map(|d| d.messages) {
            if message.topic == inbox {
                let _ = lane.message(&message.body);
            }
        }
    }
    lane
}

/// Brings one input of the fuzzer to a lane: its first byte says whether the rest is thrown at the doors or
/// folded as a journal; the rest is pieces, each behind its length in two bytes.
pub fn bring<P: Processor>(lane: &mut Driver<P>, data: &[u8]) {
    let Some((how, rest)) = data.split_first() else {
        return;
    };
    let pieces = pieces(rest);
    if how % 2 == 0 {
        for piece in &pieces {
            lane.throw(piece);
        }
    } else {
        let (journal, questions) = pieces.split_at(pieces.len() - pieces.len().min(1));
        lane.fold_anything(journal, questions);
    }
}

/// Most pieces of one input.
const PIECES_MAX: usize = 8;

fn pieces(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let [high, low, after @ ..] = rest
        && pieces.len() < PIECES_MAX
    {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (piece, next) = after.split_at(length);
        pieces.push(piece.to_vec());
        rest = next;
    }
    pieces
}

/// Pieces as one input of the fuzzer.
#[must_use]
pub fn input(how: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![how];
    for piece in pieces {
        bytes.extend(u16::try_from(piece.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(*piece);
    }
    bytes
}
