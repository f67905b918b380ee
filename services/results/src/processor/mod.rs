//! Rules as the engine runs them: bytes in, bytes out. Every line here converts; none decides.

use crate::queries;
use bytes::Bytes;
use prost::Message as _;
use std::sync::Arc;
use tenfold_domain::message::Message;
use tenfold_domain::policy::{Library, Policy};
use tenfold_domain::results::decide::{Command, Reply};
use tenfold_domain::results::state::{TABLES, Timer};
use tenfold_domain::results::{self, Decided, Event, Outgoing, filing};
use tenfold_domain::tables::{Key, Read, ReadExt, TableDef, Write};
use tenfold_domain::{Rejection, Timestamp};
use tenfold_proto::v1;
use tenfold_runtime::processor::{
    Answer, Decision, Destination, FoldError, Input, Outgoing as Sent, Processor, Undecodable,
};

/// Level of the events and messages written by this release.
pub(crate) const LEVEL: u32 = 1;

/// Raise it whenever a table or its encoding changes.
const TABLES_VERSION: u32 = 8;

/// The timer of closed tubes that wait to be filed; all others are a moment and a number.
const FILING: &[u8] = b"filing";

/// The results service's rules.
#[derive(Default)]
pub struct ResultsProcessor {
    library: Library,
}

impl ResultsProcessor {
    /// With no policy parsed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The active policy, or the default one: messages of other services must not be lost because a
    /// policy is still on its way here.
    fn policy_for_messages(&self, state: &dyn Read) -> Result<Arc<Policy>, Rejection> {
        self.library.active(state).or_else(|refused| {
            self.library
                .get(Policy::default_text())
                .map_err(|_| refused)
        })
    }

    fn command(
        &self,
        state: &mut dyn Write,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Decision<Event>, Undecodable> {
        let command = v1::ResultsCommand::decode(body).map_err(undecodable)?;
        let command = match Command::try_from(command) {
            Ok(command) => command,
            Err(error) => {
                return Ok(Decision::answer(Err(Rejection::invalid(
                    "REQUEST_INVALID",
                    error.field,
                    error.to_string(),
                    "correct the request",
                ))));
            }
        };
        let policy = match self.library.active(state) {
            Ok(policy) => policy,
            Err(refused) => return Ok(Decision::answer(Err(refused))),
        };
        let decided = results::decide_command(state, &policy, command, now);
        Ok(decision(decided, |reply: Reply| {
            v1::ResultsReply::from(reply).encode_to_vec().into()
        }))
    }

    fn message(
        &self,
        state: &mut dyn Write,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Decision<Event>, Undecodable> {
        let message = v1::Message::decode(body).map_err(undecodable)?;
        let message = Message::try_from(message).map_err(undecodable)?;
        let policy = match self.policy_for_messages(state) {
            Ok(policy) => policy,
            Err(refused) => return Ok(Decision::answer(Err(refused))),
        };
        let decided = results::decide_message(state, &policy, message, now);
        Ok(decision(decided, |()| Bytes::new()))
    }

    fn external(&self, state: &dyn Read, body: &[u8]) -> Result<Decision<Event>, Undecodable> {
        let input = v1::ExternalInput::decode(body).map_err(undecodable)?;
        match input.input {
            Some(v1::external_input::Input::Policy(policy)) => {
                let decided =
                    results::decide_policy(&self.library, state, policy.version, &policy.content);
                Ok(decision(decided, |()| Bytes::new()))
            }
            _ => Err(Undecodable("not an input of results".to_owned())),
        }
    }

    fn timer(
        &self,
        state: &mut dyn Write,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Decision<Event>, Undecodable> {
        let policy = match self.policy_for_messages(state) {
            Ok(policy) => policy,
            Err(refused) => return Ok(Decision::answer(Err(refused))),
        };
        if body == FILING {
            let decided = results::decide_filing(state, &policy, now);
            return Ok(decision(decided, |()| Bytes::new()));
        }
        let key = <(i64, u64)>::from_bytes(body)
            .ok_or_else(|| Undecodable("not a timer of results".to_owned()))?;
        let decided = results::decide_timer(state, &policy, key, now);
        Ok(decision(decided, |()| Bytes::new()))
    }
}

fn undecodable(error: impl std::fmt::Display) -> Undecodable {
    Undecodable(error.to_string())
}

fn decision<A>(decided: Decided<A>, answer: impl FnOnce(A) -> Bytes) -> Decision<Event> {
    Decision {
        events: decided.events,
        messages: decided.outgoing.into_iter().map(sent).collect(),
        folded: decided.folded,
        answer: decided.answer.map(answer),
    }
}

fn sent(outgoing: Outgoing) -> Sent {
    use v1::published_report::Cargo;
    let lane = |service, key: String, message: Message| Sent {
        to: Destination::Lane { service, key },
        may_wait: message.may_wait(),
        body: v1::Message::from(message).encode_to_vec().into(),
    };
    let public = |receiver: String, name: String, cargo: Cargo| Sent {
        to: Destination::Public {
            topic: "reports",
            key: format!("{receiver}/{name}"),
        },
        may_wait: false,
        body: v1::PublishedReport {
            receiver,
            cargo: Some(cargo),
        }
        .encode_to_vec()
        .into(),
    };
    match outgoing {
        Outgoing::Pooling(lab, message) => lane("pooling", lab.to_string(), message),
        Outgoing::Intake(barcode, message) => lane("intake", barcode.to_string(), message),
        Outgoing::Report(receiver, report) => public(
            receiver.to_string(),
            format!("{}/{}", report.barcode, report.version),
            Cargo::Report((*report).into()),
        ),
        Outgoing::Alert(receiver, alert) => public(
            receiver.to_string(),
            format!("alert/{}", alert.pool),
            Cargo::Alert((*alert).into()),
        ),
    }
}

impl Processor for ResultsProcessor {
    type Event = Event;

    fn service(&self) -> &'static str {
        "results"
    }

    fn tables(&self) -> &'static [TableDef] {
        TABLES
    }

    fn tables_version(&self) -> u32 {
        TABLES_VERSION
    }

    fn level(&self) -> u32 {
        LEVEL
    }

    fn decide(
        &self,
        state: &mut dyn Write,
        input: Input<'_>,
        now: Timestamp,
    ) -> Result<Decision<Event>, Undecodable> {
        match input {
            Input::Command { body, .. } => self.command(state, body, now),
            Input::Message { body, .. } => self.message(state, body, now),
            Input::External { body, .. } => self.external(state, body),
            Input::Timer { body } => self.timer(state, body, now),
        }
    }

    fn evolve(&self, state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), FoldError> {
        results::evolve(state, event, at).map_err(FoldError)
    }

    fn encode(&self, event: &Event, to: &mut Vec<u8>) {
        to.extend(v1::ResultsEvent::from(event.clone()).encode_to_vec());
    }

    fn decode(&self, bytes: &[u8]) -> Result<Event, FoldError> {
        let event = v1::ResultsEvent::decode(bytes).map_err(|e| FoldError(e.to_string()))?;
        Event::try_from(event).map_err(|e| FoldError(e.to_string()))
    }

    fn next_timer(&self, state: &dyn Read) -> Option<Timestamp> {
        let timer = state.first::<Timer>().map(|((due, _), _)| Timestamp(due));
        let policy = self.policy_for_messages(state).ok();
        let filing = policy.and_then(|policy| filing::next(state, &policy));
        timer.into_iter().chain(filing).min()
    }

    fn due_timers(&self, state: &dyn Read, now: Timestamp, most: usize) -> Vec<Bytes> {
        let mut due = Vec::new();
        let end = (now.0.saturating_add(1), 0);
        state.scan_range::<Timer>(&(i64::MIN, 0), &end, |key, _| {
            if due.len() < most {
                due.push(Bytes::copy_from_slice(&key.to_bytes()));
                std::ops::ControlFlow::Continue(())
            } else {
                std::ops::ControlFlow::Break(())
            }
        });
        if let Ok(policy) = self.policy_for_messages(state) {
            let groups = filing::due(state, &policy, now, most.saturating_sub(due.len()));
            due.extend(std::iter::repeat_n(Bytes::from_static(FILING), groups));
        }
        due
    }

    fn query(&self, state: &dyn Read, query: &[u8], now: Timestamp) -> Answer {
        queries::answer(&self.library, state, query, now)
    }
}
