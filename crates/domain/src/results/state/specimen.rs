//! A tube as results sees it.

use crate::message::FinalResult;
use crate::results::report::Verdict;
use crate::sample::Sample;
use crate::tables::{Record, TableId};
use crate::time::Timestamp;
use crate::well::Well;
use serde::{Deserialize, Serialize};

/// What was registered about a tube. Written when its plate is loaded and when it is amended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The registration.
    pub sample: Sample,
    /// When the tube was received.
    pub received_at: Timestamp,
    /// When its report is due.
    pub due: Timestamp,
    /// Policy version the deadline came from.
    pub policy: u32,
}

impl Record for Registered {
    const TABLE: TableId = 4;
    const NAME: &'static str = "registered";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.sample.barcode.as_str()])
    }
}

/// Where a tube stands.
///
/// ```text
///            run            accepted by all
/// Loaded ----------> Final -----------------> Closed
///   |  ^  \            ^  \ re-analysis
///   |  |   \ suspect,  |   v
///   |  |    invalid    |  PendingConfirmation, AwaitingRepeat
///   |  |     \         |
///   v  |      v        |
/// AwaitingReplate, PendingConfirmation, AwaitingRepeat --(loaded again)--> Loaded
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// On a plate in an instrument.
    Loaded,
    /// Its plate or well gave nothing; it is plated again.
    AwaitingReplate,
    /// Its pool was suspect; its own test decides.
    PendingConfirmation,
    /// Its own result was inconclusive or invalid; it is tested once more.
    AwaitingRepeat,
    /// Its result stands and is on its way.
    Final,
    /// Every receiver has accepted its report, or it was suppressed.
    Closed,
}

/// How its deadline stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Sla {
    /// In time so far.
    #[default]
    InTime,
    /// A stage's budget was used up.
    AtRisk,
    /// The deadline passed before the report.
    Late,
}

/// One well that held its liquid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Key of the plate.
    pub plate: u64,
    /// The well.
    pub well: Well,
    /// In a lab pool with others.
    pub pooled: bool,
    /// The round it belongs to.
    pub round: u32,
    /// When the transfer into the pool or well was recorded; 0 = never.
    pub transferred_at: Timestamp,
}

/// One version of its report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportMade {
    /// From 1.
    pub version: u32,
    /// What it says.
    pub verdict: Verdict,
    /// Version that it replaces.
    pub replaces: Option<u32>,
    /// When (lane time).
    pub at: Timestamp,
    /// It is a lab pool's result.
    pub pooled: bool,
    /// What was registered when it was made, if that changed since: a version is never told in two ways.
    pub registered: Option<Box<Registered>>,
}

/// A version queued for a receiver. Entries of older versions go once they are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentTo {
    /// The receiver's number.
    pub receiver: u64,
    /// The version.
    pub version: u32,
    /// Number of the delivery of that version.
    pub number: u64,
    /// It accepted that version.
    pub accepted: bool,
}

/// What changes about a tube.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specimen {
    /// Where it stands.
    pub standing: Standing,
    /// Its registration was cancelled: tested, but its release is suppressed.
    pub withdrawn: bool,
    /// Its deadline.
    pub sla: Sla,
    /// The round of its last test.
    pub round: u32,
    /// Its wells, oldest first.
    pub tests: Vec<Test>,
    /// Invalid results in this round.
    pub invalids: u8,
    /// Inconclusive results of its own.
    pub inconclusives: u8,
    /// What it was found to be, also if the release is suppressed.
    pub finding: Option<FinalResult>,
    /// The suspect pool it is a member of.
    pub pool: Option<(u64, u64)>,
    /// Keys of its open orders.
    pub orders: Vec<u64>,
    /// Its reports, oldest first.
    pub reports: Vec<ReportMade>,
    /// Who was sent them.
    pub sent_to: Vec<SentTo>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

impl Specimen {
    /// The newest report.
    #[must_use]
    pub fn report(&self) -> Option<&ReportMade> {
        self.reports.last()
    }

    /// Its newest test.
    #[must_use]
    pub fn test(&self) -> Option<&Test> {
        self.tests.last()
    }

    /// Everybody who was sent the newest report has accepted it.
    #[must_use]
    pub fn accepted_by_all(&self) -> bool {
        let newest = self.report().map_or(0, |report| report.version);
        self.sent_to
            .iter()
            .all(|sent| sent.version < newest || sent.accepted)
    }

    /// Its registration changes: reports made before it keep what they said.
    pub fn keep_told(&mut self, before: &Registered) {
        for report in &mut self.reports {
            if report.registered.is_none() {
                report.registered = Some(Box::new(before.clone()));
            }
        }
    }

    /// Its result stands.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self.standing, Standing::Final | Standing::Closed)
    }
}

impl Record for Specimen {
    const TABLE: TableId = 5;
    const NAME: &'static str = "specimens";
    type Key = u64;
}
