//! A tube is scanned at a bench: where does it go? The hot call: one read of the tube by name, one of
//! the bench, one of each of its few open pools.
//!
//! At a scan bench the tube gets pool and slot; the *next* scan (or a confirmation) records the
//! transfer. At a planning bench the tube has its seat since it arrived, and the scan verifies it.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::{find, key_of, pool_id, tube_id, tube_key};
use super::super::tube::hold::not_over;
use super::super::tube::lookup::the_tube;
use super::super::tube::{Tube, TubeState, Vessel};
use super::assign::{Candidate, LimitBy, OpenPool, Wish, seat, wish};
use super::fold::ids;
use super::seal::{SealedPool, record_transfer};
use super::{BenchRecord, Mode, Pool, bench_key};
use crate::ids::{Barcode, BenchId, LabId, PoolId, TubeId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// Where a tube goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// Into a pool.
    Pool {
        /// Which.
        pool: PoolId,
        /// The slot, from 1.
        slot: u8,
        /// Members with this one.
        members: u8,
        /// Most members.
        limit: u8,
        /// Which rule says so.
        limit_by: LimitBy,
        /// The pool is new: take a new tube for it.
        opened: bool,
    },
    /// Into a well of its own.
    Alone {
        /// Why.
        why: String,
    },
}

/// The answer to a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The tube.
    pub tube: TubeId,
    /// Where it goes.
    pub placed: Placed,
    /// The transfer that this scan recorded.
    pub transferred: Option<(PoolId, TubeId)>,
    /// Pools that sealed by it.
    pub sealed: Vec<SealedPool>,
}

/// Scans a tube at a bench.
///
/// # Errors
/// The tube is unknown, held, pending, over, in a pool already, or has too little liquid; the bench has
/// too many open pools, or works by the rack.
pub fn scan(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    bench: &BenchId,
    barcode: &str,
) -> Result<Scanned, Rejection> {
    let mode = policy.pooling.bench(lab, bench).mode;
    if mode == Mode::Rack {
        return Err(Rejection::precondition(
            "BENCH_MODE",
            "bench",
            format!("bench {bench:?} of lab {lab} works by the rack"),
            "plan the whole rack, or scan at another bench",
        ));
    }
    let (key, tube) = the_tube(draft.state(), lab, barcode)?;
    let record = bench_record(draft, lab, bench);
    if let Some(placed) = seat_it_has(draft, &record, bench, key, &tube)? {
        return Ok(Scanned {
            tube: tube_id(draft.state(), key),
            placed,
            transferred: None,
            sealed: Vec::new(),
        });
    }
    let mut answer = Scanned {
        tube: tube_id(draft.state(), key),
        placed: Placed::Alone { why: String::new() },
        transferred: None,
        sealed: Vec::new(),
    };
    if !matches!(tube.state, TubeState::Pooled { .. }) {
        may_be_pooled(draft, policy, key, &tube)?;
    }
    if let Some((pool, last)) = record.pending {
        answer.transferred = Some(ids(draft.state(), pool, last));
        answer.sealed = record_transfer(draft, policy, pool, last)?
            .into_iter()
            .collect();
    }
    answer.placed = match tube.state {
        TubeState::Pooled { pool } => verify(draft, pool, key)?,
        _ => give_seat(draft, policy, bench, mode, None, key, &tube)?,
    };
    Ok(answer)
}

/// What a repeated scan is answered: the seat given before. `None` if the tube needs a decision.
fn seat_it_has(
    draft: &Draft<'_>,
    record: &BenchRecord,
    bench: &BenchId,
    key: u64,
    tube: &Tube,
) -> Result<Option<Placed>, Rejection> {
    match tube.state {
        TubeState::Pooled { pool } => {
            let Some(open) = draft.state().get::<Pool>(&pool) else {
                return Ok(None);
            };
            let done = open.member(key).is_some_and(|m| m.transfer.is_some());
            if done || open.bench != *bench {
                return Err(already_pooled(draft, pool, key, &open, done));
            }
            Ok(if record.pending == Some((pool, key)) {
                Some(describe(draft, pool, key, false))
            } else {
                None
            })
        }
        TubeState::Alone(Vessel::Ready) => Ok(Some(Placed::Alone {
            why: "it was given a well of its own before".to_owned(),
        })),
        _ => Ok(None),
    }
}

fn already_pooled(draft: &Draft<'_>, pool: u64, key: u64, open: &Pool, done: bool) -> Rejection {
    let (pool, tube) = ids(draft.state(), pool, key);
    let how = if done { "in" } else { "planned for" };
    Rejection::precondition(
        "ALREADY_POOLED",
        "barcode",
        format!("tube {tube} is {how} pool {pool} at bench {:?}", open.bench),
        "do not pipette it again; if its liquid is not there, undo the scan at that bench",
    )
}

/// A tube that a planning bench expects is there: its transfer begins.
fn verify(draft: &mut Draft<'_>, pool: u64, key: u64) -> Result<Placed, Rejection> {
    let (pool_name, tube) = ids(draft.state(), pool, key);
    draft.emit(What::MemberVerified {
        pool: pool_name,
        tube,
    })?;
    Ok(describe(draft, pool, key, false))
}

pub(super) fn describe(draft: &Draft<'_>, key: u64, tube: u64, opened: bool) -> Placed {
    let pool = draft.state().get::<Pool>(&key);
    Placed::Pool {
        pool: pool_id(draft.state(), key),
        slot: pool
            .as_ref()
            .and_then(|pool| pool.member(tube))
            .map_or(0, |m| m.slot),
        members: pool
            .as_ref()
            .map_or(0, |p| u8::try_from(p.members.len()).unwrap_or(u8::MAX)),
        limit: pool.as_ref().map_or(0, |p| p.limit),
        limit_by: pool.as_ref().map_or(LimitBy::Assay, |p| p.limit_by),
        opened,
    }
}

/// The tube may be pooled now.
///
/// # Errors
/// Why not.
pub(super) fn may_be_pooled(
    draft: &Draft<'_>,
    policy: &Policy,
    key: u64,
    tube: &Tube,
) -> Result<(), Rejection> {
    not_over(tube)?;
    let id = tube_id(draft.state(), key);
    if let Some(hold) = tube.holds.first() {
        return Err(Rejection::precondition(
            "TUBE_HELD",
            "barcode",
            format!("tube {id} is held: {hold}"),
            "put it aside; a person must release it with a reason",
        ));
    }
    if let TubeState::Alone(Vessel::Plated { .. } | Vessel::Loaded { .. }) = tube.state {
        return Err(Rejection::precondition(
            "TUBE_PLATED",
            "barcode",
            format!("tube {id} is on a plate: it does not go back to a bench"),
            "wait for its result",
        ));
    }
    if tube.sample.is_none() {
        return Err(Rejection::precondition(
            "DETAILS_PENDING",
            "barcode",
            format!("the registration of tube {id} is not known yet"),
            "put it aside: it may be pooled as soon as its registration arrives",
        ));
    }
    let rules = &policy.pooling;
    if tube.volume_ul < rules.pool_take_ul {
        return Err(Rejection::precondition(
            "VOLUME_LOW",
            "barcode",
            format!(
                "tube {id} has {} uL left, a pool takes {} uL",
                tube.volume_ul, rules.pool_take_ul
            ),
            "hold it and ask for a new sample",
        ));
    }
    Ok(())
}

/// Gives a waiting tube its seat: the one decision of all three modes.
pub(super) fn give_seat(
    draft: &mut Draft<'_>,
    policy: &Policy,
    bench: &BenchId,
    mode: Mode,
    rack: Option<&Barcode>,
    key: u64,
    tube: &Tube,
) -> Result<Placed, Rejection> {
    let id = tube_id(draft.state(), key);
    let Some(sample) = &tube.sample else {
        return Err(Rejection::precondition(
            "DETAILS_PENDING",
            "barcode",
            format!("the registration of tube {id} is not known yet"),
            "put it aside until its registration arrives",
        ));
    };
    let candidate = match wish(policy, &id.lab, bench, sample, &tube.deadline) {
        Wish::Alone { why } => {
            draft.emit(What::TubeAlone {
                tube: id,
                bench: bench.clone(),
                why: why.clone(),
            })?;
            return Ok(Placed::Alone { why });
        }
        Wish::Pool(candidate) => candidate,
    };
    let open = open_pools(draft, &id.lab, bench, rack);
    let seat = seat(&open, &candidate);
    let pool = match seat.pool {
        Some(pool) => pool,
        None => open_pool(draft, policy, &id.lab, bench, mode, rack, &candidate)?,
    };
    let seal_at = (mode != Mode::Rack)
        .then(|| seal_at(draft, policy, pool, &candidate))
        .flatten();
    draft.emit(What::MemberPlanned {
        pool: pool_id(draft.state(), pool),
        tube: id,
        slot: seat.slot,
        limit: seat.limit,
        limit_by: seat.limit_by,
        seal_at,
    })?;
    Ok(describe(draft, pool, key, seat.pool.is_none()))
}

fn seal_at(
    draft: &Draft<'_>,
    policy: &Policy,
    pool: u64,
    candidate: &Candidate,
) -> Option<crate::Timestamp> {
    let pool = draft.state().get::<Pool>(&pool)?;
    let rules = &policy.pooling;
    let by_deadline = candidate
        .seal_by
        .max(pool.opened_at.plus(rules.linger_least()));
    let at = pool
        .seal_at
        .unwrap_or_else(|| pool.opened_at.plus(rules.linger()));
    Some(at.min(by_deadline))
}

fn open_pools(
    draft: &Draft<'_>,
    lab: &LabId,
    bench: &BenchId,
    rack: Option<&Barcode>,
) -> Vec<OpenPool> {
    bench_record(draft, lab, bench)
        .open
        .iter()
        .filter_map(|key| draft.state().get::<Pool>(key).map(|pool| (*key, pool)))
        .filter(|(_, pool)| pool.rack.as_ref() == rack)
        .map(|(key, pool)| OpenPool {
            key,
            mix: pool.mix.clone(),
            limit: pool.limit,
            limit_by: pool.limit_by,
            slots: pool.members.iter().map(|m| m.slot).collect(),
            closing: pool.seal_due.is_some() || pool.hold.is_some(),
        })
        .collect()
}

fn open_pool(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    bench: &BenchId,
    mode: Mode,
    rack: Option<&Barcode>,
    candidate: &Candidate,
) -> Result<u64, Rejection> {
    let open = bench_record(draft, lab, bench).open;
    let most = policy.pooling.open_pools_max;
    if mode == Mode::Scan && open.len() >= usize::from(most) {
        let names: Vec<String> = open
            .iter()
            .map(|key| pool_id(draft.state(), *key).to_string())
            .collect();
        return Err(Rejection::precondition(
            "BENCH_FULL",
            "bench",
            format!(
                "bench {bench:?} has {} open pools, at most {most} may be: {}",
                open.len(),
                names.join(", ")
            ),
            "close one of them, or scan the tube at another bench",
        ));
    }
    let (number, record) = find(draft.state(), lab).unwrap_or_default();
    let id = PoolId::new(lab.clone(), record.pools.saturating_add(1));
    let key = key_of(number, id.number);
    draft.emit(What::PoolOpened {
        pool: id,
        bench: bench.clone(),
        mode,
        mix: candidate.mix.clone(),
        rack: rack.cloned(),
    })?;
    Ok(key)
}

pub(super) fn bench_record(draft: &Draft<'_>, lab: &LabId, bench: &BenchId) -> BenchRecord {
    draft
        .state()
        .get(&bench_key(lab, bench))
        .unwrap_or_default()
}

/// If the lab has a planning bench, a tube that may be pooled gets its seat as it arrives. A tube that
/// is not there holds up no pool: so the plan begins at receipt, not at registration.
pub(crate) fn plan_on_arrival(
    draft: &mut Draft<'_>,
    policy: &Policy,
    id: &TubeId,
) -> Result<(), Rejection> {
    let Some(bench) = policy.pooling.plan_bench(&id.lab) else {
        return Ok(());
    };
    let Some(key) = tube_key(draft.state(), id) else {
        return Ok(());
    };
    let Some(tube) = draft.state().get::<Tube>(&key) else {
        return Ok(());
    };
    if tube.state != TubeState::Waiting || may_be_pooled(draft, policy, key, &tube).is_err() {
        return Ok(());
    }
    give_seat(draft, policy, &bench, Mode::Plan, None, key, &tube).map(|_| ())
}

/// A person or a robot says that the transfer under way at a bench is done, or failed.
///
/// # Errors
/// No transfer is under way there.
pub fn confirm_transfer(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    bench: &BenchId,
    failed: Option<&str>,
) -> Result<(PoolId, TubeId, Option<SealedPool>), Rejection> {
    let record = bench_record(draft, lab, bench);
    let Some((pool, tube)) = record.pending else {
        return Err(Rejection::precondition(
            "NOTHING_TO_CONFIRM",
            "bench",
            format!("no transfer is under way at bench {bench:?}"),
            "scan a tube first; a transfer is recorded once",
        ));
    };
    let (pool_name, tube_name) = ids(draft.state(), pool, tube);
    let sealed = match failed {
        None => record_transfer(draft, policy, pool, tube)?,
        Some(reason) => {
            super::super::tube::hold::needs_reason(reason)?;
            draft.emit(What::MemberLeft {
                pool: pool_name.clone(),
                tube: tube_name.clone(),
                reason: reason.to_owned(),
            })?;
            super::seal::seal_if_ready(draft, pool)?
        }
    };
    Ok((pool_name, tube_name, sealed))
}
