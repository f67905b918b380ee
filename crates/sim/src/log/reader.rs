//! A reader of one lane, which may be slow.

use super::SimLog;
use super::state::Place;
use crate::faults::{Fault, Step};
use crate::shared::{MS, SECOND, What};
use std::sync::Arc;
use tenfold_runtime::log::{LogRecord, ReadError, Reader, Wake};

pub(super) struct SimReader {
    pub(super) log: SimLog,
    pub(super) place: Place,
    pub(super) next: u64,
    pub(super) number: u64,
    pub(super) wake: Wake,
}

impl SimReader {
    fn step(&self) -> Option<Step> {
        let name = self.place.0.as_str();
        if name.ends_with(".journal") {
            Some(Step::JournalRead)
        } else if name.ends_with(".inbox") {
            Some(Step::InboxRead)
        } else {
            None
        }
    }

    fn in_range(&self) -> Result<(), ReadError> {
        let log = self.log.shared.log();
        match log.lanes.get(&self.place) {
            Some(lane) if self.next < lane.start => Err(ReadError::OutOfRange {
                wanted: self.next,
                start: lane.start,
                end: lane.records.len() as u64,
            }),
            _ => Ok(()),
        }
    }

    fn take(&mut self, max_bytes: usize) -> Vec<LogRecord> {
        let log = self.log.shared.log();
        let Some(lane) = log.lanes.get(&self.place) else {
            return Vec::new();
        };
        let from = usize::try_from(self.next).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let mut taken = Vec::new();
        for record in lane.records.iter().skip(from) {
            bytes += record.bytes();
            if bytes > max_bytes && !taken.is_empty() {
                break;
            }
            taken.push(record.clone());
        }
        taken
    }
}

impl Reader for SimReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<LogRecord>, ReadError> {
        let (shared, host) = (Arc::clone(&self.log.shared), Arc::clone(&self.log.host));
        if host.is_dead() {
            return Ok(Vec::new());
        }
        self.in_range()?;
        let mut taken = self.take(max_bytes);
        if taken.is_empty() {
            return Ok(taken);
        }
        if host.may_fail() && !shared.in_background() {
            if shared.strikes(Fault::ReadFails) {
                return Err(ReadError::Unavailable("by order".to_owned()));
            }
            if let Some(step) = self.step()
                && shared.point(&host, step, false)
            {
                return Ok(Vec::new());
            }
            if shared.strikes(Fault::SlowReader) {
                let some = shared.draw(0..taken.len() as u64);
                taken.truncate(usize::try_from(some).unwrap_or(0));
                let soon = shared.draw(MS..3 * SECOND);
                shared.after(soon, What::Wake(Arc::clone(&host), Arc::clone(&self.wake)));
            }
        }
        if let Some(last) = taken.last() {
            self.next = last.offset + 1;
        }
        if let Some(step) = self.step()
            && !taken.is_empty()
            && shared.point(&host, step, true)
        {
            return Ok(Vec::new());
        }
        Ok(taken)
    }
}

impl Drop for SimReader {
    fn drop(&mut self) {
        let mut log = self.log.shared.log();
        if let Some(lane) = log.lanes.get_mut(&self.place) {
            lane.waiters.retain(|(number, ..)| *number != self.number);
        }
    }
}
