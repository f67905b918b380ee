//! Lab pools: equal volumes of several tubes in one, tested as one.
//!
//! ```text
//! open: planned -> transferred --> sealed --> in a well --> in an instrument
//!   |       |                        |  ^        |               |
//!   |       +-> left (failed, undone)|  +--------+---------------+  plate voided, replated
//!   +--------------------------------+-> void: members wait again, in a new round
//! ```
//! Planned is not performed: only recorded transfers count, and a pool seals only when all are
//! recorded. A pool never holds another pool (INV-03): collection-pool tubes go alone.

pub mod assign;
pub mod close;
mod fold;
pub mod hold;
pub mod rack;
pub mod scan;
pub mod seal;
pub mod seating;
pub mod undo;
pub mod void;

pub(super) use fold::{change_at, evolve, part, remark};

use super::board::{self, Shift, Stage, Tally};
use super::event::Mark;
use super::lab::lab_of;
use super::queue::{Entry, Item, Place, Queue};
use super::step::Steps;
use super::tube::Vessel;
use crate::ids::{Actor, Barcode, BenchId};
pub use crate::policy::BenchMode as Mode;
use crate::tables::{Record, TableId, Write, WriteExt};
use crate::time::Timestamp;
use assign::{LimitBy, Mix};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Why a pool sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SealReason {
    /// It has as many members as it may have.
    Full,
    /// The budget of its oldest member's stage is used up.
    Deadline,
    /// It waited as long as a pool may wait.
    Linger,
    /// A person closed it.
    ByHand,
    /// The rack it was planned for is done.
    RackDone,
}

impl SealReason {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Full => "it is full",
            Self::Deadline => "the deadline of its oldest member requires it",
            Self::Linger => "it waited for members as long as a pool may wait",
            Self::ByHand => "a person closed it",
            Self::RackDone => "the rack it was planned for is done",
        }
    }
}

/// A recorded transfer of liquid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// When (lane time).
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// How much, in microlitres.
    pub ul: u32,
}

/// A tube in a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolMember {
    /// The tube's key.
    pub tube: u64,
    /// Its slot, from 1.
    pub slot: u8,
    /// Its test round when it joined.
    pub round: u32,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Its transfer, once recorded.
    pub transfer: Option<Transfer>,
}

/// A tube that left a pool before its liquid was in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftMember {
    /// The tube's key.
    pub tube: u64,
    /// Its slot.
    pub slot: u8,
    /// When it left.
    pub at: Timestamp,
    /// Who said so.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

/// Where a pool is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolState {
    /// Takes members.
    Open,
    /// Takes no more; its liquid is somewhere.
    Sealed(Vessel),
    /// Its content is lost or must not be used.
    Void {
        /// Why.
        reason: String,
    },
}

/// How a pool was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Why.
    pub why: SealReason,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Where it is made.
    pub bench: BenchId,
    /// How it is made.
    pub mode: Mode,
    /// What may be in it.
    pub mix: Mix,
    /// The rack it was planned for: only that rack's tubes may join.
    pub rack: Option<Barcode>,
    /// Most members.
    pub limit: u8,
    /// Which rule says so.
    pub limit_by: LimitBy,
    /// When the earliest report of a member is due.
    pub due: Timestamp,
    /// Members, in the order they joined.
    pub members: Vec<PoolMember>,
    /// Tubes that left again.
    pub left: Vec<LeftMember>,
    /// Where it is.
    pub state: PoolState,
    /// Why it must not be plated; `None` = it may.
    pub hold: Option<String>,
    /// When it must seal, and the timer that says so.
    pub seal_at: Option<Timestamp>,
    /// It must seal as soon as the transfer under way is recorded.
    pub seal_due: Option<SealReason>,
    /// How it was sealed.
    pub sealed: Option<Sealed>,
    /// Liquid in it, in microlitres.
    pub volume_ul: u32,
    /// Members whose way goes with this pool: not closed, not tested again.
    pub live: Tally,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Since when it is where it is.
    pub since: Timestamp,
    /// What happened to it.
    pub steps: Steps,
    /// Keys of the plates that it stood on and stands on no more, each once: they are filed after it.
    pub was_on: Vec<u64>,
}

impl Record for Pool {
    const TABLE: TableId = 6;
    const NAME: &'static str = "pools";
    type Key = u64;
}

impl Pool {
    /// Takes members.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, PoolState::Open)
    }

    /// The key of the plate that it stands on.
    #[must_use]
    pub const fn plate(&self) -> Option<u64> {
        match self.state {
            PoolState::Sealed(vessel) => vessel.plate(),
            _ => None,
        }
    }

    /// The member record of a tube.
    #[must_use]
    pub fn member(&self, tube: u64) -> Option<&PoolMember> {
        self.members.iter().find(|m| m.tube == tube)
    }

    /// Members whose transfer is not recorded.
    pub fn untransferred(&self) -> impl Iterator<Item = &PoolMember> {
        self.members.iter().filter(|m| m.transfer.is_none())
    }

    /// It has as many members as it may have.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.members.len() >= usize::from(self.limit)
    }

    /// Where its members are counted on the board.
    #[must_use]
    pub const fn stage(&self) -> Option<Stage> {
        match &self.state {
            PoolState::Open | PoolState::Sealed(Vessel::Ready) => Some(Stage::Pooled),
            PoolState::Sealed(Vessel::Plated { .. }) => Some(Stage::Plated),
            PoolState::Sealed(Vessel::Loaded { .. }) => Some(Stage::Loaded),
            PoolState::Void { .. } => None,
        }
    }

    fn queue_place(&self, key: u64) -> Option<Place> {
        if self.live.count == 0 {
            return None;
        }
        let queue = match &self.state {
            PoolState::Open => Queue::Open,
            PoolState::Sealed(Vessel::Ready) if self.hold.is_some() => Queue::Held,
            PoolState::Sealed(Vessel::Ready) => Queue::Ready,
            PoolState::Sealed(Vessel::Plated { .. }) => Queue::Plated,
            PoolState::Sealed(Vessel::Loaded { .. }) => Queue::Loaded,
            PoolState::Void { .. } => return None,
        };
        Some(Place::new(
            lab_of(key),
            queue,
            self.mix.stat,
            self.due,
            Item::Pool(key),
        ))
    }

    fn counted(&self) -> Option<(Stage, Tally)> {
        self.stage()
            .filter(|_| self.live.count > 0)
            .map(|stage| (stage, self.live))
    }

    fn timer(&self, key: u64) -> Option<(i64, u64)> {
        match (self.seal_at, self.seal_due) {
            (Some(at), None) if self.is_open() => Some((at.0, key)),
            _ => None,
        }
    }

    /// A member's mark changed, or it goes its own way (`to` = `None`).
    pub fn recount(&mut self, from: Option<Mark>, to: Option<Mark>) {
        if let Some(mark) = from {
            self.live = self.live.minus(Tally::one(mark));
        }
        if let Some(mark) = to {
            self.live = self.live.plus(Tally::one(mark));
        }
    }
}

/// Where a pool stood before a change: in its queue, on the board, among the timers.
pub(super) struct Stood {
    place: Option<Place>,
    timer: Option<(i64, u64)>,
    stage: Option<Stage>,
    counted: Option<(Stage, Tally)>,
    since: Timestamp,
}

impl Stood {
    /// Nowhere: it is new.
    const fn nowhere(at: Timestamp) -> Self {
        Self {
            place: None,
            timer: None,
            stage: None,
            counted: None,
            since: at,
        }
    }

    /// Where a pool stands.
    fn of(key: u64, pool: &Pool) -> Self {
        Self {
            place: pool.queue_place(key),
            timer: pool.timer(key),
            stage: pool.stage(),
            counted: pool.counted(),
            since: pool.since,
        }
    }
}

/// Writes a pool, and moves it in the queues, on the board and among the timers.
fn save(state: &mut dyn Write, key: u64, stood: &Stood, mut new: Arc<Pool>, at: Timestamp) {
    let (before, after) = (stood.place, new.queue_place(key));
    if before != after {
        if let Some(place) = before {
            state.delete::<Entry>(&place);
        }
        if let Some(place) = after {
            state.put(&place, &Entry { due: new.due });
        }
    }
    let (before, after) = (stood.timer, new.timer(key));
    if before != after {
        if let Some(timer) = before {
            state.delete::<SealTimer>(&timer);
        }
        if let Some(timer) = after {
            state.put(&timer, &SealTimer);
        }
    }
    if stood.stage != new.stage() {
        Arc::make_mut(&mut new).since = at;
    }
    let (from, to, since) = (stood.counted, new.counted(), stood.since);
    board::shift(state, lab_of(key), Shift { from, to, since }, at);
    state.put_shared(&key, new);
}

/// When an open pool must seal: (milliseconds, pool).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealTimer;

impl Record for SealTimer {
    const TABLE: TableId = 7;
    const NAME: &'static str = "seal timers";
    type Key = (i64, u64);
}

/// A bench: its open pools but those planned for a rack, and the transfer under way at it. Named `lab/bench`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchRecord {
    /// Keys of its open pools.
    pub open: Vec<u64>,
    /// The (pool, tube) scanned last, whose transfer is not recorded yet.
    pub pending: Option<(u64, u64)>,
}

impl Record for BenchRecord {
    const TABLE: TableId = 5;
    const NAME: &'static str = "benches";
    type Key = String;
}

/// The open pools that were planned for a rack at a bench. A liquid handler has many racks under way, and whoever asks
/// for one of them must not look through all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RackPools {
    /// Their keys.
    pub open: Vec<u64>,
}

impl Record for RackPools {
    const TABLE: TableId = 14;
    const NAME: &'static str = "pools of racks";
    type Key = String;
}

/// Between bench and rack in a key: no label has it.
const UNIT: &str = "\u{1f}";

/// The key of a rack's pools at a bench.
#[must_use]
pub fn rack_key(lab: &crate::ids::LabId, bench: &BenchId, rack: &Barcode) -> String {
    [lab.as_str(), "/", bench.as_str(), UNIT, rack.as_str()].concat()
}

/// The bench's part of the key of a rack's pools.
#[must_use]
pub fn bench_of(rack_key: &str) -> &str {
    rack_key.split(UNIT).next().unwrap_or_default()
}

/// The key of a bench.
#[must_use]
pub fn bench_key(lab: &crate::ids::LabId, bench: &BenchId) -> String {
    [lab.as_str(), "/", bench.as_str()].concat()
}
