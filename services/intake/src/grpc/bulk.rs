//! The stream of registrations: durable in the inboxes of their lanes, then acknowledged cumulatively.
//!
//! The service remembers nothing of a stream. A source that was cut off sends again from its last
//! acknowledged number; what was there already is known by its content.

use super::{Answers, IntakeGrpc, actor, invalid};
use crate::SERVICE;
use crate::edge::Sorter;
use futures::future::try_join_all;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use std::time::Duration;
use tenfold_proto::v1;
use tenfold_runtime::gateway::CallError;
use tenfold_service_shell::status::from_call_error;
use tonic::Status;

/// Most registrations of one batch.
const BATCH_ITEMS_MAX: usize = 10_000;
/// Batches of one stream on their way at once: enough to keep the log busy, too few to fill memory.
const BATCHES_IN_FLIGHT: usize = 4;
/// Tries of a post that finds no room, before the stream ends with RESOURCE_EXHAUSTED.
const TRIES_MAX: u32 = 50;
/// Pause before a post is tried again.
const TRY_AFTER: Duration = Duration::from_millis(100);

/// Checks that a source counts its items without gaps.
#[derive(Default)]
struct Numbering {
    next: Option<u64>,
}

impl Numbering {
    /// The number of the batch's last item.
    fn check(&mut self, batch: &v1::RegisterBatch) -> Result<u64, Status> {
        actor(&batch.actor)?;
        let count = batch.registrations.len();
        if count == 0 || count > BATCH_ITEMS_MAX {
            return Err(invalid(
                "BATCH_SIZE",
                "registrations",
                format!("{count} registrations in one batch: 1 to {BATCH_ITEMS_MAX} are allowed"),
                "send several batches",
            ));
        }
        let first = batch.first_sequence;
        if first == 0 || self.next.is_some_and(|next| next != first) {
            let wanted = self
                .next
                .map_or("1 or more".to_owned(), |next| next.to_string());
            return Err(invalid(
                "SEQUENCE_GAP",
                "first_sequence",
                format!("the batch begins with number {first}: {wanted} is wanted"),
                "number the items of a stream without gaps; begin a new stream after the last acknowledged number",
            ));
        }
        let next = u64::try_from(count)
            .ok()
            .and_then(|count| first.checked_add(count));
        self.next = next;
        Ok(next.map_or(first, |next| next - 1))
    }
}

impl IntakeGrpc {
    pub(super) fn take_batches(
        &self,
        batches: impl Stream<Item = Result<v1::RegisterBatch, Status>> + Send + 'static,
    ) -> Answers<v1::RegisterAck> {
        let service = self.clone();
        let stop = self.stop.clone();
        let mut numbering = Numbering::default();
        let acks = batches
            .take_until(async move { stop.cancelled().await })
            .map(move |batch| {
                let batch = batch?;
                let last = numbering.check(&batch)?;
                Ok::<_, Status>((batch, last))
            })
            .map_ok(move |(batch, last)| {
                let service = service.clone();
                async move {
                    service.post(batch).await?;
                    Ok(v1::RegisterAck { sequence: last })
                }
            })
            .try_buffered(BATCHES_IN_FLIGHT);
        Box::pin(acks)
    }

    /// Done when every registration is durable in its lane's inbox.
    async fn post(&self, batch: v1::RegisterBatch) -> Result<(), Status> {
        let scanner = self.scanner.get().await;
        let mut sorter = Sorter::new(self.gateway.lanes());
        for (mut registration, sequence) in
            batch.registrations.into_iter().zip(batch.first_sequence..)
        {
            if registration.source.is_empty() {
                registration.source.clone_from(&batch.source);
            }
            sorter.add(&scanner, registration, sequence);
        }
        let source: String = batch.source.chars().take(64).collect();
        let origin = format!("stream of {source}");
        let lanes = sorter
            .into_records()
            .map(|(lane, records)| self.post_lane(lane, records, &origin));
        try_join_all(lanes).await.map(|_| ())
    }

    async fn post_lane(
        &self,
        lane: u32,
        records: Vec<Vec<bytes::Bytes>>,
        origin: &str,
    ) -> Result<(), Status> {
        for items in records {
            let mut tries = 0;
            loop {
                let posted = self.gateway.post(SERVICE, lane, origin, items.clone());
                match posted.await {
                    Ok(()) => break,
                    // The source is held back by its own stream; only a long jam ends it.
                    Err(CallError::Full) if tries < TRIES_MAX => {
                        tries += 1;
                        tokio::time::sleep(TRY_AFTER).await;
                    }
                    Err(error) => return Err(from_call_error(error)),
                }
            }
        }
        Ok(())
    }
}
