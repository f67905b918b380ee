//! Messages as records: packed together for an inbox, one by one for a public topic.

use super::Waiting;
use crate::limits::Limits;
use crate::log::NewRecord;
use bytes::Bytes;
use prost::Message;
use tenfold_proto::lane::{InboxRecord, OutMessage, Relay, RelayedMessage, inbox_record};

/// One record of an inbox, with as many messages as it may hold; and the number of the last of them.
pub(super) fn relay<'a>(
    next: impl Iterator<Item = &'a Waiting>,
    first: &Waiting,
    stream: &Bytes,
    service: &str,
    from: u32,
    limits: &Limits,
) -> (NewRecord, u64) {
    let mut messages = Vec::new();
    let mut bytes = 0;
    let mut last = first.message.n;
    for waiting in next.take(limits.relay_pack_messages) {
        bytes += waiting.message.body.len();
        if !messages.is_empty() && bytes > limits.relay_pack_bytes {
            break;
        }
        last = waiting.message.n;
        messages.push(RelayedMessage {
            level: waiting.message.level,
            body: waiting.message.body.clone(),
        });
    }
    let relay = Relay {
        stream_id: stream.clone(),
        from_service: service.to_owned(),
        from_lane: from,
        first_n: first.message.n,
        messages,
        prev_digest: first.before.to_bytes(),
    };
    let record = InboxRecord {
        content: Some(inbox_record::Content::Relay(relay)),
        traceparent: first.traceparent.to_string(),
    };
    (NewRecord::of(record.encode_to_vec()), last)
}

/// The record of a public topic that a message is.
pub(super) fn public(message: &OutMessage) -> NewRecord {
    NewRecord {
        key: Some(Bytes::copy_from_slice(message.key.as_bytes())),
        value: message.body.clone(),
        headers: vec![(
            "content-type".to_owned(),
            Bytes::from_static(b"application/protobuf"),
        )],
    }
}
