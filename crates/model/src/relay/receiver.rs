//! The receiver: takes last + 1 and nothing else.
//!
//! What is new in a record is decided by the function that the product uses:
//! `tenfold_runtime::lane::receive::judge`.

use super::sender::{Message, SERVICE, digest, stream};
use crate::flaw::Flaw;
use std::collections::VecDeque;
use tenfold_proto::lane::{Relay, RelayedMessage};
use tenfold_runtime::lane::receive::{self, Received};
use tenfold_runtime::lane::record::Hash;
use tenfold_runtime::lane::rows::ReceivedRow;

/// What the receiver has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Receiver {
    /// Messages that took effect, in that order.
    pub taken: Vec<Message>,
    /// Its row for the sender.
    row: Option<ReceivedRow>,
    /// A number came twice with different contents.
    pub contradicted: bool,
    /// Planted: records behind one that is waited for.
    behind: VecDeque<Vec<Message>>,
}

impl Receiver {
    /// The last number taken.
    pub fn last(&self) -> u64 {
        self.row.as_ref().map_or(0, |row| row.n)
    }

    /// A record landed in the inbox.
    pub fn read(&mut self, messages: Vec<Message>, before: Hash, flaw: Option<Flaw>) {
        if !self.behind.is_empty() {
            // Planted: it stands behind one that is waited for.
            self.behind.push_back(messages);
            return;
        }
        let relay = relay(&messages, before);
        match receive::judge(&relay, self.row.as_ref()) {
            Received::New(range, row) => {
                self.taken.extend(&messages[range]);
                self.row = Some(row);
            }
            Received::Gap { .. } if flaw == Some(Flaw::GapAccepted) => {
                let last = messages.last().map_or(0, |message| message.n);
                self.row = Some(ReceivedRow {
                    n: last,
                    digest: messages.iter().fold(before, digest),
                    from_service: SERVICE.to_owned(),
                    from_lane: 0,
                });
                self.taken.extend(messages);
            }
            Received::Gap { .. } if flaw == Some(Flaw::GapAwaited) => {
                self.behind.push_back(messages);
            }
            // Passed over, never waited for.
            Received::Gap { .. } | Received::Duplicate => {}
            Received::Contradiction | Received::Malformed(_) => self.contradicted = true,
        }
    }
}

fn relay(messages: &[Message], before: Hash) -> Relay {
    Relay {
        stream_id: stream().to_bytes(),
        from_service: SERVICE.to_owned(),
        from_lane: 0,
        first_n: messages.first().map_or(0, |message| message.n),
        messages: messages
            .iter()
            .map(|message| RelayedMessage {
                level: 1,
                body: message.body(),
            })
            .collect(),
        prev_digest: before.to_bytes(),
    }
}
