//! Bytes that nobody should write into a journal or an inbox: every reader of the engine takes or
//! refuses them, and none panics.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;
use tenfold_proto::lane::{
    DeadLetter, Decisions, Envelope, External, InboxRecord, LaneOpened, OutMessage, Outcome, Relay,
    RelayMark, RelayedMessage, SendMark, StreamMark, inbox_record::Content,
};
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::driver::hostile::damaged;
use tenfold_runtime::lane::record::{self, Hash, Id};
use tenfold_runtime::lane::state::LaneState;
use tenfold_runtime::lane::validity::{Chain, Verdict, judge};
use tenfold_runtime::lane::{fold, receive};

const OWNER: Id = Id([7; 16]);

fn chain() -> Chain {
    Chain {
        epoch: 3,
        owner: OWNER,
        seq: 8,
        hash: Hash([4; 32]),
    }
}

fn decisions() -> Decisions {
    let digest = Hash::default().to_bytes();
    Decisions {
        decided_at: 1_767_225_600_000,
        inbox_next: 9,
        events: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        outcomes: vec![Outcome {
            actor: "tech-1".to_owned(),
            request_id: "r-1".to_owned(),
            command_hash: Hash::of(b"x").to_bytes(),
            expires_at: 1_767_225_700_000,
            answer: Some(tenfold_proto::lane::Answer::default()),
        }],
        messages: vec![OutMessage {
            topic: "reports".to_owned(),
            n: 1,
            level: 1,
            body: Bytes::from_static(b"body"),
            ..OutMessage::default()
        }],
        relayed: vec![RelayMark {
            topic: "reports".to_owned(),
            lane: 0,
            n: 0,
        }],
        received: vec![StreamMark {
            stream_id: OWNER.to_bytes(),
            n: 4,
            digest: digest.clone(),
            from_service: "intake".to_owned(),
            from_lane: 1,
        }],
        sending: vec![SendMark {
            topic: "reports".to_owned(),
            lane: 0,
            n: 0,
            digest,
        }],
        ..Decisions::default()
    }
}

fn relay() -> Relay {
    Relay {
        stream_id: OWNER.to_bytes(),
        from_service: "intake".to_owned(),
        from_lane: 1,
        first_n: 1,
        messages: vec![RelayedMessage {
            level: 1,
            body: Bytes::from_static(b"body"),
        }],
        prev_digest: Hash::default().to_bytes(),
    }
}

/// One of each kind of record, in journals and inboxes.
fn good() -> Vec<Vec<u8>> {
    let external = External {
        origin: "test".to_owned(),
        items: vec![Bytes::from_static(b"item")],
    };
    let inbox = [Content::Relay(relay()), Content::External(external)].map(|content| {
        InboxRecord {
            content: Some(content),
            ..InboxRecord::default()
        }
        .encode_to_vec()
    });
    let letter = DeadLetter {
        origin: "intake.inbox/0@7".to_owned(),
        ..DeadLetter::default()
    };
    let journal = [
        record::decisions(&chain(), 1, &decisions()),
        record::decisions(&chain(), 1, &decisions()),
        record::opened(4, Id([8; 16]), &LaneOpened::default()),
    ];
    journal
        .iter()
        .map(|bytes| bytes.to_vec())
        .chain(inbox)
        .chain([letter.encode_to_vec(), decisions().encode_to_vec()])
        .collect()
}

fn state() -> LaneState {
    let cache = MemoryCache::default().open(0).expect("a cache in memory");
    LaneState::load(cache, &[]).expect("an empty state")
}

/// What a lane does with a record of a journal: judge it, and fold the engine's part of it.
fn read_journal(bytes: &[u8]) -> Option<Verdict> {
    let bytes = Bytes::copy_from_slice(bytes);
    let envelope = record::read(&bytes);
    let mut verdict = None;
    for first in [false, true] {
        let judged = judge(&chain(), first, envelope.as_ref(), 1);
        if let Some(envelope) = &envelope {
            let _ = chain().after(judged, envelope, &bytes);
        }
        verdict = Some(judged);
    }
    if let Some(envelope) = envelope {
        fold_body(envelope.body);
    }
    verdict
}

fn fold_body(body: Bytes) {
    if let Ok(decisions) = Decisions::decode(body) {
        let _ = fold::numbered(&decisions);
        let mut state = state();
        if fold::rows(&mut state, &decisions).is_ok() {
            let _ = fold::rows(&mut state, &decisions);
        }
    }
}

/// What a lane does with a relayed record.
fn read_relay(bytes: &[u8]) {
    let record = InboxRecord::decode(bytes).ok().and_then(|r| r.content);
    if let Some(Content::Relay(relay)) = record {
        let first = receive::judge(&relay, None);
        if let receive::Received::New(range, row) = first {
            assert!(range.end <= relay.messages.len());
            assert_eq!(
                receive::judge(&relay, Some(&row)),
                receive::Received::Duplicate
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_bytes_in_a_journal_or_an_inbox_are_read_or_passed_over(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let verdict = read_journal(&bytes);
        prop_assert_ne!(verdict, Some(Verdict::Decisions), "nobody guesses a chain's hash");
        fold_body(Bytes::copy_from_slice(&bytes));
        read_relay(&bytes);
    }

    #[test]
    fn hostile_records_are_read_or_passed_over(plan in prop::collection::vec(any::<u8>(), 2..22)) {
        let bytes = damaged(&good(), &plan);
        read_journal(&bytes);
        fold_body(bytes.clone().into());
        read_relay(&bytes);
    }

    #[test]
    fn an_envelope_around_hostile_decisions_is_folded_or_refused(
        plan in prop::collection::vec(any::<u8>(), 2..22),
    ) {
        let body = damaged(&[decisions().encode_to_vec()], &plan);
        let envelope = Envelope {
            body: body.into(),
            ..record::read(&record::decisions(&chain(), 1, &decisions())).expect("an envelope")
        };
        prop_assert_eq!(read_journal(&envelope.encode_to_vec()).map(|_| ()), Some(()));
    }
}

#[test]
fn the_records_that_hostile_ones_are_made_of_count() {
    let verdicts: Vec<_> = good().iter().map(|bytes| read_journal(bytes)).collect();
    assert_eq!(verdicts[0], Some(Verdict::Decisions));
    assert_eq!(verdicts[2], Some(Verdict::Opened));
    let mut state = state();
    assert!(fold::rows(&mut state, &decisions()).is_ok());
    assert!(matches!(
        receive::judge(&relay(), None),
        receive::Received::New(..)
    ));
}
