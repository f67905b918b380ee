//! A person closes an open pool.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::pool_key;
use super::fold::ids;
use super::seal::{SealedPool, record_transfer, seal};
use super::seating::bench_record;
use super::{Mode, Pool, PoolState, SealReason};
use crate::ids::PoolId;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};

/// Seals a pool by hand. At a bench, the transfer under way is recorded by it; a tube that was planned
/// and never scanned leaves. A pool of a rack must be confirmed first: what its robot did is not known.
///
/// # Errors
/// There is no such pool, it is not open, nobody is in it, or transfers are missing.
pub fn close(draft: &mut Draft<'_>, policy: &Policy, id: &PoolId) -> Result<SealedPool, Rejection> {
    let (key, pool) = the_pool(draft, id)?;
    if !pool.is_open() {
        return Err(Rejection::precondition(
            "POOL_NOT_OPEN",
            "pool",
            format!("pool {id} is {}", word(&pool)),
            "nothing needs to be done: it takes no more members",
        ));
    }
    let pending = bench_record(draft, &id.lab, &pool.bench).pending;
    let missing: Vec<u64> = pool.untransferred().map(|m| m.tube).collect();
    for tube in missing {
        if pending == Some((key, tube)) {
            if let Some(sealed) = record_transfer(draft, policy, key, tube)? {
                return Ok(sealed);
            }
        } else if pool.mode == Mode::Rack {
            return Err(Rejection::precondition(
                "TRANSFERS_MISSING",
                "pool",
                format!(
                    "{} of {} transfers into pool {id} are not recorded",
                    pool.untransferred().count(),
                    pool.members.len()
                ),
                "confirm the rack first, tube by tube: done or failed",
            ));
        } else {
            let (pool, tube) = ids(draft.state(), key, tube);
            draft.emit(What::MemberLeft {
                pool,
                tube,
                reason: "it was not transferred when the pool was closed".to_owned(),
            })?;
        }
    }
    let (key, pool) = the_pool(draft, id)?;
    if pool.members.is_empty() {
        return Err(Rejection::precondition(
            "POOL_EMPTY",
            "pool",
            format!("nobody is in pool {id}"),
            "void it, or scan tubes into it",
        ));
    }
    seal(draft, key, SealReason::ByHand)
}

/// A pool that must be there.
///
/// # Errors
/// It is not.
pub fn the_pool(draft: &Draft<'_>, id: &PoolId) -> Result<(u64, Pool), Rejection> {
    find_pool(draft.state(), id)
}

/// A pool that must be there, in a state.
///
/// # Errors
/// It is not: it was never opened, or it is filed with the last of its members.
pub fn find_pool(state: &dyn Read, id: &PoolId) -> Result<(u64, Pool), Rejection> {
    pool_key(state, id)
        .and_then(|key| state.get::<Pool>(&key).map(|pool| (key, pool)))
        .ok_or_else(|| {
            Rejection::not_found(
                "POOL_UNKNOWN",
                "pool",
                format!("there is no pool {id}"),
                "check the number (pools are written lab/P17); a pool whose tubes were all reported long ago is filed with them",
            )
        })
}

/// Where a pool is, in a word.
#[must_use]
pub const fn word(pool: &Pool) -> &'static str {
    use super::super::tube::Vessel;
    match &pool.state {
        PoolState::Open => "open",
        PoolState::Sealed(Vessel::Ready) => "sealed",
        PoolState::Sealed(Vessel::Plated { .. }) => "plated",
        PoolState::Sealed(Vessel::Loaded { .. }) => "loaded",
        PoolState::Void { .. } => "void",
    }
}
