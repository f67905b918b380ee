//! Why a file was refused: a stable reason, the place, and what to do.

use crate::bounds::{EXAMPLES_MAX, SHOWN_CHARS_MAX};
use crate::place::Place;
use std::fmt;
use tenfold_domain::Rejection;

/// Stable reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing is in it.
    Empty,
    /// A bound of bytes is passed.
    TooLarge,
    /// An archive unpacks to more than a bound.
    UnpacksTooLarge,
    /// More lines, rows or reactions than a bound.
    TooLong,
    /// It is something else; the message says what, if known.
    Unsupported,
    /// It is cut or broken.
    Damaged,
    /// No row holds the names of the columns.
    NoTable,
    /// Columns that must be there are not.
    MissingColumn,
    /// A column is there twice.
    DuplicateColumn,
    /// A row is cut, too wide, or lacks its well.
    BadRow,
    /// A Ct is neither a number nor a word for "no Ct".
    BadNumber,
    /// A well is none of the block.
    BadWell,
    /// A well has a target twice, and the two say different things.
    DuplicateReaction,
    /// The rows are of several plates.
    SeveralPlates,
    /// The run was not done when the file was exported.
    NotFinished,
}

impl Reason {
    /// Its name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "FILE_EMPTY",
            Self::TooLarge => "FILE_TOO_LARGE",
            Self::UnpacksTooLarge => "FILE_UNPACKS_TOO_LARGE",
            Self::TooLong => "FILE_TOO_LONG",
            Self::Unsupported => "UNSUPPORTED_FORMAT",
            Self::Damaged => "FILE_DAMAGED",
            Self::NoTable => "NO_RESULT_TABLE",
            Self::MissingColumn => "MISSING_COLUMN",
            Self::DuplicateColumn => "DUPLICATE_COLUMN",
            Self::BadRow => "BAD_ROW",
            Self::BadNumber => "BAD_NUMBER",
            Self::BadWell => "BAD_WELL",
            Self::DuplicateReaction => "DUPLICATE_REACTION",
            Self::SeveralPlates => "SEVERAL_PLATES",
            Self::NotFinished => "RUN_NOT_FINISHED",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Empty => "export the run again; was the file still being written?",
            Self::TooLarge | Self::UnpacksTooLarge | Self::TooLong => {
                "export the table of results alone, without curves and raw data, one plate a file"
            }
            Self::Unsupported | Self::NoTable => {
                "export the table of results (well, target, Ct) from the instrument's software"
            }
            Self::Damaged => "export the run again, and copy the file whole",
            Self::MissingColumn => "export the columns well, target and Ct",
            Self::DuplicateColumn => "remove one of them",
            Self::NotFinished => "export it again when the run is done",
            Self::BadRow
            | Self::BadNumber
            | Self::BadWell
            | Self::DuplicateReaction
            | Self::SeveralPlates => {
                "correct the file or its export and import it again; nothing was imported"
            }
        }
    }
}

/// A file that was not taken. Nothing of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, for programs.
    pub reason: Reason,
    /// Where the first fault is.
    pub place: Place,
    /// Why, for people: up to five faults with their places.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

impl Refusal {
    pub(crate) fn whole(reason: Reason, message: impl Into<String>) -> Self {
        Self::at(reason, Place::whole(), message)
    }

    pub(crate) fn at(reason: Reason, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        let message = if place == Place::whole() {
            message
        } else {
            format!("{place}: {message}")
        };
        Self {
            reason,
            place,
            message,
            help: reason.help(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({})",
            self.reason.code(),
            self.message,
            self.help
        )
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::invalid(refusal.reason.code(), "file", refusal.message, refusal.help)
    }
}

/// Faults of a file, all of them counted, the first few told.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    first: Option<(Reason, Place)>,
    count: usize,
    examples: Vec<String>,
}

impl Faults {
    pub fn add(&mut self, reason: Reason, place: Place, text: impl fmt::Display) {
        self.count = self.count.saturating_add(1);
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(format!("{place}: {text}"));
        }
        self.first.get_or_insert((reason, place));
    }

    /// The refusal, if there was a fault.
    pub fn into_result(self) -> Result<(), Refusal> {
        let Some((reason, place)) = self.first else {
            return Ok(());
        };
        let more = self.count.saturating_sub(self.examples.len());
        let tail = if more > 0 {
            format!("; and {more} more")
        } else {
            String::new()
        };
        Err(Refusal {
            reason,
            place,
            message: format!("{}{tail}", self.examples.join("; ")),
            help: reason.help(),
        })
    }
}

/// A value from the file as a message shows it: quoted, and not longer than a person reads.
pub(crate) fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    if chars.next().is_some() {
        format!("{start:?}...")
    } else {
        format!("{start:?}")
    }
}
