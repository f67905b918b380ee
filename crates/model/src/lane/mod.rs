//! One lane: its journal, and processes that each may believe to own it.
//!
//! ```text
//!   calls, or an inbox            air: appends that have not landed           journal
//!        |                          (late, twice, overtaken, lost)      0 LaneCreated
//!        v                                                              1 LaneOpened(1, A)
//!   A  Away -> Opening -> Owns ----------- seq 1, seq 2 ----------->    2 seq 1
//!   B  Away -> Opening -> Owns ----------- LaneOpened(2, B) ------->    ...
//!        ^                  |
//!        +-- fenced, unknown outcome, crash (the cache may be behind)
//! ```
//!
//! Read [`record`] (what is on the wire), [`fold`] (what counts), [`owner`] (the rules), [`step`] and `next` (what
//! may happen), [`properties`] (what must hold).

pub mod fold;
pub mod inbox;
mod next;
pub mod owner;
pub mod properties;
pub mod record;
pub mod step;

use crate::fault::{Fault, Faults};
use crate::flaw::Flaw;
use fold::View;
use owner::Owner;
use record::Record;
use stateright::{Model, Property};
use step::Step;
use tenfold_runtime::lane::validity::Verdict;

/// One configuration of the lane's model: its bound, and the flaw planted in it, if any.
#[derive(Clone, Debug)]
pub struct LaneModel {
    /// Processes that may own the lane.
    pub owners: u8,
    /// What there is to decide.
    pub inputs: Inputs,
    /// Records in flight at most.
    pub window: usize,
    /// Faults in one run at most, all kinds together.
    pub faults: u8,
    /// The kinds of faults.
    pub kinds: &'static [Fault],
    /// The planted flaw.
    pub flaw: Option<Flaw>,
}

/// What there is to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// Calls 1 to n, in any order, each repeated by its client until it is answered.
    Calls(u8),
    /// The inbox of [`inbox`]: another lane's messages 1 to 3, with repeats and too early ones among them.
    Inbox,
}

/// A moment in a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The journal.
    pub journal: Journal,
    /// Appends that have not landed, by attempt and order of sending.
    pub air: Vec<Packet>,
    /// The processes.
    pub owners: Vec<Owner>,
    /// Attempts to own the lane so far.
    pub attempts: u8,
    /// Faults that may still happen.
    pub faults: u8,
    /// Calls that were answered, or messages whose effect an owner holds for committed: sorted.
    pub promised: Vec<u8>,
}

/// The journal, and beside it what a reader makes of it who reads every record as it lands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Journal {
    /// Its records by offset.
    pub log: Vec<Record>,
    /// That reader.
    pub reader: View,
    /// Which attempt wrote the latest valid `LaneOpened`.
    owned_by: u8,
    /// A record of an owner that was fenced, or never owned, counted.
    pub fenced_counted: bool,
    /// A record counted that was decided on something else than what counted before it.
    pub base_missing: bool,
    /// A reader had to stop.
    pub stopped: bool,
}

/// An append that has not landed, or will land once more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// What will land.
    pub record: Record,
    /// It has landed before: this is a copy.
    pub copy: bool,
}

impl Journal {
    fn new() -> Self {
        let mut journal = Self {
            log: Vec::new(),
            reader: View::default(),
            owned_by: 0,
            fenced_counted: false,
            base_missing: false,
            stopped: false,
        };
        journal.append(Record::Created, None);
        journal
    }

    /// A record lands. Returns its offset.
    pub fn append(&mut self, record: Record, flaw: Option<Flaw>) -> u64 {
        let offset = self.reader.next;
        let before = self.reader.chain;
        match self.reader.read(&record, flaw) {
            Verdict::Opened => self.owned_by = record.by(),
            Verdict::Decisions => {
                self.fenced_counted |= record.by() != self.owned_by;
                if let Record::Decisions { before: base, .. } = &record {
                    self.base_missing |= (base.seq, base.hash) != (before.seq, before.hash);
                }
            }
            Verdict::Stop(_) => self.stopped = true,
            Verdict::Created | Verdict::Ignored(_) => {}
        }
        self.log.push(record);
        offset
    }
}

impl LaneModel {
    /// Numbers of what must be done in the end.
    pub fn wanted(&self) -> Vec<u8> {
        match self.inputs {
            Inputs::Calls(n) => (1..=n).collect(),
            Inputs::Inbox => (1..=inbox::MESSAGES).collect(),
        }
    }

    /// All that was asked is done, and everybody knows.
    pub fn is_done(&self, lane: &Lane) -> bool {
        let folded = &lane.journal.reader.folded;
        match self.inputs {
            Inputs::Calls(_) => lane.promised == self.wanted(),
            Inputs::Inbox => folded.inbox_next == inbox::len() && folded.done == self.wanted(),
        }
    }
}

impl Faults for LaneModel {
    fn kinds(&self) -> &'static [Fault] {
        self.kinds
    }
}

impl Model for LaneModel {
    type State = Lane;
    type Action = Step;

    fn init_states(&self) -> Vec<Lane> {
        vec![Lane {
            journal: Journal::new(),
            air: Vec::new(),
            owners: vec![Owner::default(); usize::from(self.owners)],
            attempts: 0,
            faults: self.faults,
            promised: Vec::new(),
        }]
    }

    fn actions(&self, lane: &Lane, steps: &mut Vec<Step>) {
        let broken = lane.journal.stopped || lane.owners.iter().any(Owner::is_stopped);
        if !broken {
            self.steps(lane, steps);
            if lane.faults > 0 {
                self.mishaps(lane, steps);
            }
        }
    }

    fn next_state(&self, lane: &Lane, step: Step) -> Option<Lane> {
        let mut next = lane.clone();
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
