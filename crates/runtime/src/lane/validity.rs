//! "Is this record valid next?": the one question on which every reader agrees for ever.
//!
//! Pure, and shared by the lane, its tests and whoever checks a journal later. The checks come in a
//! fixed order: readable envelope; epoch and owner of the latest valid `LaneOpened`; seq = last + 1.
//! A record that fails one of these is *ignored*. Then: hash of the record before, and level. A record
//! that fails one of those *stops* the lane: it claims to be next, and something is wrong.

use super::record::{Hash, Id};
use serde::{Deserialize, Serialize};
use tenfold_proto::lane::{Envelope, RecordKind};

/// Where the valid prefix of a journal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Chain {
    /// Epoch of the latest valid `LaneOpened`; 0 before the first.
    pub epoch: u64,
    /// Its owner.
    pub owner: Id,
    /// Sequence number of the last valid decisions; 0 before the first.
    pub seq: u64,
    /// Hash of the stored bytes of that record; zeros before the first.
    pub hash: Hash,
}

/// What a record is to a reader whose valid prefix stands at a [`Chain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The journal's first record.
    Created,
    /// A new owner; the chain goes on from its epoch.
    Opened,
    /// The next decisions.
    Decisions,
    /// Not part of the journal, for any reader, ever.
    Ignored(Stray),
    /// The lane must stop, with an alarm.
    Stop(Broken),
}

/// Why a record is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    /// Not an envelope, or of another kind.
    Unreadable,
    /// `LaneCreated` behind the first record.
    CreatedAgain,
    /// `LaneOpened` whose epoch is not above the current one.
    OldEpoch,
    /// Decisions of an owner that was fenced, or that never owned the lane.
    Fenced,
    /// Decisions whose seq is not last + 1.
    OutOfOrder,
}

/// Why a lane must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It does not follow the record it claims to follow.
    #[error("cannot follow the one before it: its hash is another's, so the journal is damaged")]
    Hash,
    /// Written by a newer release than this one can read.
    #[error(
        "cannot be read: it has level {level}, and this release reads up to {supported}: update this instance"
    )]
    Level {
        /// The record's level.
        level: u32,
        /// The highest this release reads.
        supported: u32,
    },
}

/// Judges the next record. `first` says that nothing valid came before it.
#[must_use]
pub fn judge(chain: &Chain, first: bool, envelope: Option<&Envelope>, supported: u32) -> Verdict {
    let Some(envelope) = envelope else {
        return Verdict::Ignored(Stray::Unreadable);
    };
    match envelope.kind() {
        RecordKind::Unspecified => Verdict::Ignored(Stray::Unreadable),
        RecordKind::LaneCreated if first => Verdict::Created,
        RecordKind::LaneCreated => Verdict::Ignored(Stray::CreatedAgain),
        RecordKind::LaneOpened => match Id::from_slice(&envelope.owner) {
            None => Verdict::Ignored(Stray::Unreadable),
            Some(_) if envelope.epoch <= chain.epoch => Verdict::Ignored(Stray::OldEpoch),
            Some(_) => Verdict::Opened,
        },
        RecordKind::Decisions => {
            if envelope.epoch != chain.epoch || envelope.owner[..] != chain.owner.0[..] {
                Verdict::Ignored(Stray::Fenced)
            } else if Some(envelope.seq) != chain.seq.checked_add(1) {
                Verdict::Ignored(Stray::OutOfOrder)
            } else if envelope.prev_hash[..] != chain.hash.0[..] {
                Verdict::Stop(Broken::Hash)
            } else if envelope.level > supported {
                Verdict::Stop(Broken::Level {
                    level: envelope.level,
                    supported,
                })
            } else {
                Verdict::Decisions
            }
        }
    }
}

impl Chain {
    /// The chain after a record that was judged so; `bytes` is the whole stored record.
    #[must_use]
    pub fn after(mut self, verdict: Verdict, envelope: &Envelope, bytes: &[u8]) -> Self {
        match verdict {
            Verdict::Opened => {
                self.epoch = envelope.epoch;
                self.owner = Id::from_slice(&envelope.owner).unwrap_or_default();
            }
            Verdict::Decisions => {
                self.seq = envelope.seq;
                self.hash = Hash::of(bytes);
            }
            Verdict::Created | Verdict::Ignored(_) | Verdict::Stop(_) => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::record;
    use bytes::Bytes;
    use tenfold_proto::lane::{Decisions, LaneOpened};

    const LEVEL: u32 = 1;

    fn owner(n: u8) -> Id {
        Id([n; 16])
    }

    fn judged(chain: &Chain, bytes: &Bytes) -> Verdict {
        judge(chain, false, record::read(bytes).as_ref(), LEVEL)
    }

    fn owned() -> Chain {
        Chain {
            epoch: 3,
            owner: owner(3),
            seq: 7,
            hash: Hash([7; 32]),
        }
    }

    fn next(epoch: u64, by: Id, seq: u64, hash: Hash, level: u32) -> Bytes {
        let before = Chain {
            epoch,
            owner: by,
            seq: seq - 1,
            hash,
        };
        record::decisions(&before, level, &Decisions::default())
    }

    #[test]
    fn decisions_are_judged_in_the_fixed_order() {
        let chain = owned();
        let (hash, wrong) = (chain.hash, Hash([0; 32]));
        let ignored = Verdict::Ignored;
        let table = [
            (next(3, owner(3), 8, hash, 1), Verdict::Decisions),
            (next(2, owner(3), 8, hash, 1), ignored(Stray::Fenced)),
            (next(3, owner(4), 8, hash, 1), ignored(Stray::Fenced)),
            (next(3, owner(3), 7, hash, 1), ignored(Stray::OutOfOrder)),
            (next(3, owner(3), 9, hash, 1), ignored(Stray::OutOfOrder)),
            // A gap is ignored even if hash and level are wrong as well.
            (next(3, owner(3), 9, wrong, 9), ignored(Stray::OutOfOrder)),
            (next(3, owner(3), 8, wrong, 9), Verdict::Stop(Broken::Hash)),
            (
                next(3, owner(3), 8, hash, 2),
                Verdict::Stop(Broken::Level {
                    level: 2,
                    supported: 1,
                }),
            ),
            (Bytes::from_static(b"\xff\xff"), ignored(Stray::Unreadable)),
            (Bytes::new(), ignored(Stray::Unreadable)),
        ];
        for (bytes, verdict) in table {
            assert_eq!(judged(&chain, &bytes), verdict, "{bytes:?}");
        }
    }

    #[test]
    fn only_a_higher_epoch_takes_the_lane() {
        let chain = owned();
        for (epoch, verdict) in [
            (2, Verdict::Ignored(Stray::OldEpoch)),
            (3, Verdict::Ignored(Stray::OldEpoch)),
            (4, Verdict::Opened),
            (9, Verdict::Opened),
        ] {
            let bytes = record::opened(epoch, owner(9), &LaneOpened::default());
            assert_eq!(judged(&chain, &bytes), verdict, "epoch {epoch}");
        }
    }

    #[test]
    fn a_new_owner_goes_on_with_the_next_seq() {
        let chain = owned();
        let bytes = record::opened(4, owner(4), &LaneOpened::default());
        let envelope = record::read(&bytes).unwrap();
        let after = chain.after(Verdict::Opened, &envelope, &bytes);
        assert_eq!((after.seq, after.hash), (chain.seq, chain.hash));
        let late = next(3, owner(3), 8, chain.hash, 1);
        assert_eq!(judged(&after, &late), Verdict::Ignored(Stray::Fenced));
        let own = next(4, owner(4), 8, chain.hash, 1);
        assert_eq!(judged(&after, &own), Verdict::Decisions);
    }
}
