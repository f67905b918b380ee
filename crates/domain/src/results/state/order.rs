//! Orders, and the open ones by deadline.

use crate::ids::{Barcode, Subject};
use crate::message::{FinalResult, RetestReason};
use crate::tables::{Record, TableId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What an order asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderKind {
    /// Test the tube's residual again, alone.
    Residual,
    /// Plate its pool again, once.
    Reextraction,
    /// Take a new swab of this subject.
    Recollection {
        /// Whom to swab.
        subject: Subject,
    },
}

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderState {
    /// Nothing yet.
    Open,
    /// The new sample exists.
    Registered {
        /// Its barcode.
        barcode: Barcode,
        /// When this lane was told so.
        at: Timestamp,
        /// What it was found to be, once its lane of intake has told.
        finding: Option<FinalResult>,
    },
}

/// A retest, re-extraction or re-collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What it asks for.
    pub kind: OrderKind,
    /// Key of the tube that gave no final result.
    pub specimen: u64,
    /// The round the test will be.
    pub round: u32,
    /// Why.
    pub reason: RetestReason,
    /// When it was given.
    pub at: Timestamp,
    /// When its result is due.
    pub due: Timestamp,
    /// Where it stands.
    pub state: OrderState,
    /// It is late.
    pub late: bool,
}

impl Order {
    /// Still waiting for something.
    #[must_use]
    pub const fn open(&self) -> bool {
        matches!(self.state, OrderState::Open)
    }
}

impl Record for Order {
    const TABLE: TableId = 9;
    const NAME: &'static str = "orders";
    type Key = u64;
}

/// Open orders by deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder;

impl Record for OpenOrder {
    const TABLE: TableId = 10;
    const NAME: &'static str = "open-orders";
    type Key = (i64, u64);
}
