//! The way in: commands, messages, timers and policies.

use super::delivery::{self, Acknowledgement};
use super::draft::{Decided, Draft};
use super::event::{Event, LabNumber};
use super::run::{self, ImportOutcome};
use super::state::Submission;
use super::work::{self, Resolution};
use super::{clock, filing, order, plate, report};
use crate::ids::{Actor, ReceiverId};
use crate::message::Message;
use crate::policy::Policy;
use crate::policy::{Library, decide_activation};
use crate::rejection::Rejection;
use crate::tables::{Read, Write};
use crate::time::Timestamp;

/// Something somebody waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take a run's file.
    ImportRun(Box<Submission>),
    /// Deliveries are about to be sent.
    Send {
        /// To whom.
        receiver: ReceiverId,
        /// Their numbers.
        numbers: Vec<u64>,
    },
    /// A receiver has answered.
    Acknowledge {
        /// Who.
        receiver: ReceiverId,
        /// The answers.
        answers: Vec<Acknowledgement>,
    },
    /// A person has looked at a work item.
    ResolveWork {
        /// The item.
        work: LabNumber,
        /// Who.
        actor: Actor,
        /// What was found or done.
        note: String,
        /// What happens now.
        how: Resolution,
    },
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To [`Command::ImportRun`].
    Imported(ImportOutcome),
    /// To [`Command::Send`]: the numbers that may be sent.
    Sent(Vec<u64>),
    /// Done.
    Done,
}

/// Decides a command, and folds what is decided into the state; whoever gave it goes back if the command is refused.
#[must_use]
pub fn decide_command(
    state: &mut dyn Write,
    policy: &Policy,
    command: Command,
    now: Timestamp,
) -> Decided<Reply> {
    let mut draft = Draft::new(state, policy, now);
    let answer = match command {
        Command::ImportRun(submission) => run::import(&mut draft, *submission).map(Reply::Imported),
        Command::Send { receiver, numbers } => {
            delivery::sent(&mut draft, &receiver, &numbers).map(Reply::Sent)
        }
        Command::Acknowledge { receiver, answers } => {
            delivery::acknowledge(&mut draft, &receiver, &answers).map(|()| Reply::Done)
        }
        Command::ResolveWork {
            work,
            actor,
            note,
            how,
        } => work::resolve(&mut draft, work, actor, note, how).map(|()| Reply::Done),
    };
    if answer.is_err() {
        return draft.discard(answer);
    }
    draft.finish(answer)
}

/// Decides a message of another service. What is not for results is refused, and counted by its reason.
#[must_use]
pub fn decide_message(
    state: &mut dyn Write,
    policy: &Policy,
    message: Message,
    now: Timestamp,
) -> Decided<()> {
    let mut draft = Draft::new(state, policy, now);
    let answer = match message {
        Message::PlateLoaded(message) => plate::loaded(&mut draft, message),
        Message::PlateVoided(message) => plate::voided(&mut draft, message),
        Message::MemberAmended(message) => report::amended(&mut draft, message),
        Message::RecollectionRegistered(message) => order::registered(&mut draft, message),
        Message::RecollectionFound(message) => order::found(&mut draft, message),
        _ => Err(Rejection::invalid(
            "MESSAGE_NOT_FOR_RESULTS",
            "message",
            "this message is for another service",
            "send it to the lane it is for",
        )),
    };
    draft.finish(answer)
}

/// Decides a timer that is due.
#[must_use]
pub fn decide_timer(
    state: &mut dyn Write,
    policy: &Policy,
    key: (i64, u64),
    now: Timestamp,
) -> Decided<()> {
    let mut draft = Draft::new(state, policy, now);
    if key.0 <= now.0 {
        clock::fire(&mut draft, key);
    }
    draft.finish(Ok(()))
}

/// Looks at the closed tubes that have waited for the retention, if there are any.
#[must_use]
pub fn decide_filing(state: &mut dyn Write, policy: &Policy, now: Timestamp) -> Decided<()> {
    let mut draft = Draft::new(state, policy, now);
    filing::file(&mut draft);
    draft.finish(Ok(()))
}

/// Decides a policy: what is active already changes nothing.
#[must_use]
pub fn decide_policy(
    library: &Library,
    state: &dyn Read,
    version: u32,
    content: &str,
) -> Decided<()> {
    match decide_activation(library, state, content, version) {
        Ok(false) => Decided::answered(()),
        Err(rejection) => Decided::refused(rejection),
        Ok(true) => Decided {
            events: vec![Event::PolicyActivated {
                version,
                content: content.to_owned(),
            }],
            outgoing: Vec::new(),
            folded: false,
            answer: Ok(()),
        },
    }
}
