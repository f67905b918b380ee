//! Holding a tube, releasing it, throwing it away.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::{pool_id, tube_id};
use super::super::pool::Pool;
use super::details::{hold_pool, leave};
use super::lookup::{is_over, the_tube};
use super::{Tube, TubeHold, TubeState, Vessel};
use crate::ids::{LabId, PoolId, TubeId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// Holds a tube. If it is only planned for a pool or well, it leaves; if its liquid is in a pool, the
/// pool is held.
pub(crate) fn stop(draft: &mut Draft<'_>, key: u64, hold: TubeHold) -> Result<(), Rejection> {
    let Some(tube) = draft.state().get::<Tube>(&key) else {
        return Ok(());
    };
    if is_over(&tube) || tube.holds.contains(&hold) {
        return Ok(());
    }
    let id = tube_id(draft.state(), key);
    let why = format!("tube {id} is held: {hold}");
    match tube.state {
        TubeState::Pooled { pool } => {
            let mixed = draft
                .state()
                .get::<Pool>(&pool)
                .is_some_and(|pool| pool.member(key).is_some_and(|m| m.transfer.is_some()));
            if mixed {
                hold_pool(draft, pool, why)?;
            } else {
                leave(draft, key, &why)?;
            }
        }
        TubeState::Alone(Vessel::Ready) if tube.order.is_none() => {
            draft.emit(What::AloneUndone {
                tube: id.clone(),
                reason: why,
            })?;
        }
        _ => {}
    }
    draft.emit(What::TubeHeld { tube: id, hold })
}

/// A person holds a tube.
///
/// # Errors
/// The tube is not there or over; no reason is given.
pub fn hold(
    draft: &mut Draft<'_>,
    lab: &LabId,
    barcode: &str,
    reason: &str,
) -> Result<TubeId, Rejection> {
    needs_reason(reason)?;
    let (key, tube) = the_tube(draft.state(), lab, barcode)?;
    not_over(&tube)?;
    stop(
        draft,
        key,
        TubeHold::ByPerson {
            reason: reason.to_owned(),
        },
    )?;
    Ok(tube_id(draft.state(), key))
}

/// A person releases a tube, or a pool named by its id (such as `lab-1/P17`).
///
/// # Errors
/// It is not there or not held; two tubes still bear one label; no reason is given.
pub fn release(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    what: &str,
    reason: &str,
) -> Result<(), Rejection> {
    needs_reason(reason)?;
    if let Some(id) = PoolId::parse(what).filter(|id| id.lab == *lab) {
        return super::super::pool::hold::release(draft, &id, reason);
    }
    let (key, tube) = the_tube(draft.state(), lab, what)?;
    if tube.holds.is_empty() {
        return Err(Rejection::precondition(
            "NOT_HELD",
            "barcode",
            format!("tube {} is not held", tube_id(draft.state(), key)),
            "nothing needs to be done",
        ));
    }
    if tube.barcodes.is_empty() {
        return Err(Rejection::precondition(
            "LABEL_MISSING",
            "barcode",
            format!("tube {} has no readable label", tube_id(draft.state(), key)),
            "relabel it: that releases it",
        ));
    }
    let id = tube_id(draft.state(), key);
    draft.emit(What::TubeReleased {
        tube: id.clone(),
        reason: reason.to_owned(),
    })?;
    super::super::pool::seating::plan_on_arrival(draft, policy, &id)
}

/// A tube is thrown away.
///
/// # Errors
/// The tube is not there or over, or its liquid is on its way; no reason is given.
pub fn discard(
    draft: &mut Draft<'_>,
    lab: &LabId,
    barcode: &str,
    reason: &str,
) -> Result<TubeId, Rejection> {
    needs_reason(reason)?;
    let (key, tube) = the_tube(draft.state(), lab, barcode)?;
    not_over(&tube)?;
    let id = tube_id(draft.state(), key);
    match tube.state {
        TubeState::Pooled { pool } => {
            let pool_name = pool_id(draft.state(), pool);
            let mixed = draft
                .state()
                .get::<Pool>(&pool)
                .is_some_and(|pool| pool.member(key).is_some_and(|m| m.transfer.is_some()));
            if mixed {
                return Err(Rejection::precondition(
                    "TUBE_IN_POOL",
                    "barcode",
                    format!("the liquid of tube {id} is in pool {pool_name}"),
                    "keep the tube until its result is final, or void the pool",
                ));
            }
            leave(draft, key, reason)?;
        }
        TubeState::Alone(Vessel::Plated { .. } | Vessel::Loaded { .. }) => {
            return Err(Rejection::precondition(
                "TUBE_PLATED",
                "barcode",
                format!("the liquid of tube {id} is on a plate"),
                "keep the tube until its result is final, or void the plate",
            ));
        }
        _ => {}
    }
    draft.emit(What::TubeDiscarded {
        tube: id.clone(),
        reason: reason.to_owned(),
    })?;
    Ok(id)
}

/// A decision of a person that needs a reason has one.
///
/// # Errors
/// It has none.
pub fn needs_reason(reason: &str) -> Result<(), Rejection> {
    if reason.trim().is_empty() {
        return Err(Rejection::invalid(
            "REASON_MISSING",
            "reason",
            "no reason is given",
            "say why: it is kept with the tube, pool or plate",
        ));
    }
    Ok(())
}

/// More can happen to the tube.
///
/// # Errors
/// Nothing more can.
pub fn not_over(tube: &Tube) -> Result<(), Rejection> {
    let word = match &tube.state {
        TubeState::Closed(_) => "closed",
        TubeState::Withdrawn => "withdrawn",
        TubeState::Discarded => "thrown away",
        _ => return Ok(()),
    };
    Err(Rejection::precondition(
        "TUBE_OVER",
        "barcode",
        format!("tube {:?} is {word}", tube.label()),
        "check the label: nothing more happens to this tube",
    ))
}
