//! A refusal: a stable reason, the field at fault, and what to do about it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How the caller should react. The names are gRPC's, because every caller knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Code {
    /// The request is wrong in itself: change it.
    InvalidArgument,
    /// What is named does not exist (yet).
    NotFound,
    /// It exists already, and is different.
    AlreadyExists,
    /// It cannot be done in the present state: do something else first.
    FailedPrecondition,
    /// A bound is reached: try again later.
    ResourceExhausted,
    /// The call ran into a bug of ours; its input is kept in the dead letters.
    Internal,
}

/// Why a command or a registration was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Rejection {
    /// How to react.
    pub code: Code,
    /// Stable name in upper snake case, such as `BARCODE_PATTERN`; programs may compare it.
    pub reason: String,
    /// The offending field as the request names it, such as `barcode` or `tubes[3].barcode`; empty if none is.
    pub field: String,
    /// What is wrong, with the value and the limit, in lower case.
    pub message: String,
    /// What to do now.
    pub help: String,
}

impl Rejection {
    /// A refusal with all its parts.
    pub fn new(
        code: Code,
        reason: &str,
        field: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            reason: reason.to_owned(),
            field: field.to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }

    /// The request is wrong in itself.
    pub fn invalid(
        reason: &str,
        field: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Code::InvalidArgument, reason, field, message, help)
    }

    /// The thing named does not exist.
    pub fn not_found(
        reason: &str,
        field: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Code::NotFound, reason, field, message, help)
    }

    /// The present state does not allow it.
    pub fn precondition(
        reason: &str,
        field: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Code::FailedPrecondition, reason, field, message, help)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)?;
        if !self.help.is_empty() {
            write!(f, " ({})", self.help)?;
        }
        Ok(())
    }
}
