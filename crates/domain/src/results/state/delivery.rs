//! Receivers, and what is on its way to them.

use crate::ids::ReceiverId;
use crate::tables::{Record, TableId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A receiver, and the queue to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Its id.
    pub id: ReceiverId,
    /// Deliveries so far: the last number.
    pub last: u64,
    /// Deliveries not accepted, rejected or given up yet.
    pub open: u64,
}

impl Record for Receiver {
    const TABLE: TableId = 11;
    const NAME: &'static str = "receivers";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.id.as_str()])
    }
}

/// What is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cargo {
    /// A report of a tube.
    Report {
        /// Key of the tube.
        specimen: u64,
        /// Version of the report.
        version: u32,
    },
    /// A pool alert.
    Alert {
        /// Key of the pool.
        pool: (u64, u64),
    },
}

/// Why a delivery waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stuck {
    /// The receiver refused it.
    Rejected,
    /// Every attempt went unanswered.
    GivenUp,
}

/// One report or alert on its way to one receiver; gone once accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What.
    pub cargo: Cargo,
    /// Attempts so far.
    pub attempts: u16,
    /// When the last was.
    pub sent_at: Timestamp,
    /// Waits for a person.
    pub stuck: Option<Stuck>,
}

impl Record for Delivery {
    const TABLE: TableId = 12;
    const NAME: &'static str = "deliveries";
    type Key = (u64, u64);
}
