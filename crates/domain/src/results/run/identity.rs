//! Which run a file is of, which version of it, and whether it was seen before.

use super::import::outcome_of;
use super::table::ROWS_MAX;
use super::{ImportOutcome, ImportState};
use crate::ids::Barcode;
use crate::rejection::Rejection;
use crate::results::draft::Draft;
use crate::results::state::{Analysis, Plate, PlateState, Run, Submission, number_of};
use crate::tables::ReadExt;

/// What every submission must have.
pub(super) fn shape(draft: &Draft<'_>, submission: &Submission) -> Result<(), Rejection> {
    let missing = |field: &str, help: &str| {
        Rejection::invalid("FIELD_MISSING", field, format!("{field} is empty"), help)
    };
    if !draft.policy.labs.contains_key(&submission.lab) {
        return Err(Rejection::not_found(
            "LAB_UNKNOWN",
            "lab",
            format!("lab {:?} is not in the policy", submission.lab),
            "use the id of a lab in [labs] of the policy",
        ));
    }
    for (field, value) in [
        ("instrument_serial", &submission.serial),
        ("run_id", &submission.run_id),
        ("file_hash", &submission.file_hash),
    ] {
        if value.is_empty() {
            return Err(missing(
                field,
                "a run is its instrument's serial and its run id",
            ));
        }
    }
    if submission.table.rows.len() > ROWS_MAX {
        return Err(Rejection::invalid(
            "FILE_TOO_LONG",
            "file",
            format!(
                "{} rows are more than {ROWS_MAX}",
                submission.table.rows.len()
            ),
            "import one plate a file",
        ));
    }
    Ok(())
}

/// The outcome of this very file, if it was taken before for this plate. For another plate it is a
/// mistake of somebody, and must not look like success.
pub(super) fn seen_before(
    draft: &Draft<'_>,
    submission: &Submission,
) -> Result<Option<ImportOutcome>, Rejection> {
    let state = draft.state();
    let other = |plate: &Barcode| {
        Rejection::precondition(
            "FILE_OF_OTHER_PLATE",
            "file",
            format!("this very file was handed in for plate {plate:?} before"),
            "check which plate it is of; two runs never give the same file",
        )
    };
    if let Some((_, parked)) = state.find::<Submission>(&submission.file_hash) {
        if parked.plate != submission.plate {
            return Err(other(&parked.plate));
        }
        let mut outcome = ImportOutcome::none(
            ImportState::Parked,
            "the same file again: it still waits for its plate",
        );
        outcome.same_file = true;
        return Ok(Some(outcome));
    }
    let Some((key, run)) = state.find::<Run>(&submission.file_hash) else {
        return Ok(None);
    };
    let version = run
        .files
        .iter()
        .position(|file| *file == submission.file_hash)
        .and_then(|at| u32::try_from(at).ok()?.checked_add(1))
        .unwrap_or(1);
    let Some(plate) = state.get::<Plate>(&run.plate) else {
        return Ok(None);
    };
    if plate.barcode != submission.plate {
        return Err(other(&plate.barcode));
    }
    let Some(analysis) = state.get::<Analysis>(&(key, u64::from(version))) else {
        return Ok(plate.filed.then(|| of_filed(number_of(key), version)));
    };
    let mut outcome = outcome_of(&plate, &analysis, number_of(key), version);
    outcome.same_file = true;
    outcome
        .notes
        .push("the same file again: nothing was done".to_owned());
    Ok(Some(outcome))
}

/// A file of a plate that was filed comes again: what it said is in the journal.
fn of_filed(run: u64, version: u32) -> ImportOutcome {
    ImportOutcome {
        run,
        version,
        same_file: true,
        ..ImportOutcome::none(
            ImportState::SetAside,
            "the same file again: nothing was done, and the samples of its plate are filed",
        )
    }
}

/// Which run this is, and which version of its analysis.
pub(super) fn identity(
    draft: &Draft<'_>,
    submission: &Submission,
    plate_key: u64,
    plate: &Plate,
) -> Result<(u64, u32), Rejection> {
    if plate.lab != submission.lab {
        return Err(Rejection::precondition(
            "PLATE_OF_OTHER_LAB",
            "plate",
            format!(
                "plate {:?} is of lab {:?}, not of {:?}",
                plate.barcode, plate.lab, submission.lab
            ),
            "check the plate's barcode and the lab",
        ));
    }
    if plate.state == PlateState::Voided {
        return Err(Rejection::precondition(
            "PLATE_VOIDED",
            "plate",
            format!(
                "plate {:?} is void: nothing may be believed of it",
                plate.barcode
            ),
            "import the run of the plate that replaced it",
        ));
    }
    if plate.filed {
        return Err(Rejection::precondition(
            "PLATE_FILED",
            "plate",
            format!(
                "every sample of plate {:?} was reported, accepted and filed: a run changes nothing of it any more",
                plate.barcode
            ),
            "if a result was wrong, correct its report with its receivers by hand, and register a new sample",
        ));
    }
    let name = Run::name_of(&submission.serial, &submission.run_id);
    if let Some((key, run)) = draft.state().find::<Run>(&name) {
        if run.plate != plate_key {
            return Err(Rejection::precondition(
                "RUN_OF_OTHER_PLATE",
                "run_id",
                format!(
                    "run {:?} of instrument {:?} was imported for another plate",
                    submission.run_id, submission.serial
                ),
                "check the plate's barcode, or give this run the id the instrument gave it",
            ));
        }
        let version = u32::try_from(run.files.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        return Ok((number_of(key), version));
    }
    if plate.current.is_some() && submission.reason.trim().is_empty() {
        return Err(Rejection::precondition(
            "SECOND_RUN_REASON",
            "reason",
            format!("plate {:?} has a run already", plate.barcode),
            "say why it was run again",
        ));
    }
    Ok((draft.next(&plate.lab, |lab| lab.runs), 1))
}
