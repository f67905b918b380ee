//! The records of the simulated log, and appends on their way.

use crate::faults::{Fault, Step};
use crate::host::Host;
use crate::shared::Micros;
use std::collections::BTreeMap;
use std::sync::Arc;
use tenfold_runtime::log::{Done, LogRecord, NewRecord, Topic, Wake};

/// A lane of a topic.
pub type Place = (Topic, u32);

/// One lane's records.
#[derive(Default)]
pub struct LaneLog {
    /// In order; the offset is the index.
    pub records: Vec<LogRecord>,
    /// First offset that a process can read: those before it were trimmed. The judges still see them.
    pub start: u64,
    /// When each landed.
    pub landed_at: Vec<Micros>,
    /// Who wants to hear of new ones.
    pub waiters: Vec<(u64, Arc<Host>, Wake)>,
}

/// An append on its way.
pub struct Pending {
    /// Where to.
    pub place: Place,
    /// What; taken when it lands for the last time.
    pub record: NewRecord,
    /// Which step of the loop it is.
    pub step: Step,
    /// What becomes of it.
    pub fate: Option<Fault>,
    /// Whose.
    pub host: Arc<Host>,
    /// Whom to tell; taken when it ends.
    pub done: Option<Done>,
    /// Where it landed first.
    pub offset: Option<u64>,
    /// How often it landed.
    pub landings: u32,
}

/// See the module.
#[derive(Default)]
pub struct LogState {
    /// Number of lanes by topic.
    pub topics: BTreeMap<Topic, u32>,
    /// The lanes.
    pub lanes: BTreeMap<Place, LaneLog>,
    /// Appends on their way.
    pub pending: BTreeMap<u64, Pending>,
    /// When the last append of a process to a lane lands and ends: they keep their order.
    pub order: BTreeMap<(u64, Topic, u32), (Micros, Micros)>,
    /// Appends end at once: while the topics are made.
    pub at_once: bool,
    next: u64,
}

impl LogState {
    /// A number for an append or a reader.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A lane, if there is one.
    #[must_use]
    pub fn lane(&self, topic: &Topic, lane: u32) -> Option<&LaneLog> {
        self.lanes.get(&(topic.clone(), lane))
    }

    /// Nothing is on its way any more, but for what will only land late.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.pending.is_empty()
    }
}
