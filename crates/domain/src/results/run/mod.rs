//! Runs: what a file says, and whether it may be believed.
//!
//! A run is an instrument's serial and its run id; a file is its content hash. The same file again
//! changes nothing; the same run with other content is a new analysis version; a second run of a plate
//! needs a reason; a run of a plate not loaded yet is parked; one that does not fit its plate, or looks like
//! another, is quarantined; one with a fault in it is refused whole.

mod fingerprint;
mod identity;
mod import;
mod release;
mod same_curves;
mod table;

pub use import::{import, unpark};
pub use release::{release, release_more};
pub use table::{ROWS_MAX, Row, RunTable};

use serde::{Deserialize, Serialize};

/// A Ct as the file wrote it, and as a number; `None` = no Ct.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The text, kept because a number loses its precision or gains noise.
    pub text: String,
    /// The number.
    pub ct: Option<f64>,
}

/// Where a handed-in file ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImportState {
    /// Its calls count.
    Released,
    /// A control failed: nothing is released, the plate is plated again.
    OutOfControl,
    /// It is kept, and counts not: the reason stands in the notes.
    SetAside,
    /// Its plate is not loaded yet: it waits.
    Parked,
    /// It does not fit its plate: somebody must look.
    Quarantined,
}

/// The answer to an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOutcome {
    /// Where it ended up.
    pub state: ImportState,
    /// Number of the run in the lab; 0 if it has none.
    pub run: u64,
    /// Version of the analysis; 0 if there is none.
    pub version: u32,
    /// This very file was handed in before: nothing was done now.
    pub same_file: bool,
    /// Wells with specimens by call: negative, positive, single target, grey, invalid.
    pub calls: [u32; 5],
    /// Failed controls, warnings, and what changed against the version before.
    pub notes: Vec<String>,
}

impl ImportOutcome {
    pub(crate) fn none(state: ImportState, note: impl Into<String>) -> Self {
        Self {
            state,
            run: 0,
            version: 0,
            same_file: false,
            calls: [0; 5],
            notes: vec![note.into()],
        }
    }
}
