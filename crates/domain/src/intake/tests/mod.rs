//! Intake's stories and tables: given what was registered and seen, when, then.

mod bench;
mod properties;
mod refusals;
mod stories;
