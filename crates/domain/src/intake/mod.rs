//! Decisions and state of intake: the registry of barcodes.
//!
//! Read in this order: [`state`] (a barcode's life), [`event`], [`barcode`] and [`registration`] (what
//! may be said), then a decision a file: [`register`], [`change`] (amend, cancel), [`custody`] (tubes
//! seen and closed), [`recollection`], [`watch`] (timers); [`fold`] is what events do, [`board`] the
//! counts, [`query`] the questions.
//!
//! A lane of intake knows the barcodes whose hash falls to it, and nothing of others. So what needs an
//! index of persons (a person registered twice elsewhere, an isolation repeat) is not seen here: an
//! isolation repeat is what the site states as one.

pub mod barcode;
pub mod board;
pub mod change;
pub mod check_digit;
pub mod custody;
pub mod decide;
pub mod event;
pub mod fold;
pub mod query;
pub mod recollection;
pub mod register;
pub mod registration;
pub mod state;
pub mod watch;

#[cfg(test)]
mod tests;

pub use decide::{Context, Decision, Outgoing, Service};
pub use event::{Event, Stated};
pub use fold::evolve;
pub use register::{Effect, Origin, Receipt, register};
pub use registration::Registration;
pub use state::{TABLES, TABLES_VERSION};
