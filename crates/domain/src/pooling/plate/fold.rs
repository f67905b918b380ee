//! What events do to plates, and to what stands on them.

use super::super::event::{Content, Event, PlateRef, What};
use super::super::evolve::FoldProblem;
use super::super::lab::{count, key_of, pool_key, tube_key};
use super::super::pool::{self, Pool, PoolState, Transfer};
use super::super::queue::Item;
use super::super::step::{StepKind, Steps};
use super::super::tube::{self, Tube, TubeState, Vessel};
use super::lot::{BoundLot, LOTS_MAX};
use super::{Plate, PlateState, PlateWell, by_barcode};
use crate::ids::{Actor, Barcode};
use crate::message::ReplateOrder;
use crate::tables::{Read, ReadExt, Write, WriteExt};
use crate::time::Timestamp;
use crate::well::Well;
use std::sync::Arc;

pub(crate) fn evolve(
    state: &mut dyn Write,
    event: &Event,
    at: Timestamp,
) -> Result<(), FoldProblem> {
    let by = &event.by;
    match &event.what {
        What::PlateStarted { .. } => {
            started(state, event, at);
            Ok(())
        }
        What::WellsPlanned { plate, wells } => change(state, plate, |state, key, plate| {
            for (well, content) in wells {
                let item =
                    item(state, content).ok_or_else(|| FoldProblem::missing("content", content))?;
                plate.wells.push(PlateWell {
                    well: *well,
                    item,
                    planned_at: at,
                    planned_by: by.clone(),
                    transfer: None,
                    lost: None,
                });
                let vessel = Vessel::Plated {
                    plate: key,
                    well: *well,
                };
                let note = format!("{} {well}", plate.barcode);
                move_item(state, item, vessel, StepKind::Plated, by, &note, at);
            }
            Ok(())
        }),
        What::WellsTransferred { plate, wells, ul } => change(state, plate, |state, key, plate| {
            let name = plate.barcode.to_string();
            for entry in &mut plate.wells {
                if !wells.contains(&entry.well) || entry.lost.is_some() {
                    continue;
                }
                entry.transfer = Some(Transfer {
                    at,
                    by: by.clone(),
                    ul: *ul,
                });
                // From a quadrant's plate; the pool or tube gave its liquid to that.
                if plate.sources.is_none() && stands_on(state, entry.item, key) {
                    take_liquid(state, entry.item, *ul, by, &name, at);
                }
            }
            Ok(())
        }),
        What::WellFailed {
            plate,
            well,
            reason,
        } => change(state, plate, |state, key, plate| {
            lose(state, key, plate, &[*well], reason, by, at);
            Ok(())
        }),
        What::LotBound { plate, lot, kind } => change(state, plate, |_, _, plate| {
            plate.lots.push(BoundLot {
                lot: lot.clone(),
                kind: *kind,
                at,
                by: by.clone(),
            });
            Ok(())
        }),
        What::LotUnbound { plate, lot } => change(state, plate, |_, _, plate| {
            plate.lots.retain(|bound| bound.lot != *lot);
            Ok(())
        }),
        What::PlateSealed { plate } => change(state, plate, |_, _, plate| {
            plate.state = PlateState::Sealed;
            plate.steps.add(StepKind::Sealed, at, by, "");
            Ok(())
        }),
        What::PlateCombined { plate, sources } => {
            for (_, barcode) in &sources.plates {
                let source = PlateRef {
                    lab: plate.lab.clone(),
                    barcode: barcode.clone(),
                };
                change(state, &source, |state, key, source| {
                    stamped(state, key, source, &plate.barcode, by, at);
                    Ok(())
                })?;
            }
            let mut lots: Vec<BoundLot> = Vec::new();
            for (_, barcode) in &sources.plates {
                let source = by_barcode(state, &plate.lab, barcode);
                for lot in source.into_iter().flat_map(|(_, source)| source.lots) {
                    if lots.len() < LOTS_MAX && !lots.iter().any(|bound| bound.lot == lot.lot) {
                        lots.push(lot);
                    }
                }
            }
            change(state, plate, |_, _, plate| {
                plate.lots = lots;
                plate.sources = Some(sources.clone());
                Ok(())
            })
        }
        What::PlateVoided { plate, reason } => change(state, plate, |state, key, plate| {
            lose(state, key, plate, &[], reason, by, at);
            plate.state = PlateState::Void {
                reason: reason.clone(),
            };
            plate.steps.add(StepKind::Voided, at, by, reason);
            Ok(())
        }),
        What::PlateLoaded { plate, instrument } => change(state, plate, |state, key, plate| {
            plate.state = PlateState::Loaded {
                instrument: instrument.clone(),
                at,
            };
            plate.steps.add(StepKind::Loaded, at, by, instrument);
            let note = format!("{} in {instrument}", plate.barcode);
            for entry in plate.occupied() {
                if !stands_on(state, entry.item, key) {
                    continue;
                }
                let vessel = Vessel::Loaded {
                    plate: key,
                    well: entry.well,
                };
                move_item(state, entry.item, vessel, StepKind::Loaded, by, &note, at);
            }
            Ok(())
        }),
        _ => Ok(()),
    }
}

/// What stands in wells of a loaded plate waits for a plate again.
pub(crate) fn replated(
    state: &mut dyn Write,
    order: &ReplateOrder,
    by: &Actor,
    at: Timestamp,
) -> Result<(), FoldProblem> {
    let plate = PlateRef {
        lab: order.lab.clone(),
        barcode: order.plate.clone(),
    };
    change(state, &plate, |state, key, plate| {
        plate.steps.add(StepKind::Replated, at, by, &order.reason);
        lose(state, key, plate, &order.wells, &order.reason, by, at);
        Ok(())
    })
}

/// Nothing that stood on a plate is at hand any more.
pub(crate) fn filed(state: &mut dyn Write, plate: &PlateRef) -> Result<(), FoldProblem> {
    change(state, plate, |_, _, plate| {
        plate.file();
        Ok(())
    })
}

fn started(state: &mut dyn Write, event: &Event, at: Timestamp) {
    let What::PlateStarted {
        plate: id,
        size,
        assay,
        layout,
        seed,
        controls,
    } = &event.what
    else {
        return;
    };
    let (lab, number) = count(state, &id.lab, |lab| {
        lab.plates = lab.plates.saturating_add(1);
        lab.plates
    });
    let mut plate = Plate {
        barcode: id.barcode.clone(),
        size: *size,
        assay: assay.clone(),
        layout: layout.clone(),
        seed: *seed,
        controls: controls.clone(),
        wells: Vec::new(),
        state: PlateState::Open,
        steps: Steps::default(),
        sources: None,
        lots: Vec::new(),
        filed: false,
    };
    plate
        .steps
        .add(StepKind::Opened, at, &event.by, assay.as_str());
    state.put_shared(&key_of(lab, number), Arc::new(plate));
}

fn change(
    state: &mut dyn Write,
    id: &PlateRef,
    how: impl FnOnce(&mut dyn Write, u64, &mut Plate) -> Result<(), FoldProblem>,
) -> Result<(), FoldProblem> {
    let (key, mut plate) = by_barcode(state, &id.lab, &id.barcode)
        .ok_or_else(|| FoldProblem::missing("plate", &id.barcode))?;
    how(state, key, &mut plate)?;
    state.put(&key, &plate);
    Ok(())
}

fn item(state: &dyn Read, content: &Content) -> Option<Item> {
    match content {
        Content::Pool(id) => pool_key(state, id).map(Item::Pool),
        Content::Tube(id) => tube_key(state, id).map(Item::Tube),
    }
}

/// A plate was stamped into another: what stands on it is on its way there.
fn stamped(
    state: &mut dyn Write,
    key: u64,
    source: &mut Plate,
    into: &Barcode,
    by: &Actor,
    at: Timestamp,
) {
    let note = format!("{} into {into}", source.barcode);
    for entry in source.occupied() {
        if stands_on(state, entry.item, key) {
            move_item(
                state,
                entry.item,
                Vessel::Ready,
                StepKind::Transferred,
                by,
                &note,
                at,
            );
        }
    }
    source.state = PlateState::Combined { into: into.clone() };
    source
        .steps
        .add(StepKind::Transferred, at, by, into.as_str());
}

/// The contents of these wells (none = all) wait again; the wells are lost.
fn lose(
    state: &mut dyn Write,
    key: u64,
    plate: &mut Plate,
    wells: &[Well],
    reason: &str,
    by: &Actor,
    at: Timestamp,
) {
    let note = format!("{}: {reason}", plate.barcode);
    for entry in &mut plate.wells {
        if entry.lost.is_some() || !(wells.is_empty() || wells.contains(&entry.well)) {
            continue;
        }
        entry.lost = Some(reason.to_owned());
        if stands_on(state, entry.item, key) {
            let step = StepKind::Replated;
            move_item(state, entry.item, Vessel::Ready, step, by, &note, at);
        }
    }
}

/// What a well holds is (still) there.
pub(crate) fn stands_on(state: &dyn Read, item: Item, plate_key: u64) -> bool {
    let vessel = match item {
        Item::Pool(key) => state
            .get_shared::<Pool>(&key)
            .and_then(|pool| match pool.state {
                PoolState::Sealed(vessel) => Some(vessel),
                _ => None,
            }),
        Item::Tube(key) => state
            .get_shared::<Tube>(&key)
            .and_then(|tube| match tube.state {
                TubeState::Alone(vessel) => Some(vessel),
                _ => None,
            }),
        Item::Expected(_) => None,
    };
    matches!(vessel, Some(Vessel::Plated { plate, .. } | Vessel::Loaded { plate, .. }) if plate == plate_key)
}

fn move_item(
    state: &mut dyn Write,
    item: Item,
    vessel: Vessel,
    step: StepKind,
    by: &Actor,
    note: &str,
    at: Timestamp,
) {
    match item {
        Item::Pool(key) => {
            pool::change_at(state, key, at, |_, pool| {
                pool.state = PoolState::Sealed(vessel);
                pool.steps.add(step, at, by, note);
            });
        }
        Item::Tube(key) => {
            let is_alone = state
                .get_shared::<Tube>(&key)
                .is_some_and(|tube| matches!(tube.state, TubeState::Alone(_)));
            if is_alone {
                tube::change_at(state, key, at, |_, tube| {
                    tube.state = TubeState::Alone(vessel);
                    tube.steps.add(step, at, by, note);
                });
            }
        }
        Item::Expected(_) => {}
    }
}

fn take_liquid(state: &mut dyn Write, item: Item, ul: u32, by: &Actor, plate: &str, at: Timestamp) {
    match item {
        Item::Pool(key) => {
            pool::change_at(state, key, at, |_, pool| {
                pool.volume_ul = pool.volume_ul.saturating_sub(ul);
                pool.steps.add(StepKind::Transferred, at, by, plate);
            });
        }
        Item::Tube(key) => {
            tube::change_at(state, key, at, |_, tube| {
                tube.volume_ul = tube.volume_ul.saturating_sub(ul);
                tube.steps.add(StepKind::Transferred, at, by, plate);
            });
        }
        Item::Expected(_) => {}
    }
}
