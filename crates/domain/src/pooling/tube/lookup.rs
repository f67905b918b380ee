//! Finding a tube by what a person or a scanner says.

use super::super::lab::{find, lab_of, number, tube_key};
use super::{Expected, Rack, Tube, TubeState};
use crate::ids::{Barcode, LabId, TubeId};
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};
use std::sync::Arc;

/// The tubes of a lab that bear a barcode, oldest first.
#[must_use]
pub fn by_barcode(state: &dyn Read, lab: &LabId, barcode: &Barcode) -> Vec<(u64, Tube)> {
    let Some(lab) = number(state, lab) else {
        return Vec::new();
    };
    let mut found = state.find_all::<Tube>(barcode.as_str());
    found.retain(|(key, _)| lab_of(*key) == lab);
    found
}

/// The one tube that is meant by a barcode, or by a tube id such as `lab-1/T17`.
///
/// # Errors
/// There is none, or there are two.
pub fn the_tube(state: &dyn Read, lab: &LabId, text: &str) -> Result<(u64, Tube), Rejection> {
    if let Some(id) = TubeId::parse(text)
        && id.lab == *lab
        && let Some(key) = tube_key(state, &id)
    {
        match state.get::<Tube>(&key) {
            Some(tube) => return Ok((key, tube)),
            None if was_received(state, &id) => return Err(is_filed(&id)),
            None => {}
        }
    }
    let mut found = by_barcode(state, lab, &text.into());
    if found.iter().any(|(_, tube)| !is_over(tube)) {
        found.retain(|(_, tube)| !is_over(tube));
    } else if found.len() > 1 {
        found = found.split_off(found.len() - 1);
    }
    match (found.len(), found.pop()) {
        (1, Some(one)) => Ok(one),
        (0, _) => Err(Rejection::not_found(
            "TUBE_UNKNOWN",
            "barcode",
            format!("no tube with barcode {text:?} is at hand in lab {lab}"),
            "receive it first; if it was received, check the label; if it was reported long ago, it is filed: `tenfold sample` tells it",
        )),
        (many, _) => Err(Rejection::precondition(
            "BARCODE_AMBIGUOUS",
            "barcode",
            format!("{many} tubes in lab {lab} bear barcode {text:?}"),
            "name the tube by its id (such as lab-1/T17), or relabel one of them",
        )),
    }
}

/// Tubes are numbered from 1 without gaps, so a number that was given and has no row was filed.
fn was_received(state: &dyn Read, id: &TubeId) -> bool {
    let last = find(state, &id.lab).map_or(0, |(_, record)| record.tubes);
    (1..=last).contains(&id.number)
}

fn is_filed(id: &TubeId) -> Rejection {
    Rejection::not_found(
        "TUBE_FILED",
        "barcode",
        format!("tube {id} was final for longer than the retention, and is filed"),
        "ask results for its timeline, by its barcode: `tenfold sample` does",
    )
}

/// Nothing more happens to it.
#[must_use]
pub const fn is_over(tube: &Tube) -> bool {
    matches!(
        tube.state,
        TubeState::Closed(_) | TubeState::Withdrawn | TubeState::Discarded
    )
}

/// The registration expected under a barcode, in any lab of this lane.
#[must_use]
pub fn expected(state: &dyn Read, barcode: &Barcode) -> Option<(u64, Arc<Expected>)> {
    state.find_shared(barcode.as_str(), |_, _| true)
}

/// The registration expected under a barcode in a lab.
#[must_use]
pub fn expected_in(
    state: &dyn Read,
    lab: &LabId,
    barcode: &Barcode,
) -> Option<(u64, Arc<Expected>)> {
    let lab = number(state, lab)?;
    state.find_shared(barcode.as_str(), |key, _: &Expected| lab_of(key) == lab)
}

/// A rack of a lab.
#[must_use]
pub fn rack(state: &dyn Read, lab: &LabId, barcode: &Barcode) -> Option<(u64, Arc<Rack>)> {
    let lab = number(state, lab)?;
    state.find_shared(barcode.as_str(), |key, _: &Rack| lab_of(key) == lab)
}

/// The key the next tube of a lab gets, as a number.
#[must_use]
pub fn next_tube(state: &dyn Read, lab: &LabId) -> TubeId {
    let last = find(state, lab).map_or(0, |(_, record)| record.tubes);
    TubeId::new(lab.clone(), last.saturating_add(1))
}
