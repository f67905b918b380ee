//! Decisions and state of results.
