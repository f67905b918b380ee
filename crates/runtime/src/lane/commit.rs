//! Commits: an append's success *at the expected offset*, taken strictly in the order of seq.
//!
//! A log may report success with no or a false offset (librdkafka does for duplicates). Then the
//! journal itself is read: if the record is valid there, it is committed, and later ones are expected
//! behind it; if another owner's `LaneOpened` comes first, this owner is fenced.

use super::owned::{Flight, Verify};
use super::reading::follow;
use super::rows::Anchor;
use super::rules::{self, Head, Look};
use super::{Lane, Phase};

use crate::budget::Stages;
use crate::log::{AppendError, Appended};
use crate::metrics as m;
use crate::processor::Processor;
use std::time::Duration;

/// Bytes read at a time while verifying.
const VERIFY_BYTES: usize = 256 << 10;
/// A record that is not found within this time after its good report has an unknown outcome.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(10);

impl<P: Processor> Lane<P> {
    pub(super) fn appended(
        &mut self,
        seq: u64,
        result: Result<Appended, AppendError>,
        acked_at: Duration,
    ) {
        if seq == 0 {
            return self.open_appended(result);
        }
        if let Phase::Owned(owned) = &mut self.phase
            && let Some(flight) = owned.in_flight.iter_mut().find(|f| f.after.seq == seq)
            && flight.result.is_none()
        {
            flight.result = Some(result);
            flight.acked_at = acked_at;
        }
    }

    /// Commits from the head on, as far as reports allow.
    pub(super) fn settle(&mut self) {
        self.verify_on();
        loop {
            let Phase::Owned(owned) = &mut self.phase else {
                return;
            };
            if owned.verify.is_some() {
                return;
            }
            let expected = owned.expected;
            let Some(flight) = owned.in_flight.front() else {
                return;
            };
            let failed = match rules::head(expected, flight.result.as_ref()) {
                Head::Wait => return,
                Head::Commit => {
                    self.commit_head(expected);
                    continue;
                }
                Head::Look => return self.start_verify(expected),
                Head::Failed(error) => error.clone(),
            };
            match failed {
                AppendError::Refused(reason) => {
                    self.give_back();
                    return self.stop(format!("the log refuses a record of the journal: {reason}"));
                }
                AppendError::NoRoom(reason) => {
                    metrics::counter!(m::APPENDS_FAILED, "service" => self.context.service)
                        .increment(1);
                    self.run_full(&reason);
                    return self.lose(false, &reason);
                }
                error @ (AppendError::Unknown(_) | AppendError::NotSent(_)) => {
                    metrics::counter!(m::APPENDS_FAILED, "service" => self.context.service)
                        .increment(1);
                    return self.lose(false, &error.to_string());
                }
            }
        }
    }

    fn commit_head(&mut self, offset: u64) {
        let now = self.context.clock.monotonic();
        let Phase::Owned(owned) = &mut self.phase else {
            return;
        };
        let (Some(flight), Some(stamp)) = (owned.in_flight.pop_front(), &mut self.stamp) else {
            return;
        };
        owned.expected = offset + 1;
        self.tries = 0;
        self.no_room = None;
        let Flight {
            after,
            before,
            bytes,
            decisions,
            messages,
            given,
            waiting,
            started,
            sent_at,
            acked_at,
            ..
        } = flight;
        metrics::histogram!(m::APPEND_SECONDS, "service" => self.context.service)
            .record(now.saturating_sub(sent_at).as_secs_f64());
        let at = Anchor {
            offset,
            chain: before,
        };
        self.outbox
            .add(at, messages, &decisions.traceparent, Some(now));
        for mark in &decisions.relayed {
            self.outbox
                .set_marked(&(mark.topic.clone(), mark.lane), mark.n);
        }
        stamp.chain = after;
        stamp.next_offset = offset + 1;
        follow(stamp, &decisions);
        stamp.anchor = self.outbox.anchor().unwrap_or(at);
        let (stamp, at) = (stamp.clone(), stamp.decided_at);
        for waiting in waiting {
            let stages = Stages {
                queue: started.saturating_sub(waiting.call.queued_at),
                decide: sent_at.saturating_sub(started),
                append: acked_at.saturating_sub(sent_at),
                answer: now.saturating_sub(acked_at),
            };
            self.watch.call(self.number, &stages, now);
            Self::answer(waiting.call, waiting.answer, after.seq, at);
        }
        metrics::counter!(m::RECORDS_COMMITTED, "service" => self.context.service).increment(1);
        metrics::counter!(m::EVENTS_COMMITTED, "service" => self.context.service)
            .increment(decisions.events.len() as u64);
        if let Some((batch, writes)) = given {
            self.apply(batch, writes, &stamp);
        }
        self.journal_grew(bytes.len());
    }

    /// The head's report names another offset, or none.
    fn start_verify(&mut self, from: u64) {
        metrics::counter!(m::OFFSETS_UNEXPECTED, "service" => self.context.service).increment(1);
        let wake = self.context.wake(self.number);
        let journal = self.context.journal();
        match self.context.log.reader(&journal, self.number, from, wake) {
            Ok(reader) => {
                let give_up_at = self.context.clock.monotonic() + VERIFY_TIMEOUT;
                if let Phase::Owned(owned) = &mut self.phase {
                    owned.verify = Some(Verify { reader, give_up_at });
                }
                self.verify_on();
            }
            Err(error) => self.lose(false, &error.to_string()),
        }
    }

    fn verify_on(&mut self) {
        let now = self.context.clock.monotonic();
        let supported = self.processor.level();
        loop {
            let (Phase::Owned(owned), Some(stamp)) = (&mut self.phase, &self.stamp) else {
                return;
            };
            let Some(verify) = &mut owned.verify else {
                return;
            };
            let records = match verify.reader.poll(VERIFY_BYTES) {
                Ok(records) => records,
                Err(error) => return self.lose(false, &error.to_string()),
            };
            if records.is_empty() {
                if now >= verify.give_up_at {
                    self.lose(false, "a record that was reported as written is not found");
                }
                return;
            }
            let mut found = None;
            for log_record in records {
                let Some(head) = owned.in_flight.front() else {
                    break;
                };
                match rules::look(&stamp.chain, &head.bytes, &log_record.value, supported) {
                    Look::Fenced => {
                        return self.lose(true, "another instance took the lane");
                    }
                    Look::Committed => {
                        found = Some(log_record.offset);
                        break;
                    }
                    Look::Another => {
                        return self.stop(format!(
                            "another record with our epoch and name stands at {}/{}@{}",
                            self.context.journal(),
                            self.number,
                            log_record.offset
                        ));
                    }
                    Look::On => {}
                }
            }
            if let Some(offset) = found {
                owned.verify = None;
                self.commit_head(offset);
                return;
            }
        }
    }
}
