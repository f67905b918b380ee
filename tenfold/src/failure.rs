//! How a command can end badly, and the exit code that says so.
//!
//! | code | meaning | what a script does |
//! |---|---|---|
//! | 0 | done | goes on |
//! | 1 | refused, or something was found wrong | a person looks |
//! | 2 | the command line or a file is wrong, or a log cannot be read | fixes it |
//! | 3 | no answer | tries again; it is safe with the same `--request-id` |

use std::process::ExitCode;
use tenfold_service_shell::config::ConfigErrors;
use tenfold_service_shell::status::{self, Described};

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A service refused.
    #[error("{0}")]
    Refused(Described),
    /// What was asked for was done, and something is wrong with what was found.
    #[error("{0}")]
    Wrong(String),
    /// The command line, settings or a file cannot be used.
    #[error("{0}")]
    Usage(String),
    /// No answer.
    #[error("{0}")]
    Unavailable(String),
    /// A log that was to be judged could not be read: nothing is proven.
    #[error("{0}")]
    NotRead(String),
}

/// What commands return.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Wrong(_) => 1,
            Self::Usage(_) | Self::NotRead(_) => 2,
            Self::Unavailable(_) => 3,
        }
    }

    /// Says it on standard error and gives the exit code.
    pub fn report(&self, json: bool) -> ExitCode {
        if json {
            let error = match self {
                Self::Refused(refusal) => serde_json::json!({
                    "reason": refusal.reason,
                    "field": refusal.field,
                    "message": refusal.message,
                    "help": refusal.help,
                }),
                other => {
                    serde_json::json!({ "reason": other.name(), "message": other.to_string() })
                }
            };
            eprintln!("{}", serde_json::json!({ "error": error }));
        } else {
            eprintln!("{}: {self}", self.name().to_lowercase());
        }
        ExitCode::from(self.code())
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "REFUSED",
            Self::Wrong(_) => "WRONG",
            Self::Usage(_) => "USAGE",
            Self::Unavailable(_) => "UNAVAILABLE",
            Self::NotRead(_) => "NOT_READ",
        }
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        let described = status::describe(&status);
        match status.code() {
            // A connection that broke in the middle of an answer: no service says this.
            tonic::Code::Unknown => Self::Unavailable(described.to_string()),
            tonic::Code::Unavailable
            | tonic::Code::DeadlineExceeded
            | tonic::Code::Cancelled
            | tonic::Code::ResourceExhausted => Self::Unavailable(described.to_string()),
            _ => Self::Refused(described),
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Usage(errors.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_ends_with_1_and_silence_with_3() {
        let refused = Failure::from(tonic::Status::failed_precondition("sealed"));
        let silent = Failure::from(tonic::Status::unavailable("nobody there"));
        let broken = Failure::from(tonic::Status::unknown("h2 protocol error"));
        assert_eq!(refused.code(), 1);
        assert_eq!(silent.code(), 3);
        assert_eq!(broken.code(), 3);
        assert_eq!(Failure::Usage(String::new()).code(), 2);
    }
}
