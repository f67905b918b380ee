//! A record in the making: deciding one input, folding its events, numbering its messages; and the
//! way back if it grows too large.

use super::Lane;
use super::outbox::Pair;
use super::owned::Waiting;
use super::record::{Hash, Id};
use super::rows::{ReceivedRow, SentRow};
use super::state::{LaneState, Mark};
use crate::lane_of;
use crate::metrics as m;
use crate::processor::{Answer, Decision, Destination, FoldError, Input, Outgoing, Processor};
use bytes::Bytes;
use prost::Message;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tenfold_domain::Timestamp;
use tenfold_domain::tables::ReadExt;
use tenfold_proto::lane::{DeadLetter, OutMessage, Outcome};

/// Most of an input that its dead letter holds.
const LETTER_BYTES_MAX: usize = 256 << 10;
/// Most of an origin or a reason.
const TEXT_BYTES_MAX: usize = 1 << 10;

fn beginning(text: &str) -> &str {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    text.get(..end).unwrap_or_default()
}

/// A record in the making.
#[derive(Default)]
pub(super) struct Building {
    pub(super) decided_at: Timestamp,
    pub(super) started: Duration,
    pub(super) events: Vec<Bytes>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) messages: Vec<OutMessage>,
    /// Where each target's numbers stood before this record.
    pub(super) sending: BTreeMap<Pair, (u64, Hash)>,
    /// Where they stand now.
    pub(super) tips: BTreeMap<Pair, (u64, Hash)>,
    pub(super) received: BTreeMap<Id, ReceivedRow>,
    pub(super) waiting: Vec<Waiting>,
    /// Commands answered in this batch, for a repeat inside it.
    pub(super) seen: HashMap<(String, String), (Hash, Answer)>,
    /// An answer that must not come from a zombie waits here.
    pub(super) barrier: bool,
    pub(super) inputs: usize,
    pub(super) bytes: usize,
    pub(super) inbox_next: Option<u64>,
    /// Stream ids of senders that are asked no more.
    pub(super) answered: Vec<Bytes>,
    pub(super) traceparent: String,
}

/// A point inside a batch to go back to.
pub(super) struct Point {
    mark: Mark,
    events: usize,
    outcomes: usize,
    messages: usize,
    tips: BTreeMap<Pair, (u64, Hash)>,
    sending: BTreeMap<Pair, (u64, Hash)>,
    received: BTreeMap<Id, ReceivedRow>,
    bytes: usize,
}

/// Why an input was not decided.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Its bytes mean nothing.
    #[error("{0}")]
    Undecodable(String),
    /// Deciding it, or folding what was decided, panicked: a bug of ours.
    #[error("deciding it failed")]
    Panicked,
    /// What was just decided cannot be folded: a bug of ours.
    #[error("what was decided cannot be folded: {0}")]
    Fold(FoldError),
}

impl Building {
    pub(super) fn writes_nothing(&self) -> bool {
        self.events.is_empty()
            && self.outcomes.is_empty()
            && self.messages.is_empty()
            && self.received.is_empty()
            && self.inbox_next.is_none()
            && self.answered.is_empty()
    }
}

impl<P: Processor> Lane<P> {
    /// Decides one input and folds its events; if it fails, nothing of it is left.
    pub(super) fn decide(
        &mut self,
        building: &mut Building,
        input: Input<'_>,
    ) -> Result<Answer, Failed> {
        let Some(state) = &mut self.state else {
            return Err(Failed::Panicked);
        };
        let at = building.decided_at;
        let mark = state.mark();
        let decided = catch_unwind(AssertUnwindSafe(|| self.processor.decide(state, input, at)));
        if !matches!(&decided, Ok(Ok(Decision { folded: true, .. }))) {
            state.rollback(mark);
        }
        let decision = match decided {
            Ok(Ok(decision)) => decision,
            Ok(Err(undecodable)) => return Err(Failed::Undecodable(undecodable.0)),
            Err(_) => {
                metrics::counter!(m::DECISIONS_PANICKED, "service" => self.context.service)
                    .increment(1);
                return Err(Failed::Panicked);
            }
        };
        let (events, bytes) = (building.events.len(), building.bytes);
        let folded = catch_unwind(AssertUnwindSafe(|| {
            for event in &decision.events {
                let mut wire = Vec::with_capacity(128);
                self.processor.encode(event, &mut wire);
                building.bytes += wire.len() + 4;
                building.events.push(wire.into());
            }
            decision.fold(self.processor.as_ref(), state, at)
        }));
        let failed = match folded {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Failed::Fold(error)),
            Err(_) => Some(Failed::Panicked),
        };
        if let Some(failed) = failed {
            metrics::counter!(m::DECISIONS_PANICKED, "service" => self.context.service)
                .increment(1);
            state.rollback(mark);
            building.events.truncate(events);
            building.bytes = bytes;
            return Err(failed);
        }
        for message in decision.messages {
            self.send(building, message);
        }
        Ok(decision.answer)
    }

    fn send(&self, building: &mut Building, outgoing: Outgoing) {
        let (topic, key, inbox) = match outgoing.to {
            Destination::Lane { service, key } => (format!("{service}.inbox"), key, true),
            Destination::Public { topic, key } => (topic.to_owned(), key, false),
        };
        let lanes = self.context.lanes.get(&topic).copied().unwrap_or(1);
        let pair = (topic, lane_of(&key, lanes));
        let tip = building.tips.entry(pair.clone()).or_insert_with(|| {
            let row: Option<SentRow> = self
                .state
                .as_ref()
                .and_then(|state| state.get(&(pair.0.clone(), u64::from(pair.1))));
            let tip = row.map_or((0, Hash::default()), |row| (row.n, row.digest));
            building.sending.insert(pair.clone(), tip);
            tip
        });
        *tip = (tip.0.saturating_add(1), tip.1.chain(&outgoing.body));
        let message = OutMessage {
            topic: pair.0,
            lane: pair.1,
            n: tip.0,
            level: self.processor.level(),
            body: outgoing.body,
            key: if inbox { String::new() } else { key },
            may_wait: outgoing.may_wait && inbox,
        };
        building.bytes += message.encoded_len() + 4;
        building.messages.push(message);
    }

    /// Puts an input that cannot be decided where a person finds it.
    pub(super) fn dead_letter(
        &self,
        building: &mut Building,
        origin: &str,
        reason: &str,
        content: &Bytes,
    ) {
        self.dead_letter_of(building, origin, reason, content, content.len() as u64);
    }

    /// As [`Self::dead_letter`], of which only the beginning may have come here: `whole` bytes it had.
    pub(super) fn dead_letter_of(
        &self,
        building: &mut Building,
        origin: &str,
        reason: &str,
        content: &Bytes,
        whole: u64,
    ) {
        if self.state.as_ref().is_some_and(LaneState::failed) {
            // The cache could not be read, which says nothing about the input: the batch is dropped,
            // and all of it is decided again.
            return;
        }
        metrics::counter!(m::DEAD_LETTERS, "service" => self.context.service).increment(1);
        tracing::warn!(
            service = self.context.service,
            lane = self.number,
            origin,
            reason,
            "dead letter"
        );
        // A letter must fit into one record, whatever it is about; the whole stays where it came from.
        let kept = content.slice(..content.len().min(LETTER_BYTES_MAX));
        let is_cut = (kept.len() as u64) < whole;
        let origin = beginning(origin);
        let letter = DeadLetter {
            origin: origin.to_owned(),
            reason: beginning(reason).to_owned(),
            content: kept,
            at: building.decided_at.0,
            handled: None,
            cut_from: if is_cut { whole } else { 0 },
        };
        let to = Destination::Public {
            topic: "dead-letters",
            key: origin.to_owned(),
        };
        let body = letter.encode_to_vec().into();
        self.send(
            building,
            Outgoing {
                to,
                body,
                may_wait: false,
            },
        );
    }

    /// Here, to go back to.
    pub(super) fn point(&self, building: &Building) -> Point {
        Point {
            mark: self.state.as_ref().map_or_else(Mark::default, |s| s.mark()),
            events: building.events.len(),
            outcomes: building.outcomes.len(),
            messages: building.messages.len(),
            tips: building.tips.clone(),
            sending: building.sending.clone(),
            received: building.received.clone(),
            bytes: building.bytes,
        }
    }

    /// Undoes what was decided since.
    pub(super) fn back_to(&mut self, building: &mut Building, point: Point) {
        if let Some(state) = &mut self.state {
            state.rollback(point.mark);
        }
        building.events.truncate(point.events);
        building.outcomes.truncate(point.outcomes);
        building.messages.truncate(point.messages);
        building.tips = point.tips;
        building.sending = point.sending;
        building.received = point.received;
        building.bytes = point.bytes;
    }

    /// Is the batch larger than a record may be?
    pub(super) fn too_large(&self, building: &Building) -> bool {
        building.bytes > self.context.limits.record_bytes_max
    }
}
