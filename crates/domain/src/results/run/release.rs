//! A run in control is released well by well; a large one in several decisions, so that a record of the
//! journal stays small.

use crate::results::call::Call;
use crate::results::draft::Draft;
use crate::results::event::{Event, LabNumber};
use crate::results::outcome::{WellCalled, conclude};
use crate::results::state::{Analysis, Plate, Specimen, Standing, key_of, lab_no};
use crate::tables::ReadExt;

/// Most tubes concluded in one decision: their reports make a record of some 300 KiB.
const TUBES_PER_DECISION_MAX: usize = 1_000;

/// Releases what an analysis says; `before` is the analysis that counted until now. Answers with what
/// changed against it.
pub fn release(
    draft: &mut Draft<'_>,
    plate_key: u64,
    run: &LabNumber,
    version: u32,
    before: Option<(u64, u32)>,
) -> Vec<String> {
    from_well(draft, plate_key, run, version, before, 0)
}

/// Goes on where [`release`] paused; nothing happens if another analysis counts by now.
pub fn release_more(draft: &mut Draft<'_>, run_key: u64, version: u32, next: u32) {
    let Some(run) = draft.state().get::<crate::results::state::Run>(&run_key) else {
        return;
    };
    let current = draft
        .state()
        .get::<Plate>(&run.plate)
        .and_then(|plate| plate.current);
    if current == Some((run_key, version)) {
        let name = draft.lab_number(run_key);
        from_well(draft, run.plate, &name, version, None, next);
    }
}

fn from_well(
    draft: &mut Draft<'_>,
    plate_key: u64,
    run: &LabNumber,
    version: u32,
    before: Option<(u64, u32)>,
    first: u32,
) -> Vec<String> {
    let state = draft.state();
    let Some(no) = lab_no(state, &run.lab) else {
        return Vec::new();
    };
    let (Some(plate), Some(analysis)) = (
        state.get::<Plate>(&plate_key),
        state.get::<Analysis>(&(key_of(no, run.number), u64::from(version))),
    ) else {
        return Vec::new();
    };
    let old: Option<Analysis> =
        before.and_then(|(key, version)| state.get(&(key, u64::from(version))));
    let mut changes = Vec::new();
    let mut tubes = 0;
    for (index, well) in plate.wells.iter().enumerate().skip(first as usize) {
        if tubes >= TUBES_PER_DECISION_MAX {
            let next = u32::try_from(index).unwrap_or(u32::MAX);
            draft.emit(Event::ReleasePaused {
                run: run.clone(),
                version,
                next,
            });
            break;
        }
        let Some((_, _, call)) = analysis.well(well.well) else {
            continue;
        };
        if plate.is_out(&analysis.gate, well.well) {
            continue;
        }
        let was: Option<Call> = old
            .as_ref()
            .and_then(|old| old.well(well.well))
            .map(|w| w.2);
        if let Some(was) = was.filter(|was| was != call) {
            changes.push(format!(
                "well {}: {} before, {} now",
                well.well,
                was.name(),
                call.name()
            ));
        } else if was.is_some() && !waiting(draft, &well.members) {
            continue;
        }
        tubes += well.members.len();
        conclude(
            draft,
            &WellCalled {
                plate_key,
                plate: &plate,
                well,
                call: *call,
                was,
            },
        );
    }
    changes
}

fn waiting(draft: &Draft<'_>, members: &[u64]) -> bool {
    members.iter().any(|key| {
        draft
            .state()
            .get::<Specimen>(key)
            .is_some_and(|specimen| specimen.standing == Standing::Loaded)
    })
}
