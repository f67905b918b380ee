//! A copy by librdkafka alone: read, write, commit the positions with the output in one transaction. Exactly once, and
//! nothing else: no decision, no state, no duplicates looked for. What the log can carry, for a program that does not
//! think.
//!
//! Tuned: no compression on either side (as ours); fetches of up to 8 MiB, a million records read ahead, no checksums on
//! reading (librdkafka's default); batches of up to 1 MiB after 5 ms of lingering; five in flight; a quarter of a
//! million samples a transaction; and all is acknowledged before `commit_transaction` is called, which would wait 100 ms too
//! long in rdkafka's safe API. One thread: the broker has the other core.

use crate::bed::Bed;
use crate::figure::{Contestant, Took};
use crate::kafka::{PATIENCE, drain, drop_topics, fill, fresh, make_topic, send};
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Samples in a transaction.
const SAMPLES_A_TRANSACTION: usize = 262_144;

struct Copy {
    bed: Arc<Bed>,
    source: String,
    partitions: u32,
    /// Records of each partition.
    records: Vec<usize>,
    samples: usize,
}

/// One sample a record.
///
/// # Errors
/// The samples cannot be written.
pub fn samples(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    let load = bed.size.load();
    start(bed, "copy", |lane| {
        (0..load.tubes_a_lab())
            .map(|n| load.details(lane, n))
            .collect()
    })
}

/// The same samples in the records that our inbox has them in.
///
/// # Errors
/// The records cannot be written.
pub fn packed(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    let load = bed.size.load();
    start(bed, "packed", |lane| load.packed(lane))
}

fn start(
    bed: &Arc<Bed>,
    name: &str,
    records_of: impl Fn(usize) -> Vec<Bytes>,
) -> anyhow::Result<Box<dyn Contestant>> {
    let (load, times) = (bed.size.load(), bed.size.copies);
    let bootstrap = bed.kafka().bootstrap();
    let source = fresh(&format!("{name}-source-"));
    make_topic(bootstrap, &source, load.lanes())?;
    let mut records = Vec::new();
    for lane in 0..load.lanes() {
        let once = records_of(lane as usize);
        records.push(once.len() * times);
        fill(bootstrap, &source, lane, (0..times).flat_map(|_| &once))?;
    }
    Ok(Box::new(Copy {
        bed: Arc::clone(bed),
        source,
        partitions: load.lanes(),
        records,
        samples: load.tubes() * times,
    }))
}

impl Contestant for Copy {
    fn run(&mut self) -> anyhow::Result<Took> {
        let bootstrap = self.bed.kafka().bootstrap();
        let target = fresh("copied-");
        make_topic(bootstrap, &target, self.partitions)?;
        let started = Instant::now();
        let (producer, consumer) = self.clients(bootstrap, &target)?;
        producer
            .init_transactions(PATIENCE)
            .context("the transactional producer")?;
        let mut first = None;
        let (mut copied, mut in_transaction) = (0, 0);
        let all: usize = self.records.iter().sum();
        let records_a_transaction = (SAMPLES_A_TRANSACTION * all / self.samples.max(1)).max(1);
        let mut next = vec![0_i64; self.partitions as usize];
        let mut heard = Instant::now();
        while copied < all {
            let Some(message) = consumer.poll(Duration::from_millis(100)) else {
                ensure!(
                    heard.elapsed() < PATIENCE,
                    "nothing more comes after {copied} of {all} records"
                );
                continue;
            };
            let message = message?;
            heard = Instant::now();
            if in_transaction == 0 {
                first.get_or_insert(heard);
                producer.begin_transaction()?;
            }
            send(
                &producer,
                &target,
                message.partition(),
                message.payload().unwrap_or_default(),
            )?;
            if let Some(place) = next.get_mut(usize::try_from(message.partition())?) {
                *place = message.offset() + 1;
            }
            copied += 1;
            in_transaction += 1;
            if in_transaction == records_a_transaction || copied == all {
                self.commit(&producer, &consumer, &next)?;
                in_transaction = 0;
            }
        }
        let warm = first.unwrap_or(started).elapsed().as_secs_f64();
        let whole = started.elapsed().as_secs_f64();
        drop_topics(bootstrap, &target);
        for (records, next) in self.records.iter().zip(&next) {
            ensure!(
                *records as i64 == *next,
                "{next} of {records} records of a partition were copied"
            );
        }
        let samples = self.samples as f64;
        Ok(Took::all(
            &[samples / warm, samples / whole],
            format!("{} samples a run", self.samples),
        ))
    }
}

impl Copy {
    fn clients(&self, bootstrap: &str, id: &str) -> anyhow::Result<(BaseProducer, BaseConsumer)> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("transactional.id", id)
            .set("acks", "all")
            .set("linger.ms", "5")
            .set("batch.size", "1000000")
            .set("batch.num.messages", "100000")
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", "1000000")
            .create()?;
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", id)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "false")
            .set("fetch.message.max.bytes", "8388608")
            .set("queued.min.messages", "1000000")
            .set("queued.max.messages.kbytes", "262144")
            .create()?;
        let mut places = TopicPartitionList::new();
        for partition in 0..self.partitions {
            places.add_partition_offset(
                &self.source,
                i32::try_from(partition)?,
                Offset::Beginning,
            )?;
        }
        consumer.assign(&places)?;
        Ok((producer, consumer))
    }

    fn commit(
        &self,
        producer: &BaseProducer,
        consumer: &BaseConsumer,
        next: &[i64],
    ) -> anyhow::Result<()> {
        let mut places = TopicPartitionList::new();
        for (partition, offset) in next.iter().enumerate() {
            let partition = i32::try_from(partition)?;
            places.add_partition_offset(&self.source, partition, Offset::Offset(*offset))?;
        }
        let group = consumer
            .group_metadata()
            .context("the consumer has no group")?;
        drain(producer)?;
        producer.send_offsets_to_transaction(&places, &group, PATIENCE)?;
        producer.commit_transaction(PATIENCE)?;
        Ok(())
    }
}
