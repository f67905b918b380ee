//! Plates as pooling tells of them: loaded, or void.

use super::clock;
use super::draft::Draft;
use super::event::{Event, LabNumber};
use super::filing;
use super::run;
use super::state::{Filed, Plate, PlateState, Registered, Specimen, Standing, WorkKind, number_of};
use super::work::NewWork;
use crate::message::{LoadedPlate, PlateVoided};
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};

/// A plate stands in an instrument. The same message again changes nothing.
///
/// # Errors
/// `PLATE_TWICE`: another plate had this barcode; pooling refuses that, so somebody must look.
pub fn loaded(draft: &mut Draft<'_>, plate: LoadedPlate) -> Result<(), Rejection> {
    if let Some((_, known)) = draft.state().find::<Plate>(plate.plate.as_str()) {
        if known.lab == plate.lab && known.loaded_at == plate.loaded_at {
            return Ok(());
        }
        return Err(Rejection::new(
            crate::Code::AlreadyExists,
            "PLATE_TWICE",
            "plate",
            format!(
                "plate {:?} was loaded before, at {}",
                plate.plate, known.loaded_at
            ),
            "use a plate barcode once",
        ));
    }
    let number = draft.next(&plate.lab, |lab| lab.plates);
    let name = LabNumber::new(plate.lab.clone(), number);
    let barcode = plate.plate.clone();
    let checks = clock::first_checks(draft.policy, &plate);
    filing::loaded_again(draft, &plate);
    draft.emit(Event::PlateLoaded { number, plate });
    for (at, tubes) in checks {
        clock::add_check(draft, super::event::Check::Read, &name, at, tubes);
    }
    run::unpark(draft, barcode.as_str());
    Ok(())
}

/// Nothing may be believed of a plate: its tubes wait for another. What was reported from it stays
/// reported, and becomes a work item.
///
/// # Errors
/// `PLATE_UNKNOWN`: it was never loaded; nothing is lost.
pub fn voided(draft: &mut Draft<'_>, message: PlateVoided) -> Result<(), Rejection> {
    let Some((key, plate)) = draft.state().find::<Plate>(message.plate.as_str()) else {
        return Err(Rejection::not_found(
            "PLATE_UNKNOWN",
            "plate",
            format!("plate {:?} was never loaded", message.plate),
            "nothing: there is nothing to void here",
        ));
    };
    if plate.state == PlateState::Voided {
        return Ok(());
    }
    let state = draft.state();
    let members = plate.wells.iter().flat_map(|well| &well.members);
    let reported: Vec<String> = members
        .filter_map(|member| reported_from(state, *member, key))
        .collect();
    draft.emit(Event::PlateVoided {
        plate: LabNumber::new(plate.lab.clone(), number_of(key)),
        reason: message.reason.clone(),
    });
    let detail = match reported.first() {
        Some(first) => format!(
            "voided ({}) after {} of its tubes were reported, the first is {first}",
            message.reason,
            reported.len()
        ),
        None if plate.filed => format!(
            "voided ({}) after all its tubes were reported and filed: the journal has its map",
            message.reason
        ),
        None => return Ok(()),
    };
    let item = NewWork {
        kind: WorkKind::VoidedAfterReport,
        about: plate.barcode.to_string(),
        detail,
        delivery: None,
    };
    draft.open_work(&plate.lab, item);
    Ok(())
}

/// The barcode of a tube whose report rests on this plate; of one that was filed it is not known on which.
fn reported_from(state: &dyn Read, member: u64, plate: u64) -> Option<String> {
    if let Some(filed) = state.get::<Filed>(&member) {
        return (filed.report > 0).then(|| filed.barcode.to_string());
    }
    let specimen: Specimen = state.get(&member)?;
    let here = !matches!(specimen.standing, Standing::Loaded)
        && specimen.report().is_some()
        && specimen.test().is_some_and(|test| test.plate == plate);
    let registered: Registered = state.get(&member).filter(|_| here)?;
    Some(registered.sample.barcode.to_string())
}
