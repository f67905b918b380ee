//! A plate must not be used: its contents wait for another.

use super::super::draft::{Draft, To};
use super::super::event::{PlateRef, What};
use super::super::tube::hold::needs_reason;
use super::{PlateState, the_plate};
use crate::message::{Message, PlateVoided};
use crate::rejection::Rejection;

/// Voids a plate. If it stands in an instrument, results hears that nothing must be believed of it.
///
/// # Errors
/// It is not there or void already; no reason is given.
pub fn void(draft: &mut Draft<'_>, plate: &PlateRef, reason: &str) -> Result<(), Rejection> {
    needs_reason(reason)?;
    let (_, record) = the_plate(draft.state(), &plate.lab, &plate.barcode)?;
    if let PlateState::Void { reason } = &record.state {
        return Err(Rejection::precondition(
            "PLATE_VOID",
            "plate",
            format!("plate {:?} is void already: {reason}", plate.barcode),
            "nothing needs to be done",
        ));
    }
    if let PlateState::Combined { into } = &record.state {
        return Err(Rejection::precondition(
            "PLATE_COMBINED",
            "plate",
            format!("plate {:?} is a quadrant of {into:?} now", plate.barcode),
            "void that plate",
        ));
    }
    draft.emit(What::PlateVoided {
        plate: plate.clone(),
        reason: reason.to_owned(),
    })?;
    if matches!(record.state, PlateState::Loaded { .. }) {
        let voided = PlateVoided {
            lab: plate.lab.clone(),
            plate: plate.barcode.clone(),
            reason: reason.to_owned(),
        };
        draft.send(To::Results(plate.lab.clone()), Message::PlateVoided(voided));
    }
    Ok(())
}
