//! A plate, well by well.

use super::steps;
use tenfold_domain::pooling::lab::{pool_id, tube_id};
use tenfold_domain::pooling::plate::lot::BoundLot;
use tenfold_domain::pooling::plate::{Plate, PlateState, PlateWell, the_plate};
use tenfold_domain::pooling::pool::Pool;
use tenfold_domain::pooling::queue::Item;
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_domain::well::Well;
use tenfold_domain::{Barcode, LabId, Rejection};
use tenfold_proto::convert::pooling::quadrants;
use tenfold_proto::v1;

/// A plate of a lab.
///
/// # Errors
/// It is not there.
pub fn plate(state: &dyn Read, lab: &LabId, barcode: &Barcode) -> Result<v1::PlateView, Rejection> {
    let (_, plate) = the_plate(state, lab, barcode)?;
    Ok(plate_of(state, &plate))
}

/// A plate, its wells in the order of the rows.
#[must_use]
pub fn plate_of(state: &dyn Read, plate: &Plate) -> v1::PlateView {
    let mut wells: Vec<(Well, v1::PlateWellView)> = plate
        .controls
        .iter()
        .map(|(well, control)| {
            let view = v1::PlateWellView {
                well: well.to_string(),
                control: Some(v1::Control::from(*control).into()),
                ..v1::PlateWellView::default()
            };
            (*well, view)
        })
        .chain(plate.wells.iter().map(|w| (w.well, well(state, w))))
        .collect();
    wells.sort_by_key(|(well, _)| *well);
    let (instrument, loaded_at) = match &plate.state {
        PlateState::Loaded { instrument, at } => (Some(instrument.clone()), Some(at.0)),
        _ => (None, None),
    };
    let combined_into = match &plate.state {
        PlateState::Combined { into } => into.to_string(),
        _ => String::new(),
    };
    let sources = plate.sources.as_ref();
    v1::PlateView {
        quadrants: sources
            .map(|sources| v1::QuadrantOrder::from(sources.order).into())
            .unwrap_or_default(),
        sources: sources.map(quadrants).unwrap_or_default(),
        combined_into,
        lots: plate.lots.iter().map(lot).collect(),
        plate: plate.barcode.to_string(),
        size: v1::PlateSize::from(plate.size).into(),
        assay: plate.assay.to_string(),
        layout: plate.layout.clone(),
        seed: plate.seed,
        state: plate.state.word().to_owned(),
        instrument,
        loaded_at,
        free: free_wells(plate),
        filed: plate.filed,
        wells: wells.into_iter().map(|(_, view)| view).collect(),
        timeline: steps(plate.barcode.as_str(), &plate.steps),
    }
}

/// Wells with neither content nor control.
#[must_use]
pub fn free_wells(plate: &Plate) -> u32 {
    if plate.filed {
        return 0;
    }
    let taken = plate.controls.len().saturating_add(plate.wells.len());
    u32::from(plate.size.wells()).saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
}

fn lot(lot: &BoundLot) -> v1::PlateLot {
    let mut view = v1::PlateLot {
        lot: lot.lot.clone(),
        at: lot.at.0,
        by: lot.by.to_string(),
        ..v1::PlateLot::default()
    };
    view.set_kind(lot.kind.into());
    view
}

fn well(state: &dyn Read, well: &PlateWell) -> v1::PlateWellView {
    let (content, members) = match well.item {
        Item::Pool(key) => {
            let members = state.get::<Pool>(&key).map_or(0, |p| p.members.len());
            (pool_id(state, key).to_string(), members)
        }
        Item::Tube(key) | Item::Expected(key) => (tube_id(state, key).to_string(), 1),
    };
    let transfer = well.transfer.as_ref();
    v1::PlateWellView {
        well: well.well.to_string(),
        control: None,
        content: Some(content),
        members: u32::try_from(members).unwrap_or(u32::MAX),
        planned_at: Some(well.planned_at.0),
        transferred_at: transfer.map(|t| t.at.0),
        transferred_by: transfer.map(|t| t.by.to_string()),
        ul: transfer.map_or(0, |t| t.ul),
        lost: well.lost.clone(),
    }
}

/// A plate in a line.
#[must_use]
pub fn summary(plate: &Plate) -> v1::PlateSummary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    v1::PlateSummary {
        plate: plate.barcode.to_string(),
        state: plate.state.word().to_owned(),
        assay: plate.assay.to_string(),
        wells: count(plate.occupied().count()),
        missing: count(plate.occupied().filter(|w| w.transfer.is_none()).count()),
    }
}
