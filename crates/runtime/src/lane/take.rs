//! Taking a lane: read the journal to its end, append `LaneOpened`, read on until it is there.
//!
//! A lane that is lost to another owner is *followed*: its journal is read on, so that this instance
//! could take it back warm. It does so only if the other is silent for a session timeout.

use super::calls::millis;
use super::context::{Event, Notice};
use super::load::{LoadError, Loaded};
use super::outbox::Outbox;
use super::record::{self, Id};
use super::rows::{Anchor, STAMP, SentRow, Stamp};
use super::validity::{Chain, Verdict, judge};
use super::{Lane, Phase, fold, load};
use crate::cache::Writes;
use crate::log::{AppendError, Appended, Class, LogRecord, NewRecord, ReadError, Reader};
use crate::metrics as m;
use crate::processor::Processor;
use bytes::Bytes;
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use tenfold_domain::Timestamp;
use tenfold_domain::tables::ReadExt;
use tenfold_proto::lane::{Decisions, LaneOpened};

/// Bytes of journal folded in one turn, so that other lanes of the thread get theirs.
const FOLD_BYTES: usize = 1 << 20;
/// A follower looks at least so seldom whether it is wanted again.
const FOLLOW_LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a long fold tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
/// A cache ahead of the log is looked at again so often before a person is asked: the end may lag.
const AHEAD_TRIES: u32 = 5;

/// What the reading is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// Reach the end seen, then take the lane.
    CatchUp { end: u64 },
    /// `LaneOpened` is appended: read on until it is there.
    Opening { owner: Id, give_up_at: Duration },
    /// Another owns it; this was its last sign of life.
    Following { last_seen: Duration },
}

/// Reading the journal.
pub(super) struct Folding {
    reader: Box<dyn Reader>,
    goal: Goal,
    /// The valid prefix where the reader is; ahead of the stamp's start only when `verified`.
    chain: Chain,
    /// Cache and log were shown to belong together.
    verified: bool,
    inbox_id: Id,
    inbox_start: u64,
    inbox_end: u64,
    folded: u64,
    told_at: Duration,
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
            *last_seen = Duration::ZERO;
        }
    }

    pub(super) fn next_wake(&self, now: Duration, session: Duration) -> Option<Duration> {
        match self.goal {
            Goal::CatchUp { .. } => None,
            Goal::Opening { give_up_at, .. } => Some(give_up_at),
            Goal::Following { last_seen } => {
                Some((last_seen + session).max(now + FOLLOW_LOOK_EVERY))
            }
        }
    }
}

/// What became of one record.
enum Step {
    On,
    /// Our `LaneOpened` is valid.
    Owned,
    /// Our `LaneOpened` came too late.
    Fenced,
}

impl<P: Processor> Lane<P> {
    pub(super) fn start_loading(&mut self) {
        self.forget();
        self.phase = Phase::Loading;
        let (context, processor) = (Arc::clone(&self.context), Arc::clone(&self.processor));
        let (lane, attempt, wipe) = (self.number, self.attempt, self.wipe);
        let work = move || {
            let result = load::load(
                &context,
                lane,
                processor.tables(),
                processor.tables_version(),
                wipe,
            );
            (context.mailbox)(lane, Event::Loaded { attempt, result });
        };
        // Only when the cache has everything that was committed before: a cache that moves on under a
        // state that is being folded would be folded twice.
        let background = Arc::clone(&self.context.background);
        self.context
            .applier
            .after(Box::new(move || background(Box::new(work))));
    }

    pub(super) fn loaded(&mut self, result: Result<Box<Loaded>, LoadError>) {
        let loaded = match result {
            Ok(loaded) => *loaded,
            Err(LoadError::Again(reason)) if self.tries < AHEAD_TRIES => {
                tracing::warn!(service = self.context.service, lane = self.number, %reason, "lane cannot be opened yet");
                let until = self.context.clock.monotonic() + self.pause();
                self.phase = Phase::Pausing(until);
                return;
            }
            Err(LoadError::Again(reason) | LoadError::Refused(reason)) => {
                self.stop(reason);
                return;
            }
        };
        self.wipe = false;
        let fresh = Stamp {
            journal: loaded.journal,
            next_offset: 0,
            chain: Chain::default(),
            decided_at: Timestamp(0),
            inbox_id: loaded.first_inbox,
            inbox_next: 0,
            anchor: Anchor::default(),
        };
        let verified = loaded.stamp.is_none();
        self.stamp = Some(loaded.stamp.unwrap_or(fresh));
        self.state = Some(loaded.state);
        let goal = if self.fenced {
            let last_seen = self.context.clock.monotonic();
            Goal::Following { last_seen }
        } else {
            let end = loaded.extent.end;
            Goal::CatchUp { end }
        };
        self.start_folding(
            goal,
            verified,
            loaded.inbox_id,
            loaded.inbox.start,
            loaded.inbox.end,
        );
    }

    /// Reads the journal from the stamp's anchor on.
    fn start_folding(
        &mut self,
        goal: Goal,
        verified: bool,
        inbox_id: Id,
        inbox_start: u64,
        inbox_end: u64,
    ) {
        let (Some(stamp), Some(state)) = (&self.stamp, &self.state) else {
            return self.stop("nothing was loaded".to_owned());
        };
        self.outbox = Outbox::default();
        for ((topic, lane), row) in state.all::<SentRow>() {
            let lane = u32::try_from(lane).unwrap_or(u32::MAX);
            self.outbox.set_marked(&(topic, lane), row.relayed);
        }
        let wake = self.context.wake(self.number);
        let from = stamp.anchor.offset;
        match self
            .context
            .log
            .reader(&self.context.journal(), self.number, from, wake)
        {
            Ok(reader) => {
                self.phase = Phase::Folding(Folding {
                    reader,
                    goal,
                    chain: stamp.anchor.chain,
                    verified,
                    inbox_id,
                    inbox_start,
                    inbox_end,
                    folded: 0,
                    told_at: self.context.clock.monotonic(),
                });
            }
            Err(error) => self.reading_failed(&error),
        }
    }

    pub(super) fn reading_failed(&mut self, error: &ReadError) {
        tracing::warn!(service = self.context.service, lane = self.number, %error, "the journal cannot be read");
        let until = self.context.clock.monotonic() + self.pause();
        self.forget();
        self.phase = Phase::Pausing(until);
    }

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
                Ok(Step::On) => {}
                Ok(Step::Owned) => {
                    self.write_folded();
                    self.become_owner(&record);
                    return true;
                }
                Ok(Step::Fenced) => {
                    let last_seen = self.context.clock.monotonic();
                    self.fenced = true;
                    self.refuse_calls();
                    self.set_goal(Goal::Following { last_seen });
                }
                Err(None) => return true,
                Err(Some(reason)) => {
                    self.stop(reason);
                    return false;
                }
            }
        }
        self.write_folded();
        self.tell_progress();
        self.pursue_goal();
        more
    }

    fn set_goal(&mut self, to: Goal) {
        if let Phase::Folding(folding) = &mut self.phase {
            folding.goal = to;
        }
    }

    /// Folds one record. `Err(None)`: the phase was changed; `Err(Some)`: the lane must stop.
    fn fold_record(&mut self, record: &LogRecord) -> Result<Step, Option<String>> {
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
                self.wipe = true;
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
        let mut step = Step::On;
        match (verdict, envelope) {
            (Verdict::Stop(broken), _) => {
                return Err(Some(format!(
                    "the record at {}/{}@{} cannot follow: {broken:?}. A newer release may have written it, or the journal is damaged",
                    self.context.journal(),
                    self.number,
                    record.offset
                )));
            }
            (Verdict::Created, _) | (_, None) => {}
            (Verdict::Ignored(stray), Some(envelope)) => {
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
                if let Goal::Opening { owner, .. } = folding.goal
                    && envelope.owner[..] == owner.0[..]
                {
                    step = Step::Fenced;
                }
            }
            (Verdict::Opened, Some(envelope)) => {
                folding.chain = folding.chain.after(verdict, &envelope, &record.value);
                match &mut folding.goal {
                    Goal::Opening { owner, .. } if folding.chain.owner == *owner => {
                        step = Step::Owned;
                    }
                    Goal::Following { last_seen } => {
                        *last_seen = self.context.clock.monotonic();
                    }
                    _ => {}
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
                if is_new {
                    fold::record(self.processor.as_ref(), state, &decisions).map_err(|error| {
                        Some(format!(
                            "the record at offset {} cannot be folded: {error}",
                            record.offset
                        ))
                    })?;
                    follow(stamp, &decisions);
                    folding.folded += 1;
                }
                let messages = fold::numbered(&decisions).map_err(|e| Some(e.to_string()))?;
                self.outbox.add(at, messages);
                for mark in &decisions.relayed {
                    self.outbox
                        .set_marked(&(mark.topic.clone(), mark.lane), mark.n);
                }
                if is_new {
                    stamp.anchor = self.outbox.anchor().unwrap_or(at);
                }
                if let Goal::Following { last_seen } = &mut folding.goal {
                    *last_seen = self.context.clock.monotonic();
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
    fn write_folded(&mut self) {
        let (Some(state), Some(stamp)) = (&mut self.state, &self.stamp) else {
            return;
        };
        if matches!(&self.phase, Phase::Folding(folding) if !folding.verified) {
            return;
        }
        if state.failed() {
            self.wipe = true;
            self.start_loading();
            return;
        }
        let (batch, writes) = state.seal();
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

    fn pursue_goal(&mut self) {
        let now = self.context.clock.monotonic();
        let (Phase::Folding(folding), Some(stamp)) = (&self.phase, &self.stamp) else {
            return;
        };
        match folding.goal {
            Goal::CatchUp { end } if stamp.next_offset >= end => self.open(),
            Goal::Opening { give_up_at, .. } if now >= give_up_at => self.open(),
            Goal::Following { last_seen }
                if self.wanted
                    && now.saturating_sub(last_seen) >= self.context.limits.session_timeout =>
            {
                self.fenced = false;
                self.start_loading();
            }
            _ => {}
        }
    }

    /// Appends a `LaneOpened` under a fresh name.
    fn open(&mut self) {
        let Phase::Folding(folding) = &mut self.phase else {
            return;
        };
        let owner = Id::random();
        self.attempt += 1;
        folding.goal = Goal::Opening {
            owner,
            give_up_at: self.context.clock.monotonic() + self.context.limits.open_timeout,
        };
        let opened = LaneOpened {
            address: self.context.address.clone(),
            instance: self.context.instance.clone(),
            level_supported: self.processor.level(),
        };
        // The reader may still be behind what the cache has folded.
        let known = self.stamp.as_ref().map_or(0, |stamp| stamp.chain.epoch);
        let epoch = folding.chain.epoch.max(known).saturating_add(1);
        let bytes = record::opened(epoch, owner, &opened);
        self.append(0, bytes);
    }

    /// Appends to the journal; its end comes back as an event.
    pub(super) fn append(&self, seq: u64, bytes: Bytes) {
        let (mailbox, lane, attempt) =
            (Arc::clone(&self.context.mailbox), self.number, self.attempt);
        let done = move |result| {
            mailbox(
                lane,
                Event::Appended {
                    attempt,
                    seq,
                    result,
                },
            );
        };
        self.context.log.append(
            Class::Commit,
            &self.context.journal(),
            lane,
            NewRecord::of(bytes),
            Box::new(done),
        );
    }

    /// The append of our `LaneOpened` ended. Success proves nothing: it counts when it is read.
    pub(super) fn open_appended(&mut self, result: Result<Appended, AppendError>) {
        match result {
            Ok(_) => {}
            Err(AppendError::Refused(reason)) => {
                self.stop(format!(
                    "the log refuses to take the lane's record: {reason}"
                ));
            }
            Err(error) => {
                tracing::warn!(service = self.context.service, lane = self.number, %error, "taking the lane: append failed");
                let again = self.context.clock.monotonic() + self.pause();
                if let Phase::Folding(Folding {
                    goal: Goal::Opening { give_up_at, .. },
                    ..
                }) = &mut self.phase
                {
                    *give_up_at = again;
                }
            }
        }
    }

    fn become_owner(&mut self, opened: &LogRecord) {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        let (Phase::Folding(folding), Some(stamp)) = (phase, self.stamp.clone()) else {
            return;
        };
        if !self.wanted {
            return self.release("the lane was given to another instance while it was taken");
        }
        if folding.inbox_id == stamp.inbox_id && stamp.inbox_next > folding.inbox_end {
            // The owner before us consumed more since the inbox was looked at; or the inbox has lost
            // its tail. Loading looks again, and knows the difference.
            let until = self.context.clock.monotonic() + self.pause();
            self.phase = Phase::Pausing(until);
            return;
        }
        let wall = self.context.clock.wall();
        let off = wall.since(opened.appended_at).0.saturating_abs();
        let suspect = off > millis(self.context.limits.clock_log_difference_max).0;
        if suspect {
            tracing::error!(
                service = self.context.service,
                lane = self.number,
                off_ms = off,
                "clock suspect: this machine's clock and the log's differ; timers pause"
            );
        }
        self.tries = 0;
        tracing::info!(
            service = self.context.service,
            lane = self.number,
            epoch = stamp.chain.epoch,
            seq = stamp.chain.seq,
            "lane owned"
        );
        (self.context.notify)(
            self.number,
            Notice::Owned {
                epoch: stamp.chain.epoch,
            },
        );
        self.own(&stamp, suspect, (folding.inbox_id, folding.inbox_start));
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
