//! An owner with nothing in flight watches its own journal.
//!
//! Whoever appends learns from the offset whether another took the lane. Whoever has nothing to append would
//! never learn it: it would answer questions from a state that others have left behind, and its timers, taken
//! from that state, would never be due. So after a short silence the journal is read on from the expected offset,
//! until something is appended again.

use super::owned::Watch;
use super::rules;
use super::{Lane, Phase};
use crate::processor::Processor;

/// Bytes read at a time while watching.
const WATCH_BYTES: usize = 256 << 10;

impl<P: Processor> Lane<P> {
    /// Looks whether another took the lane while this owner was silent.
    pub(super) fn watch_journal(&mut self) {
        let now = self.context.clock.monotonic();
        let (Phase::Owned(owned), Some(stamp)) = (&mut self.phase, &self.stamp) else {
            return;
        };
        if !owned.in_flight.is_empty() {
            // The offset of what is in flight says it, and sooner.
            owned.watch = Watch::after(now + self.context.limits.watch_after);
            return;
        }
        if now < owned.watch.not_before {
            return;
        }
        let opened = match owned.watch.reader.take() {
            Some(reader) => Ok(reader),
            None => self.context.log.reader(
                &self.context.journal(),
                self.number,
                owned.expected,
                self.context.wake(self.number),
            ),
        };
        let read = opened.and_then(|mut reader| {
            loop {
                let records = reader.poll(WATCH_BYTES)?;
                if records.is_empty() {
                    return Ok((reader, false));
                }
                let taken = |value| rules::taken(&stamp.chain, value, self.processor.level());
                if records.iter().any(|record| taken(&record.value)) {
                    return Ok((reader, true));
                }
            }
        });
        match read {
            Ok((_, true)) => self.lose(true, "another instance took the lane"),
            Ok((reader, false)) => owned.watch.reader = Some(reader),
            Err(error) => {
                // Nothing is known to be wrong: it is looked at again.
                tracing::debug!(service = self.context.service, lane = self.number, %error, "the journal cannot be watched");
                owned.watch = Watch::after(now + self.context.limits.watch_after);
            }
        }
    }
}
