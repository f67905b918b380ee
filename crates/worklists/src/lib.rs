//! What machines want to be told: liquid handlers what to move ([`robots`]), instruments what stands in a plate
//! ([`sheets`]).
//!
//! A [`Worklist`] is a plan made elsewhere: which tube or pool, where it stands, into what, how much. Each format is one
//! file behind a small trait and only writes it down. Nothing here decides what is pooled, and nothing here says that
//! liquid moved: that is confirmed by a person or by the robot's log.
//!
//! What a robot says it did is read back from its [`logs`].
//!
//! Pure: it knows no service and no file system.

pub mod logs;
pub mod robots;
pub mod sheets;
mod table;
mod worklist;

pub use worklist::{Grid, Labware, Place, Step, WORKLIST_STEPS_MAX, Worklist, WorklistError};
