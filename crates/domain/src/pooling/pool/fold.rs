//! What events do to pools and benches.

use super::super::board::Tally;
use super::super::event::{Event, Mark, What};
use super::super::evolve::FoldProblem;
use super::super::lab::{count, id_in, key_of, pool_id, pool_key, tube_key};
use super::super::labels;
use super::super::step::{StepKind, Steps, note};
use super::super::tube::{self, Tube, TubeState, Vessel};
use super::assign::LimitBy;
use super::{
    BenchRecord, LeftMember, Pool, PoolMember, PoolState, RackPools, Sealed, Stood, Transfer,
    bench_key, rack_key, save,
};
use crate::ids::{Barcode, BenchId, PoolId, TubeId};
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
            let name = pool.text();
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
                clear_pending(state, pool_key, pool, key);
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
                clear_pending(state, pool_key, pool, key);
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
    let (lab, ()) = count(state, &id.lab, |lab| lab.pools = lab.pools.max(id.number));
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
        was_on: Vec::new(),
    };
    pool.steps
        .add(StepKind::Opened, at, &event.by, bench_id.as_str());
    save(state, key, &Stood::nowhere(at), Arc::new(pool), at);
    match rack {
        Some(rack) => rack_pools(state, key, bench_id, rack, |open| open.push(key)),
        None => bench(state, key, bench_id, |bench| bench.open.push(key)),
    }
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
            note(&[&pool_id.text(), " slot ", itoa::Buffer::new().format(*slot)]),
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
        let is_in = state
            .get_shared::<Tube>(&member.tube)
            .is_some_and(|tube| tube.state == TubeState::Pooled { pool: key });
        if !is_in {
            continue;
        }
        tube::change_at(state, member.tube, at, |_, tube| {
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
        });
    }
    Ok(())
}

/// Changes the pool with an id.
pub(crate) fn change(
    state: &mut dyn Write,
    id: &PoolId,
    at: Timestamp,
    how: impl FnOnce(&mut dyn Write, u64, &mut Pool),
) -> Result<(), FoldProblem> {
    let missing = || FoldProblem::missing("pool", id);
    let key = pool_key(state, id).ok_or_else(missing)?;
    change_at(state, key, at, |state, pool| how(state, key, pool))
        .then_some(())
        .ok_or_else(missing)
}

/// Takes a pool, changes it, and puts it back. False if there is none.
pub(crate) fn change_at(
    state: &mut dyn Write,
    key: u64,
    at: Timestamp,
    how: impl FnOnce(&mut dyn Write, &mut Pool),
) -> bool {
    let Some(mut pool) = state.take::<Pool>(&key) else {
        return false;
    };
    let stood = Stood::of(key, &pool);
    let plate = pool.plate();
    how(state, Arc::make_mut(&mut pool));
    if let Some(left) = plate.filter(|_| pool.plate() != plate) {
        tube::home::left(&mut Arc::make_mut(&mut pool).was_on, left);
    }
    save(state, key, &stood, pool, at);
    true
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
    change_at(state, key, at, |_, pool| pool.recount(from, to));
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
    let mut record = state.take::<BenchRecord>(&key).unwrap_or_default();
    how(Arc::make_mut(&mut record));
    if *record == BenchRecord::default() {
        state.delete::<BenchRecord>(&key);
    } else {
        state.put_shared(&key, record);
    }
}

/// Changes the list of a rack's open pools; an empty one is not kept.
fn rack_pools(
    state: &mut dyn Write,
    pool: u64,
    bench: &BenchId,
    rack: &Barcode,
    how: impl FnOnce(&mut Vec<u64>),
) {
    let key = rack_key(&id_in(state, pool), bench, rack);
    let mut pools = state.take::<RackPools>(&key).unwrap_or_default();
    how(&mut Arc::make_mut(&mut pools).open);
    if pools.open.is_empty() {
        state.delete::<RackPools>(&key);
    } else {
        state.put_shared(&key, pools);
    }
}

/// No transfer of this tube is under way any more. Of a rack's pool none ever is.
fn clear_pending(state: &mut dyn Write, key: u64, pool: &Pool, tube: u64) {
    if pool.rack.is_some() {
        return;
    }
    bench(state, key, &pool.bench, |bench| {
        if bench.pending == Some((key, tube)) {
            bench.pending = None;
        }
    });
}

fn close_at_bench(state: &mut dyn Write, key: u64, pool: &Pool) {
    if let Some(rack) = &pool.rack {
        rack_pools(state, key, &pool.bench, rack, |open| {
            open.retain(|open| *open != key);
        });
        return;
    }
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
