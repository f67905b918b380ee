//! What is left of a sample that was filed, and which samples are filed next.

use crate::ids::Barcode;
use crate::message::FinalResult;
use crate::tables::{Record, TableId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most tubes of one row of [`ToFile`], so that filing them is a bounded piece of work.
pub const FILED_TOGETHER_MAX: usize = 1_000;

/// Tubes that were closed in one decision, to be looked at when the retention has passed. The key is (when they were
/// closed, the first of them), so the oldest come first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToFile {
    /// Their keys.
    pub tubes: Vec<u64>,
}

impl Record for ToFile {
    const TABLE: TableId = 18;
    const NAME: &'static str = "to-file";
    type Key = (i64, u64);
}

/// Cards of tubes that were filed in one decision, to be dropped when they have stood for their time. The key is (when
/// the tubes were filed, the first of them), so the oldest come first. [`FILED_TOGETHER_MAX`] tubes at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToDrop {
    /// Their keys.
    pub tubes: Vec<u64>,
}

impl Record for ToDrop {
    const TABLE: TableId = 20;
    const NAME: &'static str = "to-drop";
    type Key = (i64, u64);
}

/// The card of a sample that was filed: what repeats, late corrections and refusals need, and where its timeline
/// stands. The place is a stretch of lane time: it stays right when a lab moves to another log or another lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// Its barcode.
    pub barcode: Barcode,
    /// Last version of its registration.
    pub version: u32,
    /// Version of its last report; 0 = it never had one.
    pub report: u32,
    /// What the others were told when it was closed.
    pub result: FinalResult,
    /// What it was found to be, also if the release was suppressed.
    pub finding: Option<FinalResult>,
    /// Its registration was cancelled.
    pub withdrawn: bool,
    /// Number of the lab that tested it.
    pub lab: u64,
    /// When its last report was issued; when it was closed, if it had none.
    pub reported_at: Timestamp,
    /// Lane time of the first record that is about it.
    pub from: Timestamp,
    /// Lane time of the record that closed it: nothing behind it is about it.
    pub until: Timestamp,
}

impl Record for Filed {
    const TABLE: TableId = 19;
    const NAME: &'static str = "filed";
    /// The tube's key.
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.barcode.as_str()])
    }
}
