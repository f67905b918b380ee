//! What happens in intake. Events never change their meaning; a new meaning is a new event.

use crate::ids::{Barcode, LabId, OrderId, TubeId};
use crate::message::{
    Recollected, RecollectionOrder, RecollectionRegistered, SampleClosed, TubeSeen,
};
use crate::rejection::Rejection;
use crate::sample::Sample;
use crate::time::Timestamp;
use crate::turnaround::Deadline;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A policy became the active one.
    PolicyActivated {
        /// Its text.
        content: String,
        /// Its version.
        version: u32,
    },
    /// A barcode was registered for the first time.
    Registered(Stated),
    /// A registration was replaced by a newer version.
    Amended(Stated),
    /// A registration was cancelled.
    Withdrawn {
        /// Its barcode.
        barcode: Barcode,
        /// The version that cancels.
        version: u32,
        /// Why, in words.
        reason: String,
    },
    /// A lab has the tube: the first that said so.
    TubeReceived(TubeSeen),
    /// Another lab, or the same with another tube, says it has a barcode that is taken.
    CustodyDisputed {
        /// The barcode.
        barcode: Barcode,
        /// Who says so.
        claimant: LabId,
    },
    /// Nothing more will happen to a sample.
    Closed(SampleClosed),
    /// Results has filed a closed sample: its card is all that is left.
    Filed {
        /// Its barcode.
        barcode: Barcode,
        /// The tube that was tested.
        tube: TubeId,
    },
    /// Results has dropped its card of a filed sample: nothing is left here either, and the barcode is free.
    CardDropped {
        /// Its barcode.
        barcode: Barcode,
        /// The tube that was tested.
        tube: TubeId,
    },
    /// A new swab was ordered.
    RecollectionOrdered(RecollectionOrder),
    /// A new sample names an old one, for which no order is open.
    ReplacementNoted(Recollected),
    /// The new sample for an order is registered.
    RecollectionFulfilled {
        /// The order.
        order: OrderId,
        /// The old barcode.
        old: Barcode,
        /// The new one.
        new: Barcode,
    },
    /// A sample's result is awaited by the lab that ordered it.
    ResultAwaited(RecollectionRegistered),
    /// The watch over samples not yet received looked at those due in one minute.
    WatchChecked {
        /// The end of that minute.
        due: Timestamp,
        /// Their budget of transport is used up from now on.
        at_risk: Vec<Barcode>,
        /// Their report was due.
        late: Vec<Barcode>,
    },
    /// A registration that nobody waited for was refused.
    Refused {
        /// Who stated it.
        source: String,
        /// Its number in the source's stream; 0 = not counted.
        sequence: u64,
        /// The barcode, cut to the longest one allowed.
        barcode: Barcode,
        /// Why.
        rejection: Rejection,
    },
}

/// A registration as it was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The sample.
    pub sample: Sample,
    /// Who stated it; empty = its site.
    pub source: String,
    /// Its number in the source's stream (0 = not counted), if it came so that nobody waited for it.
    pub sequence: Option<u64>,
    /// When its report is due, by the policy in force now.
    pub deadline: Deadline,
    /// When the budget of transport is used up.
    pub at_risk: Timestamp,
}

impl Stated {
    /// Who stated it: its source, or its site.
    #[must_use]
    pub fn by(&self) -> &str {
        if self.source.is_empty() {
            self.sample.site.as_str()
        } else {
            &self.source
        }
    }
}
