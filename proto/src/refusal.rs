//! What a refusal says: reading the `google.rpc` details that services put into a status. For every client.

use std::fmt;
use tonic_types::StatusExt as _;

/// The `ErrorInfo.domain` of every refusal.
pub const DOMAIN: &str = "tenfold";

/// What a status says, for people and programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// Stable name in upper snake case; of a status that is not ours, the gRPC code's name.
    pub reason: String,
    /// The field at fault as the request names it; empty if none is.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do now; may be empty.
    pub help: String,
}

/// Reads a status that a service of ours wrote, or any other as well as may be.
#[must_use]
pub fn describe(status: &tonic::Status) -> Described {
    let details = status.get_error_details();
    let info = details.error_info().filter(|info| info.domain == DOMAIN);
    let reason = info.map_or_else(|| code_name(status.code()), |info| info.reason.clone());
    let message = status
        .message()
        .strip_prefix(reason.as_str())
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(status.message())
        .to_owned();
    Described {
        field: info
            .and_then(|info| info.metadata.get("field").cloned())
            .unwrap_or_default(),
        help: details
            .localized_message()
            .map(|help| help.message.clone())
            .unwrap_or_default(),
        message,
        reason,
    }
}

fn code_name(code: tonic::Code) -> String {
    // `Code` prints as `InvalidArgument`; the field says INVALID_ARGUMENT.
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if !self.field.is_empty() {
            write!(f, " ({})", self.field)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  what to do: {}", self.help)?;
        }
        Ok(())
    }
}
