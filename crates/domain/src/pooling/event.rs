//! What can happen in pooling. Events never change their meaning; a new meaning is a new event.

use super::labels::Batch;
use super::plate::combine::Sources;
use super::pool::assign::{LimitBy, Mix};
use super::pool::{Mode, SealReason};
use super::tube::{RackPlace, TubeHold};
use crate::ids::{Actor, AssayId, Barcode, BenchId, LabId, PoolId, TubeId};
use crate::message::{Control, ReplateOrder, RetestOrder, SampleClosed};
use crate::policy::LotKind;
use crate::sample::Sample;
use crate::time::Timestamp;
use crate::turnaround::Deadline;
use crate::well::{PlateSize, Well};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something that happened, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A person, a robot, `timer`, `intake` or `results`.
    pub by: Actor,
    /// What.
    pub what: What,
}

/// A deadline, and what follows from the class in the policy of that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// When the report is due, and why.
    pub deadline: Deadline,
    /// Goes before routine everywhere.
    pub stat: bool,
    /// When to look whether it is at risk.
    pub check_at: Timestamp,
}

/// What a well holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Content {
    /// A lab pool.
    Pool(PoolId),
    /// A tube of its own.
    Tube(TubeId),
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pool(pool) => pool.fmt(f),
            Self::Tube(tube) => tube.fmt(f),
        }
    }
}

/// A plate of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlateRef {
    /// The lab.
    pub lab: LabId,
    /// Its barcode.
    pub barcode: Barcode,
}

/// How a tube's turnaround stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// In time, as far as is known.
    #[default]
    InTime,
    /// It used up the budget of its stage; counted as such until it is done.
    AtRisk,
    /// Its deadline has passed.
    Late,
}

/// The outcome of one look at a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The tube.
    pub tube: TubeId,
    /// How it stands.
    pub mark: Mark,
    /// When to look again; `None` = never.
    pub next: Option<Timestamp>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum What {
    /// A policy is in force from now on.
    PolicyActivated { version: u32, content: String },

    /// A registration, at this version, of a tube that is not here.
    SampleExpected { sample: Arc<Sample>, clock: Clock },
    /// An expected sample was cancelled.
    ExpectedWithdrawn {
        lab: LabId,
        barcode: Barcode,
        version: u32,
        reason: String,
    },

    /// A tube came. If `expected`, the registration expected under its barcode is now its own.
    TubeReceived {
        tube: TubeId,
        barcode: Option<Barcode>,
        place: Option<RackPlace>,
        clock: Clock,
        volume_ul: u32,
        expected: bool,
    },
    /// Its registration, or a newer version of it.
    TubeDetailed {
        tube: TubeId,
        sample: Arc<Sample>,
        clock: Clock,
    },
    /// It stands elsewhere now; `None` = in no rack.
    TubeMoved {
        tube: TubeId,
        place: Option<RackPlace>,
    },
    /// It must not be tested before a person decides.
    TubeHeld { tube: TubeId, hold: TubeHold },
    /// A person decided: no hold is left.
    TubeReleased { tube: TubeId, reason: String },
    /// It bears a new label. If `expected`, the registration expected under it is now its own.
    TubeRelabelled {
        tube: TubeId,
        barcode: Barcode,
        /// A label that other tubes bear too, and this one no more.
        dropped: Option<Barcode>,
        reason: String,
        expected: Option<Clock>,
    },
    /// It is thrown away.
    TubeDiscarded { tube: TubeId, reason: String },
    /// Its registration was cancelled. If its liquid is in a pool or well already, it is tested all
    /// the same, and its release suppressed.
    TubeWithdrawn {
        tube: TubeId,
        version: u32,
        reason: String,
    },

    /// A new pool at a bench.
    PoolOpened {
        pool: PoolId,
        bench: BenchId,
        mode: Mode,
        mix: Mix,
        /// The rack it was planned for.
        rack: Option<Barcode>,
    },
    /// A tube shall go into a slot. Planned is not performed.
    MemberPlanned {
        pool: PoolId,
        tube: TubeId,
        slot: u8,
        /// Most members of the pool from now on, and which rule says so.
        limit: u8,
        limit_by: LimitBy,
        /// When the pool must seal.
        seal_at: Option<Timestamp>,
    },
    /// At a planning bench: the planned tube was scanned; its transfer begins.
    MemberVerified { pool: PoolId, tube: TubeId },
    /// Its liquid is in the pool.
    MemberTransferred { pool: PoolId, tube: TubeId, ul: u32 },
    /// It leaves before its liquid was in the pool.
    MemberLeft {
        pool: PoolId,
        tube: TubeId,
        reason: String,
    },
    /// The pool seals as soon as the transfer under way is recorded.
    SealDue { pool: PoolId, why: SealReason },
    /// Nothing is added any more.
    PoolSealed { pool: PoolId, why: SealReason },
    /// Its content is lost or must not be used: the members go back in a new round.
    PoolVoided { pool: PoolId, reason: String },
    /// It must not be plated before a person decides.
    PoolHeld { pool: PoolId, reason: String },
    /// A person decided.
    PoolReleased { pool: PoolId, reason: String },
    /// A tube shall have a well of its own.
    TubeAlone {
        tube: TubeId,
        bench: BenchId,
        why: String,
    },
    /// It waits again.
    AloneUndone { tube: TubeId, reason: String },

    /// Numbers that only this bench's new pools get, in their order.
    PoolLabelsReserved {
        lab: LabId,
        bench: BenchId,
        batch: Batch,
    },
    /// Numbers of plate barcodes that are given to nobody else.
    PlateLabelsReserved { lab: LabId, batch: Batch },

    /// An empty plate with its controls.
    PlateStarted {
        plate: PlateRef,
        size: PlateSize,
        assay: AssayId,
        layout: String,
        seed: u64,
        controls: Vec<(Well, Control)>,
    },
    /// It is stamped from these plates: they are used up, and their contents are planned for it next.
    PlateCombined { plate: PlateRef, sources: Sources },
    /// What shall go where. Planned is not performed.
    WellsPlanned {
        plate: PlateRef,
        wells: Vec<(Well, Content)>,
    },
    /// The liquid is there.
    WellsTransferred {
        plate: PlateRef,
        wells: Vec<Well>,
        ul: u32,
    },
    /// A transfer failed: the well is lost, its content waits again.
    WellFailed {
        plate: PlateRef,
        well: Well,
        reason: String,
    },
    /// This lot was scanned by mistake: it is not made with it.
    LotUnbound {
        /// The plate.
        plate: PlateRef,
        /// As its label says.
        lot: String,
    },
    /// It is made with this lot.
    LotBound {
        plate: PlateRef,
        lot: String,
        kind: LotKind,
    },
    /// Nothing changes on it any more.
    PlateSealed { plate: PlateRef },
    /// It must not be used: its contents wait again.
    PlateVoided { plate: PlateRef, reason: String },
    /// It stands in an instrument.
    PlateLoaded { plate: PlateRef, instrument: String },

    /// Results ordered a retest.
    RetestOrdered { order: RetestOrder, clock: Clock },
    /// Results ordered that wells' contents be plated again.
    ReplateOrdered(ReplateOrder),
    /// Results needs nothing more of a tube.
    SampleClosed(SampleClosed),
    /// Results has filed samples: these rows leave the state.
    TubesFiled {
        lab: LabId,
        /// Numbers of tubes that are over.
        tubes: Vec<u64>,
        /// Numbers of the pools that nobody at hand was in.
        pools: Vec<u64>,
        /// Plates that nothing at hand stood on: only their names and states stay.
        plates: Vec<Barcode>,
    },

    /// Deadlines were looked at.
    DeadlinesChecked(Vec<Check>),
}
