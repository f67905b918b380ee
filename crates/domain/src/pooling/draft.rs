//! A decision in the making: the state it reads, and the events decided so far already folded in.
//!
//! So a command with many parts (a rack of 96) reads, for each part, what the parts before it did;
//! and a refusal half way leaves nothing behind.

use super::event::{Event, What};
use super::evolve::evolve;
use crate::ids::{Actor, LabId};
use crate::message::Message;
use crate::rejection::{Code, Rejection};
use crate::tables::{Folded, Overlay, Read};
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
    /// What the events fold to.
    pub folded: Folded,
}

/// A decision in the making.
pub struct Draft<'a> {
    over: Overlay<'a>,
    /// Lane time.
    pub now: Timestamp,
    by: Actor,
    outcome: Outcome,
}

impl<'a> Draft<'a> {
    /// Nothing decided yet.
    pub fn new(base: &'a dyn Read, now: Timestamp, by: impl Into<Actor>) -> Self {
        Self {
            over: Overlay::over(base),
            now,
            by: by.into(),
            outcome: Outcome::default(),
        }
    }

    /// The state, with what was decided so far.
    #[must_use]
    pub fn state(&self) -> &dyn Read {
        &self.over
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
        evolve(&mut self.over, &event, self.now).map_err(|problem| {
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
        Outcome {
            folded: self.over.into_folded(),
            ..self.outcome
        }
    }
}
