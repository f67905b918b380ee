//! When the cache is given what was decided: records gather for a while, and their rows go there as one batch.
//!
//! A lab's board, its open pools and racks are in nearly every record, and a tube's row is in several within moments:
//! each is made bytes of, put in order and given to the cache once for all of them. What gathers is committed like everything
//! else; it is only the cache that is behind, and a crash reads so much more of the journal.

use super::owned::Owned;
use super::state::{Batch, LaneState};
use super::{Lane, Phase};
use crate::cache::Writes;
use crate::limits::Limits;
use crate::processor::Processor;
use std::time::Duration;

/// Closes the record that was just decided; with it the batch for the cache, if that has gathered long enough.
pub(super) fn close_record(
    state: &mut LaneState,
    owned: &mut Owned,
    limits: &Limits,
    now: Duration,
) -> Option<(Batch, Writes)> {
    state.close_record();
    let since = *owned.gathering.get_or_insert(now);
    let due =
        now.saturating_sub(since) >= limits.gather || state.written() >= limits.gather_rows_max;
    due.then(|| {
        owned.gathering = None;
        state.seal()
    })
}

impl<P: Processor> Lane<P> {
    /// Gives the cache what has gathered, if everything decided is committed and either its time has come or the lane goes.
    /// False if the lane is no longer owned then: its state could not be used.
    pub(super) fn give_gathered(&mut self) -> bool {
        let now = self.context.clock.monotonic();
        let Phase::Owned(owned) = &mut self.phase else {
            return false;
        };
        let due = |since: Duration| now.saturating_sub(since) >= self.context.limits.gather;
        if owned.in_flight.is_empty()
            && owned
                .gathering
                .is_some_and(|since| !self.wanted || due(since))
        {
            owned.gathering = None;
            self.write_folded();
        }
        matches!(self.phase, Phase::Owned(_))
    }
}
