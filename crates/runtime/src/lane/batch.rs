//! Deciding a batch: calls, then timers, then a guaranteed share of the inbox; all of it one record.

use super::building::{Building, Failed};
use super::calls::{self, Ask, Call, Seen};
use super::fold;
use super::gather;
use super::outbox::Pair;
use super::owned::{Flight, Waiting};
use super::record::{self, Hash, Id};
use super::rows::ReceivedRow;
use super::{Lane, Phase};
use crate::metrics as m;
use crate::processor::{Answer, Input, Processor};
use bytes::Bytes;
use prost::Message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tenfold_domain::{Code, Rejection, Timestamp};
use tenfold_proto::lane::{Decisions, SendMark, StreamMark};

/// Timers decided in one batch.
const TIMERS_MAX: usize = 256;

impl<P: Processor> Lane<P> {
    /// Decides one batch and appends it. True if more could be decided at once.
    pub(super) fn decide_batch(&mut self) -> bool {
        let limits = &self.context.limits;
        let Phase::Owned(owned) = &self.phase else {
            return false;
        };
        let behind_small = |last: &Flight| last.bytes.len() < limits.small_record_bytes;
        if owned.in_flight.len() >= limits.in_flight_max
            || owned.in_flight.back().is_some_and(behind_small)
            || self.unapplied_bytes > limits.unapplied_bytes_max
            || self.outbox.bytes() > limits.relay_bytes_max
        {
            return false;
        }
        let mut building = Building {
            decided_at: self.context.clock.wall().max(owned.tip.decided_at),
            started: self.context.clock.monotonic(),
            answered: self.answered(),
            ..Building::default()
        };
        let alone = match &mut self.phase {
            Phase::Owned(owned) => std::mem::take(&mut owned.inbox_alone),
            _ => false,
        };
        let first = if alone {
            Ok(())
        } else {
            self.take_calls(&mut building)
                .and_then(|()| self.take_timers(&mut building))
        };
        let filled = first.and_then(|()| self.take_inbox(&mut building));
        if let Err(reason) = filled {
            self.return_calls(building.waiting);
            self.give_back();
            self.doubt(reason);
            return false;
        }
        if matches!(self.phase, Phase::Owned(_)) {
            self.finish(building)
        } else {
            self.return_calls(building.waiting);
            false
        }
    }

    /// There is room for more in this batch.
    pub(super) fn has_room(&self, building: &Building) -> bool {
        let limits = &self.context.limits;
        let time = if self.context.others_hurry() {
            limits.batch_time_hurried
        } else {
            limits.batch_time_max
        };
        building.inputs < limits.batch_inputs_max
            && building.bytes < limits.batch_bytes_max
            && self
                .context
                .clock
                .monotonic()
                .saturating_sub(building.started)
                < time
    }

    fn take_calls(&mut self, building: &mut Building) -> Result<(), String> {
        while building.inputs == 0 || self.has_room(building) {
            let Some(call) = self.calls.pop_front() else {
                break;
            };
            let waited = building.started.saturating_sub(call.queued_at);
            metrics::histogram!(m::QUEUE_SECONDS, "service" => self.context.service)
                .record(waited.as_secs_f64());
            building.inputs += 1;
            self.take_call(building, call)?;
        }
        Ok(())
    }

    fn take_call(&mut self, building: &mut Building, call: Call) -> Result<(), String> {
        let answer = match &call.ask {
            Ask::Query(body) => self.ask(body, building.decided_at),
            Ask::Command {
                actor,
                request_id,
                body,
            } => {
                building.barrier = true;
                if building.traceparent.is_empty() {
                    building.traceparent.clone_from(&call.traceparent);
                }
                self.command(building, actor, request_id, body)?
            }
        };
        building.waiting.push(Waiting { call, answer });
        Ok(())
    }

    pub(super) fn ask(&self, body: &Bytes, now: Timestamp) -> Answer {
        let Some(state) = &self.state else {
            return Err(internal("the lane has no state"));
        };
        catch_unwind(AssertUnwindSafe(|| self.processor.query(state, body, now)))
            .unwrap_or_else(|_| Err(internal("answering the query failed")))
    }

    /// Decides a command, unless its request id says that it was, or must not be.
    fn command(
        &mut self,
        building: &mut Building,
        actor: &str,
        request_id: &str,
        body: &Bytes,
    ) -> Result<Answer, String> {
        let Some(state) = &self.state else {
            return Err("the lane has no state".to_owned());
        };
        let command = Hash::of(body);
        let key = (actor.to_owned(), request_id.to_owned());
        let seen = match building.seen.get(&key) {
            Some((same, answer)) if *same == command => return Ok(answer.clone()),
            Some(_) => return Ok(Err(reused(request_id))),
            None => calls::look_up(
                state,
                actor,
                request_id,
                command,
                building.decided_at,
                &self.context.limits,
            ),
        };
        let expires_at = match seen {
            Seen::Answered(answer) => return Ok(answer),
            Seen::Refused(rejection) => return Ok(Err(rejection)),
            Seen::New { expires_at } => expires_at,
        };
        let point = self.point(building);
        let mut answer = match self.decide(building, Input::Command { actor, body }) {
            Ok(answer) => answer,
            Err(Failed::Undecodable(reason)) => Err(Rejection::invalid(
                "COMMAND_UNDECODABLE",
                "",
                reason,
                "send a request of this release's API",
            )),
            Err(failed @ (Failed::Panicked | Failed::Fold(_))) => {
                self.dead_letter(building, "command", &failed.to_string(), body);
                Err(internal(
                    "deciding the command failed; it is kept in the dead letters",
                ))
            }
        };
        if building.bytes > self.context.limits.record_bytes_max {
            self.back_to(building, point);
            answer = Err(Rejection::new(
                Code::ResourceExhausted,
                "DECISION_TOO_LARGE",
                "",
                format!(
                    "what the command causes is larger than one record may be ({} bytes)",
                    self.context.limits.record_bytes_max
                ),
                "send it in smaller parts",
            ));
        }
        if let Err(rejection) = &answer {
            metrics::counter!(m::COMMANDS_REJECTED, "service" => self.context.service, "reason" => rejection.reason.clone()).increment(1);
        }
        let outcome = calls::outcome(actor, request_id, command, expires_at, &answer);
        building.bytes += outcome.encoded_len();
        building.outcomes.push(outcome);
        building.seen.insert(key, (command, answer.clone()));
        Ok(answer)
    }

    fn take_timers(&mut self, building: &mut Building) -> Result<(), String> {
        let (Phase::Owned(owned), Some(state)) = (&self.phase, &self.state) else {
            return Ok(());
        };
        let due = self.next_timer();
        if owned.clock_suspect || due.is_none_or(|due| due > building.decided_at) {
            return Ok(());
        }
        for timer in self
            .processor
            .due_timers(state, building.decided_at, TIMERS_MAX)
        {
            if !self.has_room(building) {
                break;
            }
            building.inputs += 1;
            match self.decide(building, Input::Timer { body: &timer }) {
                Ok(_) => {}
                Err(Failed::Fold(error)) => return Err(error.to_string()),
                Err(Failed::Undecodable(reason)) => {
                    return Err(format!("a timer of our own cannot be read: {reason}"));
                }
                Err(Failed::Panicked) => {
                    return Err("deciding a timer failed: see the log".to_owned());
                }
            }
        }
        Ok(())
    }

    fn return_calls(&mut self, waiting: Vec<Waiting>) {
        for waiting in waiting.into_iter().rev() {
            self.calls.push_front(waiting.call);
        }
    }

    /// The cache could not be read while the batch was decided: it is dropped, and the cache rebuilt.
    fn start_anew(&mut self, waiting: Vec<Waiting>) -> bool {
        self.return_calls(waiting);
        self.give_back();
        self.wipe_cache();
        self.start_loading();
        false
    }

    /// Appends the batch, or answers what needs no record.
    fn finish(&mut self, mut building: Building) -> bool {
        let now = self.context.clock.monotonic();
        if self.state.as_ref().is_none_or(|state| state.failed()) {
            return self.start_anew(building.waiting);
        }
        let Phase::Owned(owned) = &mut self.phase else {
            return false;
        };
        let marks_due = now.saturating_sub(owned.last_append) >= self.context.limits.marks_after
            && self.outbox.has_marks();
        if building.writes_nothing() && !marks_due {
            if building.waiting.is_empty() {
                return false;
            }
            if let Some(last) = owned.in_flight.back_mut() {
                last.waiting.append(&mut building.waiting);
                return true;
            }
            if !building.barrier {
                let seq = owned.tip.chain.seq;
                for waiting in building.waiting {
                    Self::answer(waiting.call, waiting.answer, seq, building.decided_at);
                }
                return true;
            }
            // A zombie must not answer from stale state: an empty record proves that we own the lane.
        }
        let decisions = Decisions {
            decided_at: building.decided_at.0,
            inbox_next: building.inbox_next.unwrap_or(owned.tip.inbox_next),
            events: building.events,
            outcomes: building.outcomes,
            messages: building.messages,
            relayed: self.outbox.marks(),
            received: building.received.iter().map(stream_mark).collect(),
            traceparent: building.traceparent,
            inbox_id: owned.new_inbox.take().map(Id::to_bytes).unwrap_or_default(),
            sending: building.sending.iter().map(send_mark).collect(),
            answered: building.answered,
        };
        let Some(state) = &mut self.state else {
            return false;
        };
        let messages = match fold::rows(state, &decisions) {
            Ok(messages) => messages,
            Err(error) => {
                self.return_calls(building.waiting);
                self.give_back();
                self.doubt(error.to_string());
                return false;
            }
        };
        let given = gather::close_record(state, owned, &self.context.limits, now);
        if state.failed() {
            // The engine's own rows were read too, and rows were written: nothing of this batch may be
            // written anywhere.
            return self.start_anew(building.waiting);
        }
        let before = owned.tip.chain;
        let bytes = record::decisions(&before, self.processor.level(), &decisions);
        let mut after = before;
        after.seq = before.seq.saturating_add(1);
        after.hash = Hash::of(&bytes);
        owned.tip.chain = after;
        owned.tip.decided_at = building.decided_at;
        owned.tip.inbox_next = decisions.inbox_next;
        owned.last_append = now;
        owned
            .gaps
            .retain(|stream, _| !decisions.answered.contains(&stream.to_bytes()));
        metrics::histogram!(m::DECIDE_SECONDS, "service" => self.context.service)
            .record(now.saturating_sub(building.started).as_secs_f64());
        metrics::histogram!(m::BATCH_INPUTS, "service" => self.context.service)
            .record(building.inputs as f64);
        owned.in_flight.push_back(Flight {
            after,
            before,
            bytes: bytes.clone(),
            decisions,
            messages,
            given,
            waiting: building.waiting,
            result: None,
            started: building.started,
            sent_at: now,
            acked_at: now,
        });
        self.append(after.seq, bytes);
        true
    }
}

fn stream_mark((stream, row): (&Id, &ReceivedRow)) -> StreamMark {
    StreamMark {
        stream_id: stream.to_bytes(),
        n: row.n,
        digest: row.digest.to_bytes(),
        from_service: row.from_service.clone(),
        from_lane: row.from_lane,
    }
}

fn send_mark((pair, (n, digest)): (&Pair, &(u64, Hash))) -> SendMark {
    SendMark {
        topic: pair.0.clone(),
        lane: pair.1,
        n: *n,
        digest: digest.to_bytes(),
    }
}

fn internal(message: &str) -> Rejection {
    Rejection::new(
        Code::Internal,
        "INTERNAL",
        "",
        message,
        "report it with the time and the request id",
    )
}

fn reused(request_id: &str) -> Rejection {
    Rejection::new(
        Code::AlreadyExists,
        "REQUEST_ID_REUSED",
        "request_id",
        format!("request id {request_id:?} was used for another request"),
        "make a new id for a new request; use the same id only for the same request",
    )
}
