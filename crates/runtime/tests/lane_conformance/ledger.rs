//! A service as small as can be: it adds numbers, takes notes, and tells other lanes.

use crate::bed::PATIENCE;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::{Condvar, Mutex};
use tenfold_domain::tables::{Read, ReadExt, Record, TableDef, TableId, Write, WriteExt};
use tenfold_domain::{Rejection, Timestamp};
use tenfold_runtime::processor::{
    Answer, Decision, Destination, FoldError, Input, Outgoing, Processor, Undecodable,
};

/// Commands, messages and inputs are text: `add N`, `tell SERVICE TEXT`, `remind MS TEXT`, `refuse`,
/// `panic`, `half HOW` (folds as it decides, and ends so), `hold NAME` (decides until [`open`]); anything else is a note.
pub struct Ledger(pub &'static str);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Added(i64),
    Noted(String),
    Reminding { at: i64, text: String },
    Reminded { at: i64 },
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Total {
    sum: i64,
    notes: u64,
}

impl Record for Total {
    const TABLE: TableId = 1;
    const NAME: &'static str = "total";
    type Key = ();
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note(String);

impl Record for Note {
    const TABLE: TableId = 2;
    const NAME: &'static str = "notes";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> tenfold_domain::tables::Names<'_> {
        tenfold_domain::tables::Names::from_slice(&[self.0.as_str()])
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Reminder(String);

impl Record for Reminder {
    const TABLE: TableId = 3;
    const NAME: &'static str = "reminders";
    type Key = i64;
}

const TABLES: [TableDef; 3] = [
    TableDef::of::<Total>(),
    TableDef::of::<Note>(),
    TableDef::of::<Reminder>(),
];

/// Decides as services do whose decisions have many steps: each is folded at once.
fn half(
    ledger: &Ledger,
    state: &mut dyn Write,
    how: &str,
    now: Timestamp,
) -> Result<Decision<Event>, Undecodable> {
    let events = vec![Event::Added(1_000), Event::Noted(format!("half {how}"))];
    for event in &events {
        ledger
            .evolve(state, event, now)
            .map_err(|e| Undecodable(e.to_string()))?;
    }
    let refusal = Rejection::precondition("REFUSED", "", "as asked", "");
    match how {
        "refused" => Ok(Decision::answer(Err(refusal))),
        "panicked" => panic!("as asked"),
        "unread" => Err(Undecodable("as asked".to_owned())),
        // Says nothing of its folding: the owner folds.
        "unsaid" => Ok(Decision {
            events,
            ..Decision::answer(Ok(Bytes::new()))
        }),
        _ => Ok(Decision {
            events,
            folded: true,
            ..Decision::answer(Ok(Bytes::new()))
        }),
    }
}

static HELD: Mutex<Vec<String>> = Mutex::new(Vec::new());
static OPENED: Condvar = Condvar::new();

/// Lets whoever is held under this name go on.
pub fn open(name: &str) {
    HELD.lock().unwrap().push(name.to_owned());
    OPENED.notify_all();
}

/// Stands still until [`open`].
fn wait_for(name: &str) {
    let held = HELD.lock().unwrap();
    let still = |opened: &mut Vec<String>| !opened.iter().any(|opened| opened == name);
    drop(OPENED.wait_timeout_while(held, PATIENCE, still).unwrap());
}

/// A note that no state takes.
const STUMBLES: &str = "stumbles ";

impl Processor for Ledger {
    type Event = Event;

    fn service(&self) -> &'static str {
        self.0
    }
    fn tables(&self) -> &'static [TableDef] {
        &TABLES
    }
    fn tables_version(&self) -> u32 {
        1
    }
    fn level(&self) -> u32 {
        1
    }

    fn decide(
        &self,
        state: &mut dyn Write,
        input: Input<'_>,
        now: Timestamp,
    ) -> Result<Decision<Event>, Undecodable> {
        let text = match input {
            Input::Command { body, .. }
            | Input::Message { body, .. }
            | Input::External { body, .. } => {
                std::str::from_utf8(body).map_err(|e| Undecodable(e.to_string()))?
            }
            Input::Timer { body } => {
                let at: i64 = postcard::from_bytes(body).map_err(|e| Undecodable(e.to_string()))?;
                let text = state.get::<Reminder>(&at).map(|r| r.0).unwrap_or_default();
                return Ok(Decision {
                    events: vec![Event::Noted(text), Event::Reminded { at }],
                    messages: Vec::new(),
                    folded: false,
                    answer: Ok(Bytes::new()),
                });
            }
        };
        let mut decision = Decision::answer(Ok(Bytes::new()));
        match text.split_once(' ').unwrap_or((text, "")) {
            ("add", n) => {
                let n: i64 = n
                    .parse()
                    .map_err(|_| Undecodable(format!("{n:?} is no number")))?;
                let total: Total = state.get(&()).unwrap_or_default();
                decision.events.push(Event::Added(n));
                decision.answer = Ok((total.sum + n).to_string().into());
            }
            ("tell", rest) => {
                let (service, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let service = ["intake", "pooling", "results"]
                    .into_iter()
                    .find(|s| *s == service)
                    .ok_or_else(|| Undecodable(format!("no service {service:?}")))?;
                decision.events.push(Event::Noted(format!("told {text}")));
                decision.messages.push(Outgoing {
                    to: Destination::Lane {
                        service,
                        key: "k".to_owned(),
                    },
                    body: Bytes::copy_from_slice(text.as_bytes()),
                    may_wait: text.starts_with("by and by"),
                });
            }
            ("remind", rest) => {
                let (ms, text) = rest.split_once(' ').unwrap_or((rest, ""));
                let ms: i64 = ms
                    .parse()
                    .map_err(|_| Undecodable(format!("{ms:?} is no number")))?;
                decision.events.push(Event::Reminding {
                    at: now.0 + ms,
                    text: text.to_owned(),
                });
            }
            ("refuse", _) => {
                decision.answer = Err(Rejection::precondition("REFUSED", "", "as asked", ""));
            }
            ("panic", _) => panic!("as asked"),
            ("half", how) => return half(self, state, how, now),
            ("hold", name) => wait_for(name),
            // A rule that relies on what it reads.
            ("rely", n) => {
                let total: Total = state.get(&()).unwrap_or_default();
                assert_eq!(total.sum.to_string(), n, "as asked");
                decision.events.push(Event::Noted(text.to_owned()));
            }
            // Decided well, and then it cannot be folded: `stumble badly` panics.
            ("stumble", how) => {
                let event = Event::Noted(format!("{STUMBLES}{how}"));
                decision.events.extend([Event::Added(1_000), event]);
            }
            _ => decision.events.push(Event::Noted(text.to_owned())),
        }
        Ok(decision)
    }

    fn evolve(&self, state: &mut dyn Write, event: &Event, _: Timestamp) -> Result<(), FoldError> {
        let mut total: Total = state.get(&()).unwrap_or_default();
        match event {
            Event::Added(n) => total.sum += n,
            Event::Noted(text) if text.starts_with(STUMBLES) => {
                assert!(!text.ends_with("badly"), "as asked");
                return Err(FoldError("as asked".to_owned()));
            }
            Event::Noted(text) => {
                state.put(&total.notes, &Note(text.clone()));
                total.notes += 1;
            }
            Event::Reminding { at, text } => state.put(at, &Reminder(text.clone())),
            Event::Reminded { at } => state.delete::<Reminder>(at),
        }
        state.put(&(), &total);
        Ok(())
    }

    fn encode(&self, event: &Event, to: &mut Vec<u8>) {
        to.extend(postcard::to_stdvec(event).unwrap());
    }

    fn decode(&self, bytes: &[u8]) -> Result<Event, FoldError> {
        postcard::from_bytes(bytes).map_err(|e| FoldError(e.to_string()))
    }

    fn next_timer(&self, state: &dyn Read) -> Option<Timestamp> {
        state.first::<Reminder>().map(|(at, _)| Timestamp(at))
    }

    fn due_timers(&self, state: &dyn Read, now: Timestamp, most: usize) -> Vec<Bytes> {
        state
            .all::<Reminder>()
            .into_iter()
            .filter(|(at, _)| *at <= now.0)
            .take(most)
            .map(|(at, _)| postcard::to_stdvec(&at).unwrap().into())
            .collect()
    }

    /// `sum` or `notes` (joined by commas).
    fn query(&self, state: &dyn Read, query: &[u8], _: Timestamp) -> Answer {
        let text = match query {
            b"sum" => state.get::<Total>(&()).unwrap_or_default().sum.to_string(),
            _ => state
                .all::<Note>()
                .into_iter()
                .map(|(_, note)| note.0)
                .collect::<Vec<_>>()
                .join(","),
        };
        Ok(text.into())
    }
}
