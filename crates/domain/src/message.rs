//! What the services tell each other. Each message may arrive twice (the lane protocol drops the
//! second) and in any order relative to messages of other senders.
//!
//! ```text
//! intake  -> pooling   SampleDetails, SampleWithdrawn, CustodyConflict       (lane: the lab)
//! pooling -> intake    TubeSeen                                             (lane: the barcode)
//! pooling -> results   PlateLoaded, PlateVoided, MemberAmended               (lane: the lab)
//! results -> pooling   RetestOrdered, ReplateOrdered, SampleClosed, SamplesFiled   (lane: the lab)
//! results -> intake    RecollectionOrdered, SampleClosed, SamplesFiled, CardDropped  (lane: the barcode)
//! intake  -> pooling   SamplesFiled, if a newer version crossed it           (lane: the lab)
//! intake  -> results   MemberAmended, of a filed sample                      (lane: the lab)
//! intake  -> intake    Recollected                                          (lane: the old barcode)
//! intake  -> intake    RecollectionRegistered                               (lane: the new barcode)
//! intake  -> results   RecollectionRegistered, RecollectionFound             (lane: the lab)
//! ```

use crate::ids::{AssayId, Barcode, LabId, OrderId, PoolId, Subject, TubeId};
use crate::sample::Sample;
use crate::time::Timestamp;
use crate::well::{PlateSize, QuadrantOrder, Well};
use serde::{Deserialize, Serialize};

/// Anything one service tells another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// To pooling: a registration for this lab, at its newest version; also the answer to `TubeSeen`.
    SampleDetails(Sample),
    /// To pooling: a registration was cancelled.
    SampleWithdrawn(SampleWithdrawn),
    /// To pooling: the tube just seen is already held by another lab; a person must decide.
    CustodyConflict(CustodyConflict),
    /// To intake: a tube with this barcode was received.
    TubeSeen(TubeSeen),
    /// To results: a plate stands in an instrument; results will come for it.
    PlateLoaded(LoadedPlate),
    /// To results: nothing will come, or must be believed, for this plate.
    PlateVoided(PlateVoided),
    /// To results: a plated member's registration changed or was cancelled. By pooling, which has the tube; by intake
    /// once the sample is filed.
    MemberAmended(MemberAmended),
    /// To pooling: test this tube again, alone and first.
    RetestOrdered(RetestOrder),
    /// To pooling: the run gave nothing; what stands in these wells must be plated again.
    ReplateOrdered(ReplateOrder),
    /// To pooling and intake: the final report of a sample was accepted, or it was closed otherwise.
    SampleClosed(SampleClosed),
    /// To intake: a new single swab of this subject is needed.
    RecollectionOrdered(RecollectionOrder),
    /// To intake's lane of the old barcode: a new sample that replaces it was registered.
    Recollected(Recollected),
    /// To results, and to intake's lane of the new barcode: the new sample for a re-collection order was registered.
    RecollectionRegistered(RecollectionRegistered),
    /// To results: what that sample was found to be, by whichever lab tested it.
    RecollectionFound(RecollectionFound),
    /// To pooling and intake: results has filed these samples, and so may they.
    SamplesFiled(SamplesFiled),
    /// To intake: results has dropped the card of a filed sample, and so may intake.
    CardDropped(CardDropped),
}

impl Message {
    /// Nobody waits for it: it may go with others that come soon. What a bench, a plate or a person waits for may not.
    #[must_use]
    pub const fn may_wait(&self) -> bool {
        match self {
            Self::TubeSeen(seen) => seen.known_version.is_some(),
            Self::SampleClosed(_) | Self::SamplesFiled(_) | Self::CardDropped(_) => true,
            Self::SampleDetails(_)
            | Self::SampleWithdrawn(_)
            | Self::CustodyConflict(_)
            | Self::PlateLoaded(_)
            | Self::PlateVoided(_)
            | Self::MemberAmended(_)
            | Self::RetestOrdered(_)
            | Self::ReplateOrdered(_)
            | Self::RecollectionOrdered(_)
            | Self::Recollected(_)
            | Self::RecollectionRegistered(_)
            | Self::RecollectionFound(_) => false,
        }
    }
}

/// A registration was cancelled, or belongs to another lab now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleWithdrawn {
    /// The lab that must not test it: two labs may share a lane, and only this one is meant.
    pub lab: LabId,
    /// Its barcode.
    pub barcode: Barcode,
    /// The version that cancels.
    pub version: u32,
    /// Why, in words.
    pub reason: String,
}

/// Two labs say they hold one barcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodyConflict {
    /// The barcode.
    pub barcode: Barcode,
    /// The lab intake holds to have it.
    pub holder: LabId,
    /// Counts changes of custody of this barcode.
    pub epoch: u32,
}

/// A tube was received by a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TubeSeen {
    /// Its barcode as scanned.
    pub barcode: Barcode,
    /// The lab.
    pub lab: LabId,
    /// The tube.
    pub tube: TubeId,
    /// When (lane time of pooling).
    pub received_at: Timestamp,
    /// Newest version of its registration that the lab knows: it is told only of another. `None`: it waits for one.
    pub known_version: Option<u32>,
}

/// What a control well must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The kit's positive control: positive on all targets.
    Positive,
    /// The kit's negative control: no target.
    Negative,
    /// A third-party weak positive among the samples.
    WeakPositive,
    /// A negative among the samples.
    BatchNegative,
    /// Internal control only, through the extraction.
    Extraction,
}

/// A plate as it was put into an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedPlate {
    /// The lab.
    pub lab: LabId,
    /// The plate's barcode.
    pub plate: Barcode,
    /// Its size.
    pub size: PlateSize,
    /// The kit it was made with.
    pub assay: AssayId,
    /// The instrument's name.
    pub instrument: String,
    /// When it was loaded (lane time of pooling).
    pub loaded_at: Timestamp,
    /// Control wells.
    pub controls: Vec<(Well, Control)>,
    /// Wells with specimens.
    pub wells: Vec<LoadedWell>,
    /// Wells whose content no longer counts: its transfer failed, or it left after it was planned. There may
    /// be liquid in them all the same.
    pub dropped: Vec<Well>,
    /// How the quadrants of a plate stand that was stamped from plates of 96 wells.
    pub quadrants: Option<QuadrantOrder>,
}

/// One well with a specimen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedWell {
    /// Where.
    pub well: Well,
    /// When it was put there.
    pub plated_at: Timestamp,
    /// The lab pool in it; `None` = a single tube (which may be a collection pool).
    pub pool: Option<PoolId>,
    /// The members: one for a single tube.
    pub members: Vec<Member>,
}

/// A tube whose liquid is in a well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The tube.
    pub tube: TubeId,
    /// Its registration when the plate was loaded.
    pub sample: Sample,
    /// The registration was cancelled after mixing: tested, but its release is suppressed.
    pub withdrawn: bool,
    /// Test round of the tube, from 1; a retest or a voided pool adds one.
    pub round: u32,
    /// The retest order this test fulfils.
    pub order: Option<OrderId>,
    /// When the tube was received.
    pub received_at: Timestamp,
    /// When its transfer into the pool was recorded; for a single tube, into the well.
    pub transferred_at: Timestamp,
    /// When its report is due.
    pub due: Timestamp,
    /// Policy version the deadline came from.
    pub policy: u32,
}

/// A plate is void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlateVoided {
    /// The lab.
    pub lab: LabId,
    /// The plate.
    pub plate: Barcode,
    /// Why.
    pub reason: String,
}

/// A plated member's registration changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAmended {
    /// The tube.
    pub tube: TubeId,
    /// The registration now; `None` = as results knows it.
    pub sample: Option<Sample>,
    /// It was cancelled.
    pub withdrawn: bool,
}

/// Why a retest was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetestReason {
    /// Its pool was positive.
    PoolPositive,
    /// Its pool was in the grey zone or positive on one target.
    PoolSuspect,
    /// Its pool was invalid twice.
    PoolInvalid,
    /// Its own result was inconclusive.
    Inconclusive,
    /// Its own result was invalid.
    Invalid,
}

/// Test one tube again from its residual volume, alone and STAT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetestOrder {
    /// The order.
    pub order: OrderId,
    /// The tube.
    pub tube: TubeId,
    /// The round this test will be.
    pub round: u32,
    /// Why.
    pub reason: RetestReason,
    /// When its result is due.
    pub due: Timestamp,
}

/// Plate the content of these wells again (failed controls, or an invalid pool's one re-extraction).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplateOrder {
    /// The lab.
    pub lab: LabId,
    /// The plate.
    pub plate: Barcode,
    /// The wells; empty = all.
    pub wells: Vec<Well>,
    /// Why, in words.
    pub reason: String,
}

/// What became of a sample in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalResult {
    /// Target not found.
    Negative,
    /// Target found.
    Positive,
    /// Twice neither.
    Inconclusive,
    /// No result: a new sample was ordered.
    Recollect,
    /// Cancelled: its report was suppressed.
    Withdrawn,
}

/// A sample needs nothing more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleClosed {
    /// Its barcode.
    pub barcode: Barcode,
    /// Its tube.
    pub tube: TubeId,
    /// The final report's version; 0 if there was none.
    pub report_version: u32,
    /// The result.
    pub result: FinalResult,
    /// When it was reported (lane time of results).
    pub reported_at: Timestamp,
}

/// Take a new single swab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecollectionOrder {
    /// The order.
    pub order: OrderId,
    /// The barcode of the sample that gave no final result.
    pub barcode: Barcode,
    /// Whom to swab.
    pub subject: Subject,
    /// Why, in words.
    pub reason: String,
    /// When the order was given.
    pub ordered_at: Timestamp,
    /// When its result is due.
    pub due: Timestamp,
}

/// A new sample replaces an old one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recollected {
    /// The old barcode.
    pub old: Barcode,
    /// The new one.
    pub new: Barcode,
    /// Whose.
    pub subjects: Vec<Subject>,
}

/// The new sample for a re-collection order exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecollectionRegistered {
    /// The order.
    pub order: OrderId,
    /// The new barcode.
    pub barcode: Barcode,
}

/// The new sample for a re-collection order has its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecollectionFound {
    /// The order.
    pub order: OrderId,
    /// The new barcode.
    pub barcode: Barcode,
    /// Its result.
    pub finding: FinalResult,
}

/// Samples that results keeps no rows of any more: they were final for longer than the retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplesFiled {
    /// The lab that has their tubes.
    pub lab: LabId,
    /// Which: to pooling a group, to intake the one of its barcode.
    pub samples: Vec<SampleFiled>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleFiled {
    /// Its barcode.
    pub barcode: Barcode,
    /// Number of its tube in the lab.
    pub tube: u64,
    /// The version of its registration that its last report rests on.
    pub version: u32,
}

/// A sample of which results knows nothing any more: it was filed for longer than cards are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardDropped {
    /// Its barcode, which may be registered anew.
    pub barcode: Barcode,
    /// The tube that was tested.
    pub tube: TubeId,
}
