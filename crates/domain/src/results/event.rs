//! What happens in results. Events never change their meaning; a new meaning is a new event.
//!
//! Things are named by what is visible outside (tube, pool, order, receiver, a plate's or run's number
//! in its lab), never by keys of the tables, so that a lab can move to another lane.

use crate::ids::{Actor, Barcode, LabId, OrderId, ReceiverId, TubeId};
use crate::message::{FinalResult, LoadedPlate, RetestReason};
use crate::results::call::Call;
use crate::results::report::Verdict;
use crate::results::state::{Analysis, OrderKind, PoolEnd, PoolRef, Stuck, Submission, WorkKind};
use crate::sample::Sample;
use crate::time::Timestamp;
use crate::well::Well;

/// A numbered thing of a lab: a plate, a run or a work item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabNumber {
    /// The lab.
    pub lab: LabId,
    /// From 1.
    pub number: u64,
}

impl LabNumber {
    /// The thing with this number in this lab.
    pub fn new(lab: LabId, number: u64) -> Self {
        Self { lab, number }
    }
}

/// What a check of tubes looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Read by now? Otherwise at risk.
    Read,
    /// Reported by now? Otherwise at risk.
    Reported,
    /// Reported by now? Otherwise late.
    Due,
}

/// A timer, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerRef {
    /// Tubes of a plate.
    Check(Check, LabNumber),
    /// An order's result.
    Order(OrderId),
    /// A pool's alert.
    Alert(PoolRef),
    /// The rest of a run's wells.
    Release(LabNumber),
}

/// An order that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// Its number in the lab.
    pub number: u64,
    /// What it asks for.
    pub kind: OrderKind,
    /// The tube that gave no final result.
    pub tube: TubeId,
    /// The round the test will be.
    pub round: u32,
    /// Why.
    pub reason: RetestReason,
    /// When its result is due.
    pub due: Timestamp,
}

/// A report of one tube.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The tube.
    pub tube: TubeId,
    /// Version, from 1.
    pub version: u32,
    /// Version that it replaces.
    pub replaces: Option<u32>,
}

/// What was delivered, or was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CargoRef {
    /// A report.
    Report {
        /// The tube.
        tube: TubeId,
        /// Version.
        version: u32,
    },
    /// A pool's alert.
    Alert(PoolRef),
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEnd {
    /// A result came for it.
    Fulfilled,
    /// Something else made it needless.
    Superseded,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // events are made one at a time and written at once
pub enum Event {
    /// A policy holds from now on.
    PolicyActivated {
        /// Its version.
        version: u32,
        /// Its TOML text.
        content: String,
    },
    /// A plate stands in an instrument.
    PlateLoaded {
        /// Its number in the lab.
        number: u64,
        /// The plate.
        plate: LoadedPlate,
    },
    /// Nothing may be believed of a plate.
    PlateVoided {
        /// The plate.
        plate: LabNumber,
        /// Why.
        reason: String,
    },
    /// A tube's registration changed.
    MemberAmended {
        /// The tube.
        tube: TubeId,
        /// The registration now.
        sample: Sample,
        /// It was cancelled.
        withdrawn: bool,
    },
    /// A run's file was taken whole: every Ct and every call.
    RunImported {
        /// The run.
        run: LabNumber,
        /// Serial of the instrument.
        serial: String,
        /// The instrument's run id.
        run_id: String,
        /// Version of the analysis, from 1.
        version: u32,
        /// Content hash, hexadecimal.
        file_hash: String,
        /// Number of the plate in the lab.
        plate: u64,
        /// What it says.
        analysis: Analysis,
    },
    /// A run's file waits for its plate.
    RunParked {
        /// Its number among the lab's parked runs.
        number: u64,
        /// The file.
        submission: Submission,
    },
    /// A parked run waits no more: it was imported, or became a work item.
    RunUnparked {
        /// The parked run.
        parked: LabNumber,
    },
    /// More wells of a run wait than fit into one decision.
    ReleasePaused {
        /// The run.
        run: LabNumber,
        /// The analysis.
        version: u32,
        /// The first well to do.
        next: u32,
    },
    /// A pool was positive, grey, positive on one target, or invalid twice.
    PoolSuspected {
        /// Which.
        pool: PoolRef,
        /// The plate that showed it.
        plate: LabNumber,
        /// The well.
        well: Well,
        /// What it showed.
        call: Call,
        /// Its members.
        members: Vec<TubeId>,
        /// When its alert must be accepted.
        alert_due: Timestamp,
        /// Who is alerted.
        receivers: Vec<ReceiverId>,
    },
    /// Every member of a suspect pool is final.
    PoolClosed {
        /// Which.
        pool: PoolRef,
        /// How.
        end: PoolEnd,
    },
    /// Tests or swabs were ordered.
    OrdersPlaced {
        /// The lab.
        lab: LabId,
        /// The orders.
        orders: Vec<PlacedOrder>,
    },
    /// Orders are done with.
    OrdersEnded {
        /// Which.
        orders: Vec<OrderId>,
        /// How.
        end: OrderEnd,
    },
    /// The new sample of a re-collection order was registered.
    RecollectionRegistered {
        /// The order.
        order: OrderId,
        /// The new barcode.
        barcode: Barcode,
    },
    /// The new sample of a re-collection order has its result, from this lab or another.
    RecollectionFound {
        /// The order.
        order: OrderId,
        /// The new barcode.
        barcode: Barcode,
        /// Its result.
        finding: FinalResult,
    },
    /// Results stand but are not released: the registrations were cancelled.
    ReleaseSuppressed {
        /// The tubes.
        tubes: Vec<TubeId>,
        /// What they were found to be.
        finding: FinalResult,
    },
    /// Reports were issued.
    ReportsIssued {
        /// What they say.
        verdict: Verdict,
        /// Who gets them.
        receivers: Vec<ReceiverId>,
        /// The reports.
        reports: Vec<Issued>,
    },
    /// Reports and alerts were sent (again).
    DeliveriesSent {
        /// To whom.
        receiver: ReceiverId,
        /// What.
        cargo: Vec<CargoRef>,
    },
    /// A receiver accepted.
    DeliveriesAccepted {
        /// Who.
        receiver: ReceiverId,
        /// What.
        cargo: Vec<CargoRef>,
    },
    /// A delivery waits for a person.
    DeliveryStuck {
        /// To whom.
        receiver: ReceiverId,
        /// What.
        cargo: CargoRef,
        /// Why.
        why: Stuck,
    },
    /// A person had it sent again.
    DeliveryRequeued {
        /// To whom.
        receiver: ReceiverId,
        /// What.
        cargo: CargoRef,
    },
    /// Nothing more is to be done for these tubes.
    SpecimensClosed {
        /// Which.
        tubes: Vec<TubeId>,
    },
    /// The oldest closed tubes were looked at, after the retention: their rows leave the state.
    SpecimensFiled {
        /// Those that nothing is open for.
        tubes: Vec<TubeId>,
        /// Those that are looked at again.
        kept: Vec<TubeId>,
    },
    /// The oldest cards of filed samples stood for their time: nothing at hand knows these tubes any more.
    CardsDropped {
        /// All of one decision to file.
        tubes: Vec<TubeId>,
    },
    /// Somebody must look.
    WorkOpened {
        /// The item.
        work: LabNumber,
        /// Why.
        kind: WorkKind,
        /// A barcode, a pool, a plate, or a run.
        about: String,
        /// Details, in words.
        detail: String,
        /// The delivery it is about.
        delivery: Option<(ReceiverId, CargoRef)>,
    },
    /// Somebody has looked.
    WorkResolved {
        /// The item.
        work: LabNumber,
        /// Who.
        actor: Actor,
        /// What was found or done.
        note: String,
    },
    /// Tubes of a plate are to be looked at.
    CheckAdded {
        /// What for.
        check: Check,
        /// The plate.
        plate: LabNumber,
        /// When.
        at: Timestamp,
        /// Which.
        tubes: Vec<TubeId>,
    },
    /// A stage's budget is used up.
    AtRisk {
        /// Whose.
        tubes: Vec<TubeId>,
    },
    /// The deadline passed before the report.
    Late {
        /// Whose.
        tubes: Vec<TubeId>,
    },
    /// An order's result did not come in time.
    OrderLate {
        /// Which.
        order: OrderId,
    },
    /// A pool's alert was not accepted in time.
    AlertLate {
        /// Which.
        pool: PoolRef,
    },
    /// A timer was looked at and is done.
    TimerDone {
        /// Its moment.
        due: Timestamp,
        /// What it was for.
        timer: TimerRef,
    },
}
