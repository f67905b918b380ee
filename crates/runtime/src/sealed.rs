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
    let body = message.encode_to_vec();
    let mut object = Vec::with_capacity(BEFORE + body.len());
    object.extend_from_slice(kind);
    object.extend_from_slice(&Hash::of(&body).0);
    object.extend_from_slice(&body);
    object.into()
}

/// The message of an object.
///
/// # Errors
/// It is not what was written.
pub fn unseal<M: Message + Default>(kind: &Kind, object: &Bytes) -> Result<M, Damaged> {
    let damaged = |what: &str| Damaged(format!("{what} ({} bytes)", object.len()));
    if object.get(..kind.len()) != Some(kind) {
        return Err(damaged(
            "it does not begin as it must, or a newer release wrote it",
        ));
    }
    let digest = object.get(kind.len()..BEFORE).and_then(Hash::from_slice);
    let digest = digest.ok_or_else(|| damaged("it is too short"))?;
    let body = object.slice(BEFORE..);
    if Hash::of(&body) != digest {
        return Err(damaged("its digest is wrong"));
    }
    M::decode(body).map_err(|error| damaged(&format!("it cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenfold_proto::lane::ArchivedHeader;

    const KIND: &Kind = b"TENFTST\x01";

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
