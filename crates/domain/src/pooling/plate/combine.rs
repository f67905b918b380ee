//! One plate of 384 wells is stamped from up to four of 96: each fills one quadrant, in the order that the layout
//! names. The controls go with their plates, and the 96-well plates are used up.
//!
//! Decided when it was done, in one step: the 384-well plate is sealed at once.

use super::super::draft::Draft;
use super::super::event::{Content, PlateRef, What};
use super::super::lab::{pool_id, tube_id};
use super::super::queue::Item;
use super::lot::made_alike;
use super::seal::seal;
use super::start::unused;
use super::{Plate, PlateState, stands_on, the_plate};
use crate::ids::{AssayId, Barcode};
use crate::message::Control;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::well::{PlateSize, QuadrantOrder, Well};
use serde::{Deserialize, Serialize};

/// Quadrants of a 384-well plate.
pub const QUADRANTS: usize = 4;

/// What a 384-well plate was stamped from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// Which wells are a quadrant's.
    pub order: QuadrantOrder,
    /// The plate of each quadrant, from 0; a quadrant may stay empty.
    pub plates: Vec<(u8, Barcode)>,
}

/// A 96-well plate that goes into a quadrant.
struct Source {
    quadrant: u8,
    key: u64,
    barcode: Barcode,
    plate: Plate,
}

/// Records that a plate was stamped from others; `sources` by quadrant, an empty barcode for one that stays empty.
/// Answers the number of wells with contents.
///
/// # Errors
/// The layout is not one of quadrants; the plate was used before; a source is not a sealed plate of 96 wells of this
/// lab, is named twice, is of another kit than the first, or lacks a lot that another has; something on one is held.
pub fn combine(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: &PlateRef,
    layout: &str,
    sources: &[Barcode],
) -> Result<u16, Rejection> {
    let order = policy
        .pooling
        .layouts
        .get(layout)
        .and_then(|layout| layout.quadrants)
        .ok_or_else(|| {
            Rejection::invalid(
                "LAYOUT_NOT_OF_QUADRANTS",
                "layout",
                format!("layout {layout:?} of the policy does not say how quadrants stand"),
                "name a layout with `quadrants = \"row_wise\"` or `\"column_wise\"`",
            )
        })?;
    unused(draft.state(), plate)?;
    let sources = the_sources(draft, plate, sources)?;
    let assay = one_kit(&sources)?;
    made_alike(policy, sources.iter().map(|s| (&s.barcode, &s.plate)))?;
    let to = |source: &Source, well: Well| order.to_384(source.quadrant, well);
    let mut controls: Vec<(Well, Control)> = sources
        .iter()
        .flat_map(|source| source.plate.controls.iter().map(move |c| (source, c)))
        .filter_map(|(source, (well, control))| Some((to(source, *well)?, *control)))
        .collect();
    controls.sort_unstable();
    let mut wells: Vec<(Well, Content)> = Vec::new();
    for source in &sources {
        for entry in source.plate.occupied() {
            if let Some(well) = to(source, entry.well)
                && stands_on(draft.state(), entry.item, source.key)
                && let Some(content) = content(draft, entry.item)
            {
                wells.push((well, content));
            }
        }
    }
    draft.emit(What::PlateStarted {
        plate: plate.clone(),
        size: PlateSize::P384,
        assay,
        layout: layout.to_owned(),
        seed: 0,
        controls,
    })?;
    let plates = sources.into_iter().map(|s| (s.quadrant, s.barcode));
    draft.emit(What::PlateCombined {
        plate: plate.clone(),
        sources: Sources {
            order,
            plates: plates.collect(),
        },
    })?;
    draft.emit(What::WellsPlanned {
        plate: plate.clone(),
        wells: wells.clone(),
    })?;
    draft.emit(What::WellsTransferred {
        plate: plate.clone(),
        wells: wells.into_iter().map(|(well, _)| well).collect(),
        ul: policy.pooling.quadrant_take_ul,
    })?;
    seal(draft, plate)
}

fn the_sources(
    draft: &Draft<'_>,
    plate: &PlateRef,
    barcodes: &[Barcode],
) -> Result<Vec<Source>, Rejection> {
    if barcodes.len() > QUADRANTS {
        return Err(Rejection::invalid(
            "QUADRANTS_TOO_MANY",
            "sources",
            format!("{} plates are more than {QUADRANTS}", barcodes.len()),
            "name one plate a quadrant",
        ));
    }
    let mut found: Vec<Source> = Vec::new();
    for (quadrant, barcode) in (0_u8..).zip(barcodes) {
        if barcode.is_empty() {
            continue;
        }
        if found.iter().any(|other| other.barcode == *barcode) {
            return Err(Rejection::invalid(
                "SOURCE_TWICE",
                "sources",
                format!("plate {barcode:?} is named for two quadrants"),
                "scan each plate where it goes",
            ));
        }
        let (key, source) = the_plate(draft.state(), &plate.lab, barcode)?;
        fits(barcode, &source)?;
        found.push(Source {
            quadrant,
            key,
            barcode: barcode.clone(),
            plate: source,
        });
    }
    Ok(found)
}

/// A sealed plate of 96 wells.
fn fits(barcode: &Barcode, source: &Plate) -> Result<(), Rejection> {
    if source.size != PlateSize::P96 {
        return Err(Rejection::precondition(
            "SOURCE_NOT_96",
            "sources",
            format!("plate {barcode:?} has not 96 wells"),
            "a quadrant is filled from a plate of 96 wells",
        ));
    }
    match &source.state {
        PlateState::Sealed => Ok(()),
        PlateState::Open => Err(Rejection::precondition(
            "PLATE_NOT_SEALED",
            "sources",
            format!("plate {barcode:?} is open"),
            "seal it first",
        )),
        other => Err(Rejection::precondition(
            "SOURCE_USED",
            "sources",
            format!("plate {barcode:?} is {} already", other.word()),
            "scan the plates again",
        )),
    }
}

fn one_kit(sources: &[Source]) -> Result<AssayId, Rejection> {
    let Some(first) = sources.first() else {
        return Err(Rejection::invalid(
            "SOURCES_MISSING",
            "sources",
            "no plate is named",
            "scan the plate of each quadrant",
        ));
    };
    match sources.iter().find(|s| s.plate.assay != first.plate.assay) {
        None => Ok(first.plate.assay.clone()),
        Some(other) => Err(Rejection::precondition(
            "SOURCES_OF_TWO_KITS",
            "sources",
            format!(
                "plate {:?} is for kit {:?}, plate {:?} for {:?}",
                first.barcode, first.plate.assay, other.barcode, other.plate.assay
            ),
            "one run is read by one kit",
        )),
    }
}

fn content(draft: &Draft<'_>, item: Item) -> Option<Content> {
    match item {
        Item::Pool(key) => Some(Content::Pool(pool_id(draft.state(), key))),
        Item::Tube(key) => Some(Content::Tube(tube_id(draft.state(), key))),
        Item::Expected(_) => None,
    }
}
