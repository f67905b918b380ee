//! Dead letters: inputs that nobody could decide, and what people do with them.
//!
//! The topic is append-only. What somebody did with a letter is one more record under the key of its
//! origin ([`DeadLetterHandled`]); a letter is named by its offset. Putting a letter's content back is
//! safe to do twice: whatever takes it drops what it knows already.
//!
//! Everything here blocks: call it where blocking is allowed.

mod put_back;
mod scan;

use crate::topics::DEAD_LETTERS;
use bytes::Bytes;
use prost::Message as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tenfold_domain::Rejection;
use tenfold_proto::lane::{DeadLetter, DeadLetterHandled, DeadLetterHandling};
use tenfold_proto::v1::{DeadLetterView, HandledDeadLetter, ListDeadLettersReply};
use tenfold_runtime::log::{Class, Log, NewRecord, Topic};

/// Most letters of one answer.
const ROWS_MAX: usize = 1_000;
/// Letters of an answer whose caller does not say how many.
const ROWS: usize = 100;
/// Longest reason of a discard, in characters.
const WHY_MAX: usize = 500;
/// How long the log has for an append or a read.
const LOG_MAX: Duration = Duration::from_secs(15);

/// The dead letters of a log.
#[derive(Clone)]
pub struct DeadLetters {
    log: Arc<dyn Log>,
}

/// What somebody wants done with a letter.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The letter.
    pub number: u64,
    /// Who.
    pub actor: String,
    /// Of the call; the same call again changes nothing.
    pub request_id: String,
    /// What.
    pub what: What,
}

/// What to do with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Put its content back where it came from.
    Retry,
    /// Nothing more, for this reason.
    Discard(String),
}

/// A letter, and what was done with it.
pub(super) struct Found {
    number: u64,
    letter: DeadLetter,
    handled: Option<DeadLetter>,
}

impl DeadLetters {
    /// Those of this log.
    #[must_use]
    pub const fn new(log: Arc<dyn Log>) -> Self {
        Self { log }
    }

    /// Letters from a number on, oldest first; those that wait, or all.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn list(
        &self,
        all: bool,
        from: u64,
        limit: u32,
    ) -> Result<ListDeadLettersReply, Rejection> {
        let limit = match usize::try_from(limit).unwrap_or(ROWS_MAX) {
            0 => ROWS,
            limit => limit.min(ROWS_MAX),
        };
        let handled = scan::handled(self.log.as_ref())?;
        let mut letters = Vec::new();
        let mut next = 0;
        // From the start, so that a letter that stands there twice is told once on any page.
        scan::letters(self.log.as_ref(), 0, |number, letter| {
            let handled = handled.get(&number);
            if number < from || handled.is_some() && !all {
                return true;
            }
            if letters.len() >= limit {
                next = number;
                return false;
            }
            letters.push(view(number, &letter, handled, false));
            true
        })?;
        Ok(ListDeadLettersReply { letters, next })
    }

    /// One letter, with its content.
    ///
    /// # Errors
    /// There is none of that number, or the log cannot be read.
    pub fn get(&self, number: u64) -> Result<DeadLetterView, Rejection> {
        let found = self.find(number)?;
        Ok(view(number, &found.letter, found.handled.as_ref(), true))
    }

    /// Does what somebody wants with a letter.
    ///
    /// # Errors
    /// There is none of that number; it was handled otherwise; it cannot be put back; the log fails.
    pub fn handle(&self, wish: &Wish) -> Result<HandledDeadLetter, Rejection> {
        if wish.request_id.is_empty() {
            return Err(Rejection::invalid(
                "REQUEST_ID_MISSING",
                "request_id",
                "the request has no id",
                "make one (a UUID), and send the same again when you retry",
            ));
        }
        let why = match &wish.what {
            What::Discard(why) if why.trim().is_empty() => {
                return Err(Rejection::invalid(
                    "REASON_MISSING",
                    "reason",
                    "a dead letter is discarded for a reason",
                    "say why it is of no use",
                ));
            }
            What::Discard(why) => why.chars().take(WHY_MAX).collect(),
            What::Retry => String::new(),
        };
        let found = self.find(wish.number)?;
        if let Some(handled) = &found.handled {
            let told = told(handled);
            let same = handled
                .handled
                .as_ref()
                .is_some_and(|mark| mark.request_id == wish.request_id && mark.actor == wish.actor);
            return if same {
                Ok(told)
            } else {
                Err(done_already(&told))
            };
        }
        let (handling, put_back) = match wish.what {
            What::Retry => {
                let place = put_back::put_back(self.log.as_ref(), &found, &wish.actor)?;
                (DeadLetterHandling::Retried, place)
            }
            What::Discard(_) => (DeadLetterHandling::Discarded, why),
        };
        let mark = DeadLetter {
            origin: found.letter.origin.clone(),
            at: now(),
            handled: Some(DeadLetterHandled {
                letter: wish.number,
                handling: handling.into(),
                actor: wish.actor.clone(),
                request_id: wish.request_id.clone(),
                reason: put_back,
            }),
            ..DeadLetter::default()
        };
        let record = NewRecord {
            key: Some(Bytes::from(found.letter.origin.into_bytes())),
            ..NewRecord::of(mark.encode_to_vec())
        };
        append(self.log.as_ref(), &Topic::named(DEAD_LETTERS), 0, record)?;
        let told = told(&mark);
        tracing::info!(
            letter = wish.number,
            actor = wish.actor,
            how = told.how,
            "dead letter handled"
        );
        Ok(told)
    }

    fn find(&self, number: u64) -> Result<Found, Rejection> {
        let mut letter = None;
        scan::letters(self.log.as_ref(), number, |at, found| {
            letter = (at == number).then_some(found);
            false
        })?;
        let letter = letter.ok_or_else(|| {
            Rejection::not_found(
                "DEAD_LETTER_UNKNOWN",
                "number",
                format!("there is no dead letter {number}"),
                "`tenfold dead-letters list --all` names those there are",
            )
        })?;
        let handled = scan::handled(self.log.as_ref())?.remove(&number);
        Ok(Found {
            number,
            letter,
            handled,
        })
    }
}

fn done_already(told: &HandledDeadLetter) -> Rejection {
    Rejection::precondition(
        "DEAD_LETTER_HANDLED",
        "number",
        format!(
            "dead letter {} was {} by {}",
            told.number, told.how, told.actor
        ),
        "nothing is left to do; if it failed again, it is there under a new number",
    )
}

fn view(
    number: u64,
    letter: &DeadLetter,
    handled: Option<&DeadLetter>,
    whole: bool,
) -> DeadLetterView {
    DeadLetterView {
        number,
        origin: letter.origin.clone(),
        reason: letter.reason.clone(),
        at: letter.at,
        size: u32::try_from(letter.cut_from.max(letter.content.len() as u64)).unwrap_or(u32::MAX),
        content: if whole {
            letter.content.clone()
        } else {
            Bytes::new()
        },
        handled: handled.map(told),
    }
}

fn told(mark: &DeadLetter) -> HandledDeadLetter {
    let handled = mark.handled.clone().unwrap_or_default();
    let retried = handled.handling() == DeadLetterHandling::Retried;
    let (put_back, reason) = if retried {
        (handled.reason, String::new())
    } else {
        (String::new(), handled.reason)
    };
    HandledDeadLetter {
        number: handled.letter,
        how: if retried { "retried" } else { "discarded" }.to_owned(),
        actor: handled.actor,
        reason,
        handled_at: mark.at,
        put_back,
    }
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}

/// Appends and waits until it is durable.
fn append(log: &dyn Log, topic: &Topic, lane: u32, record: NewRecord) -> Result<(), Rejection> {
    let (told, ended) = std::sync::mpsc::channel();
    log.append(
        Class::Relay,
        topic,
        lane,
        record,
        Box::new(move |end| {
            let _ = told.send(end);
        }),
    );
    match ended.recv_timeout(LOG_MAX) {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(scan::log_failed(&error)),
        Err(error) => Err(scan::log_failed(&error)),
    }
}

#[cfg(test)]
mod tests;
