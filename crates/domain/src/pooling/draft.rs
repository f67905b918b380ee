//! A decision in the making: the state it reads, and the events decided so far already folded in.
//!
//! So a command with many parts (a rack of 96) reads, for each part, what the parts before it did.
//! A refusal half way leaves what was folded until then: whoever gave the state goes back.

use super::event::{Event, What};
use super::evolve::evolve;
use crate::ids::{Actor, LabId};
use crate::message::Message;
use crate::rejection::{Code, Rejection};
use crate::tables::{Read, Write};
use crate::time::Timestamp;

/// Which service a message goes to; its lane follows from the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Intake's lane of a barcode.
    Intake(crate::ids::Barcode),
    /// Results' lane of a lab.
    Results(LabId),
}

/// What a decision came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What happened.
    pub events: Vec<Event>,
    /// Who must hear.
    pub messages: Vec<(To, Message)>,
}

/// A decision in the making.
pub struct Draft<'a> {
    state: &'a mut dyn Write,
    /// Lane time.
    pub now: Timestamp,
    by: Actor,
    outcome: Outcome,
}

impl<'a> Draft<'a> {
    /// Nothing decided yet. What is decided will be folded into this state.
    pub fn new(state: &'a mut dyn Write, now: Timestamp, by: impl Into<Actor>) -> Self {
        Self {
            state,
            now,
            by: by.into(),
            outcome: Outcome::default(),
        }
    }

    /// The state, with what was decided so far.
    #[must_use]
    pub fn state(&self) -> &dyn Read {
        self.state
    }

    /// Who decides.
    #[must_use]
    pub const fn by(&self) -> &Actor {
        &self.by
    }

    /// Decides that something happened.
    ///
    /// # Errors
    /// The event contradicts the state: a bug of the decision, told as `FOLD`.
    pub fn emit(&mut self, what: What) -> Result<(), Rejection> {
        let event = Event {
            by: self.by.clone(),
            what,
        };
        evolve(self.state, &event, self.now).map_err(|problem| {
            Rejection::new(
                Code::Internal,
                "FOLD",
                "",
                problem.to_string(),
                "nothing was done; report this",
            )
        })?;
        self.outcome.events.push(event);
        Ok(())
    }

    /// Decides that another service must hear something.
    pub fn send(&mut self, to: To, message: Message) {
        self.outcome.messages.push((to, message));
    }

    /// What was decided.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.outcome
    }
}
