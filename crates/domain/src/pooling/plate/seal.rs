//! A plate is sealed: nothing changes on it any more.

use super::super::draft::Draft;
use super::super::event::{PlateRef, What};
use super::super::pool::Pool;
use super::super::queue::Item;
use super::super::tube::Tube;
use super::{Plate, open_plate};
use crate::rejection::Rejection;
use crate::tables::ReadExt;
use crate::well::Well;

/// Seals a plate. Answers the number of wells with contents.
///
/// # Errors
/// It is not open, nothing is on it, transfers are missing, or something on it is held.
pub fn seal(draft: &mut Draft<'_>, plate: &PlateRef) -> Result<u16, Rejection> {
    let (_, record) = open_plate(draft.state(), &plate.lab, &plate.barcode)?;
    let missing: Vec<String> = record
        .occupied()
        .filter(|w| w.transfer.is_none())
        .map(|w| w.well.to_string())
        .collect();
    if let Some(first) = missing.first() {
        return Err(Rejection::precondition(
            "TRANSFERS_MISSING",
            "plate",
            format!(
                "transfers into {} wells of plate {:?} are not recorded, {first} first",
                missing.len(),
                plate.barcode
            ),
            "confirm them: done or failed, well by well",
        ));
    }
    let wells = record.occupied().count();
    if wells == 0 {
        return Err(Rejection::precondition(
            "PLATE_EMPTY",
            "plate",
            format!("nothing stands on plate {:?}", plate.barcode),
            "fill it, or void it",
        ));
    }
    nothing_is_held(draft, plate, &record)?;
    draft.emit(What::PlateSealed {
        plate: plate.clone(),
    })?;
    Ok(u16::try_from(wells).unwrap_or(u16::MAX))
}

/// No content of the plate is held.
///
/// # Errors
/// One is.
pub(super) fn nothing_is_held(
    draft: &Draft<'_>,
    id: &PlateRef,
    plate: &Plate,
) -> Result<(), Rejection> {
    let held = plate.occupied().find_map(|w| {
        let why = match w.item {
            Item::Pool(key) => draft.state().get::<Pool>(&key)?.hold?,
            Item::Tube(key) => draft.state().get::<Tube>(&key)?.holds.first()?.to_string(),
            Item::Expected(_) => return None,
        };
        Some((w.well, why))
    });
    match held {
        Some((well, why)) => Err(held_content(id, well, &why)),
        None => Ok(()),
    }
}

fn held_content(plate: &PlateRef, well: Well, why: &str) -> Rejection {
    Rejection::precondition(
        "CONTENT_HELD",
        "plate",
        format!(
            "what stands in well {well} of plate {:?} is held: {why}",
            plate.barcode
        ),
        "release it with a reason, or fail that well, or void the plate",
    )
}
