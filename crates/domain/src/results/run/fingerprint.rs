//! Which plate is this? Where a plate's weak positive and batch negatives stand is drawn for it alone: its **control
//! fingerprint**. A run whose control wells do not behave as its plate's fingerprint says is held against the plates it
//! may be instead: this one turned by 180 degrees, and those that wait for a run.
//!
//! It is looked at only where a run does not fit its own plate: a run in control needs no other explanation. What a
//! file calls its wells counts for nothing here, since that is what the instrument was told and not what stood in it.

use super::table::{RunTable, fit};
use crate::ids::Barcode;
use crate::policy::Policy;
use crate::results::call::{Rules, control_gate};
use crate::results::draft::Draft;
use crate::results::state::{GateVerdict, Lab, Plate, PlateState, key_of, lab_no};
use crate::tables::ReadExt;
use crate::time::Timestamp;
use crate::well::Well;
use std::ops::ControlFlow;

/// Most plates of a lab that a run is held against, the newest: a plate that waits longer is found by a person.
const PLATES_MAX: u64 = 200;

/// Most plates that are named.
const NAMED_MAX: usize = 3;

/// What a run looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lookalike {
    /// The plate.
    pub plate: Barcode,
    /// It was read the wrong way round.
    pub turned: bool,
}

impl std::fmt::Display for Lookalike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "plate {:?}", self.plate)?;
        if self.turned {
            f.write_str(" turned by 180 degrees")?;
        }
        Ok(())
    }
}

/// Why a run is not of its plate, if it looks like another or like this one turned: the reason, and what to do.
pub(super) fn mistaken(
    draft: &Draft<'_>,
    own: &Plate,
    table: &RunTable,
    read_at: Timestamp,
) -> Option<(&'static str, String)> {
    let found = lookalikes(draft.policy, own, &waiting(draft, own), table, read_at);
    let first = found.first()?;
    let names = named(&found);
    let barcode = &own.barcode;
    if first.plate == *barcode {
        return Some((
            "PLATE_TURNED",
            format!(
                "this looks like {names}: put it in the right way round and read it again; if it was not turned, hand the file in with a reason"
            ),
        ));
    }
    Some((
        "LOOKS_LIKE_OTHER_PLATE",
        format!(
            "this looks like {names}: the controls are not where those of {barcode:?} were drawn. Look at the label of the plate in the instrument, and hand the file in for that plate; if it is {barcode:?} after all, hand it in with a reason"
        ),
    ))
}

/// The first of them by name, and how many there are more.
fn named(found: &[Lookalike]) -> String {
    let names = found.iter().take(NAMED_MAX).map(ToString::to_string);
    let more = found.len().saturating_sub(NAMED_MAX);
    let more = (more > 0).then(|| format!("one of {more} more"));
    names.chain(more).collect::<Vec<_>>().join(", or ")
}

/// The lab's newest plates that wait for a run.
fn waiting(draft: &Draft<'_>, own: &Plate) -> Vec<Plate> {
    let state = draft.state();
    let Some(no) = lab_no(state, &own.lab) else {
        return Vec::new();
    };
    let newest = state.get::<Lab>(&no).map_or(0, |lab| lab.plates);
    let from = key_of(no, newest.saturating_sub(PLATES_MAX).saturating_add(1));
    let to = key_of(no, newest.saturating_add(1));
    let mut plates = Vec::new();
    state.scan_range::<Plate>(&from, &to, |_, plate| {
        if plate.state == PlateState::Loaded && plate.barcode != own.barcode {
            plates.push(plate);
        }
        ControlFlow::Continue(())
    });
    plates
}

/// What a run looks like: its own plate turned first, then others, then others turned.
fn lookalikes(
    policy: &Policy,
    own: &Plate,
    others: &[Plate],
    table: &RunTable,
    read_at: Timestamp,
) -> Vec<Lookalike> {
    let as_it_is = |plate: &Plate| in_control(policy, plate, table, read_at);
    let turned = |plate: &Plate| {
        turned(table, plate).is_some_and(|table| in_control(policy, plate, &table, read_at))
    };
    let named = |turned: bool| {
        move |plate: &Plate| Lookalike {
            plate: plate.barcode.clone(),
            turned,
        }
    };
    let mut found: Vec<Lookalike> = Vec::new();
    found.extend(Some(own).filter(|own| turned(own)).map(named(true)));
    found.extend(others.iter().filter(|one| as_it_is(one)).map(named(false)));
    if found.is_empty() {
        found.extend(others.iter().filter(|one| turned(one)).map(named(true)));
    }
    found
}

/// The table as it would be, had the plate been put in the other way round; `None` if it has wells of another size.
fn turned(table: &RunTable, plate: &Plate) -> Option<RunTable> {
    let mut table = table.clone();
    for row in &mut table.rows {
        let well = Well::parse(plate.size, &row.well)?;
        row.well = well.turned(plate.size)?.to_string();
    }
    Some(table)
}

/// Every well of the plate's map is there, no other has a Ct, and every control is as it must be, whatever the file
/// calls it.
fn in_control(policy: &Policy, plate: &Plate, table: &RunTable, read_at: Timestamp) -> bool {
    let Some(assay) = policy.assays.get(&plate.assay) else {
        return false;
    };
    let (Ok(rules), Ok(fitted)) = (Rules::at(assay, read_at), fit(table, plate, assay)) else {
        return false;
    };
    control_gate(&rules, &fitted.controls(plate), plate.quadrants) == GateVerdict::InControl
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
