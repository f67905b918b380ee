//! A tube is scanned at a bench: where does it go? The hot call: one read of the tube by name, one of
//! the bench, one of each of its few open pools.
//!
//! At a scan bench the tube gets pool and slot; the *next* scan (or a confirmation) records the
//! transfer. At a planning bench the tube has its seat since it arrived, and the scan verifies it.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::tube_id;
use super::super::tube::hold::needs_reason;
use super::super::tube::lookup::the_tube;
use super::super::tube::{Tube, TubeState, Vessel};
use super::fold::ids;
use super::seal::{SealedPool, record_transfer, seal_if_ready};
use super::seating::{Placed, Seats, bench_record, describe, give_seat, may_be_pooled};
use super::{BenchRecord, Mode, Pool};
use crate::ids::{BenchId, LabId, PoolId, TubeId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;

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
        _ => give_seat(draft, policy, &mut Seats::at(bench, mode, None), key, &tube)?,
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
            let Some(open) = draft.state().get_shared::<Pool>(&pool) else {
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
            needs_reason(reason)?;
            draft.emit(What::MemberLeft {
                pool: pool_name.clone(),
                tube: tube_name.clone(),
                reason: reason.to_owned(),
            })?;
            seal_if_ready(draft, pool)?
        }
    };
    Ok((pool_name, tube_name, sealed))
}
