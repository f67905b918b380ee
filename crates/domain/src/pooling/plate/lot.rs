//! A lot is scanned for a plate; and before a plate is loaded, its lots and the instrument must be fit for use.

use super::super::draft::Draft;
use super::super::event::{PlateRef, What};
use super::{Plate, PlateState, the_plate};
use crate::ids::{Actor, Barcode};
use crate::policy::{Instrument, Lot, LotKind, Overdue, Policy};
use crate::rejection::Rejection;
use crate::time::Timestamp;
use crate::well::PlateSize;
use serde::{Deserialize, Serialize};

/// Most lots of one plate.
pub const LOTS_MAX: usize = 40;

/// A lot that a plate was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundLot {
    /// What its label says.
    pub lot: String,
    /// What it is of.
    pub kind: LotKind,
    /// When it was scanned.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
}

/// Binds a lot to a plate that is not loaded yet. The same again changes nothing.
///
/// # Errors
/// The plate is not there, loaded or void; the lot is unknown, expired, or of another kit; there are too many.
pub fn bind(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: &PlateRef,
    lot: &str,
) -> Result<(), Rejection> {
    let (_, record) = the_plate(draft.state(), &plate.lab, &plate.barcode)?;
    if !matches!(record.state, PlateState::Open | PlateState::Sealed) {
        return Err(Rejection::precondition(
            "PLATE_NOT_OPEN",
            "plate",
            format!(
                "plate {:?} is {}: what it was made with does not change",
                plate.barcode,
                record.state.word()
            ),
            "scan lots before the plate is loaded",
        ));
    }
    if record.lots.iter().any(|bound| bound.lot == lot) {
        return Ok(());
    }
    if record.lots.len() >= LOTS_MAX {
        return Err(Rejection::precondition(
            "LOTS_TOO_MANY",
            "lot",
            format!("plate {:?} has {LOTS_MAX} lots already", plate.barcode),
            "scan each lot once",
        ));
    }
    let known = usable(policy, plate, &record, lot, draft.now)?;
    draft.emit(What::LotBound {
        plate: plate.clone(),
        lot: lot.to_owned(),
        kind: known.kind,
    })
}

/// Takes a lot off a plate that is not sealed yet: it was scanned by mistake.
///
/// # Errors
/// The plate is not there or not open any more; it has no such lot.
pub fn unbind(draft: &mut Draft<'_>, plate: &PlateRef, lot: &str) -> Result<(), Rejection> {
    let (_, record) = the_plate(draft.state(), &plate.lab, &plate.barcode)?;
    if record.state != PlateState::Open {
        return Err(Rejection::precondition(
            "PLATE_NOT_OPEN",
            "plate",
            format!(
                "plate {:?} is {}: what it was made with does not change",
                plate.barcode,
                record.state.word()
            ),
            "if it was not made with this lot, void the plate: its contents go on another",
        ));
    }
    if !record.lots.iter().any(|bound| bound.lot == lot) {
        return Err(Rejection::precondition(
            "LOT_NOT_BOUND",
            "lot",
            format!("plate {:?} has no lot {lot:?}", plate.barcode),
            "look at the plate's lots, and scan the label of the one that is to come off",
        ));
    }
    draft.emit(What::LotUnbound {
        plate: plate.clone(),
        lot: lot.to_owned(),
    })
}

/// A lot that may be used for a plate now.
fn usable<'a>(
    policy: &'a Policy,
    id: &PlateRef,
    plate: &Plate,
    label: &str,
    now: Timestamp,
) -> Result<&'a Lot, Rejection> {
    let Some(lot) = policy.materials.lots.get(label) else {
        return Err(Rejection::precondition(
            "LOT_UNKNOWN",
            "lot",
            format!("lot {label:?} is not in the policy"),
            "scan the lot's label again; a new lot is listed in [materials.lots] of the policy first",
        ));
    };
    if lot.expires.is_over(zone(policy, id), now) {
        return Err(Rejection::precondition(
            "LOT_EXPIRED",
            "lot",
            format!(
                "{} lot {label:?} was to be used until {}",
                lot.kind.name(),
                lot.expires.0
            ),
            "put it away, take another lot and scan it; what was made with this one is void",
        ));
    }
    match &lot.assay {
        Some(assay) if *assay != plate.assay => Err(Rejection::precondition(
            "LOT_OF_OTHER_KIT",
            "lot",
            format!(
                "lot {label:?} is of kit {assay:?}, the plate is for {:?}",
                plate.assay
            ),
            "take a lot of the plate's kit",
        )),
        _ => Ok(lot),
    }
}

/// Plates that become one were made alike: of a required kind all have a lot, or none has, and it is scanned for the new
/// plate. What one of them lacks would be hidden by what another has.
///
/// # Errors
/// One lacks a lot of a required kind that another has.
pub(super) fn made_alike<'a>(
    policy: &Policy,
    sources: impl Iterator<Item = (&'a Barcode, &'a Plate)> + Clone,
) -> Result<(), Rejection> {
    for kind in &policy.materials.required {
        let has = |plate: &Plate| plate.lots.iter().any(|bound| bound.kind == *kind);
        let lacks = sources.clone().find(|(_, plate)| !has(plate));
        if let Some((barcode, _)) = lacks
            && sources.clone().any(|(_, plate)| has(plate))
        {
            return Err(Rejection::precondition(
                "LOT_MISSING",
                "sources",
                format!(
                    "no lot of {} was scanned for plate {barcode:?}, and for another there was",
                    kind.name()
                ),
                "scan the lots that this plate was made with, then combine them",
            ));
        }
    }
    Ok(())
}

/// Lots and instrument are fit for use. Answers with warnings.
///
/// # Errors
/// A kind of lot is missing, or one has expired since; the instrument is unknown, too small, or overdue.
pub(super) fn fit(
    draft: &Draft<'_>,
    policy: &Policy,
    id: &PlateRef,
    plate: &Plate,
    instrument: &str,
) -> Result<Vec<String>, Rejection> {
    let missing: Vec<&str> = policy
        .materials
        .required
        .iter()
        .filter(|kind| !plate.lots.iter().any(|bound| bound.kind == **kind))
        .map(|kind| kind.name())
        .collect();
    if !missing.is_empty() {
        return Err(Rejection::precondition(
            "LOT_MISSING",
            "plate",
            format!(
                "no lot of {} was scanned for plate {:?}",
                missing.join(", "),
                id.barcode
            ),
            "scan the lots that the plate was made with, then load it",
        ));
    }
    for bound in &plate.lots {
        usable(policy, id, plate, &bound.lot, draft.now)?;
    }
    if policy.materials.instruments.is_empty() {
        return Ok(Vec::new());
    }
    let Some(known) = policy.materials.instruments.get(instrument) else {
        return Err(Rejection::precondition(
            "INSTRUMENT_UNKNOWN",
            "instrument",
            format!("instrument {instrument:?} is not in the policy"),
            "scan the instrument's label again; a new one is listed in [materials.instruments] of the policy first",
        ));
    };
    reads(known, instrument, plate.size)?;
    calibrated(policy, id, known, instrument, draft.now)
}

fn reads(known: &Instrument, name: &str, size: PlateSize) -> Result<(), Rejection> {
    if known.capacity.wells() >= size.wells() {
        return Ok(());
    }
    Err(Rejection::precondition(
        "INSTRUMENT_TOO_SMALL",
        "instrument",
        format!(
            "instrument {name:?} ({}) reads plates of {} wells, this one has {}",
            known.kind,
            known.capacity.wells(),
            size.wells()
        ),
        "take an instrument for plates of this size",
    ))
}

fn calibrated(
    policy: &Policy,
    id: &PlateRef,
    known: &Instrument,
    name: &str,
    now: Timestamp,
) -> Result<Vec<String>, Rejection> {
    let Some(due) = known
        .calibration_due
        .filter(|due| due.is_over(zone(policy, id), now))
    else {
        return Ok(Vec::new());
    };
    let text = format!("instrument {name:?} was to be calibrated by {}", due.0);
    match policy.materials.overdue {
        Overdue::Warn => Ok(vec![text]),
        Overdue::Stop => Err(Rejection::precondition(
            "CALIBRATION_OVERDUE",
            "instrument",
            text,
            "take another instrument; once it is calibrated, write the new day into the policy",
        )),
    }
}

fn zone<'a>(policy: &'a Policy, plate: &PlateRef) -> &'a str {
    policy.labs.get(&plate.lab).map_or("UTC", |lab| &lab.zone)
}
