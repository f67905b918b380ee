//! A new plate, with its controls.

use super::super::draft::Draft;
use super::super::event::{PlateRef, What};
use super::super::tube::receive::check_label;
use super::layout::controls;
use super::{Plate, by_barcode};
use crate::ids::AssayId;
use crate::policy::{Policy, STANDARD_LAYOUT};
use crate::rejection::{Code, Rejection};
use crate::tables::{Read, ReadExt};

/// Starts a plate. The seed is made by the caller, and kept in the event.
///
/// # Errors
/// The barcode was used before or is none; the assay or the layout is unknown.
pub fn start(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: PlateRef,
    assay: &AssayId,
    layout: &str,
    seed: u64,
) -> Result<(), Rejection> {
    unused(draft.state(), &plate)?;
    if !policy.assays.contains_key(assay) {
        return Err(Rejection::invalid(
            "ASSAY_UNKNOWN",
            "assay",
            format!("assay {assay:?} is not in the policy"),
            "name one of the policy's assays, or add it there",
        ));
    }
    let name = if layout.is_empty() {
        STANDARD_LAYOUT
    } else {
        layout
    };
    let Some(rules) = policy.pooling.layouts.get(name) else {
        return Err(Rejection::invalid(
            "LAYOUT_UNKNOWN",
            "layout",
            format!("layout {name:?} is not in the policy"),
            "name one of the policy's layouts, or none for the standard",
        ));
    };
    if rules.quadrants.is_some() {
        return Err(Rejection::invalid(
            "LAYOUT_OF_QUADRANTS",
            "layout",
            format!("plates of layout {name:?} are stamped from plates of 96 wells"),
            "start those with a layout of their own, seal them, and combine them",
        ));
    }
    draft.emit(What::PlateStarted {
        plate,
        size: rules.size,
        assay: assay.clone(),
        layout: name.to_owned(),
        seed,
        controls: controls(rules, seed),
    })
}

/// A plate's barcode that was never used.
///
/// # Errors
/// It was, or it is none.
pub(super) fn unused(state: &dyn Read, plate: &PlateRef) -> Result<(), Rejection> {
    check_label(&plate.barcode).map_err(|problem| {
        Rejection::invalid(
            "BARCODE_MALFORMED",
            "plate",
            problem,
            "scan the plate's barcode again",
        )
    })?;
    let used = by_barcode(state, &plate.lab, &plate.barcode).is_some()
        || state.find::<Plate>(plate.barcode.as_str()).is_some();
    if used {
        return Err(Rejection::new(
            Code::AlreadyExists,
            "PLATE_REUSED",
            "plate",
            format!("plate barcode {:?} was used before", plate.barcode),
            "take a new plate: a plate's barcode is used once",
        ));
    }
    Ok(())
}
