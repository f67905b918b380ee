//! Reading a stretch of a lane from its begin to its end, for whoever may wait.

use super::{Log, LogRecord, ReadError, Topic};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes read at a time.
const READ_BYTES: usize = 1 << 20;
/// How long the log may be silent before an end that it told.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Visits the records of a lane from an offset up to another, which the lane must have reached. Blocks. Offsets that
/// the log has no record of are passed over.
///
/// # Errors
/// The log cannot be read, or brings nothing more before the end; or the visitor fails.
pub fn walk<E: From<ReadError>>(
    log: &dyn Log,
    topic: &Topic,
    lane: u32,
    stretch: (u64, u64),
    visit: &mut dyn FnMut(LogRecord) -> Result<(), E>,
) -> Result<(), E> {
    walk_with_patience(log, topic, lane, stretch, SILENCE_MAX, visit)
}

/// The same for whoever bears a longer silence than a lane that is waited for.
///
/// # Errors
/// See [`walk`].
pub fn walk_with_patience<E: From<ReadError>>(
    log: &dyn Log,
    topic: &Topic,
    lane: u32,
    (from, to): (u64, u64),
    silence_max: Duration,
    visit: &mut dyn FnMut(LogRecord) -> Result<(), E>,
) -> Result<(), E> {
    if from >= to {
        return Ok(());
    }
    let (wake, woken) = sync_channel(1);
    let wake = Arc::new(move || {
        // Full: it is awake already.
        let _ = wake.try_send(());
    });
    let mut reader = log.reader(topic, lane, from, wake)?;
    let mut at = from;
    loop {
        let records = reader.poll(READ_BYTES)?;
        if records.is_empty() && woken.recv_timeout(silence_max) == Err(RecvTimeoutError::Timeout) {
            return Err(ReadError::Unavailable(format!(
                "{topic}/{lane} brings nothing more at offset {at}, and should have {to}"
            ))
            .into());
        }
        for record in records {
            at = record.offset.saturating_add(1);
            if record.offset < to {
                visit(record)?;
            }
            if at >= to {
                return Ok(());
            }
        }
    }
}
