//! Journal records of the model: small, and on the wire the real thing.

use super::fold::Received;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use tenfold_proto::lane::{Decisions, Envelope, LaneCreated, LaneOpened, StreamMark};
use tenfold_runtime::lane::record::{self, Hash, Id};
use tenfold_runtime::lane::validity::Chain;

/// The only level there is here.
pub const LEVEL: u32 = 1;

/// A record as somebody appended it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The journal's first.
    Created,
    /// Somebody takes the lane.
    Opened {
        /// Its epoch.
        epoch: u64,
        /// The owner's name: see [`name`].
        name: u8,
        /// Which attempt wrote it. Only the properties look at this; it is not on the wire.
        by: u8,
    },
    /// One batch of decisions.
    Decisions {
        /// The valid prefix it was decided on.
        before: Chain,
        /// What was decided.
        decided: Decided,
        /// Which attempt wrote it. Only the properties look at this; it is not on the wire.
        by: u8,
    },
    /// Bytes that are no record at all.
    Stray,
}

/// What a record of decisions says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decided {
    /// The calls or messages that take effect, by number.
    pub effects: Vec<u8>,
    /// The inbox is consumed below this offset.
    pub inbox_next: u64,
    /// The last message taken from the sender, if that changed.
    pub received: Option<Received>,
}

/// A name of an owner: 128 bits, here all of one digit.
pub fn name(digit: u8) -> Id {
    Id([digit; 16])
}

/// A record as the log has it.
#[derive(Clone)]
pub struct Stored {
    /// Its bytes.
    pub bytes: Bytes,
    /// What a reader makes of them.
    pub envelope: Option<Envelope>,
}

thread_local! {
    /// Records are few, and read millions of times.
    static STORED: RefCell<HashMap<Record, Stored>> = RefCell::default();
}

impl Record {
    /// As the log has it: written and read by the code that writes and reads journals.
    pub fn stored(&self) -> Stored {
        STORED.with_borrow_mut(|known| {
            if let Some(stored) = known.get(self) {
                return stored.clone();
            }
            let bytes = self.bytes();
            let envelope = record::read(&bytes);
            let stored = Stored { bytes, envelope };
            known.insert(self.clone(), stored.clone());
            stored
        })
    }

    fn bytes(&self) -> Bytes {
        match self {
            Self::Created => record::created(&LaneCreated::default()),
            Self::Opened { epoch, name: n, .. } => {
                record::opened(*epoch, name(*n), &LaneOpened::default())
            }
            Self::Decisions {
                before, decided, ..
            } => record::decisions(before, LEVEL, &decided.wire()),
            Self::Stray => Bytes::from_static(b"\xff\xff"),
        }
    }

    /// Which attempt wrote it; 0 if none did.
    pub fn by(&self) -> u8 {
        match self {
            Self::Opened { by, .. } | Self::Decisions { by, .. } => *by,
            Self::Created | Self::Stray => 0,
        }
    }

    /// Its seq; 0 if it has none.
    pub fn seq(&self) -> u64 {
        match self {
            Self::Decisions { before, .. } => before.seq + 1,
            Self::Created | Self::Opened { .. } | Self::Stray => 0,
        }
    }
}

impl Decided {
    fn wire(&self) -> Decisions {
        let mark = |row: &Received| StreamMark {
            n: row.n,
            digest: row.digest.to_bytes(),
            ..StreamMark::default()
        };
        Decisions {
            events: self.effects.iter().map(|e| vec![*e].into()).collect(),
            inbox_next: self.inbox_next,
            received: self.received.iter().map(mark).collect(),
            ..Decisions::default()
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => write!(f, "LaneCreated"),
            Self::Opened { epoch, name, .. } => {
                write!(f, "LaneOpened(epoch {epoch}, name {name})")
            }
            Self::Decisions {
                before, decided, ..
            } => {
                write!(
                    f,
                    "seq {} of name {} {decided}",
                    before.seq + 1,
                    before.owner.0[0]
                )
            }
            Self::Stray => write!(f, "rubbish"),
        }
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.effects[..] {
            [] => write!(f, "(empty)"),
            [only] => write!(f, "(does {only})"),
            ref several => write!(f, "(does {several:?})"),
        }
    }
}

/// The hash of a record, as the next one must carry it.
pub fn hash(stored: &Stored) -> Hash {
    Hash::of(&stored.bytes)
}
