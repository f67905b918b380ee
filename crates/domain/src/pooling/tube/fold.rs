//! What events do to tubes.

use super::super::event::{Clock, Event, What};
use super::super::evolve::FoldProblem;
use super::super::lab::{LabRecord, count, key_of, lab_of, tube_key};
use super::super::pool;
use super::super::step::{StepKind, Steps, note};
use super::{
    Expected, Rack, RackPlace, Stood, Tube, TubeHold, TubeState, Vessel, home, lookup, save,
    save_expected,
};
use crate::ids::{Barcode, TubeId};
use crate::sample::Sample;
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;
use crate::well::Well;
use std::sync::Arc;

pub(crate) fn evolve(
    state: &mut dyn Write,
    event: &Event,
    at: Timestamp,
) -> Result<(), FoldProblem> {
    let by = &event.by;
    match &event.what {
        What::SampleExpected { sample, clock } => {
            let old = lookup::expected_in(state, &sample.lab, &sample.barcode);
            let key = match &old {
                Some((key, _)) => *key,
                None => {
                    let (lab, number) = count(state, &sample.lab, |lab| {
                        lab.expected = lab.expected.saturating_add(1);
                        lab.expected
                    });
                    key_of(lab, number)
                }
            };
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

/// Changes the tube with an id.
pub(crate) fn change(
    state: &mut dyn Write,
    id: &TubeId,
    at: Timestamp,
    how: impl FnOnce(&mut dyn Write, u64, &mut Tube),
) -> Result<(), FoldProblem> {
    let missing = || FoldProblem::missing("tube", id);
    let key = tube_key(state, id).ok_or_else(missing)?;
    change_at(state, key, at, |state, tube| how(state, key, tube))
        .then_some(())
        .ok_or_else(missing)
}

/// Takes a tube, changes it, and puts it back. False if there is none.
pub(crate) fn change_at(
    state: &mut dyn Write,
    key: u64,
    at: Timestamp,
    how: impl FnOnce(&mut dyn Write, &mut Tube),
) -> bool {
    let Some(mut tube) = state.take::<Tube>(&key) else {
        return false;
    };
    let stood = Stood::of(key, &tube);
    let home = tube.home();
    how(state, Arc::make_mut(&mut tube));
    if let Some(left) = home.filter(|_| tube.home() != home) {
        home::left(&mut Arc::make_mut(&mut tube).was_in, left);
    }
    save(state, key, &stood, tube, at);
    true
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
    let (lab, ()) = count(state, &id.lab, |lab| lab.tubes = lab.tubes.max(id.number));
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
        was_in: Vec::new(),
    };
    tube.set_clock(clock);
    put_in_place(state, key, &mut tube, place.clone());
    tube.steps.add(
        StepKind::Received,
        at,
        &event.by,
        place
            .as_ref()
            .map(|p| note(&[p.rack.as_str(), " ", &p.position.text()]))
            .unwrap_or_default(),
    );
    save(state, key, &Stood::nowhere(at), Arc::new(tube), at);
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
            // In the order of positions, of which each is in it once.
            let place = |(position, _): &(Well, u64)| *position;
            match rack.tubes.binary_search_by_key(&new.position, place) {
                Ok(at) => {
                    if let Some((_, stands)) = rack.tubes.get_mut(at) {
                        *stands = key;
                    }
                }
                Err(at) => rack.tubes.insert(at, (new.position, key)),
            }
        });
    }
    tube.place = place;
}

fn change_rack(state: &mut dyn Write, lab: u64, barcode: &Barcode, how: impl FnOnce(&mut Rack)) {
    let found = state.find_shared(barcode.as_str(), |key, _: &Rack| lab_of(key) == lab);
    let key = match found {
        Some((key, _)) => key,
        None => {
            let Some(mut record) = state.take::<LabRecord>(&lab) else {
                return;
            };
            let number = record.racks.saturating_add(1);
            Arc::make_mut(&mut record).racks = number;
            state.put_shared(&lab, record);
            key_of(lab, number)
        }
    };
    let mut rack = state.take::<Rack>(&key).unwrap_or_else(|| {
        Arc::new(Rack {
            barcode: barcode.clone(),
            tubes: Vec::new(),
        })
    });
    how(Arc::make_mut(&mut rack));
    state.put_shared(&key, rack);
}
