//! Refusals on the wire: one table from what went wrong to a gRPC status, with `google.rpc` details
//! that a program can read; and the way back, for clients.
//!
//! | what | gRPC code | who reacts how |
//! |---|---|---|
//! | the request is wrong | `INVALID_ARGUMENT` | the caller changes it; `BadRequest` names the field |
//! | nothing of that name | `NOT_FOUND` | the caller looks again |
//! | there, but different | `ALREADY_EXISTS` | a person compares |
//! | not in this state | `FAILED_PRECONDITION` | the caller does something else first |
//! | a bound is reached | `RESOURCE_EXHAUSTED` | the caller waits (`RetryInfo`) and sends the same again |
//! | no owner answered | `UNAVAILABLE` | the caller sends the same again, with the same request id |
//! | a bug of ours | `INTERNAL` | an operator reads the dead letters |

use std::time::Duration;
use tenfold_domain::{Code, Rejection};
pub use tenfold_proto::refusal::{DOMAIN, Described, describe};
use tenfold_runtime::gateway::CallError;
use tonic_types::{ErrorDetails, StatusExt as _};

/// When a caller that was turned away for load may try again.
const RETRY_AFTER_LOAD: Duration = Duration::from_secs(1);

/// When a caller that got no answer may ask again: a lane changes hands in about this time.
const RETRY_AFTER_SILENCE: Duration = Duration::from_millis(300);

/// Reason of a call that was turned away because too many wait.
pub const TOO_MANY_CALLS: &str = "TOO_MANY_CALLS";

/// Reason of a call that no lane owner answered in time.
pub const NO_ANSWER: &str = "NO_ANSWER";

/// The status of a call that has no answer.
#[must_use]
pub fn from_call_error(error: CallError) -> tonic::Status {
    match error {
        CallError::Rejected(rejection) => from_rejection(&rejection),
        CallError::Full => status(
            tonic::Code::ResourceExhausted,
            &Described {
                reason: TOO_MANY_CALLS.to_owned(),
                field: String::new(),
                message: "too many calls wait already; nothing was done".to_owned(),
                help: "wait a second and send the same request again".to_owned(),
            },
            Some(RETRY_AFTER_LOAD),
        ),
        CallError::Unavailable(why) => status(
            tonic::Code::Unavailable,
            &Described {
                reason: NO_ANSWER.to_owned(),
                field: String::new(),
                message: format!("no answer in time; it may have been done: {why}"),
                help: "send the same request again, with the same request id".to_owned(),
            },
            Some(RETRY_AFTER_SILENCE),
        ),
    }
}

/// The status of a refusal: for what a service refuses before it asks a lane, such as a missing field.
#[must_use]
pub fn from_rejection(rejection: &Rejection) -> tonic::Status {
    let code = match rejection.code {
        Code::InvalidArgument => tonic::Code::InvalidArgument,
        Code::NotFound => tonic::Code::NotFound,
        Code::AlreadyExists => tonic::Code::AlreadyExists,
        Code::FailedPrecondition => tonic::Code::FailedPrecondition,
        Code::ResourceExhausted => tonic::Code::ResourceExhausted,
        Code::Internal => tonic::Code::Internal,
    };
    let retry = (code == tonic::Code::ResourceExhausted).then_some(RETRY_AFTER_LOAD);
    let described = Described {
        reason: rejection.reason.clone(),
        field: rejection.field.clone(),
        message: rejection.message.clone(),
        help: rejection.help.clone(),
    };
    status(code, &described, retry)
}

fn status(code: tonic::Code, what: &Described, retry: Option<Duration>) -> tonic::Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(
        &what.reason,
        DOMAIN,
        [("field".to_owned(), what.field.clone())],
    );
    if !what.field.is_empty() {
        details.add_bad_request_violation(&what.field, &what.message);
    }
    if !what.help.is_empty() {
        details.set_localized_message("en", &what.help);
    }
    if retry.is_some() {
        details.set_retry_info(retry);
    }
    tonic::Status::with_error_details(code, format!("{}: {}", what.reason, what.message), details)
}

/// The caller may send the same request again and hope for better.
#[must_use]
pub fn may_retry(status: &tonic::Status) -> bool {
    matches!(
        status.code(),
        tonic::Code::Unavailable | tonic::Code::ResourceExhausted | tonic::Code::DeadlineExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Rejection {
        Rejection::invalid(
            "BARCODE_PATTERN",
            "tubes[3].barcode",
            "barcode \"12 34\" has a space at 2: site s-07 allows ^[0-9A-Z]{8,20}$",
            "scan it again",
        )
    }

    #[test]
    fn a_refusal_keeps_reason_field_message_and_help_on_its_way_through_the_wire() {
        let status = from_call_error(refusal().into());
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let described = describe(&status);
        assert_eq!(described.reason, "BARCODE_PATTERN");
        assert_eq!(described.field, "tubes[3].barcode");
        assert_eq!(described.message, refusal().message);
        assert_eq!(described.help, "scan it again");
    }

    #[test]
    fn a_refusal_names_its_field_as_a_bad_request_that_any_grpc_client_reads() {
        let details = from_rejection(&refusal()).get_error_details();
        let violations = &details
            .bad_request()
            .expect("a bad request")
            .field_violations;
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].field, "tubes[3].barcode");
    }

    #[test]
    fn every_kind_of_refusal_has_the_grpc_code_of_the_same_name() {
        for (code, expected) in [
            (Code::InvalidArgument, tonic::Code::InvalidArgument),
            (Code::NotFound, tonic::Code::NotFound),
            (Code::AlreadyExists, tonic::Code::AlreadyExists),
            (Code::FailedPrecondition, tonic::Code::FailedPrecondition),
            (Code::ResourceExhausted, tonic::Code::ResourceExhausted),
            (Code::Internal, tonic::Code::Internal),
        ] {
            let status = from_rejection(&Rejection::new(code, "R", "", "m", ""));
            assert_eq!(status.code(), expected);
        }
    }

    #[test]
    fn only_a_full_or_silent_service_is_worth_asking_the_same_again() {
        let full = from_call_error(CallError::Full);
        let silent = from_call_error(CallError::Unavailable("lane 3 moves".to_owned()));
        assert!(may_retry(&full) && may_retry(&silent));
        assert!(full.get_error_details().retry_info().is_some());
        assert!(!may_retry(&from_rejection(&refusal())));
        assert_eq!(describe(&silent).reason, NO_ANSWER);
    }

    #[test]
    fn a_status_that_is_not_ours_is_described_by_its_code() {
        let described = describe(&tonic::Status::permission_denied("no"));
        assert_eq!(described.reason, "PERMISSION_DENIED");
        assert_eq!(described.message, "no");
    }
}
