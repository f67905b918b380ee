//! Messages between lanes: each takes effect exactly once, in order, whatever happens on the way.

use crate::bed::{Bed, eventually};
use crate::faulty::Fault;
use crate::suite::Scenario;
use prost::Message;
use tenfold_proto::lane::inbox_record::Content;
use tenfold_proto::lane::{Decisions, InboxRecord, LaneCreated, Relay, RelayedMessage};
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::lane::record;
use tenfold_runtime::log::{Class, Log, NewRecord, Topic};
use tenfold_runtime::trace::traced;

pub const SCENARIOS: &[(&str, Scenario)] = &[
    ("messages arrive once and in order", plainly),
    (
        "messages whose acknowledgement is lost arrive once",
        doubled,
    ),
    (
        "messages that are lost are sent again, with all behind them",
        lost,
    ),
    (
        "messages that overtake each other take effect in order",
        reordered,
    ),
    (
        "the next owner relays what its predecessor decided",
        takeover_of_sender,
    ),
    (
        "the next receiver knows what was taken",
        takeover_of_receiver,
    ),
    (
        "a gap that stays is asked for, though nothing more comes",
        gap,
    ),
    ("a call's trace goes on with its messages", trace),
];

fn inbox() -> Topic {
    Topic::inbox("pooling")
}

fn pair(bed: &Bed) -> (crate::bed::Node, crate::bed::Node) {
    let sender = bed.owner("a");
    let receiver = bed.node_of("pooling", "p", MemoryCache::default());
    receiver.take();
    (sender, receiver)
}

fn expected(n: usize) -> String {
    (1..=n)
        .map(|i| format!("m{i}"))
        .collect::<Vec<_>>()
        .join(",")
}

fn tell(bed: &Bed, sender: &crate::bed::Node, range: std::ops::RangeInclusive<usize>) {
    for n in range {
        bed.command(sender, &format!("t{n}"), &format!("tell pooling m{n}"))
            .unwrap();
    }
}

fn arrive(bed: &Bed, receiver: &crate::bed::Node, n: usize) {
    eventually("all arrive", || {
        bed.ask(receiver, "notes").len() >= expected(n).len()
    });
    assert_eq!(bed.ask(receiver, "notes"), expected(n));
    bed.agrees(receiver);
}

fn plainly(bed: Bed) {
    let (sender, receiver) = pair(&bed);
    tell(&bed, &sender, 1..=20);
    arrive(&bed, &receiver, 20);
}

fn doubled(bed: Bed) {
    let (sender, receiver) = pair(&bed);
    for n in 1..=6 {
        sender.log.fail_next(&inbox(), Fault::UnknownLanded);
        tell(&bed, &sender, n..=n);
    }
    arrive(&bed, &receiver, 6);
}

fn lost(bed: Bed) {
    let (sender, receiver) = pair(&bed);
    for n in 1..=6 {
        sender.log.fail_next(&inbox(), Fault::UnknownLost);
        tell(&bed, &sender, n..=n);
    }
    arrive(&bed, &receiver, 6);
}

/// The first is lost and lands at last; those behind it land before it.
fn reordered(bed: Bed) {
    let (sender, receiver) = pair(&bed);
    sender.log.fail_next(&inbox(), Fault::UnknownLate);
    tell(&bed, &sender, 1..=5);
    arrive(&bed, &receiver, 5);
    assert_eq!(sender.log.land_late(), 1);
    tell(&bed, &sender, 6..=6);
    arrive(&bed, &receiver, 6);
}

fn takeover_of_sender(bed: Bed) {
    let receiver = bed.node_of("pooling", "p", MemoryCache::default());
    receiver.take();
    let a = bed.owner("a");
    tell(&bed, &a, 1..=3);
    arrive(&bed, &receiver, 3);
    // A dies after its commits and before its messages get out.
    for _ in 0..1_000 {
        a.log.fail_next(&inbox(), Fault::UnknownLost);
    }
    tell(&bed, &a, 4..=6);
    drop(a);
    let b = bed.owner("b");
    arrive(&bed, &receiver, 6);
    tell(&bed, &b, 7..=7);
    arrive(&bed, &receiver, 7);
}

fn takeover_of_receiver(bed: Bed) {
    let (sender, receiver) = pair(&bed);
    tell(&bed, &sender, 1..=3);
    arrive(&bed, &receiver, 3);
    let next = bed.node_of("pooling", "q", MemoryCache::default());
    next.take();
    receiver.give_up();
    sender.log.fail_next(&inbox(), Fault::UnknownLanded);
    tell(&bed, &sender, 4..=6);
    arrive(&bed, &next, 6);
}

/// A message comes too early, and nothing after it.
fn gap(bed: Bed) {
    let (sender, receiver) = pair(&bed);
    tell(&bed, &sender, 1..=2);
    arrive(&bed, &receiver, 2);
    let record = records(&sender, &Topic::journal("intake")).swap_remove(0);
    let created = record::read(&record).and_then(|e| LaneCreated::decode(e.body).ok());
    let relay = Relay {
        stream_id: created.expect("the journal's first record").stream_id,
        from_service: "intake".to_owned(),
        first_n: 5,
        messages: vec![RelayedMessage::default()],
        prev_digest: vec![0; 32].into(),
        ..Relay::default()
    };
    let record = InboxRecord {
        content: Some(Content::Relay(relay)),
        traceparent: String::new(),
    };
    let record = NewRecord::of(record.encode_to_vec());
    let ignored = Box::new(|_| {});
    receiver
        .log
        .append(Class::Relay, &inbox(), 0, record, ignored);
    eventually("it asks for what is missing", || {
        records(&sender, &Topic::inbox("intake"))
            .iter()
            .any(|bytes| {
                let content = InboxRecord::decode(bytes.clone())
                    .ok()
                    .and_then(|r| r.content);
                matches!(content, Some(Content::Resend(resend)) if resend.from_n == 3)
            })
    });
    tell(&bed, &sender, 3..=4);
    arrive(&bed, &receiver, 4);
}

fn records(node: &crate::bed::Node, topic: &Topic) -> Vec<bytes::Bytes> {
    let mut reader = node
        .log
        .reader(topic, 0, 0, std::sync::Arc::new(|| {}))
        .unwrap();
    let mut records = Vec::new();
    eventually("the topic is read", || {
        records.extend(reader.poll(1 << 20).unwrap().into_iter().map(|r| r.value));
        !records.is_empty()
    });
    records
}

/// From the caller, through the sender's journal and the receiver's inbox, into the receiver's journal.
fn trace(bed: Bed) {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let (sender, receiver) = pair(&bed);
    let gateway = sender.instance.gateway();
    let call = gateway.command("k", "tester", "t1", "tell pooling m1".into());
    bed.runtime
        .block_on(traced(traceparent.to_owned(), call))
        .unwrap();
    eventually("it arrives", || bed.ask(&receiver, "notes") == "m1");
    for journal in ["intake", "pooling"] {
        let mut reader = sender
            .log
            .reader(&Topic::journal(journal), 0, 0, std::sync::Arc::new(|| {}))
            .unwrap();
        eventually("the trace is in the journal", || {
            reader.poll(1 << 20).unwrap().into_iter().any(|r| {
                record::read(&r.value)
                    .and_then(|envelope| Decisions::decode(envelope.body).ok())
                    .is_some_and(|decisions| decisions.traceparent == traceparent)
            })
        });
    }
}
