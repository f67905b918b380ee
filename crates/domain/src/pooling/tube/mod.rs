//! Tubes: expected, received, on hold, pending, relabelled, thrown away.
//!
//! A tube is not its barcode: a [`TubeId`](crate::ids::TubeId) is made at receipt, and barcodes are
//! aliases of it. Receiving always succeeds.
//!
//! ```text
//! (expected) -> waiting -> in a pool ----------+-> closed
//!      |         |  ^  |                       |
//!      |         |  |  +-> alone (own well) <--+  retest
//!      v         v  +- undo, void
//!  withdrawn   discarded, withdrawn
//! ```

pub mod details;
mod fold;
pub mod hold;
pub mod home;
pub mod lookup;
pub mod receive;
pub mod relabel;

pub(super) use fold::{change, change_at, evolve, leave_rack};

pub use home::Home;

use super::board::{self, Shift, Stage, Tally};
use super::event::{Clock, Mark};
use super::lab::lab_of;
use super::queue::{Entry, Item, Place, Queue};
use super::step::Steps;
use crate::ids::{Barcode, OrderId, TubeId};
use crate::message::FinalResult;
use crate::sample::Sample;
use crate::tables::{Record, TableId, Write, WriteExt};
use crate::time::Timestamp;
use crate::turnaround::Deadline;
use crate::well::Well;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A registration whose tube is not here yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The registration.
    pub sample: Arc<Sample>,
    /// Its deadline.
    pub clock: Clock,
}

impl Record for Expected {
    const TABLE: TableId = 2;
    const NAME: &'static str = "expected";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.sample.barcode.as_str()])
    }
}

/// Where a tube stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RackPlace {
    /// The rack's barcode.
    pub rack: Barcode,
    /// The position in it.
    pub position: Well,
}

/// Why a tube must not be tested before a person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TubeHold {
    /// The number of registered subjects differs from the number of swabs seen in the tube.
    CountMismatch {
        /// Subjects registered.
        registered: u32,
        /// Swabs seen.
        observed: u32,
    },
    /// Another tube bears the same barcode.
    DuplicateBarcode {
        /// That tube.
        other: TubeId,
    },
    /// Its label cannot be read.
    Unreadable,
    /// Another lab is held to have this barcode.
    CustodyConflict {
        /// That lab.
        holder: crate::ids::LabId,
        /// Counts changes of custody of the barcode.
        epoch: u32,
    },
    /// A person said so.
    ByPerson {
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for TubeHold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CountMismatch {
                registered,
                observed,
            } => write!(
                f,
                "{registered} subjects are registered, {observed} swabs were seen"
            ),
            Self::DuplicateBarcode { other } => write!(f, "tube {other} bears the same barcode"),
            Self::Unreadable => f.write_str("its label cannot be read"),
            Self::CustodyConflict { holder, .. } => {
                write!(f, "lab {holder} is held to have this barcode")
            }
            Self::ByPerson { reason } => f.write_str(reason),
        }
    }
}

/// Where the liquid of a pool or of a tube of its own is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Vessel {
    /// Waits for a well.
    Ready,
    /// In a well.
    Plated {
        /// The plate's key.
        plate: u64,
        /// The well.
        well: Well,
    },
    /// In a well in an instrument.
    Loaded {
        /// The plate's key.
        plate: u64,
        /// The well.
        well: Well,
    },
}

impl Vessel {
    /// The key of the plate that it is on.
    #[must_use]
    pub const fn plate(self) -> Option<u64> {
        match self {
            Self::Ready => None,
            Self::Plated { plate, .. } | Self::Loaded { plate, .. } => Some(plate),
        }
    }
}

/// Where a tube is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TubeState {
    /// May be pooled, unless it is held or its registration is unknown.
    Waiting,
    /// In a pool (planned or mixed).
    Pooled {
        /// The pool's key.
        pool: u64,
    },
    /// On its way to, or in, a well of its own.
    Alone(Vessel),
    /// Final.
    Closed(FinalResult),
    /// Cancelled before it was mixed.
    Withdrawn,
    /// Thrown away.
    Discarded,
}

/// A tube.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tube {
    /// Its labels, the first as received; none if it cannot be read.
    pub barcodes: Vec<Barcode>,
    /// Its registration, once known; `None` again when it is closed.
    pub sample: Option<Arc<Sample>>,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it stands.
    pub place: Option<RackPlace>,
    /// When its report is due.
    pub deadline: Deadline,
    /// Goes before routine.
    pub stat: bool,
    /// Liquid left, in microlitres.
    pub volume_ul: u32,
    /// Test round, from 1.
    pub round: u32,
    /// Why it is held; empty = it is not.
    pub holds: Vec<TubeHold>,
    /// Where it is.
    pub state: TubeState,
    /// The retest order it is tested for.
    pub order: Option<OrderId>,
    /// Cancelled after it was mixed: tested, its release suppressed.
    pub withdrawn: bool,
    /// How its turnaround stands.
    pub mark: Mark,
    /// The minute in which its deadline is looked at next.
    pub watch: Option<i64>,
    /// Since when it is where it is.
    pub since: Timestamp,
    /// What happened to it.
    pub steps: Steps,
    /// Pools and plates that it was in and is in no more, each once: they are filed after it.
    pub was_in: Vec<Home>,
}

impl Record for Tube {
    const TABLE: TableId = 3;
    const NAME: &'static str = "tubes";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        self.barcodes.iter().map(Barcode::as_str).collect()
    }
}

impl Tube {
    /// The label people know it by; its newest.
    #[must_use]
    pub fn label(&self) -> &str {
        self.barcodes.last().map_or("(unreadable)", Barcode::as_str)
    }

    /// Where it is counted on the board; a pool counts its own members.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        let held = !self.holds.is_empty();
        Some(match &self.state {
            TubeState::Waiting if held => Stage::Held,
            TubeState::Waiting if self.sample.is_none() => Stage::Pending,
            TubeState::Waiting => Stage::Waiting,
            TubeState::Pooled { .. } => return None,
            TubeState::Alone(Vessel::Ready) if held => Stage::Held,
            TubeState::Alone(Vessel::Ready) if self.order.is_some() => Stage::AwaitingRetest,
            TubeState::Alone(Vessel::Ready) => Stage::Pooled,
            TubeState::Alone(Vessel::Plated { .. }) => Stage::Plated,
            TubeState::Alone(Vessel::Loaded { .. }) => Stage::Loaded,
            TubeState::Closed(_) => Stage::Closed,
            TubeState::Withdrawn => Stage::Withdrawn,
            TubeState::Discarded => Stage::Discarded,
        })
    }

    fn queue(&self) -> Option<Queue> {
        Some(match self.stage()? {
            Stage::Held => Queue::Held,
            Stage::Pending => Queue::Pending,
            Stage::Waiting => Queue::Waiting,
            Stage::AwaitingRetest => Queue::Retest,
            Stage::Pooled => Queue::Ready,
            Stage::Plated => Queue::Plated,
            Stage::Loaded => Queue::Loaded,
            Stage::Expected | Stage::Closed | Stage::Withdrawn | Stage::Discarded => return None,
        })
    }

    fn queue_place(&self, key: u64) -> Option<Place> {
        let queue = self.queue()?;
        let stat = self.stat || self.order.is_some();
        Some(Place::new(
            lab_of(key),
            queue,
            stat,
            self.deadline.due,
            Item::Tube(key),
        ))
    }

    fn counted(&self) -> Option<(Stage, Tally)> {
        self.stage().map(|stage| (stage, Tally::one(self.mark)))
    }

    /// Takes a deadline.
    pub fn set_clock(&mut self, clock: &Clock) {
        self.deadline = clock.deadline;
        self.stat = clock.stat;
        self.watch = Some(minute(clock.check_at));
        self.mark = Mark::InTime;
    }

    /// It needs nothing more: only its labels and its end are kept.
    pub fn close(&mut self, end: TubeState) {
        self.state = end;
        self.sample = None;
        self.place = None;
        self.holds = Vec::new();
        self.order = None;
        self.mark = Mark::InTime;
        self.watch = None;
        self.steps.clear();
    }
}

/// The minute that a moment's deadline check belongs to: the first that is wholly after it.
#[must_use]
pub fn minute(at: Timestamp) -> i64 {
    at.0.div_euclid(60_000).saturating_add(1)
}

/// Where a tube stood before a change: in its queue, on the board, among the watched deadlines.
struct Stood {
    place: Option<Place>,
    counted: Option<(Stage, Tally)>,
    since: Timestamp,
    watch: Option<i64>,
}

impl Stood {
    /// Nowhere: it is new.
    const fn nowhere(at: Timestamp) -> Self {
        Self {
            place: None,
            counted: None,
            since: at,
            watch: None,
        }
    }

    /// Where a tube stands.
    fn of(key: u64, tube: &Tube) -> Self {
        Self {
            place: tube.queue_place(key),
            counted: tube.counted(),
            since: tube.since,
            watch: tube.watch,
        }
    }
}

/// Writes a tube, and moves it in the queues, on the board and among the watched deadlines.
fn save(state: &mut dyn Write, key: u64, stood: &Stood, mut new: Arc<Tube>, at: Timestamp) {
    let (before, after) = (stood.place, new.queue_place(key));
    if before != after {
        if let Some(place) = before {
            state.delete::<Entry>(&place);
        }
        if let Some(place) = after {
            let due = new.deadline.due;
            state.put(&place, &Entry { due });
        }
    }
    let (from, to, since) = (stood.counted, new.counted(), stood.since);
    if from.map(|(stage, _)| stage) != to.map(|(stage, _)| stage) {
        Arc::make_mut(&mut new).since = at;
    }
    board::shift(state, lab_of(key), Shift { from, to, since }, at);
    let (before, after) = (stood.watch, new.watch);
    if before != after {
        if let Some(minute) = before {
            state.delete::<board::Watch>(&(minute, key));
        }
        if let Some(minute) = after {
            state.put(&(minute, key), &board::Watch);
        }
    }
    state.put_shared(&key, new);
}

/// Writes or removes an expected sample, and counts it.
pub(super) fn save_expected(
    state: &mut dyn Write,
    key: u64,
    old: Option<&Expected>,
    new: Option<Expected>,
    at: Timestamp,
) {
    let place = |e: &Expected| {
        Place::new(
            lab_of(key),
            Queue::Expected,
            e.clock.stat,
            e.clock.deadline.due,
            Item::Expected(key),
        )
    };
    if let Some(old) = old {
        state.delete::<Entry>(&place(old));
    }
    let counted = |e: Option<&Expected>| e.map(|_| (Stage::Expected, Tally::one(Mark::InTime)));
    let since = old.map_or(at, |e| e.sample.registered_at);
    let (from, to) = (counted(old), counted(new.as_ref()));
    match new {
        Some(new) => {
            let due = new.clock.deadline.due;
            state.put(&place(&new), &Entry { due });
            state.put_shared(&key, Arc::new(new));
        }
        None => state.delete::<Expected>(&key),
    }
    board::shift(state, lab_of(key), Shift { from, to, since }, at);
}

/// What a rack scanner or a person last found in a rack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rack {
    /// Its barcode.
    pub barcode: Barcode,
    /// The tubes in it, by position.
    pub tubes: Vec<(Well, u64)>,
}

impl Record for Rack {
    const TABLE: TableId = 4;
    const NAME: &'static str = "racks";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.barcode.as_str()])
    }
}
