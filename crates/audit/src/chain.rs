//! Which records of a journal count: the rule of the lane protocol, written anew from its text.
//!
//! A record that cannot be read, is of an owner that was fenced, or is not the next in order, is
//! *passed over* by every reader. One that claims to be next and does not follow the record before is
//! *broken*: no reader goes on behind it, and neither does the audit.

use bytes::Bytes;
use prost::Message as _;
use tenfold_proto::lane::{Decisions, Envelope, LaneCreated, RecordKind};

/// The highest level this audit understands. A journal with records above it is not judged.
pub const LEVEL: u32 = 1;

/// A hash or chain digest.
pub type Digest = [u8; 32];

/// A name of sixteen bytes: an owner, a stream, an inbox.
pub type Name = [u8; 16];

/// Hash of stored bytes.
#[must_use]
pub fn hash(bytes: &[u8]) -> Digest {
    *blake3::hash(bytes).as_bytes()
}

/// Chain digest after one more message.
#[must_use]
pub fn chained(before: &Digest, body: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(body);
    *hasher.finalize().as_bytes()
}

/// Where the valid prefix of a journal ends.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    created: bool,
    epoch: u64,
    owner: Name,
    seq: u64,
    last: Digest,
}

/// What one record is.
#[derive(Debug)]
pub enum Judged {
    /// The first record.
    Created(LaneCreated),
    /// A new owner.
    Opened,
    /// The next decisions.
    Decided(Box<Decisions>),
    /// Not part of the journal; why.
    Passed(&'static str),
    /// The chain ends here; why.
    Broken(String),
}

impl Chain {
    /// Last valid sequence number.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Judges the next record, and steps over it if it counts.
    pub fn step(&mut self, bytes: &Bytes) -> Judged {
        let Ok(envelope) = Envelope::decode(bytes.clone()) else {
            return Judged::Passed("unreadable");
        };
        if envelope.format != 1 {
            return Judged::Passed("unreadable");
        }
        match envelope.kind() {
            RecordKind::Unspecified => Judged::Passed("unreadable"),
            RecordKind::LaneCreated => self.created(&envelope),
            RecordKind::LaneOpened => self.opened(&envelope),
            RecordKind::Decisions => self.decided(envelope, bytes),
        }
    }

    fn created(&mut self, envelope: &Envelope) -> Judged {
        if self.created {
            return Judged::Passed("created again");
        }
        self.created = true;
        match LaneCreated::decode(envelope.body.clone()) {
            Ok(created) => Judged::Created(created),
            Err(error) => Judged::Broken(format!("the first record cannot be read: {error}")),
        }
    }

    fn opened(&mut self, envelope: &Envelope) -> Judged {
        let Ok(owner) = Name::try_from(&envelope.owner[..]) else {
            return Judged::Passed("unreadable");
        };
        if !self.created {
            return Judged::Broken("a journal begins with LaneCreated".to_owned());
        }
        if envelope.epoch <= self.epoch {
            return Judged::Passed("old epoch");
        }
        self.epoch = envelope.epoch;
        self.owner = owner;
        Judged::Opened
    }

    fn decided(&mut self, envelope: Envelope, bytes: &Bytes) -> Judged {
        if envelope.epoch != self.epoch || envelope.owner[..] != self.owner {
            return Judged::Passed("fenced owner");
        }
        if Some(envelope.seq) != self.seq.checked_add(1) {
            return Judged::Passed("out of order");
        }
        if envelope.prev_hash[..] != self.last {
            return Judged::Broken(format!(
                "seq {} does not follow the record before it: its hash is another",
                envelope.seq
            ));
        }
        if envelope.level > LEVEL {
            return Judged::Broken(format!(
                "seq {} has level {}, and this audit reads up to {LEVEL}",
                envelope.seq, envelope.level
            ));
        }
        match Decisions::decode(envelope.body) {
            Ok(decisions) => {
                self.seq = envelope.seq;
                self.last = hash(bytes);
                Judged::Decided(Box::new(decisions))
            }
            Err(error) => Judged::Broken(format!("seq {} cannot be read: {error}", envelope.seq)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: RecordKind, epoch: u64, owner: u8, seq: u64, last: Digest) -> Bytes {
        let envelope = Envelope {
            format: 1,
            kind: kind.into(),
            epoch,
            owner: vec![owner; 16].into(),
            seq,
            prev_hash: last.to_vec().into(),
            level: 1,
            body: Bytes::new(),
        };
        envelope.encode_to_vec().into()
    }

    fn owned() -> Chain {
        let mut chain = Chain::default();
        let created = record(RecordKind::LaneCreated, 0, 0, 0, [0; 32]);
        assert!(matches!(chain.step(&created), Judged::Created(_)));
        let opened = record(RecordKind::LaneOpened, 1, 7, 0, [0; 32]);
        assert!(matches!(chain.step(&opened), Judged::Opened));
        chain
    }

    #[test]
    fn a_fenced_owner_counts_no_more_and_a_wrong_hash_ends_the_chain() {
        let mut chain = owned();
        let first = record(RecordKind::Decisions, 1, 7, 1, [0; 32]);
        assert!(matches!(chain.step(&first), Judged::Decided(_)));
        let opened = record(RecordKind::LaneOpened, 2, 8, 0, [0; 32]);
        assert!(matches!(chain.step(&opened), Judged::Opened));
        let late = record(RecordKind::Decisions, 1, 7, 2, hash(&first));
        assert!(matches!(chain.step(&late), Judged::Passed("fenced owner")));
        let gap = record(RecordKind::Decisions, 2, 8, 3, hash(&first));
        assert!(matches!(chain.step(&gap), Judged::Passed("out of order")));
        let wrong = record(RecordKind::Decisions, 2, 8, 2, [9; 32]);
        assert!(matches!(chain.step(&wrong), Judged::Broken(_)));
        let next = record(RecordKind::Decisions, 2, 8, 2, hash(&first));
        assert!(matches!(chain.step(&next), Judged::Decided(_)));
    }

    #[test]
    fn only_a_higher_epoch_takes_the_lane() {
        let mut chain = owned();
        let same = record(RecordKind::LaneOpened, 1, 9, 0, [0; 32]);
        assert!(matches!(chain.step(&same), Judged::Passed("old epoch")));
    }
}
