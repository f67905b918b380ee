//! Journal records as bytes: the envelope that never changes.

use crate::entropy::Entropy;
use bytes::Bytes;
use prost::Message;
use serde::{Deserialize, Serialize};
use std::fmt;
use tenfold_proto::lane::{Decisions, Envelope, LaneCreated, LaneOpened, RecordKind};

/// The only envelope format there is.
pub const FORMAT: u32 = 1;

/// Sixteen random bytes that name something once: an attempt to own a lane, a journal, a stream, an inbox.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Id(pub [u8; 16]);

impl Id {
    /// A new one, never seen before.
    #[must_use]
    pub fn fresh(entropy: &dyn Entropy) -> Self {
        Self(entropy.bits().to_be_bytes())
    }

    /// Reads one; `None` unless there are exactly sixteen bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// As the wire has it.
    #[must_use]
    pub fn to_bytes(self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", uuid::Uuid::from_bytes(self.0).simple())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A blake3 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Hash of a record's stored bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Digest of a chain of messages: of the digest before and this body.
    #[must_use]
    pub fn chain(self, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(body);
        Self(*hasher.finalize().as_bytes())
    }

    /// Reads one; `None` unless there are exactly 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// As the wire has it.
    #[must_use]
    pub fn to_bytes(self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

/// Reads an envelope; `None` if it cannot be read as one (such a record is ignored by all readers).
#[must_use]
pub fn read(bytes: &Bytes) -> Option<Envelope> {
    Envelope::decode(bytes.clone())
        .ok()
        .filter(|envelope| envelope.format == FORMAT)
}

/// A journal's first record.
#[must_use]
pub fn created(created: &LaneCreated) -> Bytes {
    let envelope = Envelope {
        format: FORMAT,
        kind: RecordKind::LaneCreated.into(),
        body: created.encode_to_vec().into(),
        ..Envelope::default()
    };
    envelope.encode_to_vec().into()
}

/// The record that takes a lane.
#[must_use]
pub fn opened(epoch: u64, owner: Id, opened: &LaneOpened) -> Bytes {
    let envelope = Envelope {
        format: FORMAT,
        kind: RecordKind::LaneOpened.into(),
        epoch,
        owner: owner.to_bytes(),
        body: opened.encode_to_vec().into(),
        ..Envelope::default()
    };
    envelope.encode_to_vec().into()
}

/// A record of decisions that follows the one at which `chain` stands.
#[must_use]
pub fn decisions(chain: &super::validity::Chain, level: u32, decisions: &Decisions) -> Bytes {
    let envelope = Envelope {
        format: FORMAT,
        kind: RecordKind::Decisions.into(),
        epoch: chain.epoch,
        owner: chain.owner.to_bytes(),
        seq: chain.seq.saturating_add(1),
        prev_hash: chain.hash.to_bytes(),
        level,
        body: decisions.encode_to_vec().into(),
    };
    envelope.encode_to_vec().into()
}
