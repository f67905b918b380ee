//! The inbox: messages of other lanes, and inputs from outside.

use super::building::Building;
use super::receive::{self, Received};
use super::record::Id;
use super::rows::ReceivedRow;
use super::{Lane, Phase};
use crate::log::LogRecord;
use crate::metrics as m;
use crate::processor::{Input, Processor};
use bytes::Bytes;
use prost::Message;
use std::time::Duration;
use tenfold_domain::tables::ReadExt;
use tenfold_proto::lane::{External, InboxRecord, Relay, inbox_record::Content};

/// Why an input is not decided that alone would need more than a record.
const TOO_LARGE: &str = "what it causes is larger than one record may be";

impl<P: Processor> Lane<P> {
    /// Fills the batch with records of the inbox: at least one if there is any, more while there is
    /// room and nobody waits. Where somebody waits for this batch, it has one record, and that only if none was taken for a while.
    pub(super) fn take_inbox(&mut self, building: &mut Building) -> Result<(), String> {
        let share = building.inputs > 0;
        if share && self.inbox_may_wait(building.started) {
            return Ok(());
        }
        self.read_inbox();
        loop {
            let Phase::Owned(owned) = &mut self.phase else {
                return Ok(());
            };
            let Some(record) = owned.arrived.pop_front() else {
                return Ok(());
            };
            let point = self.point(building);
            self.take_record(building, &record)?;
            if self.too_large(building) {
                self.back_to(building, point);
                let alone = building.inbox_next.is_none() && !share;
                if !alone || self.take_part(building, &record)? {
                    // The rest goes into a record of its own.
                    if let Phase::Owned(owned) = &mut self.phase {
                        owned.inbox_alone = !alone;
                        owned.arrived.push_front(record);
                    }
                    return Ok(());
                }
                let origin = self.origin(&record);
                self.dead_letter(building, &origin, TOO_LARGE, &record.value);
            }
            building.inbox_next = Some(record.offset + 1);
            if let Phase::Owned(owned) = &mut self.phase {
                owned.inbox_taken = building.started;
            }
            if share || !self.has_room(building) {
                return Ok(());
            }
        }
    }

    /// Was a record of the inbox taken a moment ago?
    fn inbox_may_wait(&self, now: Duration) -> bool {
        match &self.phase {
            Phase::Owned(owned) => {
                now.saturating_sub(owned.inbox_taken) < self.context.limits.inbox_waits
            }
            _ => false,
        }
    }

    fn read_inbox(&mut self) {
        let Phase::Owned(owned) = &mut self.phase else {
            return;
        };
        if !owned.arrived.is_empty() {
            return;
        }
        let opened = match owned.inbox.take() {
            Some(reader) => Ok(reader),
            None => self.context.log.reader(
                &self.context.inbox(),
                self.number,
                owned.tip.inbox_next,
                self.context.wake(self.number),
            ),
        };
        let read = opened.and_then(|mut reader| {
            let records = reader.poll(self.context.limits.inbox_read_bytes)?;
            Ok((reader, records))
        });
        match read {
            Ok((reader, records)) => {
                owned.inbox = Some(reader);
                owned.arrived.extend(records);
            }
            Err(error) => {
                let reason = format!("the inbox cannot be read: {error}");
                self.lose(false, &reason);
            }
        }
    }

    fn origin(&self, record: &LogRecord) -> String {
        format!("{}/{}@{}", self.context.inbox(), self.number, record.offset)
    }

    fn take_record(&mut self, building: &mut Building, record: &LogRecord) -> Result<(), String> {
        let origin = self.origin(record);
        let content = match InboxRecord::decode(record.value.clone()) {
            Ok(InboxRecord {
                content: Some(content),
                traceparent,
            }) => {
                if building.traceparent.is_empty() {
                    building.traceparent = traceparent;
                }
                content
            }
            Ok(_) => {
                building.inputs += 1;
                self.dead_letter(building, &origin, "it has no content", &record.value);
                return Ok(());
            }
            Err(error) => {
                building.inputs += 1;
                self.dead_letter(building, &origin, &error.to_string(), &record.value);
                return Ok(());
            }
        };
        match content {
            Content::Created(_) => Ok(()),
            Content::External(external) => {
                self.take_external(building, &origin, &external);
                Ok(())
            }
            Content::Relay(relay) => self.take_relay(building, &origin, &relay, &record.value),
            Content::Resend(resend) => {
                self.take_resend(&resend);
                Ok(())
            }
            Content::SentThrough(told) => {
                self.take_sent_through(&told);
                Ok(())
            }
            Content::Undecodable(undecodable) => {
                building.inputs += 1;
                let here = undecodable.content.len() as u64;
                self.dead_letter_of(
                    building,
                    &undecodable.origin,
                    &undecodable.reason,
                    &undecodable.content,
                    undecodable.cut_from.max(here),
                );
                Ok(())
            }
        }
    }

    fn take_external(&mut self, building: &mut Building, origin: &str, external: &External) {
        for body in &external.items {
            building.inputs += 1;
            let input = Input::External {
                origin: &external.origin,
                body,
            };
            self.take_input(building, origin, input, body);
        }
    }

    fn take_input(
        &mut self,
        building: &mut Building,
        origin: &str,
        input: Input<'_>,
        body: &Bytes,
    ) {
        match self.decide(building, input) {
            Ok(Ok(_)) => {}
            Ok(Err(rejection)) => {
                metrics::counter!(m::INPUTS_REJECTED, "service" => self.context.service, "reason" => rejection.reason).increment(1);
            }
            Err(failed) => self.dead_letter(building, origin, &failed.to_string(), body),
        }
    }

    fn take_relay(
        &mut self,
        building: &mut Building,
        origin: &str,
        relay: &Relay,
        bytes: &Bytes,
    ) -> Result<(), String> {
        let stream = Id::from_slice(&relay.stream_id).unwrap_or_default();
        match self.judge_relay(building, stream, relay) {
            Received::New(range, row) => {
                if let Phase::Owned(owned) = &mut self.phase
                    && owned
                        .gaps
                        .get(&stream)
                        .is_some_and(|gap| gap.is_filled(row.n))
                {
                    owned.gaps.remove(&stream);
                }
                for message in &relay.messages[range] {
                    if message.level > self.processor.level() {
                        return Err(format!(
                            "a message in {origin} has level {}, and this release reads up to {}: update this instance",
                            message.level,
                            self.processor.level()
                        ));
                    }
                    building.inputs += 1;
                    let input = Input::Message {
                        level: message.level,
                        body: &message.body,
                    };
                    self.take_input(building, origin, input, &message.body);
                }
                building.received.insert(stream, row);
            }
            Received::Duplicate => {
                metrics::counter!(m::RELAYS_DUPLICATE, "service" => self.context.service)
                    .increment(1);
            }
            Received::Gap { .. } => self.gap(stream, relay),
            Received::Contradiction => {
                metrics::counter!(m::RELAYS_CONTRADICT, "service" => self.context.service)
                    .increment(1);
                tracing::error!(service = self.context.service, lane = self.number, %stream, origin, "a sender's message contradicts an earlier one: nothing more is taken from it");
            }
            Received::Malformed(reason) => {
                building.inputs += 1;
                self.dead_letter(building, origin, reason, bytes);
            }
        }
        Ok(())
    }

    fn judge_relay(&self, building: &Building, stream: Id, relay: &Relay) -> Received {
        let kept: Option<ReceivedRow> = match building.received.get(&stream) {
            Some(row) => Some(row.clone()),
            None => self
                .state
                .as_ref()
                .and_then(|state| state.get(&stream.to_string())),
        };
        receive::judge(relay, kept.as_ref())
    }

    /// What all new messages of a record cause is too large: takes as many as fit, and one at least. If that one
    /// alone is too large, it goes to the dead letters, and those behind it are not held up. False if the record
    /// has no new messages.
    fn take_part(&mut self, building: &mut Building, record: &LogRecord) -> Result<bool, String> {
        let Ok(Some(Content::Relay(mut relay))) =
            InboxRecord::decode(record.value.clone()).map(|record| record.content)
        else {
            return Ok(false);
        };
        let origin = self.origin(record);
        let stream = Id::from_slice(&relay.stream_id).unwrap_or_default();
        loop {
            let Received::New(range, row) = self.judge_relay(building, stream, &relay) else {
                return Ok(false);
            };
            let point = self.point(building);
            let one = range.len() <= 1;
            relay
                .messages
                .truncate(range.start + range.len().div_ceil(2));
            self.take_relay(building, &origin, &relay, &record.value)?;
            if !self.too_large(building) {
                return Ok(true);
            }
            self.back_to(building, point);
            if one {
                let n = row.n;
                let body = relay.messages.pop().map(|m| m.body).unwrap_or_default();
                self.dead_letter(building, &format!("{origin}#{n}"), TOO_LARGE, &body);
                building.received.insert(stream, row);
                return Ok(true);
            }
        }
    }
}
