//! Reading a stretch of a lane's journal, for who asks about the past: found by lane time, because that never goes
//! back in a journal, and stays right when a lane moves to another log.
//!
//! Blocking, and no part of deciding: for threads that may wait. It costs some twenty single reads to find the
//! beginning, and then the stretch itself is read whole, whoever its records are about.

use crate::lane::record;
use crate::lane::validity::{Broken, Chain, Verdict, judge};
use crate::log::{Log, LogRecord, ReadError, Reader, Topic};
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tenfold_domain::Timestamp;
use tenfold_proto::lane::{Decisions, RecordKind};

/// Bytes taken from the log at once.
const READ_BYTES: usize = 256 * 1024;

/// Most bytes of one stretch: some four hundred thousand tubes of results.
pub const STRETCH_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Offsets read before the place where the stretch seems to begin, and decisions behind its end: records of fenced
/// owners may mislead both.
const MARGIN: u64 = 64;

/// A log that says nothing for so long does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks for records.
const PAUSE: Duration = Duration::from_millis(2);

/// Why a stretch could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StretchError {
    /// The log.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It begins before the journal does.
    #[error("the journal begins after {0}: its head was archived")]
    Gone(Timestamp),
    /// It is longer than [`STRETCH_BYTES_MAX`].
    #[error("it is spread over more than {} MiB of the journal", STRETCH_BYTES_MAX / 1_048_576)]
    TooLong,
    /// Records do not follow one another, or are of a newer release.
    #[error("a record {0}")]
    Broken(#[from] Broken),
}

/// The valid decisions of a lane from one moment of lane time to another, both included, in order.
pub struct Stretch<'a> {
    /// The log.
    pub log: &'a dyn Log,
    /// `intake`, `pooling` or `results`.
    pub service: &'a str,
    /// The lane.
    pub lane: u32,
    /// The highest level that can be read.
    pub level: u32,
    /// The first moment.
    pub from: Timestamp,
    /// The last moment.
    pub to: Timestamp,
}

impl Stretch<'_> {
    /// Reads it.
    ///
    /// # Errors
    /// See [`StretchError`].
    pub fn read(&self) -> Result<Vec<Decisions>, StretchError> {
        let journal = Topic::journal(self.service);
        let extent = self.log.extent(&journal, self.lane)?;
        let found = self.find(&journal, extent.start, extent.end)?;
        if found == extent.start && extent.start > 0 {
            return Err(StretchError::Gone(self.from));
        }
        let begin = found.saturating_sub(MARGIN).max(extent.start);
        let mut reader = self.open(&journal, begin)?;
        let mut walk = Walk::new(self.level);
        let mut taken = 0_usize;
        loop {
            let records = next(reader.as_mut())?;
            for record in records {
                taken = taken.saturating_add(record.bytes());
                if taken > STRETCH_BYTES_MAX {
                    return Err(StretchError::TooLong);
                }
                let last = record.offset.saturating_add(1) >= extent.end;
                walk.take(&record)?;
                if last || walk.is_past(self.to) {
                    let mut decisions = walk.decisions;
                    decisions.retain(|d| (self.from.0..=self.to.0).contains(&d.decided_at));
                    return Ok(decisions);
                }
            }
        }
    }

    /// The first offset whose decisions are not before the stretch, as far as single reads tell.
    fn find(&self, journal: &Topic, start: u64, end: u64) -> Result<u64, StretchError> {
        let (mut low, mut high) = (start, end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.time_at(journal, middle, high)? {
                Some((offset, at)) if at < self.from => low = offset.saturating_add(1),
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// Offset and lane time of the first decisions from an offset on, below another; `None` if there are none.
    fn time_at(
        &self,
        journal: &Topic,
        from: u64,
        below: u64,
    ) -> Result<Option<(u64, Timestamp)>, StretchError> {
        let mut reader = self.open(journal, from)?;
        loop {
            for record in next(reader.as_mut())? {
                if record.offset >= below {
                    return Ok(None);
                }
                if let Some(decisions) = decisions(&record) {
                    return Ok(Some((record.offset, Timestamp(decisions.decided_at))));
                }
                if record.offset.saturating_add(1) >= below {
                    return Ok(None);
                }
            }
        }
    }

    fn open(&self, journal: &Topic, from: u64) -> Result<Box<dyn Reader>, ReadError> {
        self.log.reader(journal, self.lane, from, Arc::new(|| {}))
    }
}

/// The next records there are.
fn next(reader: &mut dyn Reader) -> Result<Vec<LogRecord>, ReadError> {
    let mut silent = Duration::ZERO;
    while silent < PATIENCE {
        let records = reader.poll(READ_BYTES)?;
        if !records.is_empty() {
            return Ok(records);
        }
        std::thread::sleep(PAUSE);
        silent = silent.saturating_add(PAUSE);
    }
    Err(ReadError::Unavailable(
        "no records came for ten seconds".to_owned(),
    ))
}

fn decisions(record: &LogRecord) -> Option<Decisions> {
    let envelope = record::read(&record.value)?;
    (envelope.kind() == RecordKind::Decisions)
        .then(|| Decisions::decode(envelope.body).ok())
        .flatten()
}

/// The rule of validity from somewhere in the middle: the first decisions met are believed, until a higher epoch
/// shows that their owner was fenced before; what was taken from them is dropped then.
struct Walk {
    chain: Option<Chain>,
    level: u32,
    decisions: Vec<Decisions>,
}

impl Walk {
    const fn new(level: u32) -> Self {
        Self {
            chain: None,
            level,
            decisions: Vec::new(),
        }
    }

    /// Enough decisions behind a moment count for it to be sure that no earlier ones follow.
    fn is_past(&self, to: Timestamp) -> bool {
        let margin = usize::try_from(MARGIN).unwrap_or(usize::MAX);
        let first = self.decisions.len().checked_sub(margin);
        let first = first.and_then(|at| self.decisions.get(at));
        first.is_some_and(|first| first.decided_at > to.0)
    }

    /// Takes a record.
    fn take(&mut self, record: &LogRecord) -> Result<(), Broken> {
        let Some(envelope) = record::read(&record.value) else {
            return Ok(());
        };
        if envelope.kind() == RecordKind::Decisions
            && self.chain.is_none_or(|chain| envelope.epoch > chain.epoch)
        {
            self.decisions.clear();
            self.chain = Some(Chain {
                epoch: envelope.epoch,
                owner: record::Id::from_slice(&envelope.owner).unwrap_or_default(),
                seq: envelope.seq.saturating_sub(1),
                hash: record::Hash::from_slice(&envelope.prev_hash).unwrap_or_default(),
            });
        }
        let Some(chain) = &mut self.chain else {
            return Ok(());
        };
        let verdict = judge(chain, false, Some(&envelope), self.level);
        *chain = chain.after(verdict, &envelope, &record.value);
        match verdict {
            Verdict::Stop(broken) => return Err(broken),
            Verdict::Decisions => self.decisions.extend(Decisions::decode(envelope.body).ok()),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
