//! Reads a lane of the embedded log: a short read transaction a poll, so that the file can reuse
//! the pages it frees.

use super::shared::Shared;
use super::store::{self, Place};
use crate::log::{LogRecord, ReadError, Reader, Wake};
use std::sync::Arc;

pub(super) struct EmbeddedReader {
    shared: Arc<Shared>,
    place: Place,
    next: u64,
    number: u64,
}

impl EmbeddedReader {
    pub(super) fn start(
        shared: Arc<Shared>,
        place: Place,
        from: u64,
        wake: Wake,
    ) -> Result<Self, ReadError> {
        in_range(&shared, place, from)?;
        let number = shared.watch(place, wake.clone());
        if shared.ends(place).end > from {
            wake();
        }
        Ok(Self {
            shared,
            place,
            next: from,
            number,
        })
    }
}

/// The lane's end, if the position is inside the lane.
fn in_range(shared: &Shared, place: Place, wanted: u64) -> Result<u64, ReadError> {
    let ends = shared.ends(place);
    if wanted < ends.start || wanted > ends.end {
        return Err(ReadError::OutOfRange {
            wanted,
            start: ends.start,
            end: ends.end,
        });
    }
    Ok(ends.end)
}

impl Reader for EmbeddedReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<LogRecord>, ReadError> {
        let end = in_range(&self.shared, self.place, self.next)?;
        if end == self.next {
            return Ok(Vec::new());
        }
        let records = self.shared.with_database(|database| {
            store::read_range(database, self.place, self.next, end, max_bytes)
        })?;
        if let Some(last) = records.last() {
            self.next = last.offset.saturating_add(1);
        }
        Ok(records)
    }
}

impl Drop for EmbeddedReader {
    fn drop(&mut self) {
        self.shared.unwatch(self.place, self.number);
    }
}
