//! Whole-system tests, and what they share.

#![forbid(unsafe_code)]

pub mod browser;
pub mod hostile;
pub mod kafka;
pub mod leaves;
pub mod named_log;
pub mod process;
