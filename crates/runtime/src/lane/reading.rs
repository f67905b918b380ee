//! Reading a lane's journal and folding it, for whoever takes the lane or follows its owner.

use super::context::Event;
use super::record::{self, Id};
use super::rows::{Anchor, STAMP, Stamp};
use super::rules::{self, Opening};
use super::validity::{Chain, Verdict, judge};
use super::{Lane, Phase, fold};
use crate::cache::Writes;
use crate::log::{LogRecord, Reader};
use crate::metrics as m;
use crate::processor::Processor;
use bytes::Bytes;
use prost::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tenfold_domain::Timestamp;
use tenfold_proto::lane::Decisions;

/// Bytes of journal folded in one turn, so that other lanes of the thread get theirs.
const FOLD_BYTES: usize = 1 << 20;
/// A follower looks at least so seldom whether it is wanted again.
const FOLLOW_LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a long fold tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What the reading is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Reach the end seen, then take the lane.
    CatchUp { end: u64 },
    /// `LaneOpened` is appended: read on until it is there.
    Opening { owner: Id, give_up_at: Duration },
    /// Another owns it; this was its last sign of life. `None`: it may be taken at once.
    Following { last_seen: Option<Duration> },
}

/// Reading the journal.
pub(super) struct Folding {
    pub(super) reader: Box<dyn Reader>,
    pub(super) goal: Goal,
    /// Names under which this reading has tried to take the lane: the last ones.
    pub(super) attempts: VecDeque<Id>,
    /// The valid prefix where the reader is; ahead of the stamp's start only when `verified`.
    pub(super) chain: Chain,
    /// Cache and log were shown to belong together.
    pub(super) verified: bool,
    pub(super) inbox_id: Id,
    pub(super) inbox_start: u64,
    pub(super) inbox_end: u64,
    /// The log is being looked at once more, to take what was followed.
    pub(super) looking: bool,
    pub(super) folded: u64,
    pub(super) told_at: Duration,
}

impl Folding {
    pub(super) const fn name(&self) -> &'static str {
        match self.goal {
            Goal::CatchUp { .. } => "folding",
            Goal::Opening { .. } => "opening",
            Goal::Following { .. } => "following",
        }
    }

    /// A new assignment: it may be taken at once.
    pub(super) fn wanted_again(&mut self) {
        if let Goal::Following { last_seen } = &mut self.goal {
            *last_seen = None;
        }
    }

    /// When it must have a turn though nothing happens.
    pub(super) fn next_wake(
        &self,
        now: Duration,
        session: Duration,
        wanted: bool,
    ) -> Option<Duration> {
        match self.goal {
            Goal::CatchUp { .. } => None,
            Goal::Opening { give_up_at, .. } => Some(give_up_at),
            // Told when it is wanted, or when its look has ended.
            Goal::Following { .. } if !wanted || self.looking => None,
            Goal::Following { last_seen } => Some(
                last_seen
                    .map_or(now, |seen| seen + session)
                    .max(now + FOLLOW_LOOK_EVERY),
            ),
        }
    }
}

impl<P: Processor> Lane<P> {
    pub(super) fn fold_on(&mut self) -> bool {
        if self.unapplied_bytes > self.context.limits.unapplied_bytes_max {
            return false;
        }
        let Phase::Folding(folding) = &mut self.phase else {
            return false;
        };
        let records = match folding.reader.poll(FOLD_BYTES) {
            Ok(records) => records,
            Err(error) => {
                self.reading_failed(&error);
                return false;
            }
        };
        let more = !records.is_empty();
        for record in records {
            match self.fold_record(&record) {
                Ok(Opening::On) => {}
                Ok(Opening::Owned) => {
                    self.write_folded();
                    // Unless the cache could not be read: then it is rebuilt first.
                    if matches!(self.phase, Phase::Folding(_)) {
                        self.become_owner(&record);
                    }
                    return true;
                }
                Ok(Opening::Fenced) if self.is_own_attempt() => {
                    // An earlier attempt of ours landed late: nobody else has the lane.
                    self.open();
                }
                Ok(Opening::Fenced) => {
                    let last_seen = Some(self.context.clock.monotonic());
                    self.fenced = true;
                    self.refuse_calls();
                    self.set_goal(Goal::Following { last_seen });
                }
                Err(None) => return true,
                Err(Some(reason)) => {
                    self.doubt(reason);
                    return false;
                }
            }
        }
        if more {
            // Only then: a write is answered, an answer is a turn, and a turn must not write again.
            self.write_folded();
        }
        self.tell_progress();
        self.pursue_goal();
        more
    }

    /// The lane was last taken by an attempt of ours that was given up.
    fn is_own_attempt(&self) -> bool {
        let Phase::Folding(folding) = &self.phase else {
            return false;
        };
        folding.attempts.contains(&folding.chain.owner)
    }

    pub(super) fn set_goal(&mut self, to: Goal) {
        if let Phase::Folding(folding) = &mut self.phase {
            folding.goal = to;
        }
    }

    /// Folds one record. `Err(None)`: the phase was changed; `Err(Some)`: the lane must stop.
    fn fold_record(&mut self, record: &LogRecord) -> Result<Opening, Option<String>> {
        let (Phase::Folding(folding), Some(stamp), Some(state)) =
            (&mut self.phase, &mut self.stamp, &mut self.state)
        else {
            return Err(None);
        };
        let is_new = record.offset >= stamp.next_offset;
        if is_new && !folding.verified {
            if folding.chain != stamp.chain {
                tracing::warn!(
                    service = self.context.service,
                    lane = self.number,
                    "the cache is no fold of this journal: it is wiped and rebuilt"
                );
                self.wipe_cache();
                self.start_loading();
                return Err(None);
            }
            folding.verified = true;
        }
        let first = record.offset == 0;
        let envelope = record::read(&record.value);
        let verdict = judge(
            &folding.chain,
            first,
            envelope.as_ref(),
            self.processor.level(),
        );
        let step = match folding.goal {
            Goal::Opening { owner, .. } => rules::opening(owner, verdict, envelope.as_ref()),
            Goal::CatchUp { .. } | Goal::Following { .. } => Opening::On,
        };
        match (verdict, envelope) {
            (Verdict::Stop(broken), _) => {
                return Err(Some(format!(
                    "the record at {}/{}@{} {broken}",
                    self.context.journal(),
                    self.number,
                    record.offset
                )));
            }
            (Verdict::Created, _) | (_, None) => {}
            (Verdict::Ignored(stray), Some(_)) => {
                if is_new {
                    metrics::counter!(m::JOURNAL_STRAYS, "service" => self.context.service)
                        .increment(1);
                    tracing::debug!(
                        lane = self.number,
                        offset = record.offset,
                        ?stray,
                        "stray record"
                    );
                }
            }
            (Verdict::Opened, Some(envelope)) => {
                folding.chain = folding.chain.after(verdict, &envelope, &record.value);
                if let Goal::Following { last_seen } = &mut folding.goal {
                    *last_seen = Some(self.context.clock.monotonic());
                }
            }
            (Verdict::Decisions, Some(envelope)) => {
                let before = folding.chain;
                folding.chain = before.after(verdict, &envelope, &record.value);
                let decisions = Decisions::decode(envelope.body).map_err(|error| {
                    Some(format!(
                        "the record at offset {} cannot be read: {error}",
                        record.offset
                    ))
                })?;
                let at = Anchor {
                    offset: record.offset,
                    chain: before,
                };
                let messages = if is_new {
                    fold::record(self.processor.as_ref(), state, &decisions)
                } else {
                    fold::numbered(&decisions)
                };
                let messages = messages.map_err(|error| {
                    Some(format!(
                        "the record at offset {} cannot be folded: {error}",
                        record.offset
                    ))
                })?;
                if is_new {
                    follow(stamp, &decisions);
                    folding.folded += 1;
                }
                self.outbox.add(at, messages, &decisions.traceparent, None);
                for mark in &decisions.relayed {
                    self.outbox
                        .set_marked(&(mark.topic.clone(), mark.lane), mark.n);
                }
                if is_new {
                    stamp.anchor = self.outbox.anchor().unwrap_or(at);
                }
                if let Goal::Following { last_seen } = &mut folding.goal {
                    *last_seen = Some(self.context.clock.monotonic());
                }
            }
        }
        if is_new {
            stamp.next_offset = record.offset + 1;
            stamp.chain = folding.chain;
        }
        Ok(step)
    }

    /// Gives the cache what was folded.
    pub(super) fn write_folded(&mut self) {
        let (Some(state), Some(stamp)) = (&mut self.state, &self.stamp) else {
            return;
        };
        if matches!(&self.phase, Phase::Folding(folding) if !folding.verified) {
            return;
        }
        let (batch, writes) = state.seal();
        if state.failed() {
            self.wipe_cache();
            self.start_loading();
            return;
        }
        let stamp = stamp.clone();
        self.apply(batch, writes, &stamp);
    }

    /// Sends a batch and the stamp it leads to, to the cache.
    pub(super) fn apply(&mut self, batch: u64, mut writes: Writes, stamp: &Stamp) {
        if let Ok(bytes) = postcard::to_stdvec(stamp) {
            writes.push((Bytes::from_static(STAMP), Some(bytes.into())));
        }
        let bytes = writes
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len))
            .sum();
        self.unapplied_bytes += bytes;
        self.unapplied.push_back((batch, bytes));
        let (mailbox, lane, load) = (Arc::clone(&self.context.mailbox), self.number, self.load);
        let done = move |result| {
            mailbox(
                lane,
                Event::Applied {
                    load,
                    batch,
                    result,
                },
            );
        };
        self.context
            .applier
            .apply(self.number, writes, Box::new(done));
    }

    pub(super) fn applied(&mut self, batch: u64, result: std::io::Result<()>) {
        if let Err(error) = result {
            tracing::error!(service = self.context.service, lane = self.number, %error, "the cache cannot be written");
            // What the cache has is whole and older; the journal has the rest.
            self.give_back();
            let until = self.context.clock.monotonic() + self.pause();
            self.forget();
            self.phase = Phase::Pausing(until);
            return;
        }
        while self.unapplied.front().is_some_and(|(b, _)| *b <= batch) {
            if let Some((_, bytes)) = self.unapplied.pop_front() {
                self.unapplied_bytes -= bytes;
            }
        }
        if let Some(state) = &mut self.state {
            state.applied(batch);
        }
    }

    fn tell_progress(&mut self) {
        let now = self.context.clock.monotonic();
        let (Phase::Folding(folding), Some(stamp)) = (&mut self.phase, &self.stamp) else {
            return;
        };
        if let Goal::CatchUp { end } = folding.goal
            && now.saturating_sub(folding.told_at) >= PROGRESS_EVERY
        {
            folding.told_at = now;
            let percent = stamp.next_offset * 100 / end.max(1);
            tracing::info!(
                service = self.context.service,
                lane = self.number,
                records = folding.folded,
                percent,
                "rebuilding the cache from the journal"
            );
        }
    }
}

/// The stamp after a record of decisions.
pub(super) fn follow(stamp: &mut Stamp, decisions: &Decisions) {
    stamp.decided_at = stamp.decided_at.max(Timestamp(decisions.decided_at));
    stamp.inbox_next = decisions.inbox_next;
    if let Some(id) = Id::from_slice(&decisions.inbox_id) {
        stamp.inbox_id = id;
    }
}
