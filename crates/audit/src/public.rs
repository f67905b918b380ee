//! What leaves the system: every report and dead letter that a journal sent is in its topic once it is
//! said to have arrived, and nothing is in these topics that no journal sent.
//!
//! These topics hold a record at least once: the same again is no finding. Nor is what a person did with
//! a dead letter, which is marked in its topic.

use crate::chain::Name;
use crate::finding::{Findings, Rule};
use crate::hashes::{Hashes, hash64};
use crate::inbox::place;
use crate::pairs::Pairs;
use crate::source::{LaneName, PUBLIC, Place, Source, SourceError};
use bytes::Bytes;
use prost::Message as _;
use std::collections::{HashMap, HashSet};
use tenfold_proto::lane::{DeadLetter, OutMessage};

/// The topic of dead letters.
const DEAD_LETTERS: &str = "dead-letters";

/// Most records that nobody sent, kept to be told.
const UNSENT_MAX: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Publics {
    sent: Hashes,
    /// Where what was sent stands; of a large log, the first only.
    places: HashMap<u64, Place>,
    unsent: Vec<Place>,
    unsent_more: u64,
    /// Records of topics that begin behind their first record: what is missing proves nothing.
    trimmed: HashSet<String>,
    /// Records read.
    pub read: u64,
}

/// Hash of a public record.
#[must_use]
pub fn content(key: &[u8], body: &[u8]) -> u64 {
    hash64(&[key, body])
}

impl Publics {
    /// A journal sends this.
    pub fn sent(&mut self, _stream: Name, to: &LaneName, message: &OutMessage, at: Place) {
        let hash = content(message.key.as_bytes(), &message.body) ^ topic(&to.topic);
        self.sent.insert(hash);
        // Bounded: what is missing is searched for again among the last ones only.
        if self.places.len() < UNSENT_MAX {
            self.places.insert(hash, at);
        }
    }

    /// Number of different records that journals sent.
    #[must_use]
    pub const fn sent_count(&self) -> u64 {
        self.sent.len()
    }

    /// Reads the public topics to their ends.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn read(
        &mut self,
        source: &dyn Source,
        _findings: &mut Findings,
    ) -> Result<(), SourceError> {
        for name in PUBLIC {
            for lane in 0..source.lanes(name)? {
                let lane = LaneName::new(name, lane);
                let extent = source.extent(&lane)?;
                if extent.start > 0 {
                    self.trimmed.insert(name.to_owned());
                }
                let mut records = source.read(&lane, extent.start, extent.end)?;
                while let Some(record) = records.next()? {
                    self.read = self.read.saturating_add(1);
                    if name == DEAD_LETTERS && is_mark(&record.value) {
                        continue;
                    }
                    let key = record.key.as_deref().unwrap_or_default();
                    let hash = content(key, &record.value) ^ topic(name);
                    if self.sent.mark(hash) {
                        continue;
                    }
                    if self.unsent.len() < UNSENT_MAX {
                        self.unsent.push(place(&lane, record.offset));
                    } else {
                        self.unsent_more = self.unsent_more.saturating_add(1);
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells what should be there and is not, and the other way round. `behind` = journals go on behind
    /// the cut, so that what nobody sent may have been sent there.
    pub fn close(&self, behind: bool, pairs: &Pairs, findings: &mut Findings) {
        if !behind {
            for unsent in &self.unsent {
                let text = format!("no journal sent this record of {}", unsent.topic);
                findings.add(Rule::Unexplained, text, vec![unsent.clone()]);
            }
        }
        if !self.trimmed.is_empty() {
            return;
        }
        let on_their_way: HashSet<u64> = pairs
            .all()
            .filter(|(to, _)| PUBLIC.contains(&&*to.topic))
            .flat_map(|(_, pair)| pair.in_flight())
            .map(|about| about.subject)
            .collect();
        for hash in self.sent.unmarked() {
            if on_their_way.contains(&hash) {
                continue;
            }
            let shown = self.places.get(&hash).cloned();
            findings.add(
                Rule::Message,
                "its journal says that a public record arrived, and it is not there",
                shown.into_iter().collect(),
            );
        }
    }
}

/// What somebody did with a dead letter: the one kind of record here that no journal sends.
fn is_mark(value: &Bytes) -> bool {
    DeadLetter::decode(value.clone()).is_ok_and(|letter| {
        letter.handled.is_some() && letter.content.is_empty() && letter.reason.is_empty()
    })
}

/// Keeps the topics apart.
#[must_use]
pub fn topic(name: &str) -> u64 {
    hash64(&[name.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenfold_proto::lane::DeadLetterHandled;

    #[test]
    fn what_somebody_did_with_a_dead_letter_is_told_from_a_dead_letter() {
        let mark = DeadLetter {
            origin: "intake.inbox/0@7".to_owned(),
            handled: Some(DeadLetterHandled::default()),
            ..DeadLetter::default()
        };
        assert!(is_mark(&mark.encode_to_vec().into()));
        let letter = DeadLetter {
            handled: None,
            ..mark.clone()
        };
        assert!(!is_mark(&letter.encode_to_vec().into()));
        // A mark hides no content.
        let both = DeadLetter {
            content: Bytes::from_static(b"x"),
            ..mark
        };
        assert!(!is_mark(&both.encode_to_vec().into()));
        assert!(!is_mark(&Bytes::from_static(b"\xff\xff")));
    }
}
