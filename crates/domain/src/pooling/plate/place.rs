//! A person puts one pool or tube into one well, and scans both.

use super::super::draft::Draft;
use super::super::event::{Content, PlateRef, What};
use super::super::lab::tube_id;
use super::super::pool::PoolState;
use super::super::pool::assign::{Wish, wish};
use super::super::pool::close::{the_pool, word};
use super::super::queue::Item;
use super::super::tube::hold::not_over;
use super::super::tube::lookup::the_tube;
use super::super::tube::{Tube, TubeState, Vessel};
use super::fill::misfit;
use super::{Plate, open_plate};
use crate::ids::{BenchId, PoolId};
use crate::policy::Policy;
use crate::rejection::{Code, Rejection};
use crate::well::Well;

/// Puts a pool (named by its id, such as `lab-1/P17`) or a tube into a well; its transfer is recorded.
/// The same again changes nothing.
///
/// # Errors
/// The well is none, taken, or a control's; the content is not sealed, held, or on a plate already.
pub fn place(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: &PlateRef,
    well: &str,
    content: &str,
) -> Result<(Well, Content), Rejection> {
    let (key, record) = open_plate(draft.state(), &plate.lab, &plate.barcode)?;
    let well = the_well(&record, well)?;
    let (item, content) = match PoolId::parse(content).filter(|id| id.lab == plate.lab) {
        Some(id) => {
            let (pool_key, pool) = the_pool(draft, &id)?;
            if let PoolState::Sealed(Vessel::Plated { plate, well: at }) = pool.state
                && plate == key
                && at == well
            {
                return Ok((well, Content::Pool(id)));
            }
            pool_is_ready(&id, &pool)?;
            (Item::Pool(pool_key), Content::Pool(id))
        }
        None => {
            let (tube_key, tube) = the_tube(draft.state(), &plate.lab, content)?;
            let id = tube_id(draft.state(), tube_key);
            if tube.state == TubeState::Alone(Vessel::Plated { plate: key, well }) {
                return Ok((well, Content::Tube(id)));
            }
            tube_is_ready(draft, policy, plate, tube_key, &tube)?;
            (Item::Tube(tube_key), Content::Tube(id))
        }
    };
    is_free(&record, well)?;
    if let Some(why) = misfit(draft, policy, plate, &record, item) {
        return Err(Rejection::precondition(
            "CONTENT_MISFIT",
            "content",
            format!("{content} does not go on plate {:?}: {why}", plate.barcode),
            "take another plate, or hold it",
        ));
    }
    draft.emit(What::WellsPlanned {
        plate: plate.clone(),
        wells: vec![(well, content.clone())],
    })?;
    draft.emit(What::WellsTransferred {
        plate: plate.clone(),
        wells: vec![well],
        ul: policy.pooling.well_take_ul,
    })?;
    Ok((well, content))
}

/// A well of this plate.
///
/// # Errors
/// There is no such well.
pub(super) fn the_well(plate: &Plate, text: &str) -> Result<Well, Rejection> {
    Well::parse(plate.size, text).ok_or_else(|| {
        let last = match plate.size {
            crate::well::PlateSize::P96 => "H12",
            crate::well::PlateSize::P384 => "P24",
        };
        Rejection::invalid(
            "WELL_UNKNOWN",
            "well",
            format!("{text:?} is no well of plate {:?}", plate.barcode),
            format!("wells are A1 to {last}; A01 is A1"),
        )
    })
}

fn is_free(plate: &Plate, well: Well) -> Result<(), Rejection> {
    if let Some(control) = plate.control_at(well) {
        return Err(Rejection::precondition(
            "WELL_IS_CONTROL",
            "well",
            format!(
                "well {well} of plate {:?} is for control {control:?}",
                plate.barcode
            ),
            "take another well: controls stand where the plate's layout says",
        ));
    }
    if plate.at(well).is_some() {
        return Err(Rejection::new(
            Code::AlreadyExists,
            "WELL_TAKEN",
            "well",
            format!("well {well} of plate {:?} is taken", plate.barcode),
            "take another well; if the other content is not there, fail that well",
        ));
    }
    Ok(())
}

fn pool_is_ready(id: &PoolId, pool: &super::super::pool::Pool) -> Result<(), Rejection> {
    if let Some(reason) = &pool.hold {
        return Err(Rejection::precondition(
            "POOL_HELD",
            "content",
            format!("pool {id} is held: {reason}"),
            "a person must release it with a reason, or void it",
        ));
    }
    match &pool.state {
        PoolState::Sealed(Vessel::Ready) => Ok(()),
        PoolState::Open => Err(Rejection::precondition(
            "POOL_NOT_SEALED",
            "content",
            format!(
                "pool {id} is open: {} of {} transfers are recorded",
                pool.members.len() - pool.untransferred().count(),
                pool.members.len()
            ),
            "close the pool first",
        )),
        _ => Err(Rejection::precondition(
            "BACKWARDS",
            "content",
            format!(
                "pool {id} is {}: it does not go back to a plate",
                word(pool)
            ),
            "if its well was lost, fail that well or void its plate",
        )),
    }
}

fn tube_is_ready(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: &PlateRef,
    key: u64,
    tube: &Tube,
) -> Result<(), Rejection> {
    not_over(tube)?;
    let id = tube_id(draft.state(), key);
    if let Some(hold) = tube.holds.first() {
        return Err(Rejection::precondition(
            "TUBE_HELD",
            "content",
            format!("tube {id} is held: {hold}"),
            "put it aside; a person must release it with a reason",
        ));
    }
    match &tube.state {
        TubeState::Alone(Vessel::Ready) => Ok(()),
        TubeState::Alone(_) => Err(Rejection::precondition(
            "BACKWARDS",
            "content",
            format!("tube {id} is on a plate already"),
            "if its well was lost, fail that well or void its plate",
        )),
        TubeState::Waiting => {
            let Some(sample) = &tube.sample else {
                return Err(Rejection::precondition(
                    "DETAILS_PENDING",
                    "content",
                    format!("the registration of tube {id} is not known yet"),
                    "put it aside until its registration arrives",
                ));
            };
            let bench = BenchId::default();
            match wish(policy, &plate.lab, &bench, sample, &tube.deadline) {
                Wish::Alone { why } => draft.emit(What::TubeAlone {
                    tube: id,
                    bench,
                    why,
                }),
                Wish::Pool(_) => Err(Rejection::precondition(
                    "NOT_SINGLE",
                    "content",
                    format!("tube {id} is to be pooled, not plated alone"),
                    "scan it at a bench",
                )),
            }
        }
        _ => Err(Rejection::precondition(
            "TUBE_IN_POOL",
            "content",
            format!("tube {id} is in a pool"),
            "plate its pool",
        )),
    }
}
