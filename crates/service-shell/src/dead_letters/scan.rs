//! Reading the topic from end to end, a piece at a time.

use super::LOG_MAX;
use crate::topics::DEAD_LETTERS;
use prost::Message as _;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;
use tenfold_domain::{Code, Rejection};
use tenfold_proto::lane::DeadLetter;
use tenfold_runtime::lane::record::Hash;
use tenfold_runtime::log::{Log, LogRecord, Topic};

/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;
/// Most letters whose repetition is noticed: a public topic holds a record at least once.
const KNOWN_MAX: usize = 1_000_000;

/// What was done with letters, by their number; the first that did something counts.
pub fn handled(log: &dyn Log) -> Result<BTreeMap<u64, DeadLetter>, Rejection> {
    let mut handled = BTreeMap::new();
    records(log, DEAD_LETTERS, 0, 0, |record| {
        if let Ok(mark) = DeadLetter::decode(record.value)
            && let Some(number) = mark.handled.as_ref().map(|h| h.letter)
        {
            handled.entry(number).or_insert(mark);
        }
        true
    })?;
    Ok(handled)
}

/// Visits letters from a number on, each once, until the visitor has enough.
pub fn letters(
    log: &dyn Log,
    from: u64,
    mut visit: impl FnMut(u64, DeadLetter) -> bool,
) -> Result<(), Rejection> {
    let mut known = HashSet::new();
    records(log, DEAD_LETTERS, 0, from, |record| {
        let again = known.len() < KNOWN_MAX && !known.insert(Hash::of(&record.value));
        if again {
            return true;
        }
        let content = record.value.clone();
        // What is no dead letter at all is shown as one: it is in this topic, and somebody must look.
        let letter = DeadLetter::decode(record.value).unwrap_or_else(|error| DeadLetter {
            origin: format!("{DEAD_LETTERS}/0@{}", record.offset),
            reason: format!("it is no dead letter: {error}"),
            content,
            at: record.appended_at.0,
            handled: None,
            cut_from: 0,
        });
        letter.handled.is_some() || visit(record.offset, letter)
    })
}

/// Visits the records of a lane from an offset to its end as it is now, until the visitor has enough.
pub fn records(
    log: &dyn Log,
    topic: &str,
    lane: u32,
    from: u64,
    mut visit: impl FnMut(LogRecord) -> bool,
) -> Result<(), Rejection> {
    let topic = Topic::named(topic);
    let extent = log.extent(&topic, lane).map_err(|e| log_failed(&e))?;
    let mut next = from.max(extent.start);
    if next >= extent.end {
        return Ok(());
    }
    let (told, news) = channel();
    let wake = Arc::new(move || {
        let _ = told.send(());
    });
    let reader = log.reader(&topic, lane, next, wake);
    let mut reader = reader.map_err(|e| log_failed(&e))?;
    let mut patience = Instant::now() + LOG_MAX;
    while next < extent.end {
        let read = reader.poll(READ_BYTES).map_err(|e| log_failed(&e))?;
        if read.is_empty() {
            let left = patience.saturating_duration_since(Instant::now());
            news.recv_timeout(left).map_err(|e| log_failed(&e))?;
            continue;
        }
        patience = Instant::now() + LOG_MAX;
        for record in read {
            next = record.offset.saturating_add(1);
            if record.offset >= extent.end || !visit(record) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The log does not do what was asked of it.
pub fn log_failed(error: &dyn std::fmt::Display) -> Rejection {
    Rejection::new(
        Code::ResourceExhausted,
        "LOG_FAILED",
        "",
        format!("the log does not answer: {error}"),
        "send the same request again, with the same request id",
    )
}
