//! What intake tells pooling, packed into the records of one lane's inbox as intake packs it: in parts, so that ten million tubes
//! need no memory at once.

use crate::tubes::relayed;
use bytes::Bytes;
use tenfold_proto::lane::{Relay, RelayedMessage};
use tenfold_runtime::lane::record::Hash;
use tenfold_runtime::limits::Limits;

/// How far a lane's stream of messages is.
#[derive(Debug)]
pub struct Packer {
    digest: Hash,
    next: u64,
}

impl Default for Packer {
    fn default() -> Self {
        Self {
            digest: Hash::default(),
            next: 1,
        }
    }
}

impl Packer {
    /// The next messages of the stream, as records.
    pub fn pack(&mut self, bodies: impl Iterator<Item = Bytes>) -> impl Iterator<Item = Bytes> {
        let limits = Limits::default();
        let mut bodies = bodies.peekable();
        std::iter::from_fn(move || {
            bodies.peek()?;
            let mut relay = Relay {
                stream_id: Bytes::from_static(&[7; 16]),
                from_service: "intake".to_owned(),
                first_n: self.next,
                prev_digest: self.digest.to_bytes(),
                ..Relay::default()
            };
            let mut bytes = 0;
            while let Some(body) = bodies.next_if(|body| {
                relay.messages.is_empty()
                    || (relay.messages.len() < limits.relay_pack_messages
                        && bytes + body.len() <= limits.relay_pack_bytes)
            }) {
                self.digest = self.digest.chain(&body);
                self.next += 1;
                bytes += body.len();
                relay.messages.push(RelayedMessage { level: 1, body });
            }
            Some(relayed(relay))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;
    use tenfold_proto::lane::InboxRecord;
    use tenfold_proto::lane::inbox_record::Content;

    fn relays(records: impl Iterator<Item = Bytes>) -> Vec<Relay> {
        records
            .map(|bytes| {
                let record = InboxRecord::decode(bytes).expect("a record");
                let Some(Content::Relay(relay)) = record.content else {
                    panic!("a relay is expected");
                };
                relay
            })
            .collect()
    }

    #[test]
    fn parts_are_one_stream() {
        let bodies =
            |range: std::ops::Range<u32>| range.map(|n| Bytes::from(n.to_be_bytes().to_vec()));
        let whole = relays(Packer::default().pack(bodies(0..700)));
        let mut packer = Packer::default();
        let mut parts = relays(packer.pack(bodies(0..300)));
        parts.extend(relays(packer.pack(bodies(300..700))));
        let last = |relays: &[Relay]| {
            let relay = relays.last().expect("a record");
            relay.first_n + relay.messages.len() as u64
        };
        assert_eq!((last(&whole), last(&parts)), (701, 701));
        // Each names the digest of all before it, wherever the parts begin.
        let mut digest = Hash::default();
        for relay in &parts {
            assert_eq!(
                relay.prev_digest,
                digest.to_bytes(),
                "from {}",
                relay.first_n
            );
            for message in &relay.messages {
                digest = digest.chain(&message.body);
            }
        }
    }
}
