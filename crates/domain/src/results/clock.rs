//! Clocks: stage budgets and deadlines of tubes, and the clocks of orders and alerts.
//!
//! Tubes are looked at in groups: those of one plate whose moments fall into the same minute. Most are
//! reported by then, and such a group costs one small event.

use super::draft::Draft;
use super::event::{Check, Event, LabNumber, TimerRef};
use super::run;
use super::state::{
    Order, PoolRef, Registered, Sla, Specimen, Standing, SuspectPool, Timer, key_of, lab_no,
    order_key, pool_key, tube_id,
};
use crate::ids::{OrderId, PoolId, TubeId};
use crate::message::LoadedPlate;
use crate::policy::Policy;
use crate::tables::{Read, ReadExt};
use crate::time::{Millis, Timestamp};
use crate::turnaround::Deadline;
use std::collections::BTreeMap;

/// Moments are rounded up to this, so that tubes share timers.
const ROUNDING: Millis = Millis::from_mins(1);

/// Budgets used up when a plate must have been read: transport, pooling, plating, run.
const STAGES_READ: usize = 4;

/// Budgets used up when a tube must have been reported.
const STAGES_REPORTED: usize = 5;

/// The kind of a timer is kept above its number in the key.
const KIND_BITS: u32 = 59;

/// The key of a timer in its table.
#[must_use]
pub fn timer_key(state: &dyn Read, due: Timestamp, timer: &TimerRef) -> Option<(i64, u64)> {
    let numbered = |of: &LabNumber| Some(key_of(lab_no(state, &of.lab)?, of.number));
    let (kind, key): (u64, u64) = match timer {
        TimerRef::Check(Check::Read, plate) => (1, numbered(plate)?),
        TimerRef::Check(Check::Reported, plate) => (2, numbered(plate)?),
        TimerRef::Check(Check::Due, plate) => (3, numbered(plate)?),
        TimerRef::Order(order) => (4, order_key(state, order)?),
        TimerRef::Alert(pool) => {
            let (kind, key) = pool_key(state, pool)?;
            (5 + kind, key)
        }
        TimerRef::Release(run) => (7, numbered(run)?),
    };
    Some((due.0, (kind << KIND_BITS) | key))
}

/// What a key of the timers' table is for.
#[must_use]
pub fn timer_of(state: &dyn Read, key: (i64, u64)) -> Option<(Timestamp, TimerRef)> {
    let (kind, number) = (key.1 >> KIND_BITS, key.1 & ((1 << KIND_BITS) - 1));
    let lab = super::state::lab_id(state, super::state::lab_no_of(number));
    let plain = super::state::number_of(number);
    let named = LabNumber::new(lab.clone(), plain);
    let timer = match kind {
        1 => TimerRef::Check(Check::Read, named),
        2 => TimerRef::Check(Check::Reported, named),
        3 => TimerRef::Check(Check::Due, named),
        4 => TimerRef::Order(OrderId::new(lab, plain)),
        5 => TimerRef::Alert(PoolRef::Lab(PoolId::new(lab, plain))),
        6 => TimerRef::Alert(PoolRef::Tube(TubeId::new(lab, plain))),
        7 => TimerRef::Release(named),
        _ => return None,
    };
    Some((Timestamp(key.0), timer))
}

/// When the tubes of a plate must have been read.
pub(super) fn first_checks(policy: &Policy, plate: &LoadedPlate) -> Vec<(Timestamp, Vec<TubeId>)> {
    let mut groups: BTreeMap<Timestamp, Vec<TubeId>> = BTreeMap::new();
    for member in plate.wells.iter().flat_map(|well| &well.members) {
        let from = Deadline::of(policy, &member.sample, Some(member.received_at)).from;
        let deadline = Deadline {
            from,
            due: member.due,
            policy: member.policy,
        };
        let at = rounded(deadline.at_risk_after(policy, STAGES_READ));
        groups.entry(at).or_default().push(member.tube.clone());
    }
    groups.into_iter().collect()
}

pub(super) fn add_check(
    draft: &mut Draft<'_>,
    check: Check,
    plate: &LabNumber,
    at: Timestamp,
    tubes: Vec<TubeId>,
) {
    draft.emit(Event::CheckAdded {
        check,
        plate: plate.clone(),
        at: rounded(at),
        tubes,
    });
}

fn rounded(at: Timestamp) -> Timestamp {
    let unit = ROUNDING.0;
    let over = at.0.rem_euclid(unit);
    if over == 0 {
        at
    } else {
        at.plus(Millis(unit - over))
    }
}

/// Looks at a timer that is due.
pub fn fire(draft: &mut Draft<'_>, key: (i64, u64)) {
    let Some(timer) = draft.state().get::<Timer>(&key) else {
        return;
    };
    let Some((due, name)) = timer_of(draft.state(), key) else {
        return;
    };
    draft.emit(Event::TimerDone {
        due,
        timer: name.clone(),
    });
    match (timer, name) {
        (Timer::Tubes(keys), TimerRef::Check(check, plate)) => look(draft, check, &plate, &keys),
        (Timer::OrderDue(key), TimerRef::Order(order))
            if draft
                .state()
                .get::<Order>(&key)
                .is_some_and(|order| order.open()) =>
        {
            draft.emit(Event::OrderLate { order });
        }
        (Timer::AlertDue(key), TimerRef::Alert(pool)) => {
            let open = draft.state().get::<SuspectPool>(&key);
            if open.is_some_and(|pool| !pool.alerts.is_empty()) {
                draft.emit(Event::AlertLate { pool });
            }
        }
        (Timer::Release { run, version, next }, TimerRef::Release(_)) => {
            run::release_more(draft, run, version, next);
        }
        _ => {}
    }
}

fn look(draft: &mut Draft<'_>, check: Check, plate: &LabNumber, keys: &[u64]) {
    let state = draft.state();
    let open: Vec<(u64, Specimen, Registered)> = keys
        .iter()
        .filter_map(|key| {
            Some((
                *key,
                state.get::<Specimen>(key)?,
                state.get::<Registered>(key)?,
            ))
        })
        .filter(|(_, specimen, _)| !specimen.is_final())
        .collect();
    let names = |of: &[&(u64, Specimen, Registered)]| -> Vec<TubeId> {
        of.iter().map(|(key, _, _)| tube_id(state, *key)).collect()
    };
    match check {
        Check::Read => {
            let (unread, read): (Vec<_>, Vec<_>) = open
                .iter()
                .partition(|(_, specimen, _)| specimen.standing == Standing::Loaded);
            let unread_tubes = names(&unread);
            let again = groups(draft, &read, |policy, registered| {
                deadline(policy, registered).at_risk_after(policy, STAGES_REPORTED)
            });
            let late = groups(draft, &unread, |_, registered| registered.due);
            risk(draft, unread_tubes);
            rearm(draft, Check::Reported, plate, again);
            rearm(draft, Check::Due, plate, late);
        }
        Check::Reported => {
            let all: Vec<_> = open.iter().collect();
            let tubes = names(&all);
            let late = groups(draft, &all, |_, registered| registered.due);
            risk(draft, tubes);
            rearm(draft, Check::Due, plate, late);
        }
        Check::Due => {
            let tubes = names(
                &open
                    .iter()
                    .filter(|(_, s, _)| s.sla != Sla::Late)
                    .collect::<Vec<_>>(),
            );
            if !tubes.is_empty() {
                draft.emit(Event::Late { tubes });
            }
        }
    }
}

fn deadline(policy: &Policy, registered: &Registered) -> Deadline {
    let from = Deadline::of(policy, &registered.sample, Some(registered.received_at)).from;
    Deadline {
        from,
        due: registered.due,
        policy: registered.policy,
    }
}

fn groups(
    draft: &Draft<'_>,
    of: &[&(u64, Specimen, Registered)],
    when: impl Fn(&Policy, &Registered) -> Timestamp,
) -> BTreeMap<Timestamp, Vec<TubeId>> {
    let mut groups: BTreeMap<Timestamp, Vec<TubeId>> = BTreeMap::new();
    for (key, _, registered) in of {
        let at = rounded(when(draft.policy, registered));
        groups
            .entry(at)
            .or_default()
            .push(tube_id(draft.state(), *key));
    }
    groups
}

fn rearm(
    draft: &mut Draft<'_>,
    check: Check,
    plate: &LabNumber,
    groups: BTreeMap<Timestamp, Vec<TubeId>>,
) {
    for (at, tubes) in groups {
        add_check(draft, check, plate, at, tubes);
    }
}

fn risk(draft: &mut Draft<'_>, tubes: Vec<TubeId>) {
    if !tubes.is_empty() {
        draft.emit(Event::AtRisk { tubes });
    }
}
