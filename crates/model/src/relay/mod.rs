//! Messages from one lane to another: go back N, over takeovers of the sender.
//!
//! ```text
//!   sender's journal         owners of the sender         air                     inbox, receiver
//!   m1 m2 m3 ...   ----->    A (zombie)   outbox  ----- m1, m2 ----->             m1 m3 m1 m2 ...
//!   marks: how far           B            outbox  ----- m1, m2 ----->    takes only last + 1: 1, 2, 3
//!   they arrived
//! ```
//!
//! The sender's journal is taken for what the model of [`crate::lane`] shows it to be: only its owner's
//! records count, in order. The outbox and the receiver's rule are the product's own
//! (`tenfold_runtime::lane::outbox`, `receive`). The receiver's takeover is in the other model.
//!
//! Read [`sender`], [`receiver`], [`step`] (what may happen next), [`properties`] (what must hold).

pub mod properties;
pub mod receiver;
pub mod sender;
pub mod step;

use crate::fault::{Fault, Faults};
use crate::flaw::Flaw;
use receiver::Receiver;
use sender::{Message, Note, Sender};
use stateright::{Model, Property};
use step::Step;
use tenfold_runtime::lane::record::Hash;

/// One configuration of the relay's model: its bound, and the flaw planted in it, if any.
#[derive(Clone, Debug)]
pub struct RelayModel {
    /// Processes that may own the sending lane.
    pub senders: u8,
    /// Messages it decides.
    pub messages: u8,
    /// Records of messages on their way at most.
    pub window: usize,
    /// Messages packed into one such record at most.
    pub packed: usize,
    /// Faults in one run at most, all kinds together.
    pub faults: u8,
    /// The kinds of faults.
    pub kinds: &'static [Fault],
    /// The planted flaw.
    pub flaw: Option<Flaw>,
}

/// A moment in a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relaying {
    /// What counts in the sender's journal.
    pub journal: Vec<Entry>,
    /// Who owns the sending lane.
    pub owner: Option<usize>,
    /// Its processes.
    pub senders: Vec<Sender>,
    /// Attempts to own it so far.
    pub attempts: u8,
    /// Appends to the inbox that have not landed.
    pub air: Vec<Packet>,
    /// What has landed, and what its sender has not heard of yet, in the order of landing.
    pub heard: Vec<Arrival>,
    /// Records in the inbox.
    pub inbox: u64,
    /// The receiver; it reads records as they land.
    pub receiver: Receiver,
    /// Faults that may still happen.
    pub faults: u8,
}

/// A record of the sender's journal, as far as messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// The next message was decided.
    Message(Message),
    /// All messages up to this number are known to have arrived.
    Mark(u64),
}

/// An append to the inbox that has not landed, or will land once more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Who sent it.
    pub sender: usize,
    /// In which attempt.
    pub by: u8,
    /// What to tell the outbox of its end.
    pub note: Note,
    /// The messages in it.
    pub messages: Vec<Message>,
    /// Digest of all messages before them.
    pub before: Hash,
    /// It has landed before: this is a copy.
    pub copy: bool,
}

/// An acknowledgement on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// To whom.
    pub sender: usize,
    /// For which attempt.
    pub by: u8,
    /// Of which append.
    pub note: Note,
    /// Where it landed; `None` if the log does not say.
    pub offset: Option<u64>,
}

impl RelayModel {
    /// Everything was decided and taken.
    pub fn is_done(&self, now: &Relaying) -> bool {
        let all = u64::from(self.messages);
        now.decided().count() as u64 == all && now.receiver.last() == all
    }
}

impl Relaying {
    /// Messages that were decided, in order.
    pub fn decided(&self) -> impl Iterator<Item = Message> {
        self.journal.iter().filter_map(|entry| match entry {
            Entry::Message(message) => Some(*message),
            Entry::Mark(_) => None,
        })
    }

    /// How far messages have arrived, as the journal knows it.
    pub fn marked(&self) -> u64 {
        let marks = self.journal.iter().map(|entry| match entry {
            Entry::Mark(n) => *n,
            Entry::Message(_) => 0,
        });
        marks.max().unwrap_or(0)
    }
}

impl Faults for RelayModel {
    fn kinds(&self) -> &'static [Fault] {
        self.kinds
    }
}

impl Model for RelayModel {
    type State = Relaying;
    type Action = Step;

    fn init_states(&self) -> Vec<Relaying> {
        vec![Relaying {
            journal: Vec::new(),
            owner: None,
            senders: vec![Sender::Away; usize::from(self.senders)],
            attempts: 0,
            air: Vec::new(),
            heard: Vec::new(),
            inbox: 0,
            receiver: Receiver::default(),
            faults: self.faults,
        }]
    }

    fn actions(&self, now: &Relaying, steps: &mut Vec<Step>) {
        if now.receiver.contradicted {
            return;
        }
        self.steps(now, steps);
        if now.faults > 0 {
            self.mishaps(now, steps);
        }
    }

    fn next_state(&self, now: &Relaying, step: Step) -> Option<Relaying> {
        let mut next = now.clone();
        self.take_step(&mut next, step);
        Some(next)
    }

    fn format_action(&self, step: &Step) -> String {
        step.to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
