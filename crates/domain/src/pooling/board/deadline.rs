//! Looking at deadlines when their time comes: who is at risk, who is late (INV-09).
//!
//! A tube is watched by one entry at a minute. When the minute is over, all of that minute's tubes are
//! looked at in one event: those that got through their stage in time are looked at again when the
//! budget of the next stage ends, so a tube costs a handful of looks in its life.

use super::super::draft::Draft;
use super::super::event::{Check, Clock, Mark, What};
use super::super::evolve::FoldProblem;
use super::super::lab::tube_id;
use super::super::pool::{self, Pool, PoolState};
use super::super::tube::{self, Tube, TubeState, Vessel};
use super::Watch;
use crate::policy::{Policy, hours};
use crate::rejection::Rejection;
use crate::sample::Sample;
use crate::tables::{Read, ReadExt, Write};
use crate::time::Timestamp;
use crate::turnaround::Deadline;
use std::ops::ControlFlow;

/// Most tubes looked at in one event: the rest of the minute follows in the next.
const CHECKS_MAX: usize = 500;

/// Hours of a tube whose registration is not known yet.
const PENDING_HOURS: f64 = 24.0;

/// Stages whose budget must not be used up (transport, pooling) while a tube waits to be pooled.
const WAITING_STAGES: usize = 2;
/// The same (and plating) until its plate is loaded.
const POOLED_STAGES: usize = 3;
/// The same (and run, report) until its report.
const LOADED_STAGES: usize = 5;

/// The clock of a sample; `received_at` once its tube is here.
#[must_use]
pub fn clock(policy: &Policy, sample: &Sample, received_at: Option<Timestamp>) -> Clock {
    let deadline = Deadline::of(policy, sample, received_at);
    Clock {
        deadline,
        stat: policy
            .classes
            .get(&sample.class)
            .is_some_and(|class| class.stat),
        check_at: deadline.at_risk_after(policy, WAITING_STAGES),
    }
}

/// The clock of a tube whose registration is not known yet.
#[must_use]
pub fn pending_clock(policy: &Policy, received_at: Timestamp) -> Clock {
    let deadline = Deadline {
        from: received_at,
        due: received_at.plus(hours(PENDING_HOURS)),
        policy: policy.version,
    };
    Clock {
        deadline,
        stat: false,
        check_at: deadline.at_risk_after(policy, WAITING_STAGES),
    }
}

/// The clock of a retest: from its order to the moment the order says.
#[must_use]
pub fn retest_clock(policy: &Policy, now: Timestamp, due: Timestamp) -> Clock {
    let deadline = Deadline {
        from: now.min(due),
        due,
        policy: policy.version,
    };
    Clock {
        deadline,
        stat: true,
        check_at: deadline.at_risk_after(policy, WAITING_STAGES),
    }
}

/// When the next minute of watched deadlines is over.
#[must_use]
pub fn next(state: &dyn Read) -> Option<Timestamp> {
    state
        .first::<Watch>()
        .map(|((minute, _), _)| Timestamp(minute.saturating_mul(60_000)))
}

/// Looks at the deadlines whose minute is over.
///
/// # Errors
/// A bug of ours.
pub fn check(draft: &mut Draft<'_>, policy: &Policy) -> Result<(), Rejection> {
    let now = draft.now;
    let mut due = Vec::new();
    draft
        .state()
        .scan::<Watch>(&(i64::MIN, 0), |(minute, tube), _| {
            if minute.saturating_mul(60_000) > now.0 || due.len() >= CHECKS_MAX {
                return ControlFlow::Break(());
            }
            due.push(tube);
            ControlFlow::Continue(())
        });
    let checks: Vec<Check> = due
        .into_iter()
        .filter_map(|key| {
            let tube = draft.state().get::<Tube>(&key)?;
            let (mark, next) = look(draft.state(), policy, &tube, now);
            Some(Check {
                tube: tube_id(draft.state(), key),
                mark,
                next,
            })
        })
        .collect();
    if checks.is_empty() {
        return Ok(());
    }
    draft.emit(What::DeadlinesChecked(checks))
}

fn look(
    state: &dyn Read,
    policy: &Policy,
    tube: &Tube,
    now: Timestamp,
) -> (Mark, Option<Timestamp>) {
    let due = tube.deadline.due;
    if now >= due {
        return (Mark::Late, None);
    }
    let risk = tube
        .deadline
        .at_risk_after(policy, stages_due(state, tube))
        .min(due);
    if now >= risk || tube.mark == Mark::AtRisk {
        (Mark::AtRisk, Some(due))
    } else {
        (tube.mark, Some(risk))
    }
}

fn stages_due(state: &dyn Read, tube: &Tube) -> usize {
    let vessel = match &tube.state {
        TubeState::Waiting => return WAITING_STAGES,
        TubeState::Alone(vessel) => *vessel,
        TubeState::Pooled { pool } => match state.get::<Pool>(pool).map(|pool| pool.state) {
            Some(PoolState::Sealed(vessel)) => vessel,
            _ => return POOLED_STAGES,
        },
        _ => return LOADED_STAGES,
    };
    match vessel {
        Vessel::Ready | Vessel::Plated { .. } => POOLED_STAGES,
        Vessel::Loaded { .. } => LOADED_STAGES,
    }
}

pub(crate) fn evolve(
    state: &mut dyn Write,
    checks: &[Check],
    at: Timestamp,
) -> Result<(), FoldProblem> {
    for check in checks {
        tube::change(state, &check.tube, at, |state, _, tube| {
            pool::remark(state, &tube.state, tube.mark, check.mark, at);
            tube.mark = check.mark;
            tube.watch = check.next.map(tube::minute);
        })?;
    }
    Ok(())
}
