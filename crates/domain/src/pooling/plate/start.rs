//! A new plate, with its controls.

use super::super::draft::Draft;
use super::super::event::{PlateRef, What};
use super::super::lab::{find, key_of};
use super::super::tube::receive::check_label;
use super::layout::controls;
use super::{Plate, by_barcode};
use crate::ids::{AssayId, LabId};
use crate::message::Control;
use crate::policy::{Layout, Policy, STANDARD_LAYOUT};
use crate::rejection::{Code, Rejection};
use crate::tables::{Read, ReadExt};
use crate::well::Well;

/// A lab's newest plates that a new one must differ from: those that lie about at the same time.
const NEIGHBOURS: u64 = 20;

/// Most seeds that are tried: a layout may leave too few wells to differ in.
const DRAWS_MAX: u64 = 64;

/// Starts a plate. The seed is made by the caller; the one that was drawn from in the end is kept in the event.
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
    let (seed, controls) = drawn_apart(draft.state(), &plate.lab, rules, seed);
    draft.emit(What::PlateStarted {
        plate,
        size: rules.size,
        assay: assay.clone(),
        layout: name.to_owned(),
        seed,
        controls,
    })
}

/// The controls drawn from this seed, or from the first one after it whose weak positives do not all stand where those of a
/// neighbour in time do: two plates that changed places would each show what the other should.
fn drawn_apart(
    state: &dyn Read,
    lab: &LabId,
    rules: &Layout,
    seed: u64,
) -> (u64, Vec<(Well, Control)>) {
    let (no, newest) = find(state, lab).map_or((0, 0), |(no, record)| (no, record.plates));
    let oldest = newest.saturating_sub(NEIGHBOURS).saturating_add(1);
    let neighbours: Vec<Vec<Well>> = (oldest..=newest)
        .filter_map(|number| state.get_shared::<Plate>(&key_of(no, number)))
        .filter(|plate| plate.size == rules.size)
        .map(|plate| weak_positives(&plate.controls))
        .collect();
    let apart = |drawn: &Vec<(Well, Control)>| {
        let own = weak_positives(drawn);
        own.is_empty() || !neighbours.contains(&own)
    };
    (0..DRAWS_MAX)
        .map(|more| seed.wrapping_add(more))
        .map(|seed| (seed, controls(rules, seed)))
        .find(|(_, drawn)| apart(drawn))
        .unwrap_or_else(|| (seed, controls(rules, seed)))
}

/// Where weak positives stand, in the order of the wells.
fn weak_positives(controls: &[(Well, Control)]) -> Vec<Well> {
    let weak = controls.iter();
    let weak = weak.filter(|(_, control)| *control == Control::WeakPositive);
    weak.map(|(well, _)| *well).collect()
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
