//! Liquid handlers: one format, one file.

mod hamilton;
mod opentrons;
mod tecan;

pub use hamilton::Hamilton;
pub use opentrons::Opentrons;
pub use tecan::Tecan;

use crate::worklist::{Worklist, WorklistError};

/// A liquid handler.
pub trait Robot {
    /// End of its files' names.
    fn extension(&self) -> &'static str;

    /// A worklist in its own words.
    ///
    /// # Errors
    /// It is more than the robot's deck or pipette can do.
    fn write(&self, worklist: &Worklist) -> Result<String, WorklistError>;
}
