//! A sealed plate is put into an instrument: results hears what stands where.

use super::super::draft::{Draft, To};
use super::super::event::{PlateRef, What};
use super::super::lab::{pool_id, tube_id};
use super::super::pool::Pool;
use super::super::queue::Item;
use super::super::tube::{Tube, TubeState};
use super::lot::fit;
use super::seal::nothing_is_held;
use super::{Plate, PlateState, PlateWell, by_barcode, stands_on, the_plate};
use crate::message::{LoadedPlate, LoadedWell, Member, Message};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;
use crate::time::Timestamp;
use crate::well::Well;
use std::sync::Arc;

/// What a loading came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Wells with contents.
    pub wells: u16,
    /// Tubes in them.
    pub tubes: u32,
    /// What should be looked at.
    pub warnings: Vec<String>,
}

/// Loads a plate.
///
/// # Errors
/// It is not there or not sealed; no instrument is named; something on it is held; its lots or the instrument are not
/// fit for use.
pub fn load(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: &PlateRef,
    instrument: &str,
) -> Result<Loaded, Rejection> {
    if instrument.trim().is_empty() {
        return Err(Rejection::invalid(
            "INSTRUMENT_MISSING",
            "instrument",
            "no instrument is named",
            "name the instrument as its run files do",
        ));
    }
    let (key, record) = the_plate(draft.state(), &plate.lab, &plate.barcode)?;
    match &record.state {
        PlateState::Sealed => {}
        PlateState::Open => {
            return Err(Rejection::precondition(
                "PLATE_NOT_SEALED",
                "plate",
                format!("plate {:?} is open", plate.barcode),
                "seal it first",
            ));
        }
        PlateState::Loaded { instrument, at } => {
            return Err(Rejection::precondition(
                "PLATE_LOADED",
                "plate",
                format!(
                    "plate {:?} was loaded into {instrument:?} at {at}",
                    plate.barcode
                ),
                "a second run of a plate is told to results with its run",
            ));
        }
        PlateState::Combined { into } => {
            return Err(Rejection::precondition(
                "PLATE_COMBINED",
                "plate",
                format!("plate {:?} is a quadrant of {into:?} now", plate.barcode),
                "load that plate",
            ));
        }
        PlateState::Void { reason } => {
            return Err(Rejection::precondition(
                "PLATE_VOID",
                "plate",
                format!("plate {:?} is void: {reason}", plate.barcode),
                "take another plate",
            ));
        }
    }
    nothing_is_held(draft, plate, &record)?;
    let warnings = fit(draft, policy, plate, &record, instrument)?;
    let mut wells: Vec<LoadedWell> = Vec::with_capacity(record.wells.len());
    let mut dropped: Vec<Well> = Vec::new();
    for entry in &record.wells {
        let counts = entry.lost.is_none() && stands_on(draft.state(), entry.item, key);
        match counts.then(|| loaded_well(draft, entry)).flatten() {
            Some(well) => wells.push(well),
            // Results must know of it: somebody may have pipetted it before it was dropped, and a map that
            // calls it empty would refuse the whole run for its Ct.
            None => dropped.push(entry.well),
        }
    }
    dropped.extend(dropped_before(draft, plate, &record));
    dropped.sort_unstable();
    let loaded = Loaded {
        wells: u16::try_from(wells.len()).unwrap_or(u16::MAX),
        tubes: wells.iter().fold(0_u32, |sum, well| {
            sum.saturating_add(u32::try_from(well.members.len()).unwrap_or(u32::MAX))
        }),
        warnings,
    };
    draft.emit(What::PlateLoaded {
        plate: plate.clone(),
        instrument: instrument.to_owned(),
    })?;
    let message = told(plate, &record, instrument, draft.now, (wells, dropped));
    draft.send(
        To::Results(plate.lab.clone()),
        Message::PlateLoaded(message),
    );
    Ok(loaded)
}

/// Wells of the plates it was stamped from whose content did not count any more: there may be liquid in them here.
fn dropped_before(draft: &Draft<'_>, id: &PlateRef, plate: &Plate) -> Vec<Well> {
    let Some(sources) = &plate.sources else {
        return Vec::new();
    };
    let mut dropped = Vec::new();
    for (quadrant, barcode) in &sources.plates {
        let Some((_, source)) = by_barcode(draft.state(), &id.lab, barcode) else {
            continue;
        };
        let here = source
            .wells
            .iter()
            .filter_map(|entry| sources.order.to_384(*quadrant, entry.well));
        dropped.extend(here.filter(|well| plate.at(*well).is_none()));
    }
    dropped
}

fn told(
    id: &PlateRef,
    plate: &Plate,
    instrument: &str,
    at: Timestamp,
    (wells, dropped): (Vec<LoadedWell>, Vec<Well>),
) -> LoadedPlate {
    LoadedPlate {
        lab: id.lab.clone(),
        plate: id.barcode.clone(),
        size: plate.size,
        assay: plate.assay.clone(),
        instrument: instrument.to_owned(),
        loaded_at: at,
        controls: plate.controls.clone(),
        wells,
        dropped,
        quadrants: plate.sources.as_ref().map(|sources| sources.order),
    }
}

fn loaded_well(draft: &Draft<'_>, entry: &PlateWell) -> Option<LoadedWell> {
    let plated_at = entry.transfer.as_ref()?.at;
    let (pool, members) = match entry.item {
        Item::Tube(key) => (None, vec![member(draft, key, plated_at)?]),
        Item::Pool(key) => {
            let record = draft.state().get::<Pool>(&key)?;
            let members: Vec<Member> = record
                .members
                .iter()
                .filter(|m| goes_with(draft, m.tube, key))
                .filter_map(|m| member(draft, m.tube, m.transfer.as_ref()?.at))
                .collect();
            (Some(pool_id(draft.state(), key)), members)
        }
        Item::Expected(_) => return None,
    };
    // A pool that nobody goes with any more still is in its well: the run will have a Ct there.
    Some(LoadedWell {
        well: entry.well,
        plated_at,
        pool,
        members,
    })
}

/// The tube's way still goes with this pool: it was not closed or tested again since.
fn goes_with(draft: &Draft<'_>, tube: u64, pool: u64) -> bool {
    draft
        .state()
        .get::<Tube>(&tube)
        .is_some_and(|tube| tube.state == TubeState::Pooled { pool })
}

fn member(draft: &Draft<'_>, key: u64, transferred_at: Timestamp) -> Option<Member> {
    let tube = draft.state().get::<Tube>(&key)?;
    Some(Member {
        tube: tube_id(draft.state(), key),
        sample: tube.sample.map(Arc::unwrap_or_clone)?,
        withdrawn: tube.withdrawn,
        round: tube.round,
        order: tube.order,
        received_at: tube.received_at,
        transferred_at,
        due: tube.deadline.due,
        policy: tube.deadline.policy,
    })
}
