//! Rejections.

use crate::lane;
use tenfold_domain::{Code, Rejection};

/// Numbers of google.rpc.Code.
const CODES: [(Code, u32); 6] = [
    (Code::InvalidArgument, 3),
    (Code::NotFound, 5),
    (Code::AlreadyExists, 6),
    (Code::ResourceExhausted, 8),
    (Code::FailedPrecondition, 9),
    (Code::Internal, 13),
];

impl From<Rejection> for lane::Rejection {
    fn from(rejection: Rejection) -> Self {
        let code = CODES
            .iter()
            .find(|(code, _)| *code == rejection.code)
            .map_or(13, |(_, number)| *number);
        Self {
            code,
            reason: rejection.reason,
            field: rejection.field,
            message: rejection.message,
            help: rejection.help,
        }
    }
}

impl From<lane::Rejection> for Rejection {
    /// An unknown code reads as `Internal`.
    fn from(rejection: lane::Rejection) -> Self {
        let code = CODES
            .iter()
            .find(|(_, number)| *number == rejection.code)
            .map_or(Code::Internal, |(code, _)| *code);
        Self {
            code,
            reason: rejection.reason,
            field: rejection.field,
            message: rejection.message,
            help: rejection.help,
        }
    }
}
