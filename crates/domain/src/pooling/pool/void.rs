//! A pool is spilled, swapped or otherwise lost.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::tube_id;
use super::super::plate::Plate;
use super::super::tube::hold::needs_reason;
use super::super::tube::{Tube, TubeState, Vessel};
use super::PoolState;
use super::close::the_pool;
use crate::ids::{PoolId, TubeId};
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// Voids a pool: its members wait again, in a new round, with less volume. Answers those that do. A pool that was on a plate
/// and came back may be voided too.
///
/// # Errors
/// There is no such pool, it is void already, or it stands on a plate; no reason is given.
pub fn void(draft: &mut Draft<'_>, id: &PoolId, reason: &str) -> Result<Vec<TubeId>, Rejection> {
    needs_reason(reason)?;
    let (_, pool) = the_pool(draft, id)?;
    match &pool.state {
        PoolState::Open | PoolState::Sealed(Vessel::Ready) => {
            draft.emit(What::PoolVoided {
                pool: id.clone(),
                reason: reason.to_owned(),
            })?;
            let waits = |key: u64| {
                let tube = draft.state().get::<Tube>(&key)?;
                (tube.state == TubeState::Waiting).then(|| tube_id(draft.state(), key))
            };
            Ok(pool.members.iter().filter_map(|m| waits(m.tube)).collect())
        }
        PoolState::Void { reason } => Err(Rejection::precondition(
            "POOL_VOID",
            "pool",
            format!("pool {id} is void already: {reason}"),
            "nothing needs to be done",
        )),
        PoolState::Sealed(Vessel::Plated { plate, well } | Vessel::Loaded { plate, well }) => {
            let plate = draft
                .state()
                .get::<Plate>(plate)
                .map(|plate| plate.barcode)
                .unwrap_or_default();
            Err(Rejection::precondition(
                "POOL_PLATED",
                "pool",
                format!("pool {id} stands in well {well} of plate {plate:?}"),
                "fail that well, or void the plate, then void the pool",
            ))
        }
    }
}
