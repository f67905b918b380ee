//! What a snapshot says of itself, and its objects as bytes.

use crate::lane::record::{Hash, Id};
use crate::lane::rows::{Anchor, Journal, Stamp};
use crate::lane::validity::Chain;
use crate::sealed;
pub use crate::sealed::{Damaged, Filling};
use bytes::Bytes;
use prost::Message;
use tenfold_domain::Timestamp;
use tenfold_proto::lane::{SnapshotChain, SnapshotManifest, SnapshotStamp};

/// The first bytes of every object; the last one is the format.
const HEAD: &[u8; 8] = b"TENFSNP\x01";
/// The only format there is.
pub const FORMAT: u32 = 1;
/// An object whose message comes in parts.
pub fn filling() -> Filling {
    Filling::of(HEAD)
}

/// An object of a message.
pub fn seal(message: &impl Message) -> Bytes {
    sealed::seal(HEAD, message)
}

/// The message of an object.
///
/// # Errors
/// It is not what was written.
pub fn unseal<M: Message + Default>(object: &Bytes) -> Result<M, Damaged> {
    sealed::unseal(HEAD, object)
}

/// The message of an object that was proven otherwise.
///
/// # Errors
/// It cannot be read.
pub fn message<M: Message + Default>(object: &Bytes) -> Result<M, Damaged> {
    sealed::message(HEAD, object)
}

/// The stamp as the wire has it.
pub fn to_wire(stamp: &Stamp) -> SnapshotStamp {
    SnapshotStamp {
        journal_id: stamp.journal.id.to_bytes(),
        lanes: stamp.journal.lanes,
        stream_id: stamp.journal.stream.to_bytes(),
        next_offset: stamp.next_offset,
        chain: Some(chain_to_wire(&stamp.chain)),
        decided_at: stamp.decided_at.0,
        inbox_id: stamp.inbox_id.to_bytes(),
        inbox_next: stamp.inbox_next,
        anchor_offset: stamp.anchor.offset,
        anchor_chain: Some(chain_to_wire(&stamp.anchor.chain)),
    }
}

fn chain_to_wire(chain: &Chain) -> SnapshotChain {
    SnapshotChain {
        epoch: chain.epoch,
        owner: chain.owner.to_bytes(),
        seq: chain.seq,
        hash: chain.hash.to_bytes(),
    }
}

/// The stamp of a manifest.
///
/// # Errors
/// A field is missing, or not of its form.
pub fn stamp_of(manifest: &SnapshotManifest) -> Result<Stamp, Damaged> {
    let read = || {
        let wire = manifest.stamp.as_ref()?;
        Some(Stamp {
            journal: Journal {
                id: Id::from_slice(&wire.journal_id)?,
                lanes: wire.lanes,
                stream: Id::from_slice(&wire.stream_id)?,
            },
            next_offset: wire.next_offset,
            chain: chain_of(wire.chain.as_ref()?)?,
            decided_at: Timestamp(wire.decided_at),
            inbox_id: Id::from_slice(&wire.inbox_id)?,
            inbox_next: wire.inbox_next,
            anchor: Anchor {
                offset: wire.anchor_offset,
                chain: chain_of(wire.anchor_chain.as_ref()?)?,
            },
        })
    };
    read().ok_or_else(|| Damaged("its stamp is not of the form it must have".into()))
}

fn chain_of(wire: &SnapshotChain) -> Option<Chain> {
    Some(Chain {
        epoch: wire.epoch,
        owner: Id::from_slice(&wire.owner)?,
        seq: wire.seq,
        hash: Hash::from_slice(&wire.hash)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> SnapshotManifest {
        let chain = Chain {
            epoch: 3,
            owner: Id([4; 16]),
            seq: 5,
            hash: Hash([6; 32]),
        };
        let stamp = Stamp {
            journal: Journal {
                id: Id([1; 16]),
                lanes: 2,
                stream: Id([3; 16]),
            },
            next_offset: 9,
            chain,
            decided_at: Timestamp(7),
            inbox_id: Id([8; 16]),
            inbox_next: 10,
            anchor: Anchor {
                offset: 8,
                chain: Chain { seq: 4, ..chain },
            },
        };
        SnapshotManifest {
            format: FORMAT,
            service: "intake".into(),
            stamp: Some(to_wire(&stamp)),
            ..SnapshotManifest::default()
        }
    }

    #[test]
    fn a_stamp_comes_back_as_it_went() {
        let object = seal(&manifest());
        let read: SnapshotManifest = unseal(&object).unwrap();
        assert_eq!(read, manifest());
        let stamp = stamp_of(&read).unwrap();
        assert_eq!(Some(to_wire(&stamp)), read.stamp);
        assert_eq!((stamp.next_offset, stamp.anchor.chain.seq), (9, 4));
    }

    #[test]
    fn a_stamp_without_a_part_is_no_stamp() {
        let mut without = manifest();
        if let Some(stamp) = &mut without.stamp {
            stamp.anchor_chain = None;
        }
        assert!(stamp_of(&without).is_err());
        without.stamp = None;
        assert!(stamp_of(&without).is_err());
    }
}
