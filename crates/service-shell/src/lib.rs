//! Service-shell.
