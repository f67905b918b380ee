//! An inbox as the relay model shows that one may become: a sender's messages, some twice, some too early.
//!
//! What is taken of a record is decided by the function that the product uses:
//! `tenfold_runtime::lane::receive::judge`.

use super::fold::{Folded, Received, at};
use super::record::Decided;
use tenfold_proto::lane::{Relay, RelayedMessage};
use tenfold_runtime::lane::receive::{self, Received as Judged};
use tenfold_runtime::lane::record::{Hash, Id};
use tenfold_runtime::lane::rows::ReceivedRow;

/// Messages in the inbox: numbers 1 to this.
pub const MESSAGES: u8 = 3;

/// Its records: the first number in each, and how many messages.
const RECORDS: [(u8, u8); 5] = [(1, 1), (3, 1), (2, 1), (1, 1), (2, 2)];

/// Number of its records.
pub const fn len() -> u64 {
    RECORDS.len() as u64
}

/// What consuming the next record decides.
pub fn consume(folded: &Folded) -> Decided {
    let inbox_next = folded.inbox_next + 1;
    let passed_over = Decided {
        inbox_next,
        ..Decided::default()
    };
    let Some((first, count)) = RECORDS.get(at(folded.inbox_next)).copied() else {
        return passed_over;
    };
    let last = folded.received.map(|row| ReceivedRow {
        n: row.n,
        digest: row.digest,
        from_service: String::new(),
        from_lane: 0,
    });
    match receive::judge(&relay(first, count), last.as_ref()) {
        Judged::New(range, row) => Decided {
            effects: (first..first + count).collect::<Vec<_>>()[range].to_vec(),
            inbox_next,
            received: Some(Received {
                n: row.n,
                digest: row.digest,
            }),
        },
        Judged::Duplicate | Judged::Gap { .. } | Judged::Contradiction | Judged::Malformed(_) => {
            passed_over
        }
    }
}

fn relay(first: u8, count: u8) -> Relay {
    let before = (1..first).fold(Hash::default(), |digest, n| digest.chain(&[n]));
    Relay {
        stream_id: Id([9; 16]).to_bytes(),
        first_n: u64::from(first),
        messages: (first..first + count)
            .map(|n| RelayedMessage {
                level: 1,
                body: vec![n].into(),
            })
            .collect(),
        prev_digest: before.to_bytes(),
        ..Relay::default()
    }
}
