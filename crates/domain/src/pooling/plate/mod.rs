//! Plates: wells, controls, and what stands where.
//!
//! ```text
//! open: planned -> transferred --> sealed --> loaded
//!   |       +-> failed (content waits again)     |
//!   +----------------------+---------------------+-> void: contents wait again
//!                          +-> combined: up to four of 96 wells become one of 384
//! ```
//! A plate's barcode is used once. A sealed plate does not change (INV-04).

pub mod combine;
pub mod confirm;
pub mod fill;
mod fold;
pub mod layout;
pub mod load;
pub mod lot;
pub mod place;
pub mod seal;
pub mod start;
pub mod void;

pub(super) use fold::{evolve, filed, replated, stands_on};

use super::lab::{find, lab_of};
use super::pool::Transfer;
use super::queue::Item;
use super::step::Steps;
use crate::ids::{Actor, AssayId, Barcode, LabId};
use crate::message::Control;
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt, Record, TableId};
use crate::time::Timestamp;
use crate::well::{PlateSize, Well};
use serde::{Deserialize, Serialize};

/// Where a plate is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlateState {
    /// Takes contents.
    Open,
    /// Takes no more.
    Sealed,
    /// In an instrument.
    Loaded {
        /// Its name.
        instrument: String,
        /// When.
        at: Timestamp,
    },
    /// Must not be used.
    Void {
        /// Why.
        reason: String,
    },
    /// A quadrant of a larger plate now.
    Combined {
        /// Which.
        into: Barcode,
    },
}

impl PlateState {
    /// In a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
            Self::Loaded { .. } => "loaded",
            Self::Void { .. } => "void",
            Self::Combined { .. } => "combined",
        }
    }
}

/// A well that something was planned for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlateWell {
    /// Which.
    pub well: Well,
    /// What.
    pub item: Item,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// By whom.
    pub planned_by: Actor,
    /// Its transfer, once recorded.
    pub transfer: Option<Transfer>,
    /// Why it holds nothing that counts: its transfer failed, or its content was plated again.
    pub lost: Option<String>,
}

/// A plate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plate {
    /// Its barcode.
    pub barcode: Barcode,
    /// Its size.
    pub size: PlateSize,
    /// The kit.
    pub assay: AssayId,
    /// The layout's name.
    pub layout: String,
    /// The seed its drawn control wells came from.
    pub seed: u64,
    /// Control wells.
    pub controls: Vec<(Well, Control)>,
    /// Wells with contents, in the order they were planned.
    pub wells: Vec<PlateWell>,
    /// Where it is.
    pub state: PlateState,
    /// What happened to it.
    pub steps: Steps,
    /// The plates that it was stamped from, if it was.
    pub sources: Option<combine::Sources>,
    /// What it was made with, in the order of scanning.
    pub lots: Vec<lot::BoundLot>,
    /// Everything that stood on it was filed: its name and state are all that is left.
    pub filed: bool,
}

impl Record for Plate {
    const TABLE: TableId = 8;
    const NAME: &'static str = "plates";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.barcode.as_str()])
    }
}

impl Plate {
    /// What stands, or shall stand, in a well.
    #[must_use]
    pub fn at(&self, well: Well) -> Option<&PlateWell> {
        self.wells.iter().find(|w| w.well == well)
    }

    /// The control in a well.
    #[must_use]
    pub fn control_at(&self, well: Well) -> Option<Control> {
        self.controls
            .iter()
            .find(|(at, _)| *at == well)
            .map(|(_, control)| *control)
    }

    /// Nothing is done on it any more, and nothing is read from it: it was put into an instrument, or is void, or went
    /// into a plate of which that is true.
    #[must_use]
    pub fn is_over(&self, state: &dyn Read, lab: &LabId) -> bool {
        match &self.state {
            PlateState::Open | PlateState::Sealed => false,
            PlateState::Loaded { .. } | PlateState::Void { .. } => true,
            PlateState::Combined { into } => {
                by_barcode(state, lab, into).is_none_or(|(_, into)| {
                    matches!(
                        into.state,
                        PlateState::Loaded { .. } | PlateState::Void { .. }
                    )
                })
            }
        }
    }

    /// Only its name and state stay: its barcode stays taken, and results hears if it is voided.
    pub(super) fn file(&mut self) {
        self.filed = true;
        self.assay = AssayId::default();
        self.layout = String::new();
        self.seed = 0;
        self.controls = Vec::new();
        self.wells = Vec::new();
        self.steps.clear();
        self.sources = None;
        self.lots = Vec::new();
    }

    /// Nothing stands there, and no control.
    #[must_use]
    pub fn is_free(&self, well: Well) -> bool {
        self.at(well).is_none() && self.control_at(well).is_none()
    }

    /// The wells whose content counts.
    pub fn occupied(&self) -> impl Iterator<Item = &PlateWell> {
        self.wells.iter().filter(|w| w.lost.is_none())
    }
}

/// A plate of a lab.
#[must_use]
pub fn by_barcode(state: &dyn Read, lab: &LabId, barcode: &Barcode) -> Option<(u64, Plate)> {
    let (lab, _) = find(state, lab)?;
    state
        .find_all::<Plate>(barcode.as_str())
        .into_iter()
        .find(|(key, _)| lab_of(*key) == lab)
}

/// A plate of a lab that must be there.
///
/// # Errors
/// It is not.
pub fn the_plate(
    state: &dyn Read,
    lab: &LabId,
    barcode: &Barcode,
) -> Result<(u64, Plate), Rejection> {
    by_barcode(state, lab, barcode).ok_or_else(|| {
        Rejection::not_found(
            "PLATE_UNKNOWN",
            "plate",
            format!("lab {lab} started no plate {barcode:?}"),
            "start it first, or check the barcode",
        )
    })
}

/// A plate that takes contents.
///
/// # Errors
/// It is not there, or takes none.
pub fn open_plate(
    state: &dyn Read,
    lab: &LabId,
    barcode: &Barcode,
) -> Result<(u64, Plate), Rejection> {
    let (key, plate) = the_plate(state, lab, barcode)?;
    if plate.state == PlateState::Open {
        Ok((key, plate))
    } else {
        Err(Rejection::precondition(
            "PLATE_NOT_OPEN",
            "plate",
            format!(
                "plate {barcode:?} is {}: it does not change",
                plate.state.word()
            ),
            "use another plate; if this one is wrong, void it",
        ))
    }
}
