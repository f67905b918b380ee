//! What was planned for a plate was performed, or failed, well by well.

use super::super::draft::Draft;
use super::super::event::{PlateRef, What};
use super::super::tube::hold::needs_reason;
use super::open_plate;
use super::place::the_well;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::well::Well;

/// What a confirmation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlateConfirmed {
    /// Wells whose transfer was recorded now.
    pub transferred: Vec<Well>,
    /// Wells that are lost now.
    pub failed: Vec<Well>,
    /// Wells whose transfer is still missing.
    pub missing: Vec<Well>,
    /// Wells that were dropped after they were planned, and why: pipetted or not, they do not count.
    pub dropped: Vec<(Well, String)>,
}

/// Records transfers into wells. Wells that are not named are done if `rest_done`, else still missing. A well
/// that was dropped while it was pipetted (its tube was cancelled, say) changes nothing, and is told.
///
/// # Errors
/// The plate is not open; a named well is none or nothing is planned for it; a failure has no reason.
pub fn confirm(
    draft: &mut Draft<'_>,
    policy: &Policy,
    plate: &PlateRef,
    done: &[String],
    failed: &[(String, String)],
    rest_done: bool,
) -> Result<PlateConfirmed, Rejection> {
    let (_, record) = open_plate(draft.state(), &plate.lab, &plate.barcode)?;
    let planned = |text: &str| {
        let well = the_well(&record, text)?;
        if record.at(well).is_some() {
            return Ok(well);
        }
        Err(Rejection::precondition(
            "WELL_EMPTY",
            "well",
            format!(
                "nothing is planned for well {well} of plate {:?}",
                plate.barcode
            ),
            "check the log: it may belong to another plate",
        ))
    };
    let mut answer = PlateConfirmed::default();
    for (text, reason) in failed {
        needs_reason(reason)?;
        let well = planned(text)?;
        if record.at(well).is_some_and(|w| w.lost.is_some()) {
            continue;
        }
        draft.emit(What::WellFailed {
            plate: plate.clone(),
            well,
            reason: reason.clone(),
        })?;
        answer.failed.push(well);
    }
    let named = done
        .iter()
        .map(|text| planned(text))
        .collect::<Result<Vec<Well>, Rejection>>()?;
    for entry in &record.wells {
        if let Some(why) = &entry.lost {
            answer.dropped.push((entry.well, why.clone()));
            continue;
        }
        if entry.transfer.is_some() || answer.failed.contains(&entry.well) {
            continue;
        }
        if rest_done || named.contains(&entry.well) {
            answer.transferred.push(entry.well);
        } else {
            answer.missing.push(entry.well);
        }
    }
    if !answer.transferred.is_empty() {
        draft.emit(What::WellsTransferred {
            plate: plate.clone(),
            wells: answer.transferred.clone(),
            ul: policy.pooling.well_take_ul,
        })?;
    }
    Ok(answer)
}
