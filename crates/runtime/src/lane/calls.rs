//! Calls that wait in a lane, and the rule of request ids.

use super::record::Hash;
use super::rows::OutcomeRow;
use super::state::LaneState;
use crate::limits::Limits;
use crate::processor::Answer;
use bytes::Bytes;
use prost::Message;
use std::time::Duration;
use tenfold_domain::tables::ReadExt;
use tenfold_domain::time::Millis;
use tenfold_domain::{Code, Rejection, Timestamp};
use tenfold_proto::lane::{Answer as WireAnswer, Outcome, answer};

/// How a call ends.
#[derive(Debug)]
pub enum Reply {
    /// Decided or answered; true at this seq and lane time.
    Answer {
        /// The answer.
        answer: Answer,
        /// Journal sequence number.
        seq: u64,
        /// Lane time.
        at: Timestamp,
    },
    /// This instance does not own the lane, or not any more: whoever owns it answers under the same request id. That
    /// matters if the lane was lost while the call was in flight, for it may be done then.
    NotOwner,
    /// Too many calls wait. Nothing was done.
    Full,
    /// The log has no room. Nothing was done.
    NoRoom(String),
    /// The lane cannot answer now; what was asked may have been done.
    Unavailable(String),
}

/// Called once with the end of a call; must not block.
pub type ReplyTo = Box<dyn FnOnce(Reply) + Send>;

/// What is called.
#[derive(Debug)]
pub enum Ask {
    /// Something to decide.
    Command {
        /// Who calls.
        actor: String,
        /// Made by the client.
        request_id: String,
        /// The command.
        body: Bytes,
    },
    /// A question.
    Query(Bytes),
}

/// A call in a lane.
pub struct Call {
    /// What is called.
    pub ask: Ask,
    /// When it came (monotonic).
    pub queued_at: Duration,
    /// W3C traceparent of the caller; empty if there is none.
    pub traceparent: String,
    /// Whom to answer.
    pub reply: ReplyTo,
}

/// What the request id says about a command.
#[derive(Debug)]
pub enum Seen {
    /// Decide it; its outcome may be forgotten at this time.
    New {
        /// When.
        expires_at: Timestamp,
    },
    /// It was decided: this was the answer.
    Answered(Answer),
    /// It must not be decided.
    Refused(Rejection),
}

/// Looks a request up. An id that carries its own time (UUID version 7) is refused if that is far
/// ahead of lane time, or so old that its outcome may have been forgotten: then nobody can tell
/// whether it was done.
pub fn look_up(
    state: &LaneState,
    actor: &str,
    request_id: &str,
    command: Hash,
    now: Timestamp,
    limits: &Limits,
) -> Seen {
    let kept = millis(limits.outcome_kept);
    let made_at = time_of(request_id);
    if let Some(made_at) = made_at {
        if made_at > now.plus(millis(limits.request_ahead_max)) {
            return Seen::Refused(Rejection::invalid(
                "REQUEST_ID_IN_FUTURE",
                "request_id",
                format!("the request id was made at {made_at}, and it is {now}"),
                "set the clock of the machine that makes the ids",
            ));
        }
        if made_at.plus(kept) <= now {
            return Seen::Refused(Rejection::invalid(
                "REQUEST_ID_EXPIRED",
                "request_id",
                format!(
                    "the request id was made at {made_at}; answers are kept for {} minutes",
                    limits.outcome_kept.as_secs() / 60
                ),
                "look at what became of it, then make a new request",
            ));
        }
    }
    match state.find::<OutcomeRow>(&OutcomeRow::name_of(actor, request_id)) {
        Some((_, row)) if row.command == command => Seen::Answered(from_wire(&row.answer)),
        Some(_) => Seen::Refused(Rejection::new(
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
            "request_id",
            format!("request id {request_id:?} was used for another request"),
            "make a new id for a new request; use the same id only for the same request",
        )),
        None => Seen::New {
            expires_at: now.max(made_at.unwrap_or(now)).plus(kept),
        },
    }
}

/// The outcome to journal for a command.
pub fn outcome(
    actor: &str,
    request_id: &str,
    command: Hash,
    expires_at: Timestamp,
    answer: &Answer,
) -> Outcome {
    Outcome {
        actor: actor.to_owned(),
        request_id: request_id.to_owned(),
        command_hash: command.to_bytes(),
        expires_at: expires_at.0,
        answer: Some(to_wire(answer)),
    }
}

/// An answer as the wire has it.
pub fn to_wire(answer: &Answer) -> WireAnswer {
    WireAnswer {
        answer: Some(match answer {
            Ok(reply) => answer::Answer::Reply(reply.clone()),
            Err(rejection) => answer::Answer::Rejection(rejection.clone().into()),
        }),
    }
}

/// An answer from the wire.
pub fn from_wire(bytes: &[u8]) -> Answer {
    match WireAnswer::decode(bytes).ok().and_then(|a| a.answer) {
        Some(answer::Answer::Reply(reply)) => Ok(reply),
        Some(answer::Answer::Rejection(rejection)) => Err(rejection.into()),
        None => Err(Rejection::new(
            Code::Internal,
            "ANSWER_UNREADABLE",
            "",
            "the kept answer cannot be read",
            "look at what became of the request",
        )),
    }
}

/// Length of a UUID with its hyphens.
const UUID_LENGTH: usize = 36;

/// The time inside a UUID of version 7, written with its hyphens: of 32 random digits, one in sixteen would read as
/// such a UUID, of any year.
fn time_of(request_id: &str) -> Option<Timestamp> {
    if request_id.len() != UUID_LENGTH {
        return None;
    }
    let uuid = uuid::Uuid::parse_str(request_id).ok()?;
    if uuid.get_version_num() != 7 {
        return None;
    }
    let (secs, nanos) = uuid.get_timestamp()?.to_unix();
    let ms = i64::try_from(secs).ok()?.checked_mul(1_000)?;
    Some(Timestamp(ms + i64::from(nanos / 1_000_000)))
}

/// A length of time as the domain has it.
pub fn millis(duration: Duration) -> Millis {
    Millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_with_its_hyphens_says_when_it_was_made() {
        let made = "0193a2f4-5c00-7abc-8def-0123456789ab";
        assert_eq!(time_of(made), Some(Timestamp(0x0193_a2f4_5c00)));
        assert_eq!(time_of(&made.replace('-', "")), None);
        assert_eq!(time_of("0193a2f4-5c00-4abc-8def-0123456789ab"), None);
    }
}
