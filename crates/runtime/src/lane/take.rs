//! Taking a lane: read the journal to its end, append `LaneOpened`, read on until it is there.
//!
//! A lane that is lost to another owner is *followed*: its journal is read on, so that this instance
//! could take it back warm. It does so only if the other is silent for a session timeout.

use super::calls::millis;
use super::context::{Context, Event, Notice};
use super::load::{Ends, LoadError, Loaded, Wanted};
use super::outbox::Outbox;
use super::reading::{Folding, Goal};
use super::record::{self, Id};
use super::rows::{Anchor, SentRow, Stamp};
use super::validity::Chain;
use super::{Lane, Phase, load};
use crate::log::{AppendError, Appended, Class, LogRecord, NewRecord, ReadError};
use crate::metrics as m;
use crate::processor::Processor;
use bytes::Bytes;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tenfold_domain::Timestamp;
use tenfold_domain::tables::ReadExt;
use tenfold_proto::lane::LaneOpened;

/// Names of earlier attempts that are kept: one that lands later than that many after it is another's.
const ATTEMPTS_KEPT: usize = 8;
/// A cache ahead of the log is looked at again so often before a person is asked: the end may lag.
const AHEAD_TRIES: u32 = 5;

/// Something read in the background. The lane hears its end in any case: also if there was no thread for it.
pub(super) struct Reading<T> {
    context: Arc<Context>,
    lane: u32,
    /// The end, as the lane hears it.
    heard: Box<dyn Fn(Result<T, LoadError>) -> Event + Send>,
    ended: bool,
}

impl<T> Reading<T> {
    pub(super) fn begin(
        context: &Arc<Context>,
        lane: u32,
        heard: impl Fn(Result<T, LoadError>) -> Event + Send + 'static,
    ) -> Self {
        Self {
            context: Arc::clone(context),
            lane,
            heard: Box::new(heard),
            ended: false,
        }
    }

    /// Reads; a panic is an end, too.
    pub(super) fn read(mut self, how: impl FnOnce(&Context) -> Result<T, LoadError>) {
        let read = std::panic::catch_unwind(AssertUnwindSafe(|| how(&self.context)));
        self.ended = true;
        self.tell(read.unwrap_or(Err(LoadError::Panicked)));
    }

    fn tell(&self, result: Result<T, LoadError>) {
        (self.context.mailbox)(self.lane, (self.heard)(result));
    }
}

impl<T> Drop for Reading<T> {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(Err(LoadError::NotStarted));
        }
    }
}

impl<P: Processor> Lane<P> {
    pub(super) fn start_loading(&mut self) {
        self.forget();
        self.phase = Phase::Loading;
        // One after another: a reading that was given up may still wipe the cache, under the state of the next.
        if !self.reading {
            self.read_cache();
        }
    }

    /// Reads the cache in the background, for this attempt.
    pub(super) fn read_cache(&mut self) {
        self.reading = true;
        let (context, processor) = (Arc::clone(&self.context), &self.processor);
        let (lane, attempt) = (self.number, self.attempt);
        let wanted = Wanted {
            lane,
            tables: processor.tables(),
            tables_version: processor.tables_version(),
            level: processor.level(),
            wipe: self.wipe,
            distrusted: self.distrusted.clone(),
        };
        let reading = Reading::begin(&context, lane, move |result| Event::Loaded {
            attempt,
            result,
        });
        let work = move || reading.read(|context| load::load(context, &wanted));
        // Only when the cache has everything that was committed before: a cache that moves on under a
        // state that is being folded would be folded twice.
        let background = Arc::clone(&self.context.background);
        self.context
            .applier
            .after(lane, Box::new(move || background(Box::new(work))));
    }

    pub(super) fn loaded(&mut self, result: Result<Box<Loaded>, LoadError>) {
        let loaded = match result {
            Ok(loaded) => *loaded,
            Err(LoadError::Again(reason)) => {
                tracing::warn!(service = self.context.service, lane = self.number, %reason, "lane cannot be opened yet");
                self.pause_before_loading();
                return;
            }
            Err(LoadError::Ahead(reason)) if self.ahead < AHEAD_TRIES => {
                self.ahead += 1;
                tracing::warn!(service = self.context.service, lane = self.number, %reason, "lane cannot be opened yet");
                self.pause_before_loading();
                return;
            }
            Err(error @ LoadError::Cache { full, .. }) => {
                tracing::error!(service = self.context.service, lane = self.number, %error, "lane cannot be opened yet");
                if full {
                    self.run_full(&error.to_string());
                }
                self.pause_before_loading();
                return;
            }
            Err(error @ (LoadError::Panicked | LoadError::NotStarted)) => {
                tracing::error!(service = self.context.service, lane = self.number, %error, "lane cannot be opened yet");
                if matches!(error, LoadError::Panicked) {
                    self.wipe_cache();
                }
                self.pause_before_loading();
                return;
            }
            Err(LoadError::Ahead(reason) | LoadError::Refused(reason)) => {
                self.stop(reason);
                return;
            }
        };
        self.ahead = 0;
        if loaded.restored.is_some() || loaded.stamp.is_none() {
            self.restored = loaded.restored;
        }
        self.wipe = false;
        let fresh = Stamp {
            journal: loaded.ends.journal,
            next_offset: 0,
            chain: Chain::default(),
            decided_at: Timestamp(0),
            inbox_id: loaded.ends.first_inbox,
            inbox_next: 0,
            anchor: Anchor::default(),
        };
        let verified = loaded.stamp.is_none();
        self.stamp = Some(loaded.stamp.unwrap_or(fresh));
        self.state = Some(loaded.state);
        let goal = if self.fenced || !self.wanted {
            let last_seen = Some(self.context.clock.monotonic());
            Goal::Following { last_seen }
        } else {
            let end = loaded.ends.extent.end;
            Goal::CatchUp { end }
        };
        self.start_folding(goal, verified, &loaded.ends);
    }

    fn pause_before_loading(&mut self) {
        let until = self.context.clock.monotonic() + self.pause();
        self.phase = Phase::Pausing(until);
    }

    /// Reads the journal from the stamp's anchor on.
    fn start_folding(&mut self, goal: Goal, verified: bool, ends: &Ends) {
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
                    attempts: VecDeque::new(),
                    chain: stamp.anchor.chain,
                    verified,
                    inbox_id: ends.inbox_id,
                    inbox_start: ends.inbox.start,
                    inbox_end: ends.inbox.end,
                    looking: false,
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

    pub(super) fn pursue_goal(&mut self) {
        let now = self.context.clock.monotonic();
        let (Phase::Folding(folding), Some(stamp)) = (&self.phase, &self.stamp) else {
            return;
        };
        match folding.goal {
            Goal::CatchUp { end } if stamp.next_offset >= end => self.open(),
            Goal::Opening { give_up_at, .. } if now >= give_up_at => self.open(),
            Goal::Following { last_seen }
                if self.wanted
                    && !folding.looking
                    && last_seen.is_none_or(|seen| {
                        now.saturating_sub(seen) >= self.context.limits.session_timeout
                    }) =>
            {
                self.look_again();
            }
            _ => {}
        }
    }

    /// Appends a `LaneOpened` under a fresh name.
    pub(super) fn open(&mut self) {
        let Phase::Folding(folding) = &mut self.phase else {
            return;
        };
        let owner = Id::fresh(self.context.entropy.as_ref());
        self.attempt += 1;
        if folding.attempts.len() >= ATTEMPTS_KEPT {
            folding.attempts.pop_front();
        }
        folding.attempts.push_back(owner);
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
        let (clock, service) = (Arc::clone(&self.context.clock), self.context.service);
        let sent_at = clock.monotonic();
        let done = move |result| {
            let acked_at = clock.monotonic();
            metrics::histogram!(m::ACKNOWLEDGE_SECONDS, "service" => service)
                .record(acked_at.saturating_sub(sent_at).as_secs_f64());
            mailbox(
                lane,
                Event::Appended {
                    attempt,
                    seq,
                    result,
                    acked_at,
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
                if let AppendError::NoRoom(reason) = &error {
                    self.run_full(reason);
                }
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

    pub(super) fn become_owner(&mut self, opened: &LogRecord) {
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
        self.no_room = None;
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
