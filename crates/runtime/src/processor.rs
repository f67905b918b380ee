//! What a service brings to the engine: pure decisions and a pure fold, over bytes.
//!
//! A processor is called by one thread a lane. It reads no clock and does no I/O: its time is the
//! `now` it is given (lane time), its state the tables it is given. Whatever it returns is one record
//! in the lane's journal, or nothing.

use bytes::Bytes;
use tenfold_domain::tables::{Read, TableDef, Write};
use tenfold_domain::{Rejection, Timestamp};

/// One thing to decide.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A call that somebody waits for. A repeated request never gets here: the engine answers it.
    Command {
        /// Who calls.
        actor: &'a str,
        /// The service's command, encoded.
        body: &'a [u8],
    },
    /// A message of another lane; never twice.
    Message {
        /// Level it was written at.
        level: u32,
        /// The message, encoded.
        body: &'a [u8],
    },
    /// Something from outside that nobody waits for; may come twice.
    External {
        /// Where it came from, for people.
        origin: &'a str,
        /// The input, encoded as the service's edge does.
        body: &'a [u8],
    },
    /// A timer from [`Processor::due_timers`]; the state may have changed since, so check again.
    Timer {
        /// The timer, encoded.
        body: &'a [u8],
    },
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The lane of a service that a key belongs to ([`crate::lane_of`]).
    Lane {
        /// `intake`, `pooling` or `results`.
        service: &'static str,
        /// A barcode or a lab.
        key: String,
    },
    /// A public topic.
    Public {
        /// Such as `reports`.
        topic: &'static str,
        /// The record's key; receivers drop duplicates by it.
        key: String,
    },
}

/// A message that a decision causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub to: Destination,
    /// What, encoded.
    pub body: Bytes,
    /// Nobody waits for it: it may gather with others of its target for a while ([`Limits::relay_gather`]).
    ///
    /// [`Limits::relay_gather`]: crate::limits::Limits::relay_gather
    pub may_wait: bool,
}

/// What a command is answered.
pub type Answer = Result<Bytes, Rejection>;

/// What was decided about one input.
#[derive(Clone, Debug)]
pub struct Decision<E> {
    /// What happened, in order.
    pub events: Vec<E>,
    /// What other lanes and the public must hear.
    pub messages: Vec<Outgoing>,
    /// The events are folded into the state already: exactly as [`Processor::evolve`] folds them on the state they
    /// were decided on, at the same moment. (The test driver compares the two at every step.) Otherwise whoever
    /// gave the state goes back first, and folds them.
    pub folded: bool,
    /// The answer to a command; for other inputs, a rejection is counted and logged by its reason.
    pub answer: Answer,
}

impl<E> Decision<E> {
    /// Nothing happens; the answer stands.
    pub const fn answer(answer: Answer) -> Self {
        Self {
            events: Vec::new(),
            messages: Vec::new(),
            folded: false,
            answer,
        }
    }

    /// Folds what was decided into the state it was decided on, unless deciding did.
    ///
    /// # Errors
    /// See [`Processor::evolve`].
    pub fn fold<P: Processor<Event = E>>(
        &self,
        processor: &P,
        state: &mut dyn Write,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        if self.folded {
            return Ok(());
        }
        for event in &self.events {
            processor.evolve(state, event, at)?;
        }
        Ok(())
    }
}

/// The input's bytes mean nothing here: they go to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("undecodable input: {0}")]
pub struct Undecodable(pub String);

/// An event that cannot be folded: the lane stops, with an alarm, rather than go on from a wrong state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot fold event: {0}")]
pub struct FoldError(pub String);

/// A service's rules, as the engine runs them.
pub trait Processor: Send + Sync + 'static {
    /// What happens in this service.
    type Event: Send + 'static;

    /// `intake`, `pooling` or `results`: names its topics.
    fn service(&self) -> &'static str;

    /// Its tables. Ids from 200 up are the engine's own.
    fn tables(&self) -> &'static [TableDef];

    /// Changes whenever tables or their encoding do: a cache written at another number is rebuilt.
    fn tables_version(&self) -> u32;

    /// The level that its events and messages are written at.
    fn level(&self) -> u32;

    /// Decides one input against the state. `now` is lane time. It may fold what it decides into the state as it
    /// goes, so that a decision of many steps reads, at each, what the steps before it did, and says so in
    /// [`Decision::folded`]. If it does not say so, fails or panics, the caller goes back to the state before.
    ///
    /// # Errors
    /// The bytes are not an input of this service.
    fn decide(
        &self,
        state: &mut dyn Write,
        input: Input<'_>,
        now: Timestamp,
    ) -> Result<Decision<Self::Event>, Undecodable>;

    /// Folds one event into the state. Must not panic, and must do the same at every replay.
    ///
    /// # Errors
    /// The event contradicts the state or cannot be understood.
    fn evolve(
        &self,
        state: &mut dyn Write,
        event: &Self::Event,
        at: Timestamp,
    ) -> Result<(), FoldError>;

    /// Appends the event's wire form.
    fn encode(&self, event: &Self::Event, to: &mut Vec<u8>);

    /// Reads an event's wire form.
    ///
    /// # Errors
    /// The bytes are no event this release knows.
    fn decode(&self, bytes: &[u8]) -> Result<Self::Event, FoldError>;

    /// When the next timer is due; `None` if there is none.
    fn next_timer(&self, state: &dyn Read) -> Option<Timestamp>;

    /// Timers due at `now`, earliest first, `most` at most. Each is decided as [`Input::Timer`], and
    /// deciding it must remove or move it, or it would be due for ever.
    fn due_timers(&self, state: &dyn Read, now: Timestamp, most: usize) -> Vec<Bytes>;

    /// Answers a question from the state.
    fn query(&self, state: &dyn Read, query: &[u8], now: Timestamp) -> Answer;
}
