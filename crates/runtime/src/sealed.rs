//! Objects of a store as bytes: eight bytes that say what it is, a digest, a message.

use crate::lane::record::Hash;
use bytes::Bytes;
use prost::Message;

/// The first bytes of an object: its kind, and the format of that kind.
pub type Kind = [u8; 8];

/// Bytes before the message.
const BEFORE: usize = size_of::<Kind>() + 32;

/// An object is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(pub String);

/// An object of a message.
pub fn seal(kind: &Kind, message: &impl Message) -> Bytes {
    let mut filling = Filling::of(kind);
    filling.add(message);
    filling.seal()
}

/// An object whose message comes in parts: parts one behind the other are one message, in which what repeats adds up.
#[derive(Debug)]
pub struct Filling(Vec<u8>);

impl Filling {
    /// Nothing in it yet.
    pub fn of(kind: &Kind) -> Self {
        let mut object = kind.to_vec();
        // The digest's place.
        object.resize(BEFORE, 0);
        Self(object)
    }

    /// The next part.
    pub fn add(&mut self, part: &impl Message) {
        // It fails where there is no room, and a vector grows.
        let _ = part.encode(&mut self.0);
    }

    /// All of it.
    pub fn seal(self) -> Bytes {
        let Self(mut object) = self;
        if let Some((before, body)) = object.split_at_mut_checked(BEFORE)
            && let Some(digest) = before.get_mut(size_of::<Kind>()..)
        {
            digest.copy_from_slice(&Hash::of(body).0);
        }
        object.into()
    }
}

/// The message of an object.
///
/// # Errors
/// It is not what was written.
pub fn unseal<M: Message + Default>(kind: &Kind, object: &Bytes) -> Result<M, Damaged> {
    let (digest, body) = parts(kind, object)?;
    if Hash::of(&body) != digest {
        return Err(damaged(object, "its digest is wrong"));
    }
    read(object, body)
}

/// The message of an object all of which was proven by somebody else's digest.
///
/// # Errors
/// It cannot be read.
pub fn message<M: Message + Default>(kind: &Kind, object: &Bytes) -> Result<M, Damaged> {
    let (_, body) = parts(kind, object)?;
    read(object, body)
}

/// Digest and message.
fn parts(kind: &Kind, object: &Bytes) -> Result<(Hash, Bytes), Damaged> {
    if object.get(..kind.len()) != Some(kind) {
        let what = "it does not begin as it must, or a newer release wrote it";
        return Err(damaged(object, what));
    }
    let digest = object.get(kind.len()..BEFORE).and_then(Hash::from_slice);
    let digest = digest.ok_or_else(|| damaged(object, "it is too short"))?;
    Ok((digest, object.slice(BEFORE..)))
}

fn read<M: Message + Default>(object: &Bytes, body: Bytes) -> Result<M, Damaged> {
    M::decode(body).map_err(|error| damaged(object, &format!("it cannot be read: {error}")))
}

fn damaged(object: &Bytes, what: &str) -> Damaged {
    Damaged(format!("{what} ({} bytes)", object.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenfold_proto::lane::{ArchivedHeader, SnapshotChunk, SnapshotRow};

    const KIND: &Kind = b"TENFTST\x01";

    #[test]
    fn parts_one_behind_the_other_are_one_message() {
        let whole = SnapshotChunk {
            rows: [1, 2, 3].map(row).to_vec(),
        };
        let mut filling = Filling::of(KIND);
        for rows in [vec![row(1)], vec![], vec![row(2), row(3)]] {
            filling.add(&SnapshotChunk { rows });
        }
        let object = filling.seal();
        assert_eq!(unseal::<SnapshotChunk>(KIND, &object), Ok(whole.clone()));
        assert_eq!(object, seal(KIND, &whole));
    }

    fn row(number: u8) -> SnapshotRow {
        SnapshotRow {
            key: vec![number].into(),
            value: Some(vec![number; 9].into()),
        }
    }

    #[test]
    fn any_byte_that_is_changed_or_missing_is_found_out() {
        let message = ArchivedHeader {
            name: "lab".into(),
            value: vec![7; 40].into(),
        };
        let object = seal(KIND, &message);
        assert_eq!(unseal::<ArchivedHeader>(KIND, &object), Ok(message));
        for at in 0..object.len() {
            let mut other = object.to_vec();
            other[at] ^= 1;
            let changed = unseal::<ArchivedHeader>(KIND, &other.into());
            assert!(changed.is_err(), "byte {at} was changed");
            let cut = unseal::<ArchivedHeader>(KIND, &object.slice(..at));
            assert!(cut.is_err(), "cut off at {at}");
        }
    }
}
