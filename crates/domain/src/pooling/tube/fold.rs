//! What events do to tubes.

use super::super::event::{Clock, Event, What};
use super::super::evolve::FoldProblem;
use super::super::lab::{LabRecord, find_or_add, key_of, lab_of, tube_key};
use super::super::pool;
use super::super::step::{StepKind, Steps};
use super::{
    Expected, Rack, RackPlace, Tube, TubeHold, TubeState, Vessel, lookup, save, save_expected,
};
use crate::ids::{Barcode, TubeId};
use crate::sample::Sample;
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;
use std::sync::Arc;

pub(crate) fn evolve(
    state: &mut dyn Write,
    event: &Event,
    at: Timestamp,
) -> Result<(), FoldProblem> {
    let by = &event.by;
    match &event.what {
        What::SampleExpected { sample, clock } => {
            let (lab, mut record) = find_or_add(state, &sample.lab);
            let old = lookup::expected_in(state, &sample.lab, &sample.barcode);
            let key = old.as_ref().map_or_else(
                || {
                    record.expected = record.expected.saturating_add(1);
                    state.put(&lab, &record);
                    key_of(lab, record.expected)
                },
                |(key, _)| *key,
            );
            let new = Expected {
                sample: Arc::clone(sample),
                clock: *clock,
            };
            let old = old.as_ref().map(|(_, old)| old.as_ref());
            save_expected(state, key, old, Some(new), at);
            Ok(())
        }
        What::ExpectedWithdrawn { lab, barcode, .. } => {
            if let Some((key, old)) = lookup::expected_in(state, lab, barcode) {
                save_expected(state, key, Some(&old), None, at);
            }
            Ok(())
        }
        What::TubeReceived { .. } => {
            received(state, event, at);
            Ok(())
        }
        What::TubeDetailed {
            tube,
            sample,
            clock,
        } => change(state, tube, at, |state, _, tube| {
            let kind = if tube.sample.is_some() {
                StepKind::Amended
            } else {
                StepKind::Detailed
            };
            tube.steps
                .add(kind, at, by, format!("version {}", sample.version));
            detail(state, tube, Arc::clone(sample), clock, at);
        }),
        What::TubeMoved { tube, place } => change(state, tube, at, |state, key, tube| {
            put_in_place(state, key, tube, place.clone());
            let to = place.as_ref().map_or_else(
                || "in no rack".to_owned(),
                |p| format!("{} {}", p.rack, p.position),
            );
            tube.steps.add(StepKind::Moved, at, by, to);
        }),
        What::TubeHeld { tube, hold } => change(state, tube, at, |_, _, tube| {
            tube.holds.push(hold.clone());
            tube.steps.add(StepKind::Held, at, by, hold.to_string());
        }),
        What::TubeReleased { tube, reason } => change(state, tube, at, |_, _, tube| {
            tube.holds.clear();
            tube.steps.add(StepKind::Released, at, by, reason);
        }),
        What::TubeRelabelled {
            tube,
            barcode,
            dropped,
            reason,
            expected,
        } => change(state, tube, at, |state, key, tube| {
            tube.barcodes.retain(|old| Some(old) != dropped.as_ref());
            tube.barcodes.push(barcode.clone());
            tube.holds.retain(|hold| {
                !matches!(
                    hold,
                    TubeHold::Unreadable | TubeHold::DuplicateBarcode { .. }
                )
            });
            tube.steps
                .add(StepKind::Relabelled, at, by, format!("{barcode}: {reason}"));
            if let Some(clock) = expected
                && let Some(sample) = take_expected(state, lab_of(key), barcode, at)
            {
                detail(state, tube, sample, clock, at);
            }
        }),
        What::TubeDiscarded { tube, reason } => change(state, tube, at, |state, key, tube| {
            put_in_place(state, key, tube, None);
            pool::part(state, tube, at);
            tube.close(TubeState::Discarded);
            tube.steps.add(StepKind::Discarded, at, by, reason);
        }),
        What::TubeWithdrawn { tube, reason, .. } => change(state, tube, at, |state, key, tube| {
            let unmixed = matches!(
                tube.state,
                TubeState::Waiting | TubeState::Alone(Vessel::Ready)
            ) && tube.order.is_none();
            if unmixed {
                put_in_place(state, key, tube, None);
                tube.close(TubeState::Withdrawn);
            } else {
                tube.withdrawn = true;
            }
            tube.steps.add(StepKind::Withdrawn, at, by, reason);
        }),
        _ => Ok(()),
    }
}

/// Reads a tube, changes it, and writes it.
pub(crate) fn change(
    state: &mut dyn Write,
    id: &TubeId,
    at: Timestamp,
    how: impl FnOnce(&mut dyn Write, u64, &mut Tube),
) -> Result<(), FoldProblem> {
    let missing = || FoldProblem::missing("tube", id);
    let key = tube_key(state, id).ok_or_else(missing)?;
    let old = state.get_shared::<Tube>(&key).ok_or_else(missing)?;
    let mut new = Tube::clone(&old);
    how(state, key, &mut new);
    save(state, key, Some(&old), new, at);
    Ok(())
}

fn received(state: &mut dyn Write, event: &Event, at: Timestamp) {
    let What::TubeReceived {
        tube: id,
        barcode,
        place,
        clock,
        volume_ul,
        expected,
    } = &event.what
    else {
        return;
    };
    let (lab, mut record) = find_or_add(state, &id.lab);
    record.tubes = record.tubes.max(id.number);
    state.put(&lab, &record);
    let key = key_of(lab, id.number);
    let sample = barcode
        .as_ref()
        .filter(|_| *expected)
        .and_then(|barcode| take_expected(state, lab, barcode, at));
    let mut tube = Tube {
        barcodes: barcode.iter().cloned().collect(),
        sample,
        received_at: at,
        place: None,
        deadline: clock.deadline,
        stat: clock.stat,
        volume_ul: *volume_ul,
        round: 1,
        holds: Vec::new(),
        state: TubeState::Waiting,
        order: None,
        withdrawn: false,
        mark: super::Mark::InTime,
        watch: None,
        since: at,
        steps: Steps::default(),
    };
    tube.set_clock(clock);
    put_in_place(state, key, &mut tube, place.clone());
    tube.steps.add(
        StepKind::Received,
        at,
        &event.by,
        place
            .as_ref()
            .map(|p| format!("{} {}", p.rack, p.position))
            .unwrap_or_default(),
    );
    save(state, key, None, tube, at);
}

/// Takes the registration expected under a barcode.
fn take_expected(
    state: &mut dyn Write,
    lab: u64,
    barcode: &Barcode,
    at: Timestamp,
) -> Option<Arc<Sample>> {
    let (key, old) = state.find_shared(barcode.as_str(), |key, _: &Expected| lab_of(key) == lab)?;
    save_expected(state, key, Some(&old), None, at);
    Some(Arc::clone(&old.sample))
}

/// The tube has this registration from now on.
fn detail(
    state: &mut dyn Write,
    tube: &mut Tube,
    sample: Arc<Sample>,
    clock: &Clock,
    at: Timestamp,
) {
    let before = tube.mark;
    tube.sample = Some(sample);
    tube.holds
        .retain(|hold| !matches!(hold, TubeHold::CountMismatch { .. }));
    if tube.order.is_none() {
        tube.set_clock(clock);
    }
    pool::remark(state, &tube.state, before, tube.mark, at);
}

/// The tube stands in no rack any more.
pub(crate) fn leave_rack(state: &mut dyn Write, key: u64, tube: &mut Tube) {
    put_in_place(state, key, tube, None);
}

/// The tube stands here from now on; whatever the rack was thought to hold there does not.
fn put_in_place(state: &mut dyn Write, key: u64, tube: &mut Tube, place: Option<RackPlace>) {
    if let Some(old) = tube.place.take() {
        change_rack(state, lab_of(key), &old.rack, |rack| {
            rack.tubes.retain(|(_, tube)| *tube != key);
        });
    }
    if let Some(new) = &place {
        change_rack(state, lab_of(key), &new.rack, |rack| {
            rack.tubes.retain(|(position, _)| *position != new.position);
            rack.tubes.push((new.position, key));
            rack.tubes.sort_unstable();
        });
    }
    tube.place = place;
}

fn change_rack(state: &mut dyn Write, lab: u64, barcode: &Barcode, how: impl FnOnce(&mut Rack)) {
    let found = state.find_shared(barcode.as_str(), |key, _: &Rack| lab_of(key) == lab);
    let (key, mut rack) = match found {
        Some((key, rack)) => (key, Arc::unwrap_or_clone(rack)),
        None => {
            let Some(mut record) = state.get::<LabRecord>(&lab) else {
                return;
            };
            record.racks = record.racks.saturating_add(1);
            state.put(&lab, &record);
            let rack = Rack {
                barcode: barcode.clone(),
                tubes: Vec::new(),
            };
            (key_of(lab, record.racks), rack)
        }
    };
    how(&mut rack);
    state.put_shared(&key, Arc::new(rack));
}
