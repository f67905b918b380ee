//! One partition of the public topic, in order.

use super::record::{Routed, read_record};
use super::{GROUP, Router, TOPIC};
use crate::SERVICE;
use crate::edge::Sorter;
use bytes::Bytes;
use futures::future::join_all;
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tenfold_domain::policy::Scanner;
use tenfold_proto::lane;
use tenfold_runtime::log::{
    AppendError, Class, LogRecord, NewRecord, ReadError, Reader, Topic, Wake,
};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

/// Bytes read at once: a few inbox records for each lane.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// Longest undecodable content that is kept.
const UNDECODABLE_BYTES_MAX: usize = 64 * 1024;
/// First pause after an error; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause after an error.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Tries of an append that the log refuses, before the partition is read again from its position.
const REFUSALS_MAX: u32 = 5;

/// Why a partition is begun again.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("a task of the log ended early")]
    Gone,
}

impl Router {
    /// Routes one partition until told to stop; errors begin it again at its stored position.
    pub(super) async fn partition(self, partition: u32, stop: CancellationToken) {
        let mut pause = PAUSE_MIN;
        loop {
            let done = tokio::select! {
                done = self.route(partition, &mut pause) => done,
                () = stop.cancelled() => return,
            };
            if let Err(error) = done {
                tracing::warn!(partition, %error, "routing registrations begins again");
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn route(&self, partition: u32, pause: &mut Duration) -> Result<(), Failure> {
        let notify = Arc::new(Notify::new());
        let mut reader = self.open(partition, Arc::clone(&notify)).await?;
        loop {
            let records = reader.poll(READ_BYTES_MAX)?;
            let Some(last) = records.last() else {
                notify.notified().await;
                continue;
            };
            let next = last.offset.saturating_add(1);
            let scanner = self.scanner.get().await;
            self.forward(partition, &scanner, records).await?;
            self.store(partition, next).await?;
            *pause = PAUSE_MIN;
        }
    }

    async fn open(&self, partition: u32, notify: Arc<Notify>) -> Result<Box<dyn Reader>, Failure> {
        let log = Arc::clone(&self.log);
        let open = move || -> Result<Box<dyn Reader>, ReadError> {
            let topic = Topic::named(TOPIC);
            let from = match log.position(GROUP, &topic, partition)? {
                Some(next) => next,
                None => log.extent(&topic, partition)?.start,
            };
            let wake: Wake = Arc::new(move || notify.notify_one());
            log.reader(&topic, partition, from, wake)
        };
        let opened = tokio::task::spawn_blocking(open);
        Ok(opened.await.map_err(|_| Failure::Gone)??)
    }

    async fn store(&self, partition: u32, next: u64) -> Result<(), Failure> {
        let log = Arc::clone(&self.log);
        let store = move || log.store_position(GROUP, &Topic::named(TOPIC), partition, next);
        let stored = tokio::task::spawn_blocking(store);
        Ok(stored.await.map_err(|_| Failure::Gone)??)
    }

    /// Done when every record is durable in an inbox.
    async fn forward(
        &self,
        partition: u32,
        scanner: &Scanner,
        records: Vec<LogRecord>,
    ) -> Result<(), Failure> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(());
        };
        let origin = format!("{TOPIC}/{partition}@{}..{}", first.offset, last.offset);
        let mut sorter = Sorter::new(self.lanes);
        let mut unread = Vec::new();
        for record in records {
            match read_record(&record) {
                // Nobody counts the items of a topic: its offset is not theirs to know.
                Routed::Registration(registration) => sorter.add(scanner, *registration, 0),
                Routed::Undecodable { reason } => {
                    unread.push(undecodable(partition, &record, reason));
                }
            }
        }
        let lanes = sorter.into_records().map(|(lane, chunks)| {
            let records = chunks.into_iter().map(|items| external(&origin, items));
            self.append_all(lane, records.collect())
        });
        let dead_lane = partition % self.lanes.max(1);
        let dead = (!unread.is_empty()).then(|| self.append_all(dead_lane, unread));
        for done in join_all(lanes.chain(dead)).await {
            done?;
        }
        Ok(())
    }

    /// Appends to one lane's inbox, one after the other.
    async fn append_all(&self, lane: u32, records: Vec<Bytes>) -> Result<(), Failure> {
        for value in records {
            let mut refusals = 0;
            let mut pause = PAUSE_MIN;
            loop {
                match self.append(lane, value.clone()).await {
                    Ok(()) => break,
                    Err(Failure::Append(error @ AppendError::Refused(_))) => {
                        refusals += 1;
                        if refusals > REFUSALS_MAX {
                            return Err(error.into());
                        }
                    }
                    Err(Failure::Append(_)) => {}
                    Err(other) => return Err(other),
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
        Ok(())
    }

    async fn append(&self, lane: u32, value: Bytes) -> Result<(), Failure> {
        let (done, answer) = oneshot::channel();
        let done = Box::new(move |end| {
            let _ = done.send(end);
        });
        let inbox = Topic::inbox(SERVICE);
        self.log
            .append(Class::Relay, &inbox, lane, NewRecord::of(value), done);
        answer.await.map_err(|_| Failure::Gone)??;
        Ok(())
    }
}

fn external(origin: &str, items: Vec<Bytes>) -> Bytes {
    inbox_record(lane::inbox_record::Content::External(lane::External {
        origin: origin.to_owned(),
        items,
    }))
}

fn undecodable(partition: u32, record: &LogRecord, reason: String) -> Bytes {
    let content = record
        .value
        .slice(..record.value.len().min(UNDECODABLE_BYTES_MAX));
    let is_cut = record.value.len() > content.len();
    inbox_record(lane::inbox_record::Content::Undecodable(
        lane::Undecodable {
            origin: format!("{TOPIC}/{partition}@{}", record.offset),
            reason,
            content,
            cut_from: if is_cut { record.value.len() as u64 } else { 0 },
        },
    ))
}

fn inbox_record(content: lane::inbox_record::Content) -> Bytes {
    lane::InboxRecord {
        content: Some(content),
        ..Default::default()
    }
    .encode_to_vec()
    .into()
}
