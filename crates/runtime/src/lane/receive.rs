//! Which of a sender's messages are new: the receiver's half of go back N.

use super::record::{Hash, Id};
use super::rows::ReceivedRow;
use std::ops::Range;
use tenfold_proto::lane::Relay;

/// What a relayed record is to a receiver that has a sender's messages up to some number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// These messages of the record (by index) are new; the row is the sender's after them.
    New(Range<usize>, ReceivedRow),
    /// Nothing in it is new.
    Duplicate,
    /// It comes too early: messages from `from` on are missing. Passed over, never waited for.
    Gap {
        /// First missing number.
        from: u64,
    },
    /// A number that was taken already comes with another content: nothing more is taken from it.
    Contradiction,
    /// The record is not of the form it must have.
    Malformed(&'static str),
}

/// Judges a relayed record against what was received so far from its stream.
pub fn judge(relay: &Relay, last: Option<&ReceivedRow>) -> Received {
    if Id::from_slice(&relay.stream_id).is_none() {
        return Received::Malformed("a stream id has 16 bytes");
    }
    let Some(mut digest) = Hash::from_slice(&relay.prev_digest) else {
        return Received::Malformed("a digest has 32 bytes");
    };
    if relay.first_n == 0 || relay.messages.is_empty() {
        return Received::Malformed("numbers start at 1, and a record has a message");
    }
    let (have, known) = last.map_or((0, Hash::default()), |row| (row.n, row.digest));
    let Some(end) = relay.first_n.checked_add(relay.messages.len() as u64) else {
        return Received::Malformed("the numbers end");
    };
    if relay.first_n > have.saturating_add(1) {
        return Received::Gap { from: have + 1 };
    }
    let mut start = None;
    for (index, message) in relay.messages.iter().enumerate() {
        let n = relay.first_n + index as u64;
        if n == have + 1 {
            if digest != known {
                return Received::Contradiction;
            }
            start = Some(index);
        }
        digest = digest.chain(&message.body);
        if n == have && digest != known {
            return Received::Contradiction;
        }
    }
    let Some(start) = start else {
        return Received::Duplicate;
    };
    let row = ReceivedRow {
        n: end - 1,
        digest,
        from_service: relay.from_service.clone(),
        from_lane: relay.from_lane,
    };
    Received::New(start..relay.messages.len(), row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use tenfold_proto::lane::RelayedMessage;

    const STREAM: Id = Id([9; 16]);

    fn body(n: u64) -> Bytes {
        Bytes::from(format!("message {n}"))
    }

    fn digest_through(n: u64) -> Hash {
        (1..=n).fold(Hash::default(), |digest, i| digest.chain(&body(i)))
    }

    fn relay(first: u64, count: u64) -> Relay {
        Relay {
            stream_id: STREAM.to_bytes(),
            from_service: "intake".to_owned(),
            from_lane: 4,
            first_n: first,
            messages: (first..first + count)
                .map(|n| RelayedMessage {
                    level: 1,
                    body: body(n),
                })
                .collect(),
            prev_digest: digest_through(first - 1).to_bytes(),
        }
    }

    fn have(n: u64) -> ReceivedRow {
        ReceivedRow {
            n,
            digest: digest_through(n),
            from_service: "intake".to_owned(),
            from_lane: 4,
        }
    }

    #[test]
    fn only_what_is_next_is_taken() {
        assert_eq!(
            judge(&relay(1, 3), None),
            Received::New(0..3, have(3)),
            "the first"
        );
        assert_eq!(judge(&relay(1, 3), Some(&have(3))), Received::Duplicate);
        assert_eq!(judge(&relay(2, 1), Some(&have(3))), Received::Duplicate);
        assert_eq!(
            judge(&relay(2, 4), Some(&have(3))),
            Received::New(2..4, have(5)),
            "half of it known"
        );
        assert_eq!(
            judge(&relay(5, 1), Some(&have(3))),
            Received::Gap { from: 4 }
        );
        assert_eq!(judge(&relay(2, 1), None), Received::Gap { from: 1 });
    }

    #[test]
    fn another_content_under_a_number_taken_is_a_contradiction() {
        let mut other = relay(3, 2);
        other.messages[0].body = Bytes::from_static(b"something else");
        assert_eq!(judge(&other, Some(&have(3))), Received::Contradiction);
        let mut other = relay(4, 1);
        other.prev_digest = Hash([1; 32]).to_bytes();
        assert_eq!(judge(&other, Some(&have(3))), Received::Contradiction);
    }

    proptest! {
        /// However often, late or mixed up the pieces come: each message takes effect once, in order.
        #[test]
        fn each_message_once_and_in_order(pieces in prop::collection::vec((1u64..12, 1u64..5), 0..60)) {
            let mut row: Option<ReceivedRow> = None;
            let mut taken = Vec::new();
            for (first, count) in pieces {
                let relay = relay(first, count);
                match judge(&relay, row.as_ref()) {
                    Received::New(range, next) => {
                        taken.extend(relay.messages[range].iter().map(|m| m.body.clone()));
                        row = Some(next);
                    }
                    Received::Duplicate | Received::Gap { .. } => {}
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            let n = row.map_or(0, |row| row.n);
            prop_assert_eq!(taken, (1..=n).map(body).collect::<Vec<_>>());
        }
    }
}
