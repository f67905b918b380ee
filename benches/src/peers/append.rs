//! One record, made durable: what no scan that is durable can be faster than; and the same in a Kafka transaction, which
//! is how one would do it without lanes; and as many of them a second as there are scans, on a schedule that waits for nobody.
//!
//! Tuned: linger 0, no Nagle, idempotent, acks=all; alone, each after the last one's acknowledgement. The transaction is
//! acknowledged before its commit is asked for, and begun 30 ms after the last one: librdkafka backs off
//! for 20 ms when the coordinator is still busy with the one before.

use crate::bed::Bed;
use crate::figure::{Contestant, Took};
use crate::kafka::{PATIENCE, drop_topics, fresh, make_topic};
use crate::lab::LABS;
use crate::openloop::{Times, calls};
use crate::scanrecord;
use crate::scans::RATE;
use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};
use rdkafka::{ClientConfig, ClientContext};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Between two transactions.
const APART: Duration = Duration::from_millis(30);

/// The first of so many parts of the time is not counted.
const WARM_UP_PARTS: u32 = 10;

struct Appends {
    bed: Arc<Bed>,
    transaction: bool,
    /// Of the record.
    bytes: usize,
}

/// See the module.
///
/// # Errors
/// The rules refuse a scan, whose record it is.
pub fn alone(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    Ok(Box::new(Appends {
        bed: Arc::clone(bed),
        transaction: false,
        bytes: scanrecord::bytes()?,
    }))
}

/// See the module.
///
/// # Errors
/// The rules refuse a scan, whose record it is.
pub fn transaction(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    Ok(Box::new(Appends {
        bed: Arc::clone(bed),
        transaction: true,
        bytes: scanrecord::bytes()?,
    }))
}

struct Paced {
    bed: Arc<Bed>,
    /// Of a record.
    bytes: usize,
}

/// Tells each sender how its append ended.
struct Told;

impl ClientContext for Told {}

impl ProducerContext for Told {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), KafkaError>>>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, tell: Self::DeliveryOpaque) {
        let ended = delivered
            .as_ref()
            .map(|_| ())
            .map_err(|(error, _)| error.clone());
        let _ = tell.send(ended);
    }
}

type Telling = ThreadedProducer<Told>;

/// Hands one record over. What comes is told when it is durable: at once, for a producer that is polled by hand looks only as
/// often as it was told to (a millisecond, before).
fn append(
    producer: &Telling,
    topic: &str,
    partition: usize,
    value: &[u8],
) -> anyhow::Result<oneshot::Receiver<Result<(), KafkaError>>> {
    let (tell, told) = oneshot::channel();
    let record = BaseRecord::<(), [u8], _>::with_opaque_to(topic, Box::new(tell))
        .partition(i32::try_from(partition)?)
        .payload(value);
    producer.send(record).map_err(|(error, _)| error)?;
    Ok(told)
}

/// Appends on a schedule: see the module.
///
/// # Errors
/// The rules refuse a scan, whose record it is.
pub fn paced(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    Ok(Box::new(Paced {
        bed: Arc::clone(bed),
        bytes: scanrecord::bytes()?,
    }))
}

impl Contestant for Paced {
    fn run(&mut self) -> anyhow::Result<Took> {
        let bootstrap = self.bed.kafka().bootstrap();
        let topic = fresh("append-");
        make_topic(bootstrap, &topic, LABS)?;
        let producer: Arc<Telling> = Arc::new(settings(bootstrap).create_with_context(Told)?);
        let value: Arc<[u8]> = vec![b'x'; self.bytes].into();
        // It learns where the partitions are before the first is due.
        for partition in 0..LABS as usize {
            append(&producer, &topic, partition, &value)?.blocking_recv()??;
        }
        let count = usize::try_from(self.bed.size.seconds)? * RATE as usize;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()?;
        let times = runtime.block_on(calls(LABS as usize, RATE, count, |line, _| {
            let (producer, topic, value) =
                (Arc::clone(&producer), topic.clone(), Arc::clone(&value));
            async move { Ok(append(&producer, &topic, line, &value)?.await??) }
        }))?;
        drop_topics(bootstrap, &topic);
        let note = format!("{} records of {} bytes", times.count(), self.bytes);
        Ok(Took::all(
            &[times.percentile(50), times.percentile(99)],
            note,
        ))
    }
}

fn settings(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("socket.nagle.disable", "true");
    config
}

impl Contestant for Appends {
    fn run(&mut self) -> anyhow::Result<Took> {
        let bootstrap = self.bed.kafka().bootstrap();
        let topic = fresh("append-");
        make_topic(bootstrap, &topic, 1)?;
        let mut config = settings(bootstrap);
        if self.transaction {
            config.set("transactional.id", &topic);
        }
        let producer: Telling = config.create_with_context(Told)?;
        if self.transaction {
            producer.init_transactions(PATIENCE)?;
        }
        let value = vec![b'x'; self.bytes];
        let time = Duration::from_secs(self.bed.size.seconds);
        let (began, mut ms) = (Instant::now(), Vec::new());
        while began.elapsed() < time {
            let from = Instant::now();
            if self.transaction {
                producer.begin_transaction()?;
            }
            append(&producer, &topic, 0, &value)?.blocking_recv()??;
            if self.transaction {
                producer.commit_transaction(PATIENCE)?;
            }
            let took = from.elapsed().as_secs_f64() * 1_000.0;
            if began.elapsed() > time / WARM_UP_PARTS {
                ms.push(took);
            }
            if self.transaction {
                std::thread::sleep(APART);
            }
        }
        drop_topics(bootstrap, &topic);
        let times = Times::of(ms)?;
        let note = format!("{} records of {} bytes", times.count(), self.bytes);
        Ok(Took::all(
            &[times.percentile(50), times.percentile(99)],
            note,
        ))
    }
}
