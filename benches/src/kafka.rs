//! Kafka for figures: our own log under a name of its own for each run, and topics for yardsticks.

use anyhow::{Context as _, anyhow, ensure};
use bytes::Bytes;
use futures::executor::block_on;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::ToBytes;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use std::borrow::Borrow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tenfold_runtime::log::kafka::{KafkaLog, KafkaOptions};
use tenfold_tests::named_log::NamedLog;

/// Longest wait for anything of a broker.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A name that no other run of this process has.
#[must_use]
pub fn fresh(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{what}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Our log on Kafka, as a service connects to it; topics and groups carry the run's name, so each run begins with
/// empty lanes.
///
/// # Errors
/// The broker does not answer.
pub fn run_log(bootstrap: &str, run: &str) -> anyhow::Result<NamedLog> {
    let kafka = KafkaLog::connect(KafkaOptions::new(bootstrap))?;
    Ok(NamedLog::new(Arc::new(kafka), &format!("{run}.")))
}

fn admin(bootstrap: &str) -> anyhow::Result<AdminClient<DefaultClientContext>> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()?)
}

/// Makes a topic that is kept for ever.
///
/// # Errors
/// The broker refuses.
pub fn make_topic(bootstrap: &str, name: &str, partitions: u32) -> anyhow::Result<()> {
    let partitions = i32::try_from(partitions)?;
    let topic =
        NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    for result in block_on(admin(bootstrap)?.create_topics([&topic], &options))? {
        result.map_err(|(name, code)| anyhow!("topic {name} is not made: {code}"))?;
    }
    Ok(())
}

/// Deletes the topics whose names begin so, so that runs do not fill the disk. What does not go stays for the end.
pub fn drop_topics(bootstrap: &str, beginning: &str) {
    let dropped = || -> anyhow::Result<()> {
        let admin = admin(bootstrap)?;
        let there = admin.inner().fetch_metadata(None, PATIENCE)?;
        let names: Vec<&str> = there
            .topics()
            .iter()
            .map(|t| t.name())
            .filter(|name| name.starts_with(beginning))
            .collect();
        if !names.is_empty() {
            block_on(admin.delete_topics(&names, &AdminOptions::new()))?;
        }
        Ok(())
    };
    let _ = dropped();
}

/// Writes records to a partition and waits until all are durable.
///
/// # Errors
/// One is not.
pub fn fill<B: Borrow<Bytes>>(
    bootstrap: &str,
    topic: &str,
    partition: u32,
    records: impl Iterator<Item = B>,
) -> anyhow::Result<()> {
    let filler = Filler::to(bootstrap, topic)?;
    for record in records {
        filler.put(partition, record.borrow())?;
    }
    filler.done()
}

/// Fills a topic; connected from the beginning, so that this is not what is measured.
pub struct Filler {
    producer: BaseProducer,
    topic: String,
}

impl Filler {
    /// Connects.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn to(bootstrap: &str, topic: &str) -> anyhow::Result<Self> {
        let producer = filler(bootstrap)?;
        producer
            .client()
            .fetch_metadata(Some(topic), PATIENCE)
            .with_context(|| topic.to_owned())?;
        Ok(Self {
            producer,
            topic: topic.to_owned(),
        })
    }

    /// Hands a record over.
    ///
    /// # Errors
    /// It is refused.
    pub fn put(&self, partition: u32, record: &Bytes) -> anyhow::Result<()> {
        send(
            &self.producer,
            &self.topic,
            i32::try_from(partition)?,
            record,
        )
    }

    /// Waits until all are durable.
    ///
    /// # Errors
    /// One is not.
    pub fn done(&self) -> anyhow::Result<()> {
        self.producer
            .flush(PATIENCE)
            .with_context(|| format!("{} is not filled", self.topic))
    }
}

/// The same with keys.
///
/// # Errors
/// One is not durable.
pub fn keyed(
    bootstrap: &str,
    topic: &str,
    partition: u32,
    records: impl Iterator<Item = (String, Bytes)>,
) -> anyhow::Result<()> {
    let producer = filler(bootstrap)?;
    let partition = i32::try_from(partition)?;
    for (key, value) in records {
        let record = BaseRecord::to(topic)
            .partition(partition)
            .key(key.as_str())
            .payload(&value[..]);
        hand_over(&producer, record)?;
    }
    producer
        .flush(PATIENCE)
        .with_context(|| format!("{topic} is not filled"))
}

fn filler(bootstrap: &str) -> anyhow::Result<BaseProducer> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "500000");
    Ok(config.create()?)
}

/// Hands a record to a producer; waits while its queue is full.
///
/// # Errors
/// It is refused.
pub fn send(
    producer: &BaseProducer,
    topic: &str,
    partition: i32,
    value: &[u8],
) -> anyhow::Result<()> {
    let record = BaseRecord::<(), [u8]>::to(topic)
        .partition(partition)
        .payload(value);
    hand_over(producer, record)
}

fn hand_over<K: ToBytes + ?Sized>(
    producer: &BaseProducer,
    mut record: BaseRecord<'_, K, [u8]>,
) -> anyhow::Result<()> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(5));
                record = back;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

/// Waits until all that was handed over is acknowledged. Without it, `commit_transaction` of rdkafka's safe API waits 100 ms
/// more than it needs to: it looks so seldom.
///
/// # Errors
/// It takes too long.
pub fn drain(producer: &BaseProducer) -> anyhow::Result<()> {
    let began = std::time::Instant::now();
    while producer.in_flight_count() > 0 {
        ensure!(
            began.elapsed() < PATIENCE,
            "the broker acknowledges nothing"
        );
        producer.poll(Duration::from_millis(1));
    }
    Ok(())
}
