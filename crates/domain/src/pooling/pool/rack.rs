//! A whole rack is planned at once for a liquid handler, and confirmed by its log or a person.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::{pool_id, tube_id};
use super::super::tube::lookup::{rack as find_rack, the_tube};
use super::super::tube::{Tube, TubeState, Vessel};
use super::fold::ids;
use super::seal::{SealedPool, seal};
use super::seating::{Placed, Seats, describe, give_seat, may_be_pooled, open_at};
use super::{Mode, Pool, SealReason};
use crate::ids::{Barcode, BenchId, LabId, PoolId, TubeId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;
use crate::well::{PlateSize, Well};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is planned for one tube of a rack, or why nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTube {
    /// Where it stands.
    pub position: Well,
    /// The tube.
    pub tube: TubeId,
    /// Where it goes.
    pub placed: Result<Placed, Rejection>,
}

/// Plans a rack: STAT first, then by deadline, then down the columns as liquid handlers go. A tube that cannot be pooled is told, and stops nobody.
/// The same call again gives the same plan.
///
/// # Errors
/// The rack was not received, or the bench does not work by the rack.
pub fn plan(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    bench: &BenchId,
    rack: &Barcode,
) -> Result<Vec<PlannedTube>, Rejection> {
    if policy.pooling.bench(lab, bench).mode != Mode::Rack {
        return Err(Rejection::precondition(
            "BENCH_MODE",
            "bench",
            format!("bench {bench:?} of lab {lab} does not work by the rack"),
            "scan the tubes one by one, or set the bench's mode to \"rack\" in the policy",
        ));
    }
    let Some((_, record)) = find_rack(draft.state(), lab, rack) else {
        return Err(Rejection::not_found(
            "RACK_UNKNOWN",
            "rack",
            format!("rack {rack:?} was never received in lab {lab}"),
            "receive the rack first",
        ));
    };
    let mut tubes: Vec<(Well, u64, Arc<Tube>)> = record
        .tubes
        .iter()
        .filter_map(|(well, key)| Some((*well, *key, draft.state().get_shared::<Tube>(key)?)))
        .collect();
    tubes.sort_by_key(|(well, _, tube)| {
        let place = well.column_major(PlateSize::P96);
        (!tube.stat, tube.deadline.due, place)
    });
    let mut plans = Vec::with_capacity(tubes.len());
    let mut seats = Seats::at(bench, Mode::Rack, Some(rack));
    for (position, key, tube) in tubes {
        let placed = plan_one(draft, policy, &mut seats, rack, key, &tube);
        if let Err(rejection) = &placed
            && rejection.code == crate::Code::Internal
        {
            return Err(rejection.clone());
        }
        plans.push(PlannedTube {
            position,
            tube: tube_id(draft.state(), key),
            placed,
        });
    }
    Ok(plans)
}

fn plan_one(
    draft: &mut Draft<'_>,
    policy: &Policy,
    seats: &mut Seats<'_>,
    rack: &Barcode,
    key: u64,
    tube: &Tube,
) -> Result<Placed, Rejection> {
    match tube.state {
        TubeState::Pooled { pool } => {
            let planned_here = draft
                .state()
                .get_shared::<Pool>(&pool)
                .is_some_and(|record| {
                    record.is_open()
                        && record.rack.as_ref() == Some(rack)
                        && record.bench == *seats.bench
                });
            if planned_here {
                return Ok(describe(draft, pool, key, false));
            }
            let (pool, tube) = ids(draft.state(), pool, key);
            Err(Rejection::precondition(
                "ALREADY_POOLED",
                "rack",
                format!("tube {tube} is in pool {pool}"),
                "take it out of the rack",
            ))
        }
        TubeState::Alone(Vessel::Ready) => Ok(Placed::Alone {
            why: "it was given a well of its own before".to_owned(),
        }),
        _ => {
            may_be_pooled(draft, policy, key, tube)?;
            give_seat(draft, policy, seats, key, tube)
        }
    }
}

/// What became of the transfer of one tube.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Performed {
    /// Its liquid is in the pool.
    Done,
    /// It is not, and why.
    Failed(String),
}

/// What a confirmation came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Transfers recorded.
    pub transferred: u32,
    /// Tubes that left, with their pool and why.
    pub failed: Vec<(PoolId, TubeId, String)>,
    /// Pools that sealed.
    pub sealed: Vec<SealedPool>,
    /// Transfers that are still not recorded.
    pub missing: Vec<TubeId>,
}

/// Records what the liquid handler did with a rack, tube by tube; pools of it without a missing
/// transfer seal. Tubes that are not named are done if `rest_done`, else still missing.
///
/// # Errors
/// Nothing is planned for the rack; a tube is named that is not in its plan.
pub fn confirm(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    bench: &BenchId,
    rack: &Barcode,
    named: &[(String, Performed)],
    rest_done: bool,
) -> Result<Confirmed, Rejection> {
    let pools: Vec<(u64, Arc<Pool>)> = open_at(draft, lab, bench, Some(rack))
        .into_iter()
        .filter_map(|key| Some((key, draft.state().get_shared::<Pool>(&key)?)))
        .collect();
    if pools.is_empty() {
        return Err(Rejection::precondition(
            "NOTHING_TO_CONFIRM",
            "rack",
            format!("no pool at bench {bench:?} waits for transfers from rack {rack:?}"),
            "plan the rack first; a transfer is recorded once",
        ));
    }
    let mut performed = BTreeMap::new();
    for (index, (text, what)) in named.iter().enumerate() {
        let (key, _) = the_tube(draft.state(), lab, text)?;
        if !pools.iter().any(|(_, pool)| pool.member(key).is_some()) {
            return Err(Rejection::invalid(
                "NOT_PLANNED",
                &format!("tubes[{index}]"),
                format!(
                    "tube {} is in no pool planned for rack {rack:?}",
                    tube_id(draft.state(), key)
                ),
                "check the log: it may belong to another rack",
            ));
        }
        performed.insert(key, what.clone());
    }
    let mut answer = Confirmed::default();
    for (pool, record) in pools {
        confirm_pool(
            draft,
            policy,
            pool,
            &record,
            &performed,
            rest_done,
            &mut answer,
        )?;
    }
    Ok(answer)
}

fn confirm_pool(
    draft: &mut Draft<'_>,
    policy: &Policy,
    pool: u64,
    record: &Pool,
    performed: &BTreeMap<u64, Performed>,
    rest_done: bool,
    answer: &mut Confirmed,
) -> Result<(), Rejection> {
    let planned = record.members.len();
    let mut missing = 0_usize;
    let mut left = 0_usize;
    for member in record.untransferred() {
        let (pool_name, tube) = ids(draft.state(), pool, member.tube);
        match performed.get(&member.tube) {
            Some(Performed::Failed(reason)) => {
                draft.emit(What::MemberLeft {
                    pool: pool_name.clone(),
                    tube: tube.clone(),
                    reason: reason.clone(),
                })?;
                answer.failed.push((pool_name, tube, reason.clone()));
                left += 1;
            }
            Some(Performed::Done) => transfer(draft, policy, pool_name, tube, answer)?,
            None if rest_done => transfer(draft, policy, pool_name, tube, answer)?,
            None => {
                answer.missing.push(tube);
                missing += 1;
            }
        }
    }
    if missing > 0 {
        return Ok(());
    }
    if left == planned {
        return draft.emit(What::PoolVoided {
            pool: pool_id(draft.state(), pool),
            reason: "no transfer into it was done".to_owned(),
        });
    }
    let full = draft
        .state()
        .get_shared::<Pool>(&pool)
        .is_some_and(|pool| pool.is_full());
    let why = if full {
        SealReason::Full
    } else {
        SealReason::RackDone
    };
    answer.sealed.push(seal(draft, pool, why)?);
    Ok(())
}

fn transfer(
    draft: &mut Draft<'_>,
    policy: &Policy,
    pool: PoolId,
    tube: TubeId,
    answer: &mut Confirmed,
) -> Result<(), Rejection> {
    answer.transferred = answer.transferred.saturating_add(1);
    draft.emit(What::MemberTransferred {
        pool,
        tube,
        ul: policy.pooling.pool_take_ul,
    })
}
