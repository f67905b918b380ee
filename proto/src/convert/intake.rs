//! Events and calls of intake.
