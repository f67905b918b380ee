//! Messages on their way to other lanes: go back N.
//!
//! A message has a number without gaps for its pair (this lane's stream, target topic and lane). It is
//! sent only after its record is committed, and known to have arrived only when it and every earlier
//! one of the pair were acknowledged, each behind the one before it. After a failure everything from the
//! first unacknowledged number is sent again; the receiver passes over what it has, and over what comes
//! too early.
//!
//! A message that nobody waits for gathers with others of its pair for a while (`Limits::relay_gather`): one record
//! instead of many, here, at the broker and in the receiver's journal (decision 0705). One that cannot wait takes those
//! before it along.

mod pack;

use super::record::Hash;
use super::rows::Anchor;
use crate::limits::Limits;
use crate::log::{Appended, NewRecord, Topic};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tenfold_proto::lane::{OutMessage, RelayMark};

/// A target: topic name and lane.
pub type Pair = (String, u32);

/// A message that may not have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    message: OutMessage,
    /// Chain digest before it.
    before: Hash,
    /// Trace of its record.
    traceparent: Arc<str>,
}

/// One pair's messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Lane {
    /// Messages after `acked`, in order.
    waiting: VecDeque<Waiting>,
    /// All up to this number have arrived.
    acked: u64,
    /// All up to this number were sent in this generation.
    sent: u64,
    /// All up to this number are known to the journal to have arrived.
    marked: u64,
    /// Offset of the last record that arrived, if this owner sent it.
    landed: Option<u64>,
    /// Records on their way: the last number in each.
    flying: VecDeque<u64>,
    /// All that is not sent may wait; since when the oldest of it does (monotonic).
    gathering: Option<Duration>,
    /// Bytes of what gathers.
    gathered: usize,
    /// Grows with every failure; acknowledgements of an earlier one count for nothing.
    generation: u64,
    /// After a failure nothing is sent before this moment (monotonic).
    not_before: Duration,
    pause: Duration,
}

impl Lane {
    /// Number up to which messages are here.
    fn end(&self) -> u64 {
        self.acked.saturating_add(self.waiting.len() as u64)
    }

    /// What is not sent goes on gathering.
    fn gathers(&self, now: Duration, limits: &Limits) -> bool {
        let in_time = |since: Duration| now.saturating_sub(since) < limits.relay_gather;
        self.gathering.is_some_and(in_time)
            && self.end().saturating_sub(self.sent) < limits.relay_pack_messages as u64
            && self.gathered < limits.relay_pack_bytes
    }

    /// A message comes that may wait, at this moment; or one that must be sent soon, with all before it.
    fn gather(&mut self, at: Option<Duration>, bytes: usize) {
        match at {
            Some(now) if self.end() == self.sent => {
                self.gathering = Some(now);
                self.gathered = bytes;
            }
            Some(_) => self.gathered = self.gathered.saturating_add(bytes),
            None => self.gathering = None,
        }
    }

    /// A receiver passes over what lands before its predecessor, and nobody would send it again: in an
    /// inbox, a record arrived only if it stands behind the one before it. A public topic has no order.
    fn is_in_order(&self, ticket: &Ticket, arrived: Option<Appended>) -> bool {
        match arrived {
            None => false,
            Some(_) if !is_inbox(&ticket.pair) => true,
            Some(Appended { offset }) => offset.is_some_and(|o| self.landed.is_none_or(|l| o > l)),
        }
    }
}

/// Is it the inbox of a lane, and no public topic?
pub(super) fn is_inbox(pair: &Pair) -> bool {
    pair.0.ends_with(".inbox")
}

/// A journal record whose messages may not all have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pending {
    at: Anchor,
    /// The last number for each pair.
    last: Vec<(Pair, u64)>,
}

/// An append to make.
#[derive(Debug)]
pub struct Send {
    /// Where to.
    pub topic: Topic,
    /// Which lane of it.
    pub lane: u32,
    /// What.
    pub record: NewRecord,
    /// To hand back to [`Outbox::ended`].
    pub ticket: Ticket,
}

/// Names one append of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    pair: Pair,
    generation: u64,
    last: u64,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Outbox {
    lanes: BTreeMap<Pair, Lane>,
    pending: VecDeque<Pending>,
    bytes: usize,
}

impl Outbox {
    /// Bytes of messages that may not have arrived.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Nothing is on its way, and the journal knows it.
    pub fn is_idle(&self) -> bool {
        self.lanes
            .values()
            .all(|lane| lane.waiting.is_empty() && lane.marked == lane.acked)
    }

    /// The journal says that a pair's messages up to `marked` have arrived. Called before its later
    /// messages are added.
    pub fn set_marked(&mut self, pair: &Pair, marked: u64) {
        let lane = self.lanes.entry(pair.clone()).or_default();
        lane.marked = lane.marked.max(marked);
        let (acked, bytes) = drop_through(&mut lane.waiting, lane.acked, lane.marked);
        lane.acked = acked;
        lane.sent = lane.sent.max(acked);
        self.bytes -= bytes;
        while self.pending.front().is_some_and(|record| {
            record
                .last
                .iter()
                .all(|(pair, n)| self.lanes.get(pair).is_some_and(|lane| lane.marked >= *n))
        }) {
            self.pending.pop_front();
        }
    }

    /// Adds the messages of a committed record that stands at `at`; `before` is each pair's digest
    /// before its first of them. Those that may wait gather from `now` on (monotonic); without it they do not: messages
    /// of an earlier owner waited long enough.
    pub fn add(
        &mut self,
        at: Anchor,
        messages: Vec<(OutMessage, Hash)>,
        traceparent: &str,
        now: Option<Duration>,
    ) {
        let traceparent: Arc<str> = traceparent.into();
        let mut last: BTreeMap<Pair, u64> = BTreeMap::new();
        for (message, before) in messages {
            let pair = (message.topic.clone(), message.lane);
            let lane = self.lanes.entry(pair.clone()).or_default();
            if message.n <= lane.acked {
                continue;
            }
            last.insert(pair, message.n);
            self.bytes += message.body.len();
            lane.gather(now.filter(|_| message.may_wait), message.body.len());
            lane.waiting.push_back(Waiting {
                message,
                before,
                traceparent: Arc::clone(&traceparent),
            });
        }
        if !last.is_empty() {
            self.pending.push_back(Pending {
                at,
                last: last.into_iter().collect(),
            });
        }
    }

    /// Where a new owner must start to read to know every message that may not have arrived.
    pub fn anchor(&self) -> Option<Anchor> {
        self.pending.front().map(|record| record.at)
    }

    /// Nothing gathers any longer: all is sent as soon as it can be.
    pub fn hurry(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.gathering = None;
        }
    }

    /// Appends to make now (monotonic time).
    pub fn pump(
        &mut self,
        stream: &Bytes,
        service: &str,
        from: u32,
        now: Duration,
        limits: &Limits,
    ) -> Vec<Send> {
        let mut sends = Vec::new();
        for (pair, lane) in &mut self.lanes {
            if lane.gathers(now, limits) {
                continue;
            }
            // Whether it can be sent now or not: nobody must be woken for it again and again.
            lane.gathering = None;
            if now < lane.not_before {
                continue;
            }
            let inbox = is_inbox(pair);
            // A public record holds one message, so more of them may fly.
            let window = if inbox {
                limits.relay_window_records
            } else {
                limits.relay_window_records * 16
            };
            while lane.flying.len() < window {
                let skip = usize::try_from(lane.sent - lane.acked).unwrap_or(usize::MAX);
                let mut next = lane
                    .waiting
                    .range(skip.min(lane.waiting.len())..)
                    .peekable();
                let Some(first) = next.peek().copied() else {
                    break;
                };
                let (record, last) = if inbox {
                    pack::relay(next, first, stream, service, from, limits)
                } else {
                    let message = &first.message;
                    (pack::public(message), message.n)
                };
                lane.sent = last;
                lane.flying.push_back(last);
                sends.push(Send {
                    topic: Topic::named(&pair.0),
                    lane: pair.1,
                    record,
                    ticket: Ticket {
                        pair: pair.clone(),
                        generation: lane.generation,
                        last,
                    },
                });
            }
        }
        sends
    }

    /// An append ended: well and there, or `None`.
    pub fn ended(
        &mut self,
        ticket: &Ticket,
        arrived: Option<Appended>,
        now: Duration,
        limits: &Limits,
    ) {
        let Some(lane) = self.lanes.get_mut(&ticket.pair) else {
            return;
        };
        if ticket.generation != lane.generation {
            return;
        }
        // Only the oldest on its way may count: a later acknowledgement says nothing of an earlier send.
        if lane.flying.front() == Some(&ticket.last) && lane.is_in_order(ticket, arrived) {
            lane.flying.pop_front();
            lane.landed = arrived.and_then(|appended| appended.offset);
            lane.pause = Duration::ZERO;
            let (acked, bytes) = drop_through(&mut lane.waiting, lane.acked, ticket.last);
            lane.acked = acked;
            self.bytes -= bytes;
            return;
        }
        lane.generation += 1;
        lane.flying.clear();
        lane.sent = lane.acked;
        lane.gathering = None;
        lane.pause = (lane.pause * 2).clamp(limits.retry_min, limits.retry_max);
        lane.not_before = now + lane.pause;
    }

    /// When a paused pair may be tried again, or one that gathers is sent.
    pub fn next_try(&self, now: Duration, limits: &Limits) -> Option<Duration> {
        let paused = self
            .lanes
            .values()
            .filter(|lane| lane.not_before > now && !lane.waiting.is_empty())
            .map(|lane| lane.not_before);
        let gathered = self
            .lanes
            .values()
            .filter_map(|lane| lane.gathering)
            .map(|since| since.saturating_add(limits.relay_gather));
        paused.chain(gathered).min()
    }

    /// Is there any mark to journal?
    pub fn has_marks(&self) -> bool {
        self.lanes.values().any(|lane| lane.acked > lane.marked)
    }

    /// Marks to journal: how far messages have arrived, where the journal does not know it yet.
    pub fn marks(&self) -> Vec<RelayMark> {
        self.lanes
            .iter()
            .filter(|(_, lane)| lane.acked > lane.marked)
            .map(|((topic, number), lane)| RelayMark {
                topic: topic.clone(),
                lane: *number,
                n: lane.acked,
            })
            .collect()
    }

    /// The receiver asks for everything from `n` again. False if that is no longer here.
    pub fn go_back(&mut self, pair: &Pair, n: u64) -> bool {
        let Some(lane) = self.lanes.get_mut(pair) else {
            return false;
        };
        if n <= lane.acked {
            return false;
        }
        lane.generation += 1;
        lane.flying.clear();
        lane.sent = lane.acked;
        lane.gathering = None;
        true
    }

    /// How far a pair's messages have arrived.
    pub fn acked(&self, pair: &Pair) -> u64 {
        self.lanes.get(pair).map_or(0, |lane| lane.acked)
    }
}

/// Drops waiting messages up to `through`; returns the new acknowledged number and the bytes dropped.
fn drop_through(waiting: &mut VecDeque<Waiting>, acked: u64, through: u64) -> (u64, usize) {
    let mut bytes = 0;
    while waiting.front().is_some_and(|w| w.message.n <= through) {
        if let Some(gone) = waiting.pop_front() {
            bytes += gone.message.body.len();
        }
    }
    (acked.max(through), bytes)
}

#[cfg(test)]
mod tests;
