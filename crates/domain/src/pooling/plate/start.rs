//! A new plate, with its controls.

use super::super::draft::Draft;
use super::super::event::{PlateRef, What};
use super::super::tube::receive::check_label;
use super::layout::controls;
use super::{Plate, by_barcode};
use crate::ids::AssayId;
use crate::policy::{Policy, STANDARD_LAYOUT};
use crate::rejection::{Code, Rejection};
use crate::tables::ReadExt;

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
    check_label(&plate.barcode).map_err(|problem| {
        Rejection::invalid(
            "BARCODE_MALFORMED",
            "plate",
            problem,
            "scan the plate's barcode again",
        )
    })?;
    let used = by_barcode(draft.state(), &plate.lab, &plate.barcode).is_some()
        || draft
            .state()
            .find::<Plate>(plate.barcode.as_str())
            .is_some();
    if used {
        return Err(Rejection::new(
            Code::AlreadyExists,
            "PLATE_REUSED",
            "plate",
            format!("plate barcode {:?} was used before", plate.barcode),
            "take a new plate: a plate's barcode is used once",
        ));
    }
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
    draft.emit(What::PlateStarted {
        plate,
        size: rules.size,
        assay: assay.clone(),
        layout: name.to_owned(),
        seed,
        controls: controls(rules, seed),
    })
}
