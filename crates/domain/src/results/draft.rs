//! How a decision is made of steps: each step's event is folded at once into the state, so that the next step
//! sees it. A run of ninety pools is decided pool by pool, as if each had come alone.

use super::event::{Event, LabNumber};
use super::report::{AlertNotice, Report};
use super::state::{self, Lab};
use super::{evolve, work};
use crate::ids::{Barcode, LabId, ReceiverId};
use crate::message::Message;
use crate::policy::Policy;
use crate::rejection::{Code, Rejection};
use crate::tables::{Read, ReadExt, Write};
use crate::time::Timestamp;

/// What others must hear.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// To the lab's lane of pooling.
    Pooling(LabId, Message),
    /// To the barcode's lane of intake.
    Intake(Barcode, Message),
    /// A report, to the public topic, for one receiver.
    Report(ReceiverId, Box<Report>),
    /// A pool alert, to the public topic, for one receiver.
    Alert(ReceiverId, Box<AlertNotice>),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided<A> {
    /// What happened.
    pub events: Vec<Event>,
    /// Who hears of it.
    pub outgoing: Vec<Outgoing>,
    /// The events are folded into the state already.
    pub folded: bool,
    /// The answer.
    pub answer: Result<A, Rejection>,
}

impl<A> Decided<A> {
    /// Nothing happens.
    pub const fn refused(rejection: Rejection) -> Self {
        Self {
            events: Vec::new(),
            outgoing: Vec::new(),
            folded: false,
            answer: Err(rejection),
        }
    }

    /// Nothing happens; this is the answer.
    pub const fn answered(answer: A) -> Self {
        Self {
            events: Vec::new(),
            outgoing: Vec::new(),
            folded: false,
            answer: Ok(answer),
        }
    }
}

/// A decision in the making.
pub struct Draft<'a> {
    state: &'a mut dyn Write,
    /// Lane time.
    pub now: Timestamp,
    /// The policy in force.
    pub policy: &'a Policy,
    events: Vec<Event>,
    outgoing: Vec<Outgoing>,
    fault: Option<String>,
}

impl<'a> Draft<'a> {
    /// A decision on this state, into which its steps are folded.
    pub fn new(state: &'a mut dyn Write, policy: &'a Policy, now: Timestamp) -> Self {
        Self {
            state,
            now,
            policy,
            events: Vec::new(),
            outgoing: Vec::new(),
            fault: None,
        }
    }

    /// The state as it is after the steps so far.
    pub fn state(&self) -> &dyn Read {
        self.state
    }

    /// Takes a step.
    pub fn emit(&mut self, event: Event) {
        if let Err(fault) = evolve::evolve(self.state, &event, self.now) {
            self.fault.get_or_insert(fault);
        }
        self.events.push(event);
    }

    /// Tells somebody.
    pub fn send(&mut self, outgoing: Outgoing) {
        self.outgoing.push(outgoing);
    }

    /// The next number of a lab's counter.
    pub fn next(&self, lab: &LabId, counter: impl Fn(&Lab) -> u64) -> u64 {
        let lab = self.state.find::<Lab>(lab.as_str());
        lab.map_or(0, |(_, lab)| counter(&lab)).saturating_add(1)
    }

    /// A lab's plate or run, from its key.
    pub fn lab_number(&self, key: u64) -> LabNumber {
        LabNumber::new(
            state::lab_id(self.state, state::lab_no_of(key)),
            state::number_of(key),
        )
    }

    /// Opens a work item.
    pub fn open_work(&mut self, lab: &LabId, item: work::NewWork) {
        let number = self.next(lab, |lab| lab.works);
        self.emit(Event::WorkOpened {
            work: LabNumber::new(lab.clone(), number),
            kind: item.kind,
            about: item.about,
            detail: item.detail,
            delivery: item.delivery,
        });
    }

    /// Refused after all: nothing of it counts, and whoever gave the state goes back.
    pub fn discard<A>(self, answer: Result<A, Rejection>) -> Decided<A> {
        Decided {
            events: Vec::new(),
            outgoing: Vec::new(),
            folded: false,
            answer,
        }
    }

    /// The decision. A step that could not be folded is a bug of ours: nothing of the decision counts then.
    pub fn finish<A>(self, answer: Result<A, Rejection>) -> Decided<A> {
        if let Some(fault) = self.fault {
            return Decided::refused(Rejection::new(
                Code::Internal,
                "RESULTS_FAULT",
                "",
                fault,
                "report this; nothing was changed",
            ));
        }
        Decided {
            events: self.events,
            outgoing: self.outgoing,
            folded: true,
            answer,
        }
    }
}
