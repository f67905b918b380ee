//! Appends: which producer takes them, and what their delivery reports mean.
//!
//! A producer that had a fatal error is replaced at the next append; what it still had is answered
//! as unknown while it is destroyed on a thread of its own. Nothing is purged while a producer is
//! in use: a purge is global and would hit every lane of it.

use super::meta::partition;
use super::worker::Worker;
use super::{KafkaOptions, errors, settings};
use crate::crash;
use crate::log::{AppendError, Appended, Class, Done, NewRecord, RECORD_BYTES_MAX, Topic};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

pub(super) struct Producers {
    config: ClientConfig,
    commit: Vec<Slot>,
    relay: Vec<Slot>,
    /// Tells callers what went wrong before a producer took their record.
    answers: Worker,
}

/// A producer in use.
type Slot = Mutex<ThreadedProducer<Reports>>;

impl Producers {
    pub(super) fn start(options: &KafkaOptions) -> Result<Self, String> {
        let config = settings::producer(options);
        let slots = |count: usize, class: Class| -> Result<Vec<Slot>, String> {
            (0..count.max(1))
                .map(|_| {
                    make(&config, class)
                        .map(Mutex::new)
                        .map_err(|error| error.to_string())
                })
                .collect()
        };
        Ok(Self {
            commit: slots(options.commit_producers, Class::Commit)?,
            relay: slots(options.relay_producers, Class::Relay)?,
            answers: Worker::start("log-answers").map_err(|error| error.to_string())?,
            config,
        })
    }

    pub(super) fn append(
        &self,
        class: Class,
        topic: &Topic,
        lane: u32,
        lanes: Option<u32>,
        record: NewRecord,
        done: Done,
    ) {
        let bytes = record.bytes();
        let refused = if bytes > RECORD_BYTES_MAX {
            format!("record of {bytes} bytes is too large: the limit is {RECORD_BYTES_MAX}")
        } else if let Some(lanes) = lanes
            && lane >= lanes
        {
            format!("topic {topic} has {lanes} lanes, no lane {lane}")
        } else {
            if let Err((error, outstanding)) = self.send(class, topic, lane, &record, done) {
                self.answer(outstanding, error);
            }
            return;
        };
        self.answer(Outstanding::new(done), AppendError::Refused(refused));
    }

    fn send(
        &self,
        class: Class,
        topic: &Topic,
        lane: u32,
        record: &NewRecord,
        done: Done,
    ) -> Result<(), (AppendError, Box<Outstanding>)> {
        let slots = match class {
            Class::Commit => &self.commit,
            Class::Relay => &self.relay,
        };
        let outstanding = Outstanding::new(done);
        let Some(slot) = slots.get(lane as usize % slots.len().max(1)) else {
            return Err((AppendError::NotSent("no producer".into()), outstanding));
        };
        crash::at(match class {
            Class::Commit => "kafka.commit.before",
            Class::Relay => "kafka.relay.before",
        });
        let name = topic.full_name();
        let mut message = Record::with_opaque_to(&name, outstanding)
            .partition(partition(lane))
            .payload(&record.value);
        if let Some(key) = &record.key {
            message = message.key(key);
        }
        if !record.headers.is_empty() {
            message = message.headers(headers(record));
        }
        let mut producer = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if producer.context().is_fatal()
            && let Err(error) = self.replace(&mut producer, class)
        {
            return Err((
                AppendError::NotSent(error.to_string()),
                message.delivery_opaque,
            ));
        }
        match producer.send(message) {
            Ok(()) => {
                crash::at(match class {
                    Class::Commit => "kafka.commit.sent",
                    Class::Relay => "kafka.relay.sent",
                });
                Ok(())
            }
            // Nobody had noticed yet; this record was not taken, so the next producer may have it.
            Err((error, message)) if errors::is_fatal(&error) => {
                if let Err(error) = self.replace(&mut producer, class) {
                    let error = AppendError::NotSent(error.to_string());
                    return Err((error, message.delivery_opaque));
                }
                producer.send(message).map_err(not_taken)
            }
            Err(failed) => Err(not_taken(failed)),
        }
    }

    fn replace(&self, producer: &mut ThreadedProducer<Reports>, class: Class) -> KafkaResult<()> {
        tracing::warn!("kafka: a producer had a fatal error; another takes its place");
        let old = std::mem::replace(producer, make(&self.config, class)?);
        // Destroying it answers what it still had, and may take a second.
        if let Err(error) = std::thread::Builder::new()
            .name("log-producer-end".into())
            .spawn(move || drop(old))
        {
            tracing::error!(%error, "kafka: no thread to destroy a producer on");
        }
        Ok(())
    }

    fn answer(&self, outstanding: Box<Outstanding>, error: AppendError) {
        self.answers.run(move || outstanding.end(Err(error)));
    }
}

type Record<'a> = BaseRecord<'a, [u8], [u8], Box<Outstanding>>;

fn not_taken((error, message): (KafkaError, Record<'_>)) -> (AppendError, Box<Outstanding>) {
    (errors::not_taken(&error), message.delivery_opaque)
}

fn make(config: &ClientConfig, class: Class) -> KafkaResult<ThreadedProducer<Reports>> {
    config.create_with_context(Reports {
        class,
        fatal: AtomicBool::new(false),
    })
}

fn headers(record: &NewRecord) -> OwnedHeaders {
    let room = OwnedHeaders::new_with_capacity(record.headers.len());
    record.headers.iter().fold(room, |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(value.as_ref()),
        })
    })
}

/// An append whose end has not been told.
pub(super) struct Outstanding(Mutex<Option<Done>>);

impl Outstanding {
    fn new(done: Done) -> Box<Self> {
        Box::new(Self(Mutex::new(Some(done))))
    }

    fn end(&self, outcome: Result<Appended, AppendError>) {
        let done = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(done) = done {
            done(outcome);
        }
    }
}

impl Drop for Outstanding {
    /// Nobody is left waiting, whatever happened to the producer.
    fn drop(&mut self) {
        self.end(Err(AppendError::Unknown("the producer ended".into())));
    }
}

/// Takes a producer's reports, on its polling thread.
pub(super) struct Reports {
    class: Class,
    fatal: AtomicBool,
}

impl Reports {
    fn is_fatal(&self) -> bool {
        self.fatal.load(Ordering::Acquire)
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if errors::is_fatal(&error) {
            self.fatal.store(true, Ordering::Release);
        }
        tracing::debug!(%error, reason, "kafka producer");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Outstanding>;

    fn delivery(&self, result: &DeliveryResult<'_>, outstanding: Box<Outstanding>) {
        crash::at(match self.class {
            Class::Commit => "kafka.commit.acknowledged",
            Class::Relay => "kafka.relay.acknowledged",
        });
        outstanding.end(match result {
            // Reports of duplicates and implied acknowledgements say success without an offset.
            Ok(message) => Ok(Appended {
                offset: u64::try_from(message.offset()).ok(),
            }),
            Err((error, _)) => {
                if errors::is_fatal(error) {
                    self.fatal.store(true, Ordering::Release);
                }
                Err(errors::not_delivered(error))
            }
        });
    }
}

/// librdkafka's own log lines. Its errors are mostly brokers that come and go.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "kafka: {message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            tracing::warn!(facility, "kafka: {message}");
        }
        _ => tracing::debug!(facility, "kafka: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
    use std::sync::mpsc;
    use std::time::Duration;

    fn append(producers: &Producers, topic: &Topic, lane: u32) -> Result<Appended, AppendError> {
        let (tell, end) = mpsc::channel();
        let done = Box::new(move |result| drop(tell.send(result)));
        let record = NewRecord::of("body");
        producers.append(Class::Commit, topic, lane, Some(2), record, done);
        end.recv_timeout(Duration::from_secs(40)).unwrap()
    }

    #[test]
    fn a_fatal_error_ends_one_producer_and_the_next_append_gets_another() {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("tenfold.t", 2, 1).unwrap();
        let topic = Topic::named("t");
        // A producer that was quicker than the error never sees it: then another is tried.
        for _ in 0..50 {
            let options = KafkaOptions::new(brokers.bootstrap_servers());
            let producers = Producers::start(&options).unwrap();
            brokers.request_errors(
                RDKafkaApiKey::InitProducerId,
                &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED],
            );
            match append(&producers, &topic, 0) {
                Ok(_) => brokers.clear_request_errors(RDKafkaApiKey::InitProducerId),
                Err(AppendError::Unknown(_) | AppendError::NotSent(_)) => {
                    let next = append(&producers, &topic, 0);
                    assert!(matches!(next, Ok(Appended { offset: Some(_) })), "{next:?}");
                    return;
                }
                end => panic!("{end:?}"),
            }
        }
        panic!("the error came to no producer");
    }

    #[test]
    fn errors_mean_what_a_caller_can_do() {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("tenfold.t", 2, 1).unwrap();
        let producers = Producers::start(&KafkaOptions::new(brokers.bootstrap_servers())).unwrap();
        let topic = Topic::named("t");
        assert!(matches!(
            append(&producers, &topic, 2),
            Err(AppendError::Refused(_))
        ));
        brokers.request_errors(
            RDKafkaApiKey::Produce,
            &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
        );
        let end = append(&producers, &topic, 0);
        assert!(matches!(end, Err(AppendError::Refused(_))), "{end:?}");
        assert_eq!(
            append(&producers, &topic, 1),
            Ok(Appended { offset: Some(0) })
        );
    }

    #[test]
    fn dropping_the_producers_leaves_nobody_waiting() {
        let brokers = MockCluster::new(1).unwrap();
        brokers.create_topic("tenfold.t", 2, 1).unwrap();
        let producers = Producers::start(&KafkaOptions::new(brokers.bootstrap_servers())).unwrap();
        brokers.broker_down(1).unwrap();
        let (tell, end) = mpsc::channel();
        let done = Box::new(move |result| drop(tell.send(result)));
        let topic = Topic::named("t");
        producers.append(Class::Commit, &topic, 0, None, NewRecord::of("body"), done);
        drop(producers);
        let end = end.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(matches!(end, Err(AppendError::Unknown(_))), "{end:?}");
    }
}
