//! A person decides on a pool that is held.

use super::super::draft::Draft;
use super::super::event::What;
use super::close::the_pool;
use crate::ids::PoolId;
use crate::rejection::Rejection;

/// Releases a held pool.
///
/// # Errors
/// There is no such pool, or it is not held.
pub(crate) fn release(draft: &mut Draft<'_>, id: &PoolId, reason: &str) -> Result<(), Rejection> {
    let (_, pool) = the_pool(draft, id)?;
    if pool.hold.is_none() {
        return Err(Rejection::precondition(
            "NOT_HELD",
            "pool",
            format!("pool {id} is not held"),
            "nothing needs to be done",
        ));
    }
    draft.emit(What::PoolReleased {
        pool: id.clone(),
        reason: reason.to_owned(),
    })
}
