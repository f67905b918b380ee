//! Messages that left memory long ago, read out of the journal and sent again: for a receiver whose
//! inbox was made anew.

use super::context::Context;
use super::outbox::Pair;
use super::record::{self, Hash, Id};
use super::validity::{Chain, Verdict, judge};
use super::{Lane, fold};
use crate::log::{Class, NewRecord, Topic};
use crate::processor::Processor;
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use tenfold_proto::lane::{
    Decisions, InboxRecord, OutMessage, Relay, RelayedMessage, inbox_record::Content,
};

/// Bytes of journal read at a time.
const READ_BYTES: usize = 1 << 20;
/// Reading stops when nothing more arrives for so long; the receiver asks again if it must.
const PATIENCE: Duration = Duration::from_secs(5);

impl<P: Processor> Lane<P> {
    /// Sends a pair's messages again, from a number up to the last that had arrived, in the background.
    pub(super) fn send_history(&self, pair: Pair, from: u64) {
        let Some(stamp) = &self.stamp else { return };
        let job = History {
            context: Arc::clone(&self.context),
            lane: self.number,
            stream: stamp.journal.stream,
            supported: self.processor.level(),
            through: self.outbox.acked(&pair),
            end: stamp.next_offset,
            pair,
            from,
        };
        (self.context.background)(Box::new(move || job.run()));
    }
}

struct History {
    context: Arc<Context>,
    lane: u32,
    stream: Id,
    supported: u32,
    pair: Pair,
    from: u64,
    through: u64,
    /// Committed end of the journal.
    end: u64,
}

impl History {
    fn run(self) {
        tracing::info!(service = self.context.service, lane = self.lane, to = %self.pair.0, to_lane = self.pair.1, from = self.from, through = self.through, "sending old messages again");
        if let Err(error) = self.read() {
            tracing::warn!(service = self.context.service, lane = self.lane, %error, "old messages could not all be sent again");
        }
    }

    fn read(&self) -> Result<(), crate::log::ReadError> {
        let journal = self.context.journal();
        let mut reader = self
            .context
            .log
            .reader(&journal, self.lane, 0, Arc::new(|| {}))?;
        let mut chain = Chain::default();
        let mut silent = Duration::ZERO;
        let pause = Duration::from_millis(10);
        while silent < PATIENCE {
            let records = reader.poll(READ_BYTES)?;
            if records.is_empty() {
                std::thread::sleep(pause);
                silent += pause;
                continue;
            }
            silent = Duration::ZERO;
            for log_record in records {
                if log_record.offset >= self.end {
                    return Ok(());
                }
                let Some(envelope) = record::read(&log_record.value) else {
                    continue;
                };
                let first = log_record.offset == 0;
                let verdict = judge(&chain, first, Some(&envelope), self.supported);
                chain = chain.after(verdict, &envelope, &log_record.value);
                if verdict == Verdict::Decisions
                    && let Ok(decisions) = Decisions::decode(envelope.body)
                    && let Ok(messages) = fold::numbered(&decisions)
                {
                    self.send(messages);
                }
            }
        }
        Ok(())
    }

    fn send(&self, messages: Vec<(OutMessage, Hash)>) {
        let ours: Vec<_> = messages
            .into_iter()
            .filter(|(m, _)| {
                m.topic == self.pair.0
                    && m.lane == self.pair.1
                    && (self.from..=self.through).contains(&m.n)
            })
            .collect();
        let Some((first, before)) = ours.first() else {
            return;
        };
        let relay = Relay {
            stream_id: self.stream.to_bytes(),
            from_service: self.context.service.to_owned(),
            from_lane: self.lane,
            first_n: first.n,
            prev_digest: before.to_bytes(),
            messages: ours
                .iter()
                .map(|(m, _)| RelayedMessage {
                    level: m.level,
                    body: m.body.clone(),
                })
                .collect(),
        };
        let record = InboxRecord {
            content: Some(Content::Relay(relay)),
            traceparent: String::new(),
        };
        self.context.log.append(
            Class::Relay,
            &Topic::named(&self.pair.0),
            self.pair.1,
            NewRecord::of(record.encode_to_vec()),
            Box::new(|_| {}),
        );
    }
}
