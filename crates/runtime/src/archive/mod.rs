//! A whole log in one file, to keep or to move: every topic's records in order, and what groups have read.
//!
//! Knows topics, records and the chain that a journal's records form; must not know what they decide. The
//! format is in `proto/tenfold/lane/v1/archive.proto`. Read in this order: [`write`], [`read`], [`check`],
//! [`import`]. Why offsets stay what they were: `docs/decisions/0404-moving-a-lab.md`.

pub mod check;
pub mod import;
pub mod read;
#[cfg(test)]
mod tests;
pub mod write;

use crate::log::walk::walk_with_patience;
use crate::log::{Log, LogRecord, ReadError, Topic};
use std::io;
use std::time::Duration;

/// The file's first bytes; the last one is the format.
const HEAD: &[u8; 8] = b"TENFOLD\x01";
/// The only format there is.
const FORMAT: u32 = 1;
/// Size at which a part with records is closed.
const PART_BYTES: usize = 256 << 10;
/// Largest part that is read at all: a part, and the record that closed it.
const PART_BYTES_MAX: usize = 4 << 20;
/// How long a log may be silent while records are known to be there. Longer than where a lane is waited for: an import
/// that gives up leaves a log that is of no use.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Why an archive is not written or not taken.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be read or written.
    #[error("the archive: {0}")]
    File(#[from] io::Error),
    /// The file is no archive, or not what was written.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// The log cannot be read or written.
    #[error("the log: {0}")]
    Log(String),
    /// The log is not one that this archive can go into.
    #[error("{0}")]
    Refused(String),
    /// What stands in the log is not what the archive has.
    #[error("what was written is not what the archive has: {0}")]
    Differs(String),
}

impl From<ReadError> for ArchiveError {
    fn from(error: ReadError) -> Self {
        Self::Log(error.to_string())
    }
}

/// Told how many records are done, of how many.
pub type Tell<'a> = &'a mut dyn FnMut(u64, u64);

/// Reads a lane's offsets from 0 up to an end, in order and without a gap.
fn read_lane(
    log: &dyn Log,
    topic: &Topic,
    lane: u32,
    end: u64,
    visit: &mut dyn FnMut(LogRecord) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut next = 0;
    let gap = |next: u64, found: String| {
        ArchiveError::Refused(format!(
            "{topic}/{lane} has a gap: {found} where {next} should be"
        ))
    };
    walk_with_patience(log, topic, lane, (0, end), SILENCE_MAX, &mut |record| {
        if record.offset != next {
            return Err(gap(next, format!("offset {} follows", record.offset)));
        }
        next += 1;
        visit(record)
    })?;
    // A walk passes over what is missing just below the end: a record from behind it has ended the walk.
    if next < end {
        return Err(gap(next, "nothing stands".to_owned()));
    }
    Ok(())
}
