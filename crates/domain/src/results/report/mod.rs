//! Reports: what receivers are told about a barcode, version by version, and alerts about pools.

mod amend;
mod issue;

pub use amend::amended;
pub use issue::{alert, alert_notice, issue, receivers_of, report_of, retract};

use crate::ids::{Barcode, LabId, SiteId, Subject, TubeId};
use crate::message::FinalResult;
use crate::results::call::Call;
use crate::results::state::PoolRef;
use crate::sample::Kind;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// Target not found.
    Negative,
    /// Target found.
    Positive,
    /// Twice neither.
    Inconclusive,
    /// No result: a new sample is needed.
    Recollect,
    /// Cancelled after it was reported.
    Withdrawn,
    /// What was reported before does not stand; a result follows.
    Retracted,
}

impl Verdict {
    /// A result's verdict.
    #[must_use]
    pub const fn of(finding: FinalResult) -> Self {
        match finding {
            FinalResult::Negative => Self::Negative,
            FinalResult::Positive => Self::Positive,
            FinalResult::Inconclusive => Self::Inconclusive,
            FinalResult::Recollect => Self::Recollect,
            FinalResult::Withdrawn => Self::Withdrawn,
        }
    }

    /// The final result; `None` for a retraction.
    #[must_use]
    pub const fn result(self) -> Option<FinalResult> {
        match self {
            Self::Negative => Some(FinalResult::Negative),
            Self::Positive => Some(FinalResult::Positive),
            Self::Inconclusive => Some(FinalResult::Inconclusive),
            Self::Recollect => Some(FinalResult::Recollect),
            Self::Withdrawn => Some(FinalResult::Withdrawn),
            Self::Retracted => None,
        }
    }

    /// Its place in [`super::state::Board::verdicts`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A report as a receiver gets it. No Ct: a pool's is nobody's, and the run has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The lab that tested.
    pub lab: LabId,
    /// The barcode.
    pub barcode: Barcode,
    /// The tube.
    pub tube: TubeId,
    /// Version, from 1.
    pub version: u32,
    /// Version that it corrects.
    pub replaces: Option<u32>,
    /// What it says.
    pub verdict: Verdict,
    /// When it was issued (lane time).
    pub issued_at: Timestamp,
    /// Where it was collected.
    pub site: SiteId,
    /// Kind of thing swabbed.
    pub kind: Kind,
    /// Specimen type.
    pub specimen_type: String,
    /// Sampling class.
    pub class: String,
    /// Version of the registration.
    pub sample_version: u32,
    /// Pseudonyms: one, or all of a collection pool.
    pub subjects: Vec<Subject>,
    /// Several persons' swabs were in the tube.
    pub collection_pool: bool,
    /// The result is a lab pool's: the tube was not tested alone.
    pub pooled: bool,
    /// As the site stated it.
    pub collected_at: Option<Timestamp>,
    /// When the tube was received.
    pub received_at: Timestamp,
    /// When the report was due.
    pub due: Timestamp,
    /// The sample that this one replaces.
    pub recollection_of: Option<Barcode>,
}

/// A pool alert as a receiver gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertNotice {
    /// The lab.
    pub lab: LabId,
    /// The pool.
    pub pool: PoolRef,
    /// What it showed.
    pub call: Call,
    /// When it was called.
    pub at: Timestamp,
    /// When the alert must be accepted.
    pub due: Timestamp,
    /// Barcodes in it.
    pub barcodes: Vec<Barcode>,
}
