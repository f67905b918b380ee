//! A lane in its seat: what the threads run.

use super::turns::{Awaited, Seat};
use crate::lane::context::Event;
use crate::lane::{Lane, Status};
use crate::processor::Processor;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the lanes look like, for whoever asks.
pub type Statuses = Arc<Mutex<BTreeMap<u32, Status>>>;

/// See the module.
pub struct SeatedLane<P: Processor> {
    lane: Lane<P>,
    statuses: Statuses,
}

impl<P: Processor> SeatedLane<P> {
    /// A lane whose status is told there after every turn.
    pub const fn new(lane: Lane<P>, statuses: Statuses) -> Self {
        Self { lane, statuses }
    }
}

impl<P: Processor> Seat for SeatedLane<P> {
    type Letter = Event;

    fn handle(&mut self, letter: Event) {
        self.lane.handle(letter);
    }

    fn turn(&mut self) -> bool {
        let due = self.lane.turn();
        let status = self.lane.status();
        self.statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(status.lane, status);
        due
    }

    fn next_wake(&self) -> Option<Duration> {
        self.lane.next_wake()
    }

    fn hurries(letter: &Event, awaited: Awaited) -> bool {
        match letter {
            Event::Call(_) => true,
            // The answers of what was appended wait for it.
            Event::Appended { .. } => awaited != Awaited::Nothing,
            Event::Wanted(_)
            | Event::Wake
            | Event::Loaded { .. }
            | Event::Looked { .. }
            | Event::Relayed { .. }
            | Event::Applied { .. }
            | Event::Snapshot { .. } => false,
        }
    }

    fn awaited(&self) -> Awaited {
        if self.lane.has_calls() {
            Awaited::Turn
        } else if self.lane.owes_answers() {
            Awaited::Answer
        } else {
            Awaited::Nothing
        }
    }
}

/// Says of a lane that is gone why it is.
pub fn broken(statuses: &Statuses, lane: u32, reason: &str) {
    let mut statuses = statuses.lock().unwrap_or_else(PoisonError::into_inner);
    let status = statuses.entry(lane).or_insert_with(|| Status {
        lane,
        phase: "stopped",
        epoch: 0,
        seq: 0,
        problem: String::new(),
    });
    status.phase = "stopped";
    reason.clone_into(&mut status.problem);
}
