//! A process that may own the sending lane: what it decides, and the outbox that relays it.
//!
//! The outbox is the product's own: `tenfold_runtime::lane::outbox`.

use super::{Entry, Packet};
use bytes::Bytes;
use prost::Message as _;
use std::collections::BTreeSet;
use std::time::Duration;
use tenfold_proto::lane::{InboxRecord, OutMessage, Relay, inbox_record::Content};
use tenfold_runtime::lane::outbox::{Outbox, Pair, Ticket};
use tenfold_runtime::lane::record::{Hash, Id};
use tenfold_runtime::lane::rows::Anchor;
use tenfold_runtime::limits::Limits;
use tenfold_runtime::log::Appended;

/// Name of the sender's service.
pub const SERVICE: &str = "a";

/// Names the numbers of the sender's messages.
pub fn stream() -> Id {
    Id([9; 16])
}

/// The receiver's inbox.
fn pair() -> Pair {
    ("b.inbox".to_owned(), 0)
}

/// A message. Two of one number with different contents must never both count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// Its number.
    pub n: u64,
    /// What it says: here, the attempt that decided it.
    pub content: u8,
}

impl Message {
    /// As it is on the wire.
    pub fn body(self) -> Bytes {
        let n = u8::try_from(self.n).unwrap_or(u8::MAX);
        vec![n, self.content].into()
    }

    fn of(n: u64, body: &[u8]) -> Self {
        let content = body.get(1).copied().unwrap_or_default();
        Self { n, content }
    }

    fn out(self) -> OutMessage {
        let (topic, lane) = pair();
        OutMessage {
            topic,
            lane,
            n: self.n,
            level: 1,
            body: self.body(),
            key: String::new(),
            may_wait: false,
        }
    }
}

/// The digest after one more message.
pub fn digest(before: Hash, message: &Message) -> Hash {
    before.chain(&message.body())
}

/// A process of the sending lane.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sender {
    /// It does not try for the lane.
    Away,
    /// It believes that it owns the lane.
    Up(Up),
}

/// What a process has that believes to own the sending lane.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Up {
    /// Its attempt.
    pub by: u8,
    /// Messages on their way.
    pub out: Out,
    /// Messages in the journal, as it knows it, and their digest.
    pub decided: (u64, Hash),
    /// Decided, and not yet committed.
    pub deciding: Option<Message>,
    /// Appends it has not heard of.
    pub flying: Vec<Note>,
}

/// What names an append to the outbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// As the product has it.
    Ticket(Ticket),
    /// Planted: a message's number.
    Number(u64),
}

/// The outbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Out {
    /// Go back N, as the product does it.
    GoBackN(Outbox),
    /// Planted: after a failure only that message is sent again.
    Selective(Selective),
}

/// Planted: see [`Out::Selective`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selective {
    messages: Vec<(Message, Hash)>,
    marked: u64,
    flying: BTreeSet<u64>,
    arrived: BTreeSet<u64>,
}

fn limits(window: usize, packed: usize) -> Limits {
    Limits {
        relay_window_records: window,
        relay_pack_messages: packed,
        // Here time does not pass: what may be sent again, is.
        retry_min: Duration::ZERO,
        retry_max: Duration::ZERO,
        ..Limits::default()
    }
}

impl Up {
    /// A new owner: it goes on from the journaled mark, and knows every message behind it.
    pub fn new(by: u8, journal: &[Entry], marked: u64, selective: bool) -> Self {
        let mut up = Self {
            by,
            out: if selective {
                Out::Selective(Selective::default())
            } else {
                Out::GoBackN(Outbox::default())
            },
            decided: (0, Hash::default()),
            deciding: None,
            flying: Vec::new(),
        };
        up.out.set_marked(marked);
        for entry in journal {
            match entry {
                Entry::Message(message) => up.committed(*message),
                Entry::Mark(n) => up.out.set_marked(*n),
            }
        }
        up
    }

    /// A message is committed: now it may be relayed.
    pub fn committed(&mut self, message: Message) {
        self.relay(message);
        self.decided = (message.n, digest(self.decided.1, &message));
    }

    /// Gives a message to the outbox.
    pub fn relay(&mut self, message: Message) {
        self.out.add(message, self.decided.1);
    }

    /// What the outbox sends now.
    pub fn pump(&mut self, sender: usize, window: usize, packed: usize) -> Vec<Packet> {
        let sent = self.out.pump(window, packed);
        let packet = |(note, messages, before)| Packet {
            sender,
            by: self.by,
            note,
            messages,
            before,
            copy: false,
        };
        let packets: Vec<Packet> = sent.into_iter().map(packet).collect();
        self.flying.extend(packets.iter().map(|p| p.note.clone()));
        packets
    }

    /// An append ended: well, or not.
    pub fn ended(&mut self, note: &Note, arrived: Option<Appended>) {
        self.flying.retain(|flying| flying != note);
        match (&mut self.out, note) {
            (Out::GoBackN(outbox), Note::Ticket(ticket)) => {
                outbox.ended(ticket, arrived, Duration::ZERO, &limits(1, 1));
            }
            (Out::Selective(selective), Note::Number(n)) => {
                selective.flying.remove(n);
                if arrived.is_some() {
                    selective.arrived.insert(*n);
                }
            }
            _ => {}
        }
    }
}

type Sent = (Note, Vec<Message>, Hash);

impl Out {
    /// All messages up to this number count as arrived.
    pub fn acked(&self) -> u64 {
        match self {
            Self::GoBackN(outbox) => outbox.acked(&pair()),
            Self::Selective(selective) => selective.acked(),
        }
    }

    /// That may be journaled: how far messages have arrived, where the journal does not know it.
    pub fn mark(&self) -> Option<u64> {
        match self {
            Self::GoBackN(outbox) => outbox.marks().first().map(|mark| mark.n),
            Self::Selective(s) => Some(s.acked()).filter(|n| *n > s.marked),
        }
    }

    /// The journal knows how far messages have arrived.
    pub fn set_marked(&mut self, n: u64) {
        match self {
            Self::GoBackN(outbox) => outbox.set_marked(&pair(), n),
            Self::Selective(s) => {
                s.marked = s.marked.max(n);
                s.arrived.extend(1..=n);
            }
        }
    }

    fn add(&mut self, message: Message, before: Hash) {
        match self {
            Self::GoBackN(outbox) => {
                let offset = message.n;
                let at = Anchor {
                    offset,
                    ..Anchor::default()
                };
                outbox.add(at, vec![(message.out(), before)], "", None);
            }
            Self::Selective(selective) => selective.messages.push((message, before)),
        }
    }

    fn pump(&mut self, window: usize, packed: usize) -> Vec<Sent> {
        match self {
            Self::GoBackN(outbox) => {
                let limits = limits(window, packed);
                let stream = stream().to_bytes();
                let sends = outbox.pump(&stream, SERVICE, 0, Duration::ZERO, &limits);
                sends
                    .into_iter()
                    .filter_map(|send| {
                        let relay = relay(&send.record.value)?;
                        let note = Note::Ticket(send.ticket);
                        let before = Hash::from_slice(&relay.prev_digest)?;
                        Some((note, messages(&relay), before))
                    })
                    .collect()
            }
            Self::Selective(selective) => selective.pump(window),
        }
    }
}

/// What the outbox wrote, as the receiver reads it.
fn relay(bytes: &Bytes) -> Option<Relay> {
    match InboxRecord::decode(bytes.clone()).ok()?.content? {
        Content::Relay(relay) => Some(relay),
        _ => None,
    }
}

fn messages(relay: &Relay) -> Vec<Message> {
    (relay.first_n..)
        .zip(&relay.messages)
        .map(|(n, message)| Message::of(n, &message.body))
        .collect()
}

impl Selective {
    fn acked(&self) -> u64 {
        (1..)
            .take_while(|n| self.arrived.contains(n))
            .last()
            .unwrap_or(0)
    }

    fn pump(&mut self, window: usize) -> Vec<Sent> {
        let mut sent = Vec::new();
        for (message, before) in &self.messages {
            let known = self.arrived.contains(&message.n) || self.flying.contains(&message.n);
            if !known && self.flying.len() < window {
                self.flying.insert(message.n);
                sent.push((Note::Number(message.n), vec![*message], *before));
            }
        }
        sent
    }
}
