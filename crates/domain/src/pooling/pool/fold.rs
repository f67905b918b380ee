//! What events do to pools and benches.

use super::super::board::Tally;
use super::super::event::{Event, Mark, What};
use super::super::evolve::FoldProblem;
use super::super::lab::{find_or_add, id_in, key_of, pool_id, pool_key, tube_key};
use super::super::labels;
use super::super::step::{StepKind, Steps};
use super::super::tube::{self, Tube, TubeState, Vessel};
use super::assign::LimitBy;
use super::{
    BenchRecord, LeftMember, Pool, PoolMember, PoolState, Sealed, Transfer, bench_key, save,
};
use crate::ids::{BenchId, PoolId, TubeId};
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;

pub(crate) fn evolve(
    state: &mut dyn Write,
    event: &Event,
    at: Timestamp,
) -> Result<(), FoldProblem> {
    let by = &event.by;
    match &event.what {
        What::PoolOpened { .. } => {
            opened(state, event, at);
            Ok(())
        }
        What::MemberPlanned { .. } => planned(state, event, at),
        What::MemberVerified { pool, tube } => {
            let key = tube_key(state, tube).ok_or_else(|| FoldProblem::missing("tube", tube))?;
            change(state, pool, at, |state, pool_key, pool| {
                bench(state, pool_key, &pool.bench, |bench| {
                    bench.pending = Some((pool_key, key));
                });
            })
        }
        What::MemberTransferred { pool, tube, ul } => {
            let name = pool.to_string();
            tube::change(state, tube, at, |_, _, tube| {
                tube.volume_ul = tube.volume_ul.saturating_sub(*ul);
                tube.steps.add(StepKind::Transferred, at, by, name);
            })?;
            let key = tube_key(state, tube).unwrap_or_default();
            change(state, pool, at, |state, pool_key, pool| {
                let transfer = Transfer {
                    at,
                    by: by.clone(),
                    ul: *ul,
                };
                if let Some(member) = pool.members.iter_mut().find(|m| m.tube == key) {
                    member.transfer = Some(transfer);
                    pool.volume_ul = pool.volume_ul.saturating_add(*ul);
                }
                clear_pending(state, pool_key, &pool.bench, key);
            })
        }
        What::MemberLeft { pool, tube, reason } => {
            let key = tube_key(state, tube).unwrap_or_default();
            let note = format!("{pool}: {reason}");
            tube::change(state, tube, at, |state, _, tube| {
                part(state, tube, at);
                tube.state = TubeState::Waiting;
                tube.steps.add(StepKind::Left, at, by, note);
            })?;
            change(state, pool, at, |state, pool_key, pool| {
                if let Some(index) = pool.members.iter().position(|m| m.tube == key) {
                    let member = pool.members.remove(index);
                    pool.left.push(LeftMember {
                        tube: key,
                        slot: member.slot,
                        at,
                        by: by.clone(),
                        reason: reason.clone(),
                    });
                }
                pool.due = earliest(state, pool);
                clear_pending(state, pool_key, &pool.bench, key);
            })
        }
        What::SealDue { pool, why } => change(state, pool, at, |_, _, pool| {
            pool.seal_due = Some(*why);
        }),
        What::PoolSealed { pool, why } => change(state, pool, at, |state, key, pool| {
            pool.state = PoolState::Sealed(Vessel::Ready);
            pool.sealed = Some(Sealed {
                why: *why,
                at,
                by: by.clone(),
            });
            pool.steps.add(StepKind::Sealed, at, by, why.words());
            close_at_bench(state, key, pool);
        }),
        What::PoolVoided { pool, reason } => voided(state, event, pool, reason, at),
        What::PoolHeld { pool, reason } => change(state, pool, at, |_, _, pool| {
            pool.hold = Some(reason.clone());
            pool.steps.add(StepKind::Held, at, by, reason);
        }),
        What::PoolReleased { pool, reason } => change(state, pool, at, |_, _, pool| {
            pool.hold = None;
            pool.steps.add(StepKind::Released, at, by, reason);
        }),
        What::TubeAlone { tube, why, .. } => tube::change(state, tube, at, |_, _, tube| {
            tube.state = TubeState::Alone(Vessel::Ready);
            tube.steps.add(StepKind::Alone, at, by, why);
        }),
        What::AloneUndone { tube, reason } => tube::change(state, tube, at, |_, _, tube| {
            tube.state = TubeState::Waiting;
            tube.steps.add(StepKind::Left, at, by, reason);
        }),
        _ => Ok(()),
    }
}

fn opened(state: &mut dyn Write, event: &Event, at: Timestamp) {
    let What::PoolOpened {
        pool: id,
        bench: bench_id,
        mode,
        mix,
        rack,
    } = &event.what
    else {
        return;
    };
    let (lab, mut record) = find_or_add(state, &id.lab);
    record.pools = record.pools.max(id.number);
    state.put(&lab, &record);
    labels::used(state, &id.lab, bench_id, id.number);
    let key = key_of(lab, id.number);
    let mut pool = Pool {
        bench: bench_id.clone(),
        mode: *mode,
        mix: mix.clone(),
        rack: rack.clone(),
        limit: super::super::super::policy::POOL_MEMBERS_MAX,
        limit_by: LimitBy::Assay,
        due: Timestamp(i64::MAX),
        members: Vec::new(),
        left: Vec::new(),
        state: PoolState::Open,
        hold: None,
        seal_at: None,
        seal_due: None,
        sealed: None,
        volume_ul: 0,
        live: Tally::default(),
        opened_at: at,
        since: at,
        steps: Steps::default(),
    };
    pool.steps
        .add(StepKind::Opened, at, &event.by, bench_id.as_str());
    save(state, key, None, pool, at);
    bench(state, key, bench_id, |bench| bench.open.push(key));
}

fn planned(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), FoldProblem> {
    let What::MemberPlanned {
        pool: pool_id,
        tube: tube_id,
        slot,
        limit,
        limit_by,
        seal_at,
    } = &event.what
    else {
        return Ok(());
    };
    let (Some(tube_key), Some(key)) = (tube_key(state, tube_id), pool_key(state, pool_id)) else {
        return Err(FoldProblem::missing("lab", &tube_id.lab));
    };
    let mut joined = None;
    tube::change(state, tube_id, at, |_, _, tube| {
        tube.state = TubeState::Pooled { pool: key };
        tube.steps.add(
            StepKind::Planned,
            at,
            &event.by,
            format!("{pool_id} slot {slot}"),
        );
        joined = Some((tube.round, tube.mark, tube.deadline.due));
    })?;
    let Some((round, mark, due)) = joined else {
        return Ok(());
    };
    change(state, pool_id, at, |state, key, pool| {
        pool.members.push(PoolMember {
            tube: tube_key,
            slot: *slot,
            round,
            planned_at: at,
            transfer: None,
        });
        pool.limit = *limit;
        pool.limit_by = *limit_by;
        pool.seal_at = *seal_at;
        pool.due = pool.due.min(due);
        pool.recount(None, Some(mark));
        if pool.mode == super::Mode::Scan {
            bench(state, key, &pool.bench, |bench| {
                bench.pending = Some((key, tube_key));
            });
        }
    })
}

fn voided(
    state: &mut dyn Write,
    event: &Event,
    id: &PoolId,
    reason: &str,
    at: Timestamp,
) -> Result<(), FoldProblem> {
    let mut members = Vec::new();
    change(state, id, at, |state, key, pool| {
        close_at_bench(state, key, pool);
        pool.state = PoolState::Void {
            reason: reason.to_owned(),
        };
        pool.live = Tally::default();
        pool.steps.add(StepKind::Voided, at, &event.by, reason);
        members.clone_from(&pool.members);
    })?;
    let key = pool_key(state, id).unwrap_or_default();
    for member in members {
        let Some(old) = state.get_shared::<Tube>(&member.tube) else {
            continue;
        };
        if old.state != (TubeState::Pooled { pool: key }) {
            continue;
        }
        let mut tube = Tube::clone(&old);
        if tube.withdrawn {
            tube.close(TubeState::Withdrawn);
        } else {
            tube.state = TubeState::Waiting;
            if member.transfer.is_some() {
                tube.round = tube.round.saturating_add(1);
            }
        }
        tube.steps
            .add(StepKind::Left, at, &event.by, format!("{id}: {reason}"));
        tube::save(state, member.tube, Some(&old), tube, at);
    }
    Ok(())
}

/// Reads a pool, changes it, and writes it.
pub(crate) fn change(
    state: &mut dyn Write,
    id: &PoolId,
    at: Timestamp,
    how: impl FnOnce(&mut dyn Write, u64, &mut Pool),
) -> Result<(), FoldProblem> {
    let missing = || FoldProblem::missing("pool", id);
    let key = pool_key(state, id).ok_or_else(missing)?;
    let old = state.get_shared::<Pool>(&key).ok_or_else(missing)?;
    let mut new = Pool::clone(&old);
    how(state, key, &mut new);
    save(state, key, Some(&old), new, at);
    Ok(())
}

/// A tube goes its own way from now on: if it is in a pool, the pool counts it no more.
pub(crate) fn part(state: &mut dyn Write, tube: &Tube, at: Timestamp) {
    if let TubeState::Pooled { pool } = tube.state {
        recount(state, pool, Some(tube.mark), None, at);
    }
}

/// A tube's mark changed: if it is in a pool, the pool counts it so.
pub(crate) fn remark(state: &mut dyn Write, tube: &TubeState, from: Mark, to: Mark, at: Timestamp) {
    if let TubeState::Pooled { pool } = tube
        && from != to
    {
        recount(state, *pool, Some(from), Some(to), at);
    }
}

fn recount(state: &mut dyn Write, key: u64, from: Option<Mark>, to: Option<Mark>, at: Timestamp) {
    if let Some(old) = state.get_shared::<Pool>(&key) {
        let mut pool = Pool::clone(&old);
        pool.recount(from, to);
        save(state, key, Some(&old), pool, at);
    }
}

fn earliest(state: &dyn Write, pool: &Pool) -> Timestamp {
    pool.members
        .iter()
        .filter_map(|m| state.get_shared::<Tube>(&m.tube))
        .map(|tube| tube.deadline.due)
        .min()
        .unwrap_or(Timestamp(i64::MAX))
}

/// Changes the bench a pool is made at; a bench with nothing on it is not kept.
fn bench(state: &mut dyn Write, pool: u64, bench: &BenchId, how: impl FnOnce(&mut BenchRecord)) {
    let key = bench_key(&id_in(state, pool), bench);
    let mut record = state.get::<BenchRecord>(&key).unwrap_or_default();
    how(&mut record);
    if record == BenchRecord::default() {
        state.delete::<BenchRecord>(&key);
    } else {
        state.put(&key, &record);
    }
}

fn clear_pending(state: &mut dyn Write, pool: u64, at_bench: &BenchId, tube: u64) {
    bench(state, pool, at_bench, |bench| {
        if bench.pending == Some((pool, tube)) {
            bench.pending = None;
        }
    });
}

fn close_at_bench(state: &mut dyn Write, key: u64, pool: &Pool) {
    bench(state, key, &pool.bench, |bench| {
        bench.open.retain(|open| *open != key);
        if bench.pending.is_some_and(|(pool, _)| pool == key) {
            bench.pending = None;
        }
    });
}

/// The ids of a pool and one of its tubes.
#[must_use]
pub(crate) fn ids(state: &dyn crate::tables::Read, pool: u64, tube: u64) -> (PoolId, TubeId) {
    (
        pool_id(state, pool),
        super::super::lab::tube_id(state, tube),
    )
}
