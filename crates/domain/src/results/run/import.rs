//! The decision about a run's file. In: a [`Submission`]. Out: `RunImported` and what follows from its
//! calls, `RunParked`, or a work item for a quarantined run.

use super::fingerprint::mistaken;
use super::identity::{identity, seen_before, shape};
use super::same_curves::same_curves;
use super::table::{Fitted, fit};
use super::{ImportOutcome, ImportState, release};
use crate::ids::LabId;
use crate::message::{Message, ReplateOrder};
use crate::rejection::{Code, Rejection};
use crate::results::call::{Call, Rules, control_gate};
use crate::results::draft::{Draft, Outgoing};
use crate::results::event::{Event, LabNumber};
use crate::results::hints;
use crate::results::state::{
    Analysis, GateVerdict, Lab, Plate, PlateState, Submission, Work, WorkKind, key_of, lab_no,
    number_of,
};
use crate::results::work::NewWork;
use crate::tables::ReadExt;
use crate::well::Well;
use std::ops::ControlFlow;

/// Most runs of one lab that wait for their plates: more means that pooling tells us nothing.
const PARKED_MAX: u64 = 500;

/// Decides a file.
///
/// # Errors
/// Everything that is wrong with it; then nothing of it is kept.
pub fn import(draft: &mut Draft<'_>, submission: Submission) -> Result<ImportOutcome, Rejection> {
    shape(draft, &submission)?;
    let named = submission.table.plate.trim().to_owned();
    if !submission.plate.is_empty() && !named.is_empty() && named != submission.plate.as_str() {
        let detail = format!(
            "the file is of plate {named:?}, the request says {:?}",
            submission.plate
        );
        return Ok(quarantine(draft, &submission, "PLATE_MISMATCH", detail));
    }
    let mut submission = submission;
    if submission.plate.is_empty() {
        submission.plate = named.as_str().into();
    }
    if submission.plate.is_empty() {
        return Err(Rejection::invalid(
            "PLATE_MISSING",
            "plate",
            "neither the request nor the file names the plate",
            "give the plate's barcode",
        ));
    }
    if let Some(first) = seen_before(draft, &submission)? {
        return Ok(first);
    }
    match draft.state().find::<Plate>(submission.plate.as_str()) {
        None => park(draft, submission),
        Some((key, plate)) => import_of(draft, &submission, key, &plate),
    }
}

pub(super) fn outcome_of(
    plate: &Plate,
    analysis: &Analysis,
    run: u64,
    version: u32,
) -> ImportOutcome {
    let mut calls = [0_u32; 5];
    for well in &plate.wells {
        let Some((_, _, call)) = analysis.well(well.well) else {
            continue;
        };
        let at = match call {
            Call::Negative => 0,
            Call::Positive => 1,
            Call::SingleTarget => 2,
            Call::Grey => 3,
            Call::Invalid => 4,
        };
        if let Some(count) = calls.get_mut(at) {
            *count += 1;
        }
    }
    let mut notes = Vec::new();
    let mut state = ImportState::Released;
    if matches!(analysis.gate, GateVerdict::OutOfControl(_)) {
        state = ImportState::OutOfControl;
    }
    notes.extend(analysis.gate.failures().iter().map(failure_text));
    notes.extend(analysis.gate.quadrants_out().iter().map(|quadrant| {
        format!(
            "quadrant {} releases nothing, and is plated again",
            quadrant.saturating_add(1)
        )
    }));
    if let Some(why) = &analysis.set_aside {
        state = ImportState::SetAside;
        notes.push(why.clone());
    }
    ImportOutcome {
        state,
        run,
        version,
        same_file: false,
        calls,
        notes,
    }
}

fn failure_text((well, why): &(Option<Well>, String)) -> String {
    well.map_or_else(|| why.clone(), |well| format!("well {well}: {why}"))
}

fn quarantine(
    draft: &mut Draft<'_>,
    submission: &Submission,
    reason: &str,
    detail: String,
) -> ImportOutcome {
    let about = format!("{}/{}", submission.serial, submission.run_id);
    let detail = format!("{reason}: {detail} (file {:?})", submission.file_name);
    let mut known = false;
    if let Some(no) = lab_no(draft.state(), &submission.lab) {
        draft
            .state()
            .scan_range::<Work>(&key_of(no, 0), &key_of(no + 1, 0), |_, work| {
                known = work.about == about && work.detail == detail;
                if known {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
    }
    if !known {
        let item = NewWork {
            kind: WorkKind::Quarantined,
            about,
            detail: detail.clone(),
            delivery: None,
        };
        draft.open_work(&submission.lab, item);
    }
    ImportOutcome::none(ImportState::Quarantined, detail)
}

fn park(draft: &mut Draft<'_>, submission: Submission) -> Result<ImportOutcome, Rejection> {
    let lab = draft.state().find::<Lab>(submission.lab.as_str());
    let (waiting, number) = lab.map_or((0, 1), |(no, lab)| {
        let mut waiting = 0_u64;
        draft
            .state()
            .scan_range::<Submission>(&key_of(no, 0), &key_of(no + 1, 0), |_, _| {
                waiting += 1;
                ControlFlow::Continue(())
            });
        (waiting, lab.parked.saturating_add(1))
    });
    if waiting >= PARKED_MAX {
        return Err(Rejection::new(
            Code::ResourceExhausted,
            "PARKED_FULL",
            "plate",
            format!(
                "plate {:?} is not loaded, and {PARKED_MAX} runs wait for their plates already",
                submission.plate
            ),
            "load the plates in pooling, or void them",
        ));
    }
    let note = format!(
        "plate {:?} is not loaded yet: the run waits for it",
        submission.plate
    );
    draft.emit(Event::RunParked { number, submission });
    Ok(ImportOutcome::none(ImportState::Parked, note))
}

/// Imports what waited for a plate; what cannot be imported becomes a work item.
pub fn unpark(draft: &mut Draft<'_>, plate: &str) {
    for (key, submission) in draft.state().find_all::<Submission>(plate) {
        let parked = draft.lab_number(key);
        draft.emit(Event::RunUnparked { parked });
        if let Err(rejection) = import(draft, submission.clone()) {
            quarantine(draft, &submission, &rejection.reason, rejection.message);
        }
    }
}

fn import_of(
    draft: &mut Draft<'_>,
    submission: &Submission,
    plate_key: u64,
    plate: &Plate,
) -> Result<ImportOutcome, Rejection> {
    let (run_number, version) = identity(draft, submission, plate_key, plate)?;
    let policy = draft.policy;
    let assay = policy.assays.get(&plate.assay).ok_or_else(|| {
        Rejection::precondition(
            "ASSAY_UNKNOWN",
            "plate",
            format!("kit {:?} of the plate is not in the policy", plate.assay),
            "add it to [assays] of the policy, apply the policy, and import again",
        )
    })?;
    let rules = Rules::at(assay, submission.read_at).map_err(|target| {
        Rejection::precondition(
            "NO_CT_RULE",
            "read_at",
            format!(
                "kit {:?} has no rule for target {target:?} at {}",
                plate.assay, submission.read_at
            ),
            "correct the read time, or add a rule that was in force then",
        )
    })?;
    // A reason is a person's word that this is the plate, whatever its controls look like.
    let asked = version == 1 && submission.reason.trim().is_empty();
    let like = |draft: &Draft<'_>| {
        asked
            .then(|| mistaken(draft, plate, &submission.table, submission.read_at))
            .flatten()
    };
    let fitted = match fit(&submission.table, plate, assay) {
        Ok(fitted) => fitted,
        Err(fault) => {
            let (reason, detail) = like(draft).ok_or_else(|| fault.clone())?;
            let detail = format!("{detail}. Against its own map: {}", fault.message);
            return Ok(quarantine(draft, submission, reason, detail));
        }
    };
    if !fitted.code_mismatches.is_empty() {
        let detail = format!(
            "{}: not so on the plate's map; {}",
            fitted.code_mismatches.join(", "),
            like(draft).map_or_else(
                || "is this another plate, or this one turned round?".to_owned(),
                |(_, detail)| detail
            )
        );
        return Ok(quarantine(
            draft,
            submission,
            "CONTROL_CODE_MISMATCH",
            detail,
        ));
    }
    let analysis = analyse(draft, submission, plate, &rules, &fitted);
    if let GateVerdict::OutOfControl(failures) = &analysis.gate
        && let Some((reason, detail)) = like(draft)
    {
        let failures: Vec<String> = failures.iter().map(failure_text).collect();
        let detail = format!("{detail}. What does not fit: {}", failures.join("; "));
        return Ok(quarantine(draft, submission, reason, detail));
    }
    let mut outcome = outcome_of(plate, &analysis, run_number, version);
    outcome.notes.extend(fitted.warnings);
    let seen = hints::in_wells(plate, &analysis, &policy.contamination);
    outcome.notes.extend(seen.iter().map(ToString::to_string));
    let run = LabNumber::new(plate.lab.clone(), run_number);
    let (in_control, first) = (
        !matches!(analysis.gate, GateVerdict::OutOfControl(_)),
        plate.current.is_none(),
    );
    let out: Vec<Well> = plate
        .wells
        .iter()
        .map(|well| well.well)
        .filter(|well| plate.is_out(&analysis.gate, *well))
        .collect();
    let set_aside = analysis.set_aside.clone();
    draft.emit(Event::RunImported {
        run: run.clone(),
        serial: submission.serial.clone(),
        run_id: submission.run_id.clone(),
        version,
        file_hash: submission.file_hash.clone(),
        plate: number_of(plate_key),
        analysis,
    });
    match (set_aside, in_control) {
        (None, true) => {
            let changes = release(draft, plate_key, &run, version, plate.current);
            outcome.notes.extend(changes);
            if !out.is_empty() {
                order_replate(draft, plate, out, &outcome);
            }
        }
        (None, false) if first => order_replate(draft, plate, Vec::new(), &outcome),
        (Some(why), _) if plate.state == PlateState::Released => review(draft, plate, why),
        _ => {}
    }
    Ok(outcome)
}

fn analyse(
    draft: &Draft<'_>,
    submission: &Submission,
    plate: &Plate,
    rules: &Rules<'_>,
    fitted: &Fitted,
) -> Analysis {
    let gate = control_gate(rules, &fitted.controls(plate), plate.quadrants);
    let quadrants_were_out = plate
        .current
        .and_then(|(run, version)| draft.state().get::<Analysis>(&(run, u64::from(version))))
        .is_some_and(|before| !before.gate.quadrants_out().is_empty());
    let set_aside = match (plate.state, &gate) {
        (PlateState::OutOfControl, _) => Some(
            "the plate was out of control and is plated again: this analysis is kept and releases nothing".to_owned(),
        ),
        (PlateState::Released, GateVerdict::OutOfControl(failures)) => Some(format!(
            "the plate was released by an earlier analysis, this one is out of control ({}): a person must decide",
            failures.iter().map(failure_text).collect::<Vec<_>>().join("; ")
        )),
        // What was plated again is not taken back, and what was released is not kept back by itself.
        (PlateState::Released, _) if quadrants_were_out || !gate.quadrants_out().is_empty() => Some(
            "a quadrant of the plate is out of control, and an earlier analysis was acted on: a person must decide"
                .to_owned(),
        ),
        _ => None,
    };
    Analysis {
        read_at: submission.read_at,
        imported_at: draft.now,
        actor: submission.actor.clone(),
        file_name: submission.file_name.clone(),
        reason: submission.reason.clone(),
        policy: draft.policy.version,
        rules: rules.used(),
        targets: fitted.targets.clone(),
        gate,
        wells: fitted
            .wells
            .iter()
            .map(|(well, readings)| (*well, readings.clone(), rules.call(&fitted.cts(*well))))
            .collect(),
        set_aside,
        same_curves: same_curves(&submission.table, plate.size),
    }
}

/// Has wells plated again; none = all.
fn order_replate(draft: &mut Draft<'_>, plate: &Plate, wells: Vec<Well>, outcome: &ImportOutcome) {
    let order = ReplateOrder {
        lab: plate.lab.clone(),
        plate: plate.barcode.clone(),
        wells,
        reason: outcome.notes.join("; "),
    };
    draft.send(Outgoing::Pooling(
        plate.lab.clone(),
        Message::ReplateOrdered(order),
    ));
}

fn review(draft: &mut Draft<'_>, plate: &Plate, why: String) {
    let item = NewWork {
        kind: WorkKind::ReanalysisReview,
        about: plate.barcode.to_string(),
        detail: why,
        delivery: None,
    };
    let lab: LabId = plate.lab.clone();
    draft.open_work(&lab, item);
}
