//! Intake's rules as the engine runs them: bytes in, pure decisions of the domain, bytes out.

use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::intake::barcode::Rulebook;
use tenfold_domain::intake::query::{self, Cursor};
use tenfold_domain::intake::{
    self, Context, Event, Origin, Receipt, Service, TABLES, TABLES_VERSION, change, custody,
    decide, recollection, register, watch,
};
use tenfold_domain::message::Message;
use tenfold_domain::policy::{ActivePolicy, PolicyText, no_policy};
use tenfold_domain::tables::{Read, ReadExt, TableDef, Write};
use tenfold_domain::{Barcode, Rejection, Timestamp};
use tenfold_proto::convert::intake::lab_board;
use tenfold_proto::v1;
use tenfold_proto::v1::external_input::Input as ExternalCase;
use tenfold_proto::v1::intake_command::Command;
use tenfold_proto::v1::intake_query::Query;
use tenfold_proto::v1::intake_reply::Reply;
use tenfold_runtime::processor::{
    Answer, Decision, Destination, FoldError, Input, Outgoing, Processor, Undecodable,
};

/// The service's name.
pub const SERVICE: &str = "intake";

/// The level its events and messages are written at.
const LEVEL: u32 = 1;

/// Most rows of one answer.
const ROWS_MAX: usize = 1_000;

/// A watch names nothing: which one is due is seen when it is decided.
const WATCH: &[u8] = b"watch";

/// Intake's rules.
#[derive(Debug, Default)]
pub struct IntakeProcessor {
    rulebook: Rulebook,
}

impl IntakeProcessor {
    /// Rules that have read no policy yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn command(&self, context: Context<'_>, body: &[u8]) -> Result<Decision<Event>, Undecodable> {
        let command = v1::IntakeCommand::decode(body).map_err(undecodable)?;
        let decided = match command.command {
            Some(Command::Register(r)) => register(context, r.into(), Origin::Call),
            Some(Command::Amend(r)) => change::amend(context, r.into()),
            Some(Command::Cancel(c)) => change::cancel(context, &c.barcode.into(), &c.reason),
            None => return Err(Undecodable("a command of no known kind".to_owned())),
        };
        Ok(match decided {
            Ok(decision) => answered(decision, |receipt: Receipt| {
                Ok(reply(Reply::Receipt(receipt.into())))
            }),
            Err(rejection) => Decision::answer(Err(rejection)),
        })
    }

    fn message(context: Context<'_>, body: &[u8]) -> Result<Decision<Event>, Undecodable> {
        let message = v1::Message::decode(body).map_err(undecodable)?;
        let decided = match Message::try_from(message).map_err(undecodable)? {
            Message::TubeSeen(seen) => Ok(custody::seen(context, seen)),
            Message::SampleClosed(closing) => custody::closed(context, closing),
            Message::SamplesFiled(message) => Ok(custody::filed(context, &message)),
            Message::CardDropped(message) => Ok(custody::dropped(context, &message)),
            Message::RecollectionOrdered(order) => Ok(recollection::ordered(context, order)),
            Message::Recollected(new) => Ok(recollection::replaced(context, new)),
            Message::RecollectionRegistered(new) => recollection::awaited(context, new),
            _ => return Err(Undecodable("a message that is not for intake".to_owned())),
        };
        Ok(unheard(decided))
    }

    fn external(&self, context: Context<'_>, body: &[u8]) -> Result<Decision<Event>, Undecodable> {
        let input = v1::ExternalInput::decode(body).map_err(undecodable)?;
        match input.input {
            Some(ExternalCase::Policy(policy)) => {
                let decided = decide::activate(context, policy.content, policy.version);
                Ok(unheard(decided))
            }
            Some(ExternalCase::Registration(item)) => {
                let registration = item
                    .registration
                    .ok_or_else(|| Undecodable("an item without its registration".to_owned()))?;
                let decision = register::take(context, registration.into(), item.sequence);
                Ok(answered(decision, |taken| taken.map(|_| Bytes::new())))
            }
            None => Err(Undecodable("an input of no known kind".to_owned())),
        }
    }
}

fn undecodable(error: impl std::fmt::Display) -> Undecodable {
    Undecodable(error.to_string())
}

fn reply(reply: Reply) -> Bytes {
    v1::IntakeReply { reply: Some(reply) }
        .encode_to_vec()
        .into()
}

/// A decision of the domain for the engine.
fn answered<A>(decision: intake::Decision<A>, answer: impl FnOnce(A) -> Answer) -> Decision<Event> {
    Decision {
        events: decision.events,
        messages: decision.messages.into_iter().map(outgoing).collect(),
        folded: false,
        answer: answer(decision.answer),
    }
}

/// A decision that nobody waits for.
fn unheard<A>(decided: Result<intake::Decision<A>, Rejection>) -> Decision<Event> {
    match decided {
        Ok(decision) => answered(decision, |_| Ok(Bytes::new())),
        Err(rejection) => Decision::answer(Err(rejection)),
    }
}

fn outgoing(message: intake::Outgoing) -> Outgoing {
    let service = match message.service {
        Service::Intake => SERVICE,
        Service::Pooling => "pooling",
        Service::Results => "results",
    };
    Outgoing {
        to: Destination::Lane {
            service,
            key: message.key,
        },
        may_wait: message.message.may_wait(),
        body: v1::Message::from(message.message).encode_to_vec().into(),
    }
}

impl Processor for IntakeProcessor {
    type Event = Event;

    fn service(&self) -> &'static str {
        SERVICE
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
        let context = Context {
            state,
            rulebook: &self.rulebook,
            now,
        };
        match input {
            Input::Command { body, .. } => self.command(context, body),
            Input::Message { body, .. } => Self::message(context, body),
            Input::External { body, .. } => self.external(context, body),
            Input::Timer { .. } => Ok(answered(watch::check(context), |()| Ok(Bytes::new()))),
        }
    }

    fn evolve(&self, state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), FoldError> {
        intake::evolve(state, event, at).map_err(FoldError)
    }

    fn encode(&self, event: &Event, to: &mut Vec<u8>) {
        // Encoding into a vector cannot fail: it grows.
        let _ = v1::IntakeEvent::from(event.clone()).encode(to);
    }

    fn decode(&self, bytes: &[u8]) -> Result<Event, FoldError> {
        let wire = v1::IntakeEvent::decode(bytes).map_err(|e| FoldError(e.to_string()))?;
        Event::try_from(wire).map_err(|e| FoldError(e.to_string()))
    }

    fn next_timer(&self, state: &dyn Read) -> Option<Timestamp> {
        watch::next(state)
    }

    fn due_timers(&self, state: &dyn Read, now: Timestamp, most: usize) -> Vec<Bytes> {
        vec![Bytes::from_static(WATCH); watch::due(state, now, most)]
    }

    fn query(&self, state: &dyn Read, query: &[u8], now: Timestamp) -> Answer {
        let query = v1::IntakeQuery::decode(query)
            .ok()
            .and_then(|query| query.query)
            .ok_or_else(|| {
                Rejection::invalid(
                    "QUERY_UNKNOWN",
                    "",
                    "the question cannot be read",
                    "the caller is of another release than this instance: update the older one",
                )
            })?;
        answer(state, query, now).map(reply)
    }
}

fn answer(state: &dyn Read, question: Query, now: Timestamp) -> Result<Reply, Rejection> {
    Ok(match question {
        Query::Sample(q) => {
            let barcode = Barcode::new(q.barcode);
            let entry = query::entry(state, &barcode).ok_or_else(|| unknown(&barcode))?;
            Reply::Sample(entry.into())
        }
        Query::Recollections(q) => {
            let site = (!q.site.is_empty()).then(|| q.site.into());
            let (rows, next) = query::orders(state, site.as_ref(), q.after, most(q.most));
            Reply::Recollections(v1::IntakeRecollections {
                recollections: rows.into_iter().map(Into::into).collect(),
                next,
            })
        }
        Query::Board(q) => {
            let labs = query::board(state).into_iter();
            let (open, overdue) = query::orders_open(state, now);
            Reply::Board(v1::IntakeBoard {
                labs: labs
                    .filter(|(lab, _)| q.lab.is_empty() || lab.as_str() == q.lab)
                    .map(|(lab, board)| lab_board(lab.to_string(), board))
                    .collect(),
                recollections_open: open,
                recollections_overdue: overdue,
            })
        }
        Query::Policy(_) => {
            let active = state.get::<ActivePolicy>(&()).ok_or_else(no_policy)?;
            let text = state.get::<PolicyText>(&()).ok_or_else(no_policy)?;
            Reply::Policy(v1::GetPolicyResponse {
                version: active.version,
                content: text.content,
                lanes: 1,
                lanes_active: 1,
            })
        }
        Query::Outcomes(q) => {
            let after = q.after.map(Cursor::from).unwrap_or_default();
            if q.end {
                return Ok(Reply::Outcomes(v1::IntakeOutcomes {
                    cursor: Some(query::end(state).into()),
                    ..Default::default()
                }));
            }
            let telling = query::outcomes(state, &q.source, after, most(q.most));
            Reply::Outcomes(v1::IntakeOutcomes {
                outcomes: telling.told.into_iter().map(Into::into).collect(),
                cursor: Some(telling.cursor.into()),
                dropped: telling.dropped,
                more: telling.more,
            })
        }
    })
}

fn most(asked: u32) -> usize {
    usize::try_from(asked)
        .unwrap_or(ROWS_MAX)
        .clamp(1, ROWS_MAX)
}

fn unknown(barcode: &Barcode) -> Rejection {
    let shown: String = barcode.as_str().chars().take(64).collect();
    Rejection::not_found(
        "SAMPLE_UNKNOWN",
        "barcode",
        format!("barcode {shown:?} is not known"),
        "check the label; a registration just sent may still be on its way: ask again in a second",
    )
}
