//! The tables of results.
//!
//! What never changes about a tube ([`Registered`]) is apart from what changes often ([`Specimen`]), so
//! that a negative pool of ten costs ten small writes. Keys are `lab number << 40 | number in the lab`;
//! a lab gets its number at its first appearance in the fold.

mod board;
mod delivery;
mod filed;
mod order;
mod plate;
mod specimen;

pub use board::{Board, Histogram, STAGES, SpanKind};
pub use delivery::{Cargo, Delivery, Receiver, Stuck};
pub use filed::{FILED_TOGETHER_MAX, Filed, ToDrop, ToFile};
pub use order::{OpenOrder, Order, OrderKind, OrderState};
pub use plate::{Analysis, GateVerdict, Plate, PlateState, PlateWell, Run, Submission};
pub use specimen::{Registered, ReportMade, SentTo, Sla, Specimen, Standing, Test};

use crate::ids::{LabId, OrderId, PoolId, ReceiverId, TubeId};
use crate::policy::{ActivePolicy, PolicyText};
use crate::tables::{Read, ReadExt, Record, TableDef, TableId, Write, WriteExt};
use crate::time::Timestamp;
use crate::well::Well;
use serde::{Deserialize, Serialize};

/// Bits of a key that hold the number within the lab.
const NUMBER_BITS: u32 = 40;

/// The key of a lab's thing with this number.
#[must_use]
pub const fn key_of(lab_no: u64, number: u64) -> u64 {
    (lab_no << NUMBER_BITS) | (number & ((1 << NUMBER_BITS) - 1))
}

/// The lab's number in a key.
#[must_use]
pub const fn lab_no_of(key: u64) -> u64 {
    key >> NUMBER_BITS
}

/// The number within the lab in a key.
#[must_use]
pub const fn number_of(key: u64) -> u64 {
    key & ((1 << NUMBER_BITS) - 1)
}

/// A lab and its counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// Its id.
    pub id: LabId,
    /// Plates so far.
    pub plates: u64,
    /// Runs so far.
    pub runs: u64,
    /// Orders so far.
    pub orders: u64,
    /// Work items so far.
    pub works: u64,
    /// Parked runs so far.
    pub parked: u64,
}

impl Record for Lab {
    const TABLE: TableId = 2;
    const NAME: &'static str = "labs";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.id.as_str()])
    }
}

/// Counters of the lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Labs so far.
    pub labs: u64,
    /// Receivers so far.
    pub receivers: u64,
}

impl Record for Counters {
    const TABLE: TableId = 3;
    const NAME: &'static str = "counters";
    type Key = ();
}

/// What a suspect outcome belongs to: a lab pool, or one collection-pool tube.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PoolRef {
    /// A lab pool.
    Lab(PoolId),
    /// A tube that held several persons from the start.
    Tube(TubeId),
}

impl std::fmt::Display for PoolRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lab(pool) => pool.fmt(f),
            Self::Tube(tube) => tube.fmt(f),
        }
    }
}

/// How a suspect pool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PoolEnd {
    /// At least one member was positive.
    Confirmed,
    /// Every member was negative: "unconfirmed pool positive", contamination is reviewed.
    Unconfirmed,
    /// None was positive, and not all were negative.
    Unresolved,
}

/// A pool that was positive, grey, positive on one target, or invalid twice. Negative pools have no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspectPool {
    /// Which.
    pub pool: PoolRef,
    /// Plate key and well that showed it.
    pub plate: u64,
    /// The well.
    pub well: Well,
    /// What the well showed; stays, whatever the members turn out to be.
    pub call: crate::results::call::Call,
    /// Keys of its members (one for a collection pool).
    pub members: Vec<u64>,
    /// When it was called.
    pub since: Timestamp,
    /// When its alert must be accepted by.
    pub alert_due: Timestamp,
    /// Receivers that have not accepted the alert yet, with their delivery's number.
    pub alerts: Vec<(u64, u64)>,
    /// The alert was late.
    pub alert_late: bool,
    /// Closed, and how.
    pub end: Option<PoolEnd>,
    /// When it was closed.
    pub ended_at: Option<Timestamp>,
}

impl Record for SuspectPool {
    const TABLE: TableId = 8;
    const NAME: &'static str = "suspect-pools";
    type Key = (u64, u64);
}

/// Something to look at when its time comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// Tubes to look at: their keys.
    Tubes(Vec<u64>),
    /// This order's result is due.
    OrderDue(u64),
    /// This pool's alert is due.
    AlertDue((u64, u64)),
    /// More wells of this run wait to be concluded than fit into one decision.
    Release {
        /// The run's key.
        run: u64,
        /// The analysis.
        version: u32,
        /// The first well to do, by its place in the analysis.
        next: u32,
    },
}

impl Record for Timer {
    const TABLE: TableId = 13;
    const NAME: &'static str = "timers";
    type Key = (i64, u64);
}

/// Why somebody must look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkKind {
    /// A run that does not belong to its plate, or failed when its plate came.
    Quarantined,
    /// A receiver refused a report.
    DeliveryRejected,
    /// A receiver never answered.
    DeliveryGivenUp,
    /// Every member of a positive pool was negative.
    ContaminationReview,
    /// A new analysis says something else than what was already acted on.
    ReanalysisReview,
    /// A negative could not be released: its chain of transfers has a gap.
    BrokenChain,
    /// A plate was voided after its results were reported.
    VoidedAfterReport,
    /// Something came about a sample that was filed.
    AfterFiling,
}

/// A work item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Why.
    pub kind: WorkKind,
    /// What it is about: a barcode, a pool, a plate, or a run.
    pub about: String,
    /// Details, in words.
    pub detail: String,
    /// Since when.
    pub at: Timestamp,
    /// The delivery it is about.
    pub delivery: Option<(u64, u64)>,
}

impl Record for Work {
    const TABLE: TableId = 14;
    const NAME: &'static str = "work";
    type Key = u64;
}

/// Every table, for the engine.
pub const TABLES: &[TableDef] = &[
    TableDef::of::<ActivePolicy>(),
    TableDef::of::<PolicyText>(),
    TableDef::of::<Lab>(),
    TableDef::of::<Counters>(),
    TableDef::of::<Registered>(),
    TableDef::of::<Specimen>(),
    TableDef::of::<Plate>(),
    TableDef::of::<Run>(),
    TableDef::of::<SuspectPool>(),
    TableDef::of::<Order>(),
    TableDef::of::<OpenOrder>(),
    TableDef::of::<Receiver>(),
    TableDef::of::<Delivery>(),
    TableDef::of::<Timer>(),
    TableDef::of::<Work>(),
    TableDef::of::<Board>(),
    TableDef::of::<Analysis>(),
    TableDef::of::<Submission>(),
    TableDef::of::<ToFile>(),
    TableDef::of::<Filed>(),
    TableDef::of::<ToDrop>(),
];

/// The number of a lab, if it has one.
#[must_use]
pub fn lab_no(state: &dyn Read, lab: &LabId) -> Option<u64> {
    state.find::<Lab>(lab.as_str()).map(|(no, _)| no)
}

/// The id of a lab.
#[must_use]
pub fn lab_id(state: &dyn Read, no: u64) -> LabId {
    state.get::<Lab>(&no).map(|lab| lab.id).unwrap_or_default()
}

/// The lab's number, given now if it has none.
pub(crate) fn ensure_lab(state: &mut dyn Write, lab: &LabId) -> u64 {
    if let Some(no) = lab_no(state, lab) {
        return no;
    }
    let mut counters: Counters = state.get(&()).unwrap_or_default();
    counters.labs += 1;
    state.put(&(), &counters);
    state.put(
        &counters.labs,
        &Lab {
            id: lab.clone(),
            ..Lab::default()
        },
    );
    counters.labs
}

/// The key of a tube.
#[must_use]
pub fn tube_key(state: &dyn Read, tube: &TubeId) -> Option<u64> {
    lab_no(state, &tube.lab).map(|no| key_of(no, tube.number))
}

/// The tube of a key.
#[must_use]
pub fn tube_id(state: &dyn Read, key: u64) -> TubeId {
    TubeId::new(lab_id(state, lab_no_of(key)), number_of(key))
}

/// The order of a key.
#[must_use]
pub fn order_id(state: &dyn Read, key: u64) -> OrderId {
    OrderId::new(lab_id(state, lab_no_of(key)), number_of(key))
}

/// The key of an order.
#[must_use]
pub fn order_key(state: &dyn Read, order: &OrderId) -> Option<u64> {
    lab_no(state, &order.lab).map(|no| key_of(no, order.number))
}

/// The key of a suspect pool: lab pools and tubes have number ranges of their own.
#[must_use]
pub fn pool_key(state: &dyn Read, pool: &PoolRef) -> Option<(u64, u64)> {
    Some(match pool {
        PoolRef::Lab(pool) => (0, key_of(lab_no(state, &pool.lab)?, pool.number)),
        PoolRef::Tube(tube) => (1, tube_key(state, tube)?),
    })
}

/// The receiver's number, given now if it has none.
pub(crate) fn ensure_receiver(state: &mut dyn Write, id: &ReceiverId) -> (u64, Receiver) {
    if let Some(found) = state.find::<Receiver>(id.as_str()) {
        return found;
    }
    let mut counters: Counters = state.get(&()).unwrap_or_default();
    counters.receivers += 1;
    state.put(&(), &counters);
    let receiver = Receiver {
        id: id.clone(),
        ..Receiver::default()
    };
    state.put(&counters.receivers, &receiver);
    (counters.receivers, receiver)
}
