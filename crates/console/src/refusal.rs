//! What goes wrong, as the page gets it: a stable reason, what it says, what to do, and whether sending the same
//! again (with the same request id) may help.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tenfold_proto::refusal::describe;
use tonic::{Code, Status};

/// A call that has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    /// Stable name in upper snake case.
    pub reason: String,
    /// The field at fault; empty if none is.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do now; may be empty.
    pub help: String,
    /// Nobody answered: the same again, with the same request id, does no harm and may be answered.
    pub again: bool,
}

impl Refusal {
    /// A message that is none.
    #[must_use]
    pub fn unreadable(message: String) -> Self {
        Self::of("REQUEST_UNREADABLE", message)
    }

    /// There is no such call.
    #[must_use]
    pub fn unknown(what: &str) -> Self {
        Self::of(
            "CALL_UNKNOWN",
            format!("{what} is nothing that a bench may ask"),
        )
    }

    /// A mistake of ours.
    #[must_use]
    pub fn internal(message: String) -> Self {
        Self::of("INTERNAL", message)
    }

    /// Too many pages watch.
    #[must_use]
    pub fn full(message: String) -> Self {
        Self {
            again: true,
            ..Self::of("TOO_MANY_WATCHERS", message)
        }
    }

    fn of(reason: &str, message: String) -> Self {
        Self {
            reason: reason.to_owned(),
            field: String::new(),
            message,
            help: String::new(),
            again: false,
        }
    }
}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        let said = describe(status);
        Self {
            reason: said.reason,
            field: said.field,
            message: said.message,
            help: said.help,
            // A connection that broke in the middle of an answer is Unknown: no service says this.
            again: matches!(
                status.code(),
                Code::Unavailable
                    | Code::DeadlineExceeded
                    | Code::Cancelled
                    | Code::ResourceExhausted
                    | Code::Unknown
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = if self.again {
            StatusCode::SERVICE_UNAVAILABLE
        } else if self.reason == "INTERNAL" {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        (code, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_is_not_ours_has_its_code_for_a_reason() {
        let refusal = Refusal::from(&Status::deadline_exceeded("late"));
        assert_eq!(refusal.reason, "DEADLINE_EXCEEDED");
    }

    #[test]
    fn only_silence_is_worth_the_same_again() {
        assert!(Refusal::from(&Status::unavailable("nobody")).again);
        assert!(Refusal::from(&Status::unknown("h2 protocol error")).again);
        assert!(!Refusal::from(&Status::failed_precondition("sealed")).again);
    }
}
