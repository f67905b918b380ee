//! Timers, and what they found.

use super::{Boards, change};
use crate::ids::TubeId;
use crate::results::clock::timer_key;
use crate::results::event::{Check, LabNumber, TimerRef};
use crate::results::state::{Sla, Timer, key_of, lab_no, tube_key};
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;

pub(super) fn check_added(
    state: &mut dyn Write,
    check: Check,
    plate: &LabNumber,
    at: Timestamp,
    tubes: &[TubeId],
) -> Result<(), String> {
    let key = known(state, at, &TimerRef::Check(check, plate.clone()))?;
    let mut keys = match state.get::<Timer>(&key) {
        Some(Timer::Tubes(keys)) => keys,
        _ => Vec::new(),
    };
    keys.extend(tubes.iter().filter_map(|tube| tube_key(state, tube)));
    state.put(&key, &Timer::Tubes(keys));
    Ok(())
}

pub(super) fn paused(
    state: &mut dyn Write,
    run: &LabNumber,
    version: u32,
    next: u32,
    at: Timestamp,
) -> Result<(), String> {
    let key = known(state, at, &TimerRef::Release(run.clone()))?;
    let no = lab_no(state, &run.lab).ok_or("the run's lab is unknown")?;
    let run = key_of(no, run.number);
    state.put(&key, &Timer::Release { run, version, next });
    Ok(())
}

pub(super) fn done(state: &mut dyn Write, due: Timestamp, timer: &TimerRef) -> Result<(), String> {
    let key = known(state, due, timer)?;
    state.delete::<Timer>(&key);
    Ok(())
}

pub(super) fn at_risk(state: &mut dyn Write, tubes: &[TubeId]) -> Result<(), String> {
    mark(state, tubes, Sla::AtRisk)
}

pub(super) fn late(state: &mut dyn Write, tubes: &[TubeId]) -> Result<(), String> {
    mark(state, tubes, Sla::Late)
}

fn mark(state: &mut dyn Write, tubes: &[TubeId], sla: Sla) -> Result<(), String> {
    let mut boards = Boards::default();
    for tube in tubes {
        change(state, &mut boards, tube, |specimen| {
            specimen.sla = specimen.sla.max(sla);
        })?;
    }
    boards.store(state);
    Ok(())
}

fn known(state: &dyn Write, due: Timestamp, timer: &TimerRef) -> Result<(i64, u64), String> {
    timer_key(state, due, timer).ok_or_else(|| format!("the lab of timer {timer:?} is unknown"))
}
