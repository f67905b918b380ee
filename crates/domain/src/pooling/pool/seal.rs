//! Sealing: when a pool takes no more, and why.

use super::super::draft::Draft;
use super::super::event::What;
use super::super::lab::pool_id;
use super::fold::ids;
use super::{Pool, SealReason, SealTimer};
use crate::ids::PoolId;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};
use crate::time::Timestamp;
use std::ops::ControlFlow;

/// A pool that sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPool {
    /// Which.
    pub pool: PoolId,
    /// Why.
    pub why: SealReason,
    /// Its members.
    pub members: u8,
}

/// Records that a tube's liquid is in a pool, and seals the pool if nothing else is waited for.
pub(super) fn record_transfer(
    draft: &mut Draft<'_>,
    policy: &Policy,
    pool: u64,
    tube: u64,
) -> Result<Option<SealedPool>, Rejection> {
    let (pool_name, tube) = ids(draft.state(), pool, tube);
    draft.emit(What::MemberTransferred {
        pool: pool_name,
        tube,
        ul: policy.pooling.pool_take_ul,
    })?;
    seal_if_ready(draft, pool)
}

/// Seals a pool that is full or whose time has come, if all its transfers are recorded.
pub(super) fn seal_if_ready(
    draft: &mut Draft<'_>,
    pool: u64,
) -> Result<Option<SealedPool>, Rejection> {
    let Some(record) = draft.state().get_shared::<Pool>(&pool) else {
        return Ok(None);
    };
    if !record.is_open() || record.members.is_empty() || record.untransferred().next().is_some() {
        return Ok(None);
    }
    let why = match record.seal_due {
        _ if record.is_full() => SealReason::Full,
        Some(why) => why,
        None => return Ok(None),
    };
    seal(draft, pool, why).map(Some)
}

/// Seals a pool whose transfers are all recorded.
pub(super) fn seal(
    draft: &mut Draft<'_>,
    pool: u64,
    why: SealReason,
) -> Result<SealedPool, Rejection> {
    let id = pool_id(draft.state(), pool);
    draft.emit(What::PoolSealed {
        pool: id.clone(),
        why,
    })?;
    let members = draft
        .state()
        .get_shared::<Pool>(&pool)
        .map_or(0, |p| u8::try_from(p.members.len()).unwrap_or(u8::MAX));
    Ok(SealedPool {
        pool: id,
        why,
        members,
    })
}

/// When the next open pool must seal.
#[must_use]
pub fn next(state: &dyn Read) -> Option<(Timestamp, u64)> {
    state
        .first::<SealTimer>()
        .map(|((due, pool), _)| (Timestamp(due), pool))
}

/// Open pools whose time has come, earliest first, `most` at most.
#[must_use]
pub fn due(state: &dyn Read, now: Timestamp, most: usize) -> Vec<(Timestamp, u64)> {
    let mut found = Vec::new();
    let end = (now.0.saturating_add(1), 0);
    state.scan_range::<SealTimer>(&(i64::MIN, 0), &end, |(at, pool), _| {
        if found.len() >= most {
            return ControlFlow::Break(());
        }
        found.push((Timestamp(at), pool));
        ControlFlow::Continue(())
    });
    found
}

/// An open pool's time has come: it seals, or as soon as the transfers under way are recorded. One that
/// nobody is in is done away with.
///
/// # Errors
/// A bug of ours.
pub fn timer(draft: &mut Draft<'_>, policy: &Policy, pool: u64) -> Result<(), Rejection> {
    let Some(record) = draft.state().get::<Pool>(&pool) else {
        return Ok(());
    };
    let Some(at) = record.seal_at else {
        return Ok(());
    };
    if !record.is_open() || record.seal_due.is_some() || at > draft.now {
        return Ok(());
    }
    let id = pool_id(draft.state(), pool);
    if record.members.is_empty() {
        return draft.emit(What::PoolVoided {
            pool: id,
            reason: "nobody is in it".to_owned(),
        });
    }
    let why = if at < record.opened_at.plus(policy.pooling.linger()) {
        SealReason::Deadline
    } else {
        SealReason::Linger
    };
    if record.untransferred().next().is_some() {
        return draft.emit(What::SealDue { pool: id, why });
    }
    seal(draft, pool, why).map(|_| ())
}
