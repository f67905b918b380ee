//! Reads a lane from the store as long as the log does not have it, then from the log.

use super::part::{Name, NoPart};
use super::{Heads, Place, away, locked};
use crate::log::{LogRecord, ReadError, Reader, Wake};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

pub(super) struct HeadReader {
    heads: Arc<Heads>,
    place: Place,
    next: u64,
    wake: Wake,
    from: From,
}

/// Where the next record comes from.
enum From {
    Log(Box<dyn Reader>),
    /// A part that is being read, away from the reader's thread.
    Fetching(Slot),
    Part(VecDeque<LogRecord>),
}

/// Where a reader finds what was fetched for it.
type Slot = Arc<Mutex<Option<Result<Fetched, ReadError>>>>;

enum Fetched {
    /// Records from the wanted offset on.
    Part(Vec<LogRecord>),
    /// The log has it after all.
    InTheLog,
}

impl HeadReader {
    pub(super) fn start(
        heads: Arc<Heads>,
        place: Place,
        next: u64,
        wake: Wake,
    ) -> Result<Self, ReadError> {
        let from = match heads.log.reader(&place.0, place.1, next, Arc::clone(&wake)) {
            Ok(reader) => From::Log(reader),
            Err(ReadError::OutOfRange { wanted, start, .. }) if wanted < start => {
                fetch(&heads, &place, next, &wake)
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            heads,
            place,
            next,
            wake,
            from,
        })
    }

    fn fetch(&mut self) {
        self.from = fetch(&self.heads, &self.place, self.next, &self.wake);
    }

    fn took(&mut self, records: Vec<LogRecord>) -> Vec<LogRecord> {
        if let Some(last) = records.last() {
            self.next = last.offset.saturating_add(1);
        }
        records
    }
}

impl Reader for HeadReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<LogRecord>, ReadError> {
        loop {
            match &mut self.from {
                From::Log(reader) => match reader.poll(max_bytes) {
                    Ok(records) => return Ok(self.took(records)),
                    // It was trimmed while nobody read it here.
                    Err(ReadError::OutOfRange { wanted, start, .. }) if wanted < start => {
                        self.fetch();
                    }
                    Err(error) => return Err(error),
                },
                From::Fetching(slot) => {
                    let Some(fetched) = locked(slot).take() else {
                        return Ok(Vec::new());
                    };
                    match fetched? {
                        Fetched::Part(records) => self.from = From::Part(records.into()),
                        Fetched::InTheLog => {
                            let (topic, lane) = (&self.place.0, self.place.1);
                            let wake = Arc::clone(&self.wake);
                            let reader = self.heads.log.reader(topic, lane, self.next, wake)?;
                            self.from = From::Log(reader);
                        }
                    }
                }
                From::Part(records) => {
                    let mut taken = Vec::new();
                    let mut bytes = 0_usize;
                    while let Some(record) = records.front() {
                        bytes = bytes.saturating_add(record.bytes());
                        if bytes > max_bytes && !taken.is_empty() {
                            break;
                        }
                        taken.extend(records.pop_front());
                    }
                    if taken.is_empty() {
                        self.fetch();
                    } else {
                        return Ok(self.took(taken));
                    }
                }
            }
        }
    }
}

/// Begins to read the part that has an offset.
fn fetch(heads: &Arc<Heads>, place: &Place, next: u64, wake: &Wake) -> From {
    let slot = Arc::new(Mutex::new(None));
    let (of, heads_of) = (place.clone(), Arc::clone(heads));
    let fills = Fills {
        slot: Arc::clone(&slot),
        wake: Arc::clone(wake),
    };
    (heads.background)(Box::new(move || {
        let fetched = heads_of.part_with(&of, next);
        *locked(&fills.slot) = Some(fetched);
    }));
    From::Fetching(slot)
}

/// Fills a reader's slot and wakes it, whatever becomes of the work: no reader waits for a thread that there was not.
struct Fills {
    slot: Slot,
    wake: Wake,
}

impl Drop for Fills {
    fn drop(&mut self) {
        locked(&self.slot).get_or_insert_with(|| {
            let nobody = "nobody read the head of the lane: there was no thread, or it panicked";
            Err(ReadError::Unavailable(nobody.to_owned()))
        });
        (self.wake)();
    }
}

impl Heads {
    fn part_with(&self, place: &Place, next: u64) -> Result<Fetched, ReadError> {
        let extent = self.log.extent(&place.0, place.1)?;
        if next >= extent.start {
            return Ok(Fetched::InTheLog);
        }
        let has = |part: &Name| (part.first..part.end).contains(&next);
        let part = if has(&Name::FIRST) {
            Some(Name::FIRST)
        } else {
            let parts = self.parts(place, next.saturating_add(1));
            let parts = parts.map_err(|error| away(&error))?;
            parts.iter().copied().find(has)
        };
        let Some(part) = part else {
            return Err(ReadError::OutOfRange {
                wanted: next,
                start: extent.start,
                end: extent.end,
            });
        };
        match self.read(place, part) {
            Ok(mut records) => {
                records.retain(|record| record.offset >= next);
                Ok(Fetched::Part(records))
            }
            Err(NoPart::Store(error)) => Err(away(&error)),
            Err(damaged @ NoPart::Damaged(..)) => Err(ReadError::Refused(damaged.to_string())),
        }
    }
}
