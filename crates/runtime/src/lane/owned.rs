//! Owning a lane: what is in flight, the inbox, and one turn of the loop.

use super::asking::Gap;
use super::calls::{Call, Reply};
use super::record::{Hash, Id};
use super::rows::Stamp;
use super::state::Batch;
use super::validity::Chain;
use super::{Lane, Phase};
use crate::cache::Writes;
use crate::limits::Limits;
use crate::log::{AppendError, Appended, LogRecord, Reader};
use crate::processor::{Answer, Processor};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tenfold_domain::Timestamp;
use tenfold_proto::lane::{Decisions, OutMessage};

/// An answer that waits for a commit.
pub(super) struct Waiting {
    pub(super) call: Call,
    pub(super) answer: Answer,
}

/// A record that is appended and not yet committed.
pub(super) struct Flight {
    /// The valid prefix after it, and before it.
    pub(super) after: Chain,
    pub(super) before: Chain,
    pub(super) bytes: Bytes,
    pub(super) decisions: Decisions,
    pub(super) messages: Vec<(OutMessage, Hash)>,
    /// What the cache gets with it: its rows, and those of the records before it that gave none.
    pub(super) given: Option<(Batch, Writes)>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) result: Option<Result<Appended, AppendError>>,
    /// When its deciding began, when it was appended, and when the log answered.
    pub(super) started: Duration,
    pub(super) sent_at: Duration,
    pub(super) acked_at: Duration,
}

/// The head's acknowledgement named another offset than expected: read what is there.
pub(super) struct Verify {
    pub(super) reader: Box<dyn Reader>,
    pub(super) give_up_at: Duration,
}

/// Watching the own journal while nothing is in flight; see [`super::watch`].
pub(super) struct Watch {
    pub(super) reader: Option<Box<dyn Reader>>,
    /// Not before this moment (monotonic).
    pub(super) not_before: Duration,
}

impl Watch {
    /// Begins at this moment, unless something is in flight then.
    pub(super) const fn after(not_before: Duration) -> Self {
        Self {
            reader: None,
            not_before,
        }
    }
}

/// Where deciding stands: the last record in flight, or the last committed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tip {
    pub(super) chain: Chain,
    pub(super) decided_at: Timestamp,
    pub(super) inbox_next: u64,
}

/// Everything that exists only while a lane is owned.
pub(super) struct Owned {
    pub(super) tip: Tip,
    pub(super) in_flight: VecDeque<Flight>,
    pub(super) verify: Option<Verify>,
    pub(super) watch: Watch,
    /// Offset that the head of `in_flight` must get.
    pub(super) expected: u64,
    pub(super) inbox: Option<Box<dyn Reader>>,
    /// Read and not yet decided.
    pub(super) arrived: VecDeque<LogRecord>,
    /// When a record of it was taken last (monotonic).
    pub(super) inbox_taken: Duration,
    /// The first of them needs a record of its own: calls and timers wait for one batch.
    pub(super) inbox_alone: bool,
    /// Set until the change of inbox is journaled.
    pub(super) new_inbox: Option<Id>,
    pub(super) gaps: BTreeMap<Id, Gap>,
    pub(super) clock_suspect: bool,
    /// Wall and monotonic clock when the lane was taken.
    pub(super) clocks_at: (Timestamp, Duration),
    pub(super) last_append: Duration,
    /// When the oldest record was decided whose rows still [gather](super::gather) for the cache (monotonic).
    pub(super) gathering: Option<Duration>,
}

impl<P: Processor> Lane<P> {
    /// Starts to decide, behind a `LaneOpened` that was just folded.
    pub(super) fn own(&mut self, stamp: &Stamp, clock_suspect: bool, inbox: (Id, u64)) {
        let (inbox_id, inbox_start) = inbox;
        let mut tip = Tip {
            chain: stamp.chain,
            decided_at: stamp.decided_at,
            inbox_next: stamp.inbox_next,
        };
        let mut new_inbox = None;
        if inbox_id != stamp.inbox_id {
            tracing::warn!(
                service = self.context.service,
                lane = self.number,
                "the inbox was made anew: it is read from its start, and its senders are asked for what is missing"
            );
            new_inbox = Some(inbox_id);
            tip.inbox_next = inbox_start;
        }
        let clock = &self.context.clock;
        let now = clock.monotonic();
        self.phase = Phase::Owned(Owned {
            tip,
            in_flight: VecDeque::new(),
            verify: None,
            watch: Watch::after(now + self.context.limits.watch_after),
            expected: stamp.next_offset,
            inbox: None,
            arrived: VecDeque::new(),
            inbox_taken: Duration::ZERO,
            inbox_alone: false,
            new_inbox,
            gaps: BTreeMap::new(),
            clock_suspect,
            clocks_at: (clock.wall(), now),
            last_append: now,
            gathering: None,
        });
        self.ask_anew();
        self.look_for_snapshots();
    }

    /// One turn of an owner.
    pub(super) fn own_on(&mut self) -> bool {
        self.settle();
        self.watch_journal();
        self.watch_clock();
        self.snapshot_when_due();
        self.ask_for_gaps();
        if !self.give_gathered() {
            return false;
        }
        let wanted = self.wanted;
        let Phase::Owned(owned) = &mut self.phase else {
            return false;
        };
        let (at_rest, verifies) = (owned.in_flight.is_empty(), owned.verify.is_some());
        if !wanted && !verifies {
            // The next owner would do it, and later.
            self.outbox.hurry();
            self.pump();
        }
        if !wanted && at_rest {
            self.release("the lane was given to another instance");
            return false;
        }
        if verifies {
            return false;
        }
        self.pump();
        if !wanted {
            self.refuse_calls();
            return false;
        }
        let decided = self.decide_batch();
        self.pump();
        decided
    }

    pub(super) fn owned_wake(&self) -> Option<Duration> {
        let Phase::Owned(owned) = &self.phase else {
            return None;
        };
        let now = self.context.clock.monotonic();
        let mut wake = now + Duration::from_secs(1);
        if let Some(verify) = &owned.verify {
            // Nothing is sent meanwhile.
            wake = wake.min(verify.give_up_at);
        } else if let Some(next) = self.outbox.next_try(now, &self.context.limits) {
            wake = wake.min(next);
        }
        if let Some(since) = owned.gathering
            && owned.in_flight.is_empty()
        {
            wake = wake.min(since + self.context.limits.gather);
        }
        if !owned.clock_suspect
            && let Some(due) = self.next_timer()
        {
            let wall = self.context.clock.wall().max(owned.tip.decided_at);
            let in_ms = u64::try_from(due.since(wall).0).unwrap_or(0);
            wake = wake.min(now + Duration::from_millis(in_ms.max(1)));
        }
        Some(wake)
    }

    /// A wall clock that jumps against the monotonic one pauses the timers until it is right again.
    fn watch_clock(&mut self) {
        let (wall, monotonic) = (self.context.clock.wall(), self.context.clock.monotonic());
        let Limits { clock_jump_max, .. } = self.context.limits;
        let Phase::Owned(owned) = &mut self.phase else {
            return;
        };
        let passed = monotonic.saturating_sub(owned.clocks_at.1);
        let expected = owned.clocks_at.0.plus(super::calls::millis(passed));
        let jump = wall.since(expected).0.saturating_abs();
        if jump > super::calls::millis(clock_jump_max).0 && !owned.clock_suspect {
            owned.clock_suspect = true;
            tracing::error!(
                service = self.context.service,
                lane = self.number,
                jump_ms = jump,
                "clock suspect: the wall clock jumped; timers pause until the lane is taken again"
            );
            metrics::counter!(crate::metrics::CLOCK_SUSPECT, "service" => self.context.service)
                .increment(1);
        }
    }

    /// Sends what the outbox may send.
    pub(super) fn pump(&mut self) {
        let Some(stamp) = &self.stamp else { return };
        let now = self.context.clock.monotonic();
        let stream = stamp.journal.stream.to_bytes();
        let sends = self.outbox.pump(
            &stream,
            self.context.service,
            self.number,
            now,
            &self.context.limits,
        );
        for send in sends {
            let (mailbox, lane, attempt, ticket) = (
                std::sync::Arc::clone(&self.context.mailbox),
                self.number,
                self.attempt,
                send.ticket,
            );
            let done = move |result: Result<Appended, AppendError>| {
                if let Err(error) = &result {
                    tracing::warn!(lane, %error, "a message was not acknowledged: it is sent again");
                }
                let arrived = result.ok();
                mailbox(
                    lane,
                    super::context::Event::Relayed {
                        attempt,
                        ticket,
                        arrived,
                    },
                );
            };
            self.context.log.append(
                crate::log::Class::Relay,
                &send.topic,
                send.lane,
                send.record,
                Box::new(done),
            );
        }
    }

    /// Puts the calls of everything in flight back into the queue, in order: they are decided again,
    /// or answered by their request id.
    pub(super) fn give_back(&mut self) {
        let Phase::Owned(owned) = &mut self.phase else {
            return;
        };
        for flight in owned.in_flight.drain(..).rev() {
            for waiting in flight.waiting.into_iter().rev() {
                self.calls.push_front(waiting.call);
            }
        }
    }

    /// The lane is lost: to another owner, or to an append whose outcome nobody knows.
    pub(super) fn lose(&mut self, fenced: bool, reason: &str) {
        tracing::warn!(
            service = self.context.service,
            lane = self.number,
            fenced,
            reason,
            "lane lost"
        );
        self.give_back();
        if !self.wanted {
            // It was only committing what was in flight: neither taken again nor followed.
            return self.release(reason);
        }
        self.fenced = fenced;
        if fenced {
            metrics::counter!(crate::metrics::OWNERS_FENCED, "service" => self.context.service)
                .increment(1);
            self.refuse_calls();
        }
        (self.context.notify)(
            self.number,
            super::context::Notice::Lost {
                reason: reason.to_owned(),
            },
        );
        if fenced || self.no_room.is_some() || self.tries == 0 {
            self.tries += u32::from(!fenced);
            self.start_loading();
        } else {
            let until = self.context.clock.monotonic() + self.pause();
            self.forget();
            self.phase = Phase::Pausing(until);
        }
    }

    /// Answers a call; true at the seq and time given.
    pub(super) fn answer(call: Call, answer: Answer, seq: u64, at: Timestamp) {
        (call.reply)(Reply::Answer { answer, seq, at });
    }
}
