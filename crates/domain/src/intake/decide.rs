//! What every decision of intake has in common.

use super::barcode::Rulebook;
use super::event::Event;
use super::state::Entry;
use crate::ids::{Barcode, LabId};
use crate::message::Message;
use crate::policy::decide_activation;
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};
use crate::time::Timestamp;

/// Which service hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Another lane of intake, or this one.
    Intake,
    /// Pooling.
    Pooling,
    /// Results.
    Results,
}

/// A message to the lane of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The service.
    pub service: Service,
    /// A barcode for intake, a lab for the others.
    pub key: String,
    /// What.
    pub message: Message,
}

impl Outgoing {
    /// To the lab's lane of pooling.
    #[must_use]
    pub fn to_pooling(lab: &LabId, message: Message) -> Self {
        Self {
            service: Service::Pooling,
            key: lab.to_string(),
            message,
        }
    }
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<A = ()> {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Who hears of it.
    pub messages: Vec<Outgoing>,
    /// What the caller is told.
    pub answer: A,
}

impl<A> Decision<A> {
    /// Nothing happens.
    pub const fn nothing(answer: A) -> Self {
        Self {
            events: Vec::new(),
            messages: Vec::new(),
            answer,
        }
    }
}

/// What a decision is made from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The tables.
    pub state: &'a dyn Read,
    /// Rules by policy.
    pub rulebook: &'a Rulebook,
    /// Lane time.
    pub now: Timestamp,
}

impl Context<'_> {
    /// The entry of a barcode.
    #[must_use]
    pub fn entry(&self, barcode: &Barcode) -> Option<(u64, Entry)> {
        self.state.find::<Entry>(barcode.as_str())
    }
}

/// A policy wants to become active. See [`decide_activation`].
///
/// # Errors
/// Those of [`decide_activation`].
pub fn activate(
    context: Context<'_>,
    content: String,
    version: u32,
) -> Result<Decision<bool>, Rejection> {
    let library = context.rulebook.library();
    if !decide_activation(library, context.state, &content, version)? {
        return Ok(Decision::nothing(false));
    }
    Ok(Decision {
        events: vec![Event::PolicyActivated { content, version }],
        messages: Vec::new(),
        answer: true,
    })
}
