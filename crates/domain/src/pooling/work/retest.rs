//! Results ordered that a tube be tested again: alone, STAT, in a well of its own on the next plate.

use super::super::board::deadline::retest_clock;
use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::tube_key;
use super::super::tube::details::let_go;
use super::super::tube::lookup::is_over;
use super::super::tube::{Tube, TubeState, Vessel};
use crate::message::RetestOrder;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// Takes a retest order. The same order again changes nothing.
///
/// # Errors
/// The tube is not there or over: results must order a re-collection.
pub fn retest(
    draft: &mut Draft<'_>,
    policy: &Policy,
    order: &RetestOrder,
) -> Result<(), Rejection> {
    let tube = tube_key(draft.state(), &order.tube)
        .and_then(|key| draft.state().get::<Tube>(&key))
        .ok_or_else(|| {
            Rejection::not_found(
                "TUBE_UNKNOWN",
                "tube",
                format!("tube {} was never received, or is filed", order.tube),
                "order a re-collection",
            )
        })?;
    if is_over(&tube) {
        return Err(Rejection::precondition(
            "TUBE_OVER",
            "tube",
            format!("tube {} is closed, withdrawn or thrown away", order.tube),
            "order a re-collection",
        ));
    }
    if tube.order.as_ref() == Some(&order.order) || order.round <= tube.round {
        return Ok(());
    }
    if tube.state == TubeState::Alone(Vessel::Ready) && tube.order.is_some() {
        return Ok(());
    }
    if let Some(key) = tube_key(draft.state(), &order.tube) {
        let_go(draft, key, "a retest was ordered")?;
    }
    draft.emit(What::RetestOrdered {
        order: order.clone(),
        clock: retest_clock(policy, draft.now, order.due),
    })
}
