//! A broker as a lab has one: at work for a while.
//!
//! One that was just started compiles the code it runs, for minutes, on the very cores that are measured (29 November 2026,
//! three looks a minute after the start: its second compiler took a quarter of a core beside scans, and three quarters beside appends). So before the
//! first figure it does every kind of work that figures ask of it, as fast as it can. Both sides of a figure have the same broker.

use crate::kafka::{PATIENCE, drain, drop_topics, fresh, make_topic, send};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tenfold_tests::kafka::KafkaCluster;

/// Partitions, each with a writer's and a reader's share.
const PARTITIONS: u32 = 8;

/// Of a small record (a scan's) and a large one (a batch's).
const SMALL: usize = 300;
const LARGE: usize = 200_000;

/// Small ones for each large one.
const SMALL_EACH: u32 = 200;

/// Starts one broker and lets it work for so long; zero: not at all. Should that fail, it is said, for figures are then of a cold
/// one.
///
/// # Panics
/// Kafka cannot be started.
#[must_use]
pub fn warmed(time: Duration) -> KafkaCluster {
    let kafka = KafkaCluster::to_measure();
    if !time.is_zero()
        && let Err(error) = work(kafka.bootstrap(), time)
    {
        eprintln!("The broker was not warmed up, and figures are of a cold one: {error:#}");
    }
    kafka
}

fn work(bootstrap: &str, time: Duration) -> anyhow::Result<()> {
    let topic = fresh("warming-");
    make_topic(bootstrap, &topic, PARTITIONS)?;
    let done = AtomicBool::new(false);
    let worked = thread::scope(|scope| {
        let reader = scope.spawn(|| read(bootstrap, &topic, &done));
        let small = scope.spawn(|| write(bootstrap, &topic, time));
        let transactions = commit(bootstrap, &topic, time);
        let small = small.join().unwrap_or_else(|_| anyhow::bail!("panicked"));
        done.store(true, Ordering::Relaxed);
        let read = reader.join().unwrap_or_else(|_| anyhow::bail!("panicked"));
        transactions.and(small).and(read)
    });
    drop_topics(bootstrap, &topic);
    worked
}

/// Idempotent appends, each in a request of its own, some in flight; a large one now and then.
fn write(bootstrap: &str, topic: &str, time: Duration) -> anyhow::Result<()> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .set("batch.num.messages", "1")
        .set("socket.nagle.disable", "true")
        .create()?;
    let (small, large) = (vec![b'x'; SMALL], vec![b'x'; LARGE]);
    let began = Instant::now();
    while began.elapsed() < time {
        for number in 0..SMALL_EACH {
            send(
                &producer,
                topic,
                i32::try_from(number % PARTITIONS)?,
                &small,
            )?;
        }
        send(&producer, topic, 0, &large)?;
        drain(&producer)?;
    }
    Ok(())
}

/// Transactions of one record, one after the other.
fn commit(bootstrap: &str, topic: &str, time: Duration) -> anyhow::Result<()> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("transactional.id", topic)
        .set("linger.ms", "0")
        .create()?;
    producer.init_transactions(PATIENCE)?;
    let began = Instant::now();
    while began.elapsed() < time {
        producer.begin_transaction()?;
        send(&producer, topic, 1, &[b'x'; SMALL])?;
        drain(&producer)?;
        producer.commit_transaction(PATIENCE)?;
    }
    Ok(())
}

/// Reads all partitions to their ends, and waits there for more.
fn read(bootstrap: &str, topic: &str, done: &AtomicBool) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", topic)
        .set("enable.auto.commit", "false")
        .create()?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset(topic, i32::try_from(partition)?, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;
    while !done.load(Ordering::Relaxed) {
        if let Some(record) = consumer.poll(Duration::from_millis(10)) {
            record?;
        }
    }
    Ok(())
}
