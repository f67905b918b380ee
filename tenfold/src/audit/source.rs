//! The log of the engine, as the auditor reads it: record by record, up to an end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};
use tenfold_audit::source::{Extent, LaneName, Record, Records, Source, SourceError};
use tenfold_runtime::log::{Log, LogRecord, Reader, Topic, Wake};

/// Bytes taken at a time from one lane: there are dozens of lanes, each with a buffer.
const POLL_BYTES: usize = 256 << 10;

/// How long a log may be silent before the audit gives up.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A log behind the auditor's port.
pub struct LogSource(pub Arc<dyn Log>);

impl Source for LogSource {
    fn lanes(&self, topic: &str) -> Result<u32, SourceError> {
        self.0.lanes(&Topic::named(topic)).map_err(error)
    }

    fn extent(&self, name: &LaneName) -> Result<Extent, SourceError> {
        let extent = self
            .0
            .extent(&Topic::named(&name.topic), name.lane)
            .map_err(error)?;
        Ok(Extent {
            start: extent.start,
            end: extent.end,
        })
    }

    fn read(&self, name: &LaneName, from: u64, to: u64) -> Result<Box<dyn Records>, SourceError> {
        Ok(Box::new(LaneRecords {
            log: Arc::clone(&self.0),
            name: name.clone(),
            reading: None,
            next: from,
            to,
            read: VecDeque::new(),
        }))
    }
}

fn error(error: impl std::fmt::Display) -> SourceError {
    SourceError(error.to_string())
}

/// A reader, and what wakes who waits for it.
struct Reading {
    reader: Box<dyn Reader>,
    woken: Receiver<()>,
}

struct LaneRecords {
    log: Arc<dyn Log>,
    name: LaneName,
    /// Opened with the first record that is wanted: an empty lane needs none.
    reading: Option<Reading>,
    next: u64,
    to: u64,
    read: VecDeque<LogRecord>,
}

impl LaneRecords {
    fn open(&self) -> Result<Reading, SourceError> {
        let (sender, woken) = sync_channel(1);
        let wake: Wake = Arc::new(move || {
            // Full = somebody is being woken already.
            let _ = sender.try_send(());
        });
        let topic = Topic::named(&self.name.topic);
        let reader = self
            .log
            .reader(&topic, self.name.lane, self.next, wake)
            .map_err(error)?;
        Ok(Reading { reader, woken })
    }

    fn fill(&mut self) -> Result<(), SourceError> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.open()?,
        };
        let began = Instant::now();
        while self.read.is_empty() {
            self.read
                .extend(reading.reader.poll(POLL_BYTES).map_err(error)?);
            if !self.read.is_empty() {
                break;
            }
            if began.elapsed() > SILENCE_MAX {
                return Err(SourceError(format!(
                    "{} brought nothing for {SILENCE_MAX:?} at offset {}, and ends at {}",
                    self.name, self.next, self.to
                )));
            }
            let _ = reading.woken.recv_timeout(Duration::from_millis(500));
        }
        self.reading = Some(reading);
        Ok(())
    }
}

impl Records for LaneRecords {
    fn next(&mut self) -> Result<Option<Record>, SourceError> {
        if self.next >= self.to {
            self.reading = None;
            return Ok(None);
        }
        if self.read.is_empty() {
            self.fill()?;
        }
        let Some(record) = self.read.pop_front() else {
            return Ok(None);
        };
        self.next = record.offset.saturating_add(1);
        if record.offset >= self.to {
            return Ok(None);
        }
        Ok(Some(Record {
            offset: record.offset,
            appended_at: record.appended_at.0,
            key: record.key,
            value: record.value,
            headers: record.headers,
        }))
    }
}
