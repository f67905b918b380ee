//! Results ordered that wells be plated again: their controls failed, or a pool was invalid once.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::plate::by_barcode;
use crate::message::ReplateOrder;
use crate::rejection::Rejection;

/// Takes a replate order: what stands in the wells waits for a plate again. Wells that were taken from
/// this plate before stay as they are.
///
/// # Errors
/// The plate is not there.
pub fn replate(draft: &mut Draft<'_>, order: &ReplateOrder) -> Result<(), Rejection> {
    let Some((_, plate)) = by_barcode(draft.state(), &order.lab, &order.plate) else {
        return Err(Rejection::not_found(
            "PLATE_UNKNOWN",
            "plate",
            format!("lab {} started no plate {:?}", order.lab, order.plate),
            "check the order",
        ));
    };
    let anything = plate
        .occupied()
        .any(|w| order.wells.is_empty() || order.wells.contains(&w.well));
    if !anything {
        return Ok(());
    }
    draft.emit(What::ReplateOrdered(order.clone()))
}
