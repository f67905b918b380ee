//! Decisions and state of pooling.
