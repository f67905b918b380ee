//! A scan is undone before liquid moved.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::{pool_id, tube_id};
use super::super::tube::lookup::the_tube;
use super::super::tube::{TubeState, Vessel};
use super::Pool;
use super::seal::{SealedPool, seal_if_ready};
use crate::ids::{LabId, TubeId};
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// The tube leaves the pool (or gives up its own well) and waits again.
///
/// # Errors
/// Its liquid is in the pool already: the pool must be voided. Or there is nothing to undo.
pub fn undo(
    draft: &mut Draft<'_>,
    lab: &LabId,
    barcode: &str,
    reason: &str,
) -> Result<(TubeId, Option<SealedPool>), Rejection> {
    let (key, tube) = the_tube(draft.state(), lab, barcode)?;
    let id = tube_id(draft.state(), key);
    let reason = if reason.trim().is_empty() {
        "the scan was undone"
    } else {
        reason
    };
    match tube.state {
        TubeState::Pooled { pool } => {
            let name = pool_id(draft.state(), pool);
            let moved = draft
                .state()
                .get::<Pool>(&pool)
                .is_some_and(|pool| pool.member(key).is_some_and(|m| m.transfer.is_some()));
            if moved {
                return Err(Rejection::precondition(
                    "LIQUID_MOVED",
                    "barcode",
                    format!("the liquid of tube {id} is in pool {name}: it cannot be taken out"),
                    "void the pool: its members go back in a new round",
                ));
            }
            draft.emit(What::MemberLeft {
                pool: name,
                tube: id.clone(),
                reason: reason.to_owned(),
            })?;
            Ok((id, seal_if_ready(draft, pool)?))
        }
        TubeState::Alone(Vessel::Ready) if tube.order.is_none() => {
            draft.emit(What::AloneUndone {
                tube: id.clone(),
                reason: reason.to_owned(),
            })?;
            Ok((id, None))
        }
        _ => Err(Rejection::precondition(
            "NOTHING_TO_UNDO",
            "barcode",
            format!("tube {id} is in no pool and was given no well"),
            "check the label",
        )),
    }
}
