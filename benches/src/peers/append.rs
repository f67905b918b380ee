//! One record, made durable: what no scan that is durable can be faster than; and the same in a Kafka transaction, which
//! is how one would do it without lanes.
//!
//! Tuned: linger 0, no Nagle, idempotent, acks=all; each alone, after the last one's acknowledgement. The transaction is
//! acknowledged before its commit is asked for (`kafka::drain`), and begun 30 ms after the last one: librdkafka backs off
//! for 20 ms when the coordinator is still busy with the one before.

use crate::bed::Bed;
use crate::figure::{Contestant, Took};
use crate::kafka::{PATIENCE, drain, drop_topics, fresh, make_topic, send};
use crate::openloop::Times;
use crate::scanrecord;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, Producer as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

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

impl Contestant for Appends {
    fn run(&mut self) -> anyhow::Result<Took> {
        let bootstrap = self.bed.kafka().bootstrap();
        let topic = fresh("append-");
        make_topic(bootstrap, &topic, 1)?;
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0")
            .set("socket.nagle.disable", "true");
        if self.transaction {
            config.set("transactional.id", &topic);
        }
        let producer: BaseProducer = config.create()?;
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
            send(&producer, &topic, 0, &value)?;
            drain(&producer)?;
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
