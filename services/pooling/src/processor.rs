//! The rules of pooling, as the engine runs them: bytes in, bytes out.

use crate::{commands, queries};
use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::Timestamp;
use tenfold_domain::ids::PoolId;
use tenfold_domain::message::Message;
use tenfold_domain::policy::{Library, decide_activation};
use tenfold_domain::pooling::board::deadline;
use tenfold_domain::pooling::draft::{Draft, Outcome, To};
use tenfold_domain::pooling::event::{Event, What};
use tenfold_domain::pooling::evolve::evolve;
use tenfold_domain::pooling::lab::{pool_id, pool_key};
use tenfold_domain::pooling::pool::seal;
use tenfold_domain::pooling::tube::details;
use tenfold_domain::pooling::work::{closed, filed, replate, retest};
use tenfold_domain::pooling::{TABLES, TABLES_VERSION};
use tenfold_domain::tables::{Read, TableDef, Write};
use tenfold_domain::{Barcode, Rejection};
use tenfold_proto::v1;
use tenfold_runtime::processor::{
    Answer, Decision, Destination, FoldError, Input, Outgoing, Processor, Undecodable,
};

/// The level its events and messages are written at.
const LEVEL: u32 = 1;

/// The rules of pooling.
#[derive(Debug, Default)]
pub struct PoolingProcessor {
    library: Library,
}

impl PoolingProcessor {
    /// With no policy parsed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn external(
        &self,
        state: &mut dyn Write,
        now: Timestamp,
        body: &[u8],
    ) -> Result<Decision<Event>, Undecodable> {
        let input = v1::ExternalInput::decode(body).map_err(undecodable)?;
        let Some(v1::external_input::Input::Policy(policy)) = input.input else {
            return Err(Undecodable("it is not for pooling".to_owned()));
        };
        let version = policy.version;
        let mut draft = Draft::new(state, now, "policy");
        let answer = match decide_activation(&self.library, draft.state(), &policy.content, version)
        {
            Ok(true) => draft.emit(What::PolicyActivated {
                version,
                content: policy.content,
            }),
            Ok(false) => Ok(()),
            Err(rejection) => Err(rejection),
        };
        Ok(decided(draft, answer.map(|()| Bytes::new())))
    }

    fn message(
        &self,
        state: &mut dyn Write,
        now: Timestamp,
        body: &[u8],
    ) -> Result<Decision<Event>, Undecodable> {
        let message = v1::Message::decode(body).map_err(undecodable)?;
        let message = Message::try_from(message).map_err(undecodable)?;
        let policy = match self.library.active(state) {
            Ok(policy) => policy,
            Err(rejection) => return Ok(Decision::answer(Err(rejection))),
        };
        let mut draft = Draft::new(state, now, sender(&message));
        let answer = match &message {
            Message::SampleDetails(sample) => details::details(&mut draft, &policy, sample),
            Message::SampleWithdrawn(m) => details::withdrawn(&mut draft, m),
            Message::CustodyConflict(m) => details::custody(&mut draft, m),
            Message::RetestOrdered(order) => retest::retest(&mut draft, &policy, order),
            Message::ReplateOrdered(order) => replate::replate(&mut draft, order),
            Message::SampleClosed(m) => closed::closed(&mut draft, m),
            Message::SamplesFiled(m) => filed::filed(&mut draft, m),
            Message::TubeSeen(_)
            | Message::PlateLoaded(_)
            | Message::PlateVoided(_)
            | Message::MemberAmended(_)
            | Message::CardDropped(_)
            | Message::RecollectionOrdered(_)
            | Message::Recollected(_)
            | Message::RecollectionRegistered(_)
            | Message::RecollectionFound(_) => {
                return Err(Undecodable("it is not for pooling".to_owned()));
            }
        };
        Ok(decided(draft, answer.map(|()| Bytes::new())))
    }

    fn timer(
        &self,
        state: &mut dyn Write,
        now: Timestamp,
        body: &[u8],
    ) -> Result<Decision<Event>, Undecodable> {
        let timer = v1::PoolingTimer::decode(body).map_err(undecodable)?;
        let policy = match self.library.active(state) {
            Ok(policy) => policy,
            Err(rejection) => return Ok(Decision::answer(Err(rejection))),
        };
        let mut draft = Draft::new(state, now, "timer");
        let answer = match timer.timer {
            Some(v1::pooling_timer::Timer::Deadlines(_)) => deadline::check(&mut draft, &policy),
            Some(v1::pooling_timer::Timer::SealPool(pool)) => {
                match PoolId::parse(&pool).and_then(|id| pool_key(draft.state(), &id)) {
                    Some(key) => seal::timer(&mut draft, &policy, key),
                    None => return Err(Undecodable(format!("{pool:?} is no pool"))),
                }
            }
            None => return Err(Undecodable("an empty timer".to_owned())),
        };
        Ok(decided(draft, answer.map(|()| Bytes::new())))
    }

    fn command(
        &self,
        state: &mut dyn Write,
        now: Timestamp,
        actor: &str,
        body: &[u8],
    ) -> Result<Decision<Event>, Undecodable> {
        let command = v1::PoolingCommand::decode(body).map_err(undecodable)?;
        let Some(command) = command.command else {
            return Err(Undecodable("an empty command".to_owned()));
        };
        let policy = match self.library.active(state) {
            Ok(policy) => policy,
            Err(rejection) => return Ok(Decision::answer(Err(rejection))),
        };
        let mut draft = Draft::new(state, now, actor);
        let answer = commands::decide(&mut draft, &policy, command);
        Ok(decided(draft, answer))
    }
}

impl Processor for PoolingProcessor {
    type Event = Event;

    fn service(&self) -> &'static str {
        "pooling"
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
            Input::Command { actor, body } => self.command(state, now, actor, body),
            Input::Message { body, .. } => self.message(state, now, body),
            Input::External { body, .. } => self.external(state, now, body),
            Input::Timer { body } => self.timer(state, now, body),
        }
    }

    fn evolve(&self, state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), FoldError> {
        evolve(state, event, at).map_err(|problem| FoldError(problem.to_string()))
    }

    fn encode(&self, event: &Event, to: &mut Vec<u8>) {
        // Encoding into a vector cannot fail: it grows.
        let _ = v1::PoolingEvent::from(event).encode(to);
    }

    fn decode(&self, bytes: &[u8]) -> Result<Event, FoldError> {
        let event = v1::PoolingEvent::decode(bytes).map_err(|e| FoldError(e.to_string()))?;
        Event::try_from(event).map_err(|e| FoldError(e.to_string()))
    }

    fn next_timer(&self, state: &dyn Read) -> Option<Timestamp> {
        let seal = seal::next(state).map(|(at, _)| at);
        [seal, deadline::next(state)].into_iter().flatten().min()
    }

    fn due_timers(&self, state: &dyn Read, now: Timestamp, most: usize) -> Vec<Bytes> {
        let mut due: Vec<(Timestamp, v1::pooling_timer::Timer)> = seal::due(state, now, most)
            .into_iter()
            .map(|(at, pool)| {
                let pool = pool_id(state, pool).to_string();
                (at, v1::pooling_timer::Timer::SealPool(pool))
            })
            .collect();
        if let Some(at) = deadline::next(state).filter(|at| *at <= now) {
            due.push((at, v1::pooling_timer::Timer::Deadlines(true)));
        }
        due.sort_by_key(|(at, _)| *at);
        due.truncate(most);
        due.into_iter()
            .map(|(_, timer)| {
                v1::PoolingTimer { timer: Some(timer) }
                    .encode_to_vec()
                    .into()
            })
            .collect()
    }

    fn query(&self, state: &dyn Read, query: &[u8], now: Timestamp) -> Answer {
        let query = v1::PoolingQuery::decode(query).ok().and_then(|q| q.query);
        match query {
            Some(query) => queries::answer(state, query, now),
            None => Err(Rejection::invalid(
                "QUERY_UNKNOWN",
                "",
                "the question cannot be read",
                "ask an instance of the same release",
            )),
        }
    }
}

const fn sender(message: &Message) -> &'static str {
    match message {
        Message::RetestOrdered(_)
        | Message::ReplateOrdered(_)
        | Message::SampleClosed(_)
        | Message::SamplesFiled(_)
        | Message::CardDropped(_) => "results",
        _ => "intake",
    }
}

fn undecodable(error: impl std::fmt::Display) -> Undecodable {
    Undecodable(error.to_string())
}

/// A refusal leaves nothing behind; an answer comes with all that was decided.
fn decided(draft: Draft<'_>, answer: Answer) -> Decision<Event> {
    if answer.is_err() {
        return Decision::answer(answer);
    }
    let Outcome { events, messages } = draft.finish();
    Decision {
        events,
        messages: messages
            .into_iter()
            .map(|(to, message)| Outgoing {
                to: destination(to),
                may_wait: message.may_wait(),
                body: v1::Message::from(message).encode_to_vec().into(),
            })
            .collect(),
        folded: true,
        answer,
    }
}

fn destination(to: To) -> Destination {
    match to {
        To::Intake(barcode) => Destination::Lane {
            service: "intake",
            key: Barcode::as_str(&barcode).to_owned(),
        },
        To::Results(lab) => Destination::Lane {
            service: "results",
            key: lab.to_string(),
        },
    }
}
