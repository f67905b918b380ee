//! What a robot says it did: logs read back, each format a file of its own, recognised by its content.
//!
//! A log is compared with the plan ([`compare`]). Only what it says was moved, whole and without a fault, counts as done;
//! what it says failed has failed, with its reason; what it does not speak of stays planned.

mod compare;
mod hamilton;
mod opentrons;
mod report;

pub use compare::{Verdict, compare};

/// Largest log that is read: a day of a robot is far below.
pub const LOG_BYTES_MAX: usize = 64 << 20;

/// Most movements of one log: a worklist, each transfer in many parts.
pub const MOVES_MAX: usize = 100_000;

/// A place as a log names it: `A1`, or a number down the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Label of the labware.
    pub labware: String,
    /// The place in it.
    pub at: String,
}

/// Liquid that was moved, or was not.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// From where.
    pub from: Spot,
    /// Where to; `None`: it failed before it came there.
    pub to: Option<Spot>,
    /// Microlitres.
    pub ul: f64,
    /// Why it failed.
    pub failed: Option<String>,
}

/// A log.
#[derive(Clone, Debug, PartialEq)]
pub struct RobotLog {
    /// Which format it is.
    pub format: &'static str,
    /// What it says, in its order.
    pub moves: Vec<Move>,
}

/// Why a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum LogError {
    #[error("{bytes} bytes are more than {LOG_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("more than {MOVES_MAX} movements: take one worklist a log")]
    TooMany,
    #[error(
        "this is no log of a robot that is known: no commands of an Opentrons run, no trace of Venus, no table with source, target and status"
    )]
    Unknown,
    #[error("line {line}: {what}")]
    Line { line: usize, what: String },
    #[error("{0}")]
    Content(String),
}

/// Reads a log, whatever robot wrote it.
///
/// # Errors
/// It is none that is known, or contradicts itself.
pub fn read(bytes: &[u8]) -> Result<RobotLog, LogError> {
    if bytes.len() > LOG_BYTES_MAX {
        return Err(LogError::TooLong { bytes: bytes.len() });
    }
    // Names in traces of older software are Windows-1252: what is not ASCII is in no label of ours.
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let log = if text.trim_start().starts_with(['{', '[']) {
        RobotLog {
            format: "Opentrons run",
            moves: opentrons::moves(text)?,
        }
    } else if hamilton::is(text) {
        RobotLog {
            format: "Hamilton trace",
            moves: hamilton::moves(text)?,
        }
    } else {
        RobotLog {
            format: "table of transfers",
            moves: report::moves(text)?.ok_or(LogError::Unknown)?,
        }
    };
    if log.moves.len() > MOVES_MAX {
        return Err(LogError::TooMany);
    }
    Ok(log)
}

/// A volume, with a point or a comma.
fn volume(text: &str) -> Option<f64> {
    let ul: f64 = text.trim().replace(',', ".").parse().ok()?;
    (ul.is_finite() && ul >= 0.0).then_some(ul)
}
