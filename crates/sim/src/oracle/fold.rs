//! A fresh reader of every journal: folds the valid prefix from zero, with the services' own folds, as far as
//! the log is. What it holds is what is true; owners and caches are compared with it.

use super::book::Book;
use crate::cluster::SERVICES;
use crate::disk::Rows;
use crate::shared::Shared;
use bytes::Bytes;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::sync::PoisonError;
use tenfold_domain::Barcode;
use tenfold_domain::ids::TubeId;
use tenfold_domain::intake::query;
use tenfold_domain::intake::state::{Entry, Life};
use tenfold_domain::message::FinalResult;
use tenfold_domain::pooling::board::Board;
use tenfold_domain::results::state::{Filed, tube_key};
use tenfold_domain::tables::ReadExt as _;
use tenfold_intake::IntakeProcessor;
use tenfold_pooling::PoolingProcessor;
use tenfold_proto::lane::Decisions;
use tenfold_proto::v1;
use tenfold_results::ResultsProcessor;
use tenfold_runtime::cache::LaneCache as _;
use tenfold_runtime::lane::fold;
use tenfold_runtime::lane::record::{self, Id};
use tenfold_runtime::lane::rows::{STAMP, SentRow, Stamp, is_the_caches_own};
use tenfold_runtime::lane::state::LaneState;
use tenfold_runtime::lane::validity::{Chain, Verdict, judge};
use tenfold_runtime::log::{LogRecord, Topic};
use tenfold_runtime::processor::Processor;

/// Where the fold stood behind a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    chain: Chain,
    /// Of all rows, whatever their order.
    rows: u64,
}

/// One lane, folded.
pub struct Follower {
    /// Number of its service.
    pub service: usize,
    /// Its number.
    pub lane: u32,
    /// The folded state.
    pub state: LaneState,
    /// Names the numbers of its messages.
    pub stream: Id,
    rules: Rules,
    book: Book,
    places: Vec<Place>,
    /// All rows behind each record: only while somebody reads the run, to show what differs.
    shown: Option<Vec<Rows>>,
    now: Place,
    /// Orders of retests that were sent.
    orders: BTreeSet<String>,
    /// Barcodes whose cards intake has dropped: the version and the result that were closed last.
    pub dropped: BTreeMap<String, (u32, FinalResult)>,
    /// Cards that results has dropped: barcode and tube.
    pub dropped_by_results: Vec<(Barcode, TubeId)>,
    decided_at: i64,
    inbox_next: u64,
    /// Records of decisions that are valid.
    pub valid: u64,
}

enum Rules {
    Intake(IntakeProcessor),
    Pooling(PoolingProcessor),
    Results(ResultsProcessor),
}

fn hash(key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.write_u8(0);
    hasher.write(value);
    hasher.finish()
}

impl Follower {
    /// At the beginning of a journal.
    ///
    /// # Errors
    /// Never: there is nothing to read yet.
    pub fn new(service: usize, lane: u32) -> io::Result<Self> {
        let rules = match service {
            0 => Rules::Intake(IntakeProcessor::new()),
            1 => Rules::Pooling(PoolingProcessor::new()),
            _ => Rules::Results(ResultsProcessor::new()),
        };
        let tables = match &rules {
            Rules::Intake(p) => p.tables(),
            Rules::Pooling(p) => p.tables(),
            Rules::Results(p) => p.tables(),
        };
        let book = Book::default();
        let now = Place {
            chain: Chain::default(),
            rows: 0,
        };
        Ok(Self {
            service,
            lane,
            state: LaneState::load(Box::new(book.clone()), tables)?,
            stream: Id::default(),
            rules,
            book,
            places: vec![now],
            shown: None,
            now,
            orders: BTreeSet::new(),
            dropped: BTreeMap::new(),
            dropped_by_results: Vec::new(),
            decided_at: 0,
            inbox_next: 0,
            valid: 0,
        })
    }

    fn name(&self) -> String {
        format!("{}/{}", SERVICES[self.service], self.lane)
    }

    /// Folds what the log has beyond.
    pub fn follow(&mut self, shared: &Shared) {
        let journal = Topic::journal(SERVICES[self.service]);
        let (records, inbox_end): (Vec<LogRecord>, u64) = {
            let log = shared.log();
            let from = self.places.len() - 1;
            let records = log
                .lane(&journal, self.lane)
                .map(|lane| lane.records.iter().skip(from).cloned().collect())
                .unwrap_or_default();
            let inbox = Topic::inbox(SERVICES[self.service]);
            let end = log
                .lane(&inbox, self.lane)
                .map_or(0, |lane| lane.records.len() as u64);
            (records, end)
        };
        for record in records {
            if let Err(words) = self.fold(&record, inbox_end) {
                shared.problem(format!("{}@{}: {words}", self.name(), record.offset));
            }
            self.places.push(self.now);
            if shared.trace.is_told() {
                let rows = self.book.0.read().unwrap_or_else(PoisonError::into_inner);
                let shown = self.shown.get_or_insert_with(|| vec![Rows::new()]);
                shown.push(rows.clone());
            }
        }
    }

    /// The first rows of a cache that are not those of the fold.
    fn difference(&self, at: usize, rows: &Rows) -> String {
        let Some(wanted) = self.shown.as_ref().and_then(|shown| shown.get(at)) else {
            return String::new();
        };
        let differs = |key: &&Bytes| !is_the_caches_own(key) && rows.get(*key) != wanted.get(*key);
        let keys: BTreeSet<&Bytes> = rows.keys().chain(wanted.keys()).filter(differs).collect();
        keys.into_iter()
            .take(5)
            .map(|key| {
                format!(
                    "\n  row {key:?}: cache {:?}, fold {:?}",
                    rows.get(key),
                    wanted.get(key)
                )
            })
            .collect()
    }

    fn fold(&mut self, record: &LogRecord, inbox_end: u64) -> Result<(), String> {
        let envelope = record::read(&record.value);
        let verdict = judge(
            &self.now.chain,
            record.offset == 0,
            envelope.as_ref(),
            crate::cluster::release::NEW,
        );
        let Some(envelope) = envelope else {
            return Ok(());
        };
        match verdict {
            Verdict::Created => {
                let created = tenfold_proto::lane::LaneCreated::decode(envelope.body)
                    .map_err(|error| error.to_string())?;
                self.stream = Id::from_slice(&created.stream_id).unwrap_or_default();
            }
            Verdict::Opened => {
                self.now.chain = self.now.chain.after(verdict, &envelope, &record.value);
            }
            Verdict::Ignored(_) => {}
            Verdict::Stop(broken) => return Err(format!("the journal is broken: {broken:?}")),
            Verdict::Decisions => {
                self.now.chain = self.now.chain.after(verdict, &envelope, &record.value);
                let decisions =
                    Decisions::decode(envelope.body).map_err(|error| error.to_string())?;
                self.valid += 1;
                self.check(&decisions, inbox_end)?;
                self.apply(&decisions)?;
            }
        }
        Ok(())
    }

    /// What every record of decisions must keep to, whatever it decides.
    fn check(&mut self, decisions: &Decisions, inbox_end: u64) -> Result<(), String> {
        if decisions.decided_at < self.decided_at {
            return Err("INV-09: lane time goes back".to_owned());
        }
        if decisions.inbox_next < self.inbox_next || decisions.inbox_next > inbox_end {
            return Err(format!(
                "the inbox was consumed below {}, now it is below {} of {inbox_end}",
                self.inbox_next, decisions.inbox_next
            ));
        }
        for mark in &decisions.sending {
            let key = (mark.topic.clone(), u64::from(mark.lane));
            let row: SentRow = self.state.get(&key).unwrap_or_default();
            if row.n != mark.n || row.digest.to_bytes() != mark.digest {
                return Err(format!(
                    "messages to {}/{} go on behind {}, {} were sent",
                    mark.topic, mark.lane, mark.n, row.n
                ));
            }
        }
        for message in &decisions.messages {
            let Ok(told) = v1::Message::decode(message.body.clone()) else {
                continue;
            };
            if message.topic == "pooling.inbox"
                && let Some(v1::message::Message::RetestOrdered(order)) = told.message
                && !self.orders.insert(order.order.clone())
            {
                return Err(format!("INV-07: order {} was sent twice", order.order));
            }
        }
        self.decided_at = decisions.decided_at;
        self.inbox_next = decisions.inbox_next;
        Ok(())
    }

    /// Remembers what is about to be forgotten.
    fn remember(&mut self, event: &[u8]) -> Result<(), String> {
        match self.rules {
            Rules::Intake(_) => {
                let event = v1::IntakeEvent::decode(event).map_err(|error| error.to_string())?;
                let Some(v1::intake_event::Event::CardDropped(dropped)) = event.event else {
                    return Ok(());
                };
                let barcode = Barcode::new(dropped.barcode);
                let entry = query::entry(&self.state, &barcode);
                let Some(Life::Filed(card)) = entry.map(|entry| entry.life) else {
                    return Err(format!("INV-01: {barcode} has no card to be dropped"));
                };
                self.dropped
                    .insert(barcode.to_string(), (card.version, card.result));
            }
            Rules::Results(_) => {
                let event = v1::ResultsEvent::decode(event).map_err(|error| error.to_string())?;
                let Some(v1::results_event::Event::CardsDropped(dropped)) = event.event else {
                    return Ok(());
                };
                for group in &dropped.tubes {
                    for number in &group.numbers {
                        let tube = TubeId::new(group.lab.as_str(), *number);
                        let card = tube_key(&self.state, &tube)
                            .and_then(|key| self.state.get::<Filed>(&key))
                            .ok_or_else(|| format!("INV-01: {tube} has no card to be dropped"))?;
                        self.dropped_by_results.push((card.barcode, tube));
                    }
                }
            }
            Rules::Pooling(_) => {}
        }
        Ok(())
    }

    fn apply(&mut self, decisions: &Decisions) -> Result<(), String> {
        for event in &decisions.events {
            self.remember(event)?;
        }
        match &self.rules {
            Rules::Intake(p) => fold::record(p, &mut self.state, decisions),
            Rules::Pooling(p) => fold::record(p, &mut self.state, decisions),
            Rules::Results(p) => fold::record(p, &mut self.state, decisions),
        }
        .map_err(|error| error.to_string())?;
        let (batch, writes) = self.state.seal();
        if self.state.failed() {
            return Err("a row of the fold cannot be read or written".to_owned());
        }
        for (key, value) in writes.iter().filter(|(key, _)| !is_the_caches_own(key)) {
            if let Some(old) = self.book.get(key).ok().flatten() {
                self.now.rows ^= hash(key, &old);
            }
            if let Some(new) = value {
                self.now.rows ^= hash(key, new);
            }
        }
        self.book.apply(writes).map_err(|error| error.to_string())?;
        self.state.applied(batch);
        Ok(())
    }

    /// The inbox is consumed below this offset.
    #[must_use]
    pub const fn inbox_next(&self) -> u64 {
        self.inbox_next
    }

    /// Samples of which the cards were dropped in this lane.
    #[must_use]
    pub fn cards_dropped(&self) -> u64 {
        (self.dropped_by_results.len() + self.dropped.len()) as u64
    }

    /// Samples that were filed in this lane.
    #[must_use]
    pub fn filed(&self) -> u64 {
        match self.rules {
            Rules::Intake(_) => {
                let entries = self.state.all::<Entry>().into_iter();
                let cards = entries.filter(|(_, entry)| matches!(entry.life, Life::Filed(_)));
                cards.count() as u64 + self.cards_dropped()
            }
            Rules::Pooling(_) => {
                let boards = self.state.all::<Board>().into_iter();
                boards.map(|(_, board)| board.filed).sum()
            }
            Rules::Results(_) => self.state.all::<Filed>().len() as u64 + self.cards_dropped(),
        }
    }

    /// INV-08: a cache is the fold of the journal as far as its stamp says.
    #[must_use]
    pub fn compare(&self, rows: &Rows) -> Option<String> {
        let stamp: Stamp = postcard::from_bytes(rows.get(STAMP)?).ok()?;
        let at = usize::try_from(stamp.next_offset).unwrap_or(usize::MAX);
        let Some(place) = self.places.get(at) else {
            return Some(format!(
                "INV-08: a cache of {} is stamped {at}, and the journal ends at {}",
                self.name(),
                self.places.len() - 1
            ));
        };
        let found = rows
            .iter()
            .filter(|(key, _)| !is_the_caches_own(key))
            .fold(0, |sum, (key, value)| sum ^ hash(key, value));
        if found != place.rows || stamp.chain != place.chain {
            return Some(format!(
                "INV-08: a cache of {} stamped {at} is not the fold of the journal up to there (seq {}, {}){}",
                self.name(),
                stamp.chain.seq,
                place.chain.seq,
                self.difference(at, rows)
            ));
        }
        None
    }

    /// The invariants of its service, by production's own predicates.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        match self.service {
            1 => tenfold_domain::pooling::invariants::check(&self.state)
                .into_iter()
                .map(|v| format!("{} in {}: {}", v.invariant, self.name(), v.what))
                .collect(),
            2 => tenfold_domain::results::invariants::check(&self.state)
                .0
                .into_iter()
                .map(|words| format!("{words} (in {})", self.name()))
                .collect(),
            _ => super::intake::violations(&self.state)
                .into_iter()
                .map(|words| format!("INV-01 in {}: {words}", self.name()))
                .collect(),
        }
    }
}

/// Followers of every lane of every service.
pub struct Followers(pub Vec<Follower>);

impl Followers {
    /// Of all lanes.
    ///
    /// # Errors
    /// Never.
    pub fn new(lanes: [u32; 3]) -> io::Result<Self> {
        let mut all = Vec::new();
        for (service, lanes) in lanes.into_iter().enumerate() {
            for lane in 0..lanes {
                all.push(Follower::new(service, lane)?);
            }
        }
        Ok(Self(all))
    }

    /// One of them.
    #[must_use]
    pub fn of(&self, service: usize, lane: u32) -> Option<&Follower> {
        self.0
            .iter()
            .find(|f| f.service == service && f.lane == lane)
    }
}
