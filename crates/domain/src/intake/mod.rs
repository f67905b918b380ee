//! Decisions and state of intake.
