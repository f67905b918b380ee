//! Membership in a group that spreads lanes over instances.
//!
//! The member is told partitions and never fetches them: they are paused as soon as they are
//! assigned. Nothing happens in the rebalance itself but telling the engine what to own from now
//! on; owning is decided by the journal.

use super::producers::log;
use super::{KafkaOptions, errors, settings};
use crate::log::{Membership, ReadError, Suggest, Topic};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How often the member's thread looks whether it should leave.
const POLL: Duration = Duration::from_millis(20);

/// Longest wait for the broker's answer to leaving; after it the member is gone all the same.
const LEAVE_WITHIN: Duration = Duration::from_millis(1_500);

/// Longest wait for the lanes to be given up before leaving.
const UNSUBSCRIBE_WITHIN: Duration = Duration::from_millis(1_000);

/// Before a member that was put out comes in again: at first, and at most. A broker does so to a static member whose
/// coordinator died at the wrong moment, though nobody has taken its name; and to one of two processes under one name,
/// which must not put each other out in quick turns.
const OUTSIDE_MIN: Duration = Duration::from_secs(1);
const OUTSIDE_MAX: Duration = Duration::from_secs(60);

/// A member for so long was rightly one.
const SETTLED: Duration = Duration::from_secs(300);

pub(super) struct Member {
    leaving: Arc<AtomicBool>,
    left: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Member {
    pub(super) fn join(
        options: &KafkaOptions,
        group: &str,
        instance: &str,
        topic: &Topic,
        suggest: Suggest,
    ) -> Result<Self, ReadError> {
        let name = topic.full_name();
        let config = settings::member(options, group, instance);
        let enter = move || {
            let context = Suggesting {
                topic: name.clone(),
                suggest: Arc::clone(&suggest),
            };
            let consumer: BaseConsumer<Suggesting> = config.create_with_context(context)?;
            consumer.subscribe(&[&name])?;
            Ok(consumer)
        };
        let first = enter().map_err(|error: KafkaError| errors::read(&error))?;
        let leaving = Arc::new(AtomicBool::new(false));
        let (tell_left, left) = mpsc::channel();
        let stop = leaving.clone();
        std::thread::Builder::new()
            .name("log-member".into())
            .spawn(move || {
                stay(first, &enter, &stop);
                // Who asked may have given up waiting.
                let _ = tell_left.send(());
            })
            .map_err(|error| ReadError::Unavailable(format!("no thread for a member: {error}")))?;
        Ok(Self {
            leaving,
            left: Mutex::new(Some(left)),
        })
    }
}

/// Is a member until told to leave. A member that the broker put out comes in again, as another.
fn stay(
    first: BaseConsumer<Suggesting>,
    enter: &dyn Fn() -> Result<BaseConsumer<Suggesting>, KafkaError>,
    stop: &AtomicBool,
) {
    let mut pause = OUTSIDE_MIN;
    let mut member = Some(first);
    while let Some(consumer) = member.take() {
        let since = Instant::now();
        let left = run(&consumer, stop);
        // Leaves the group and waits for the broker to know.
        drop(consumer);
        if left {
            return;
        }
        if since.elapsed() > SETTLED {
            pause = OUTSIDE_MIN;
        }
        while member.is_none() {
            if waited(pause, stop) {
                return;
            }
            pause = pause.saturating_mul(2).min(OUTSIDE_MAX);
            match enter() {
                Ok(consumer) => member = Some(consumer),
                Err(error) => tracing::error!(%error, "kafka: the group cannot be joined again"),
            }
        }
    }
}

/// Waits; true if told to leave meanwhile.
fn waited(pause: Duration, stop: &AtomicBool) -> bool {
    let until = Instant::now() + pause;
    while Instant::now() < until {
        if stop.load(Ordering::Acquire) {
            return true;
        }
        std::thread::sleep(POLL);
    }
    stop.load(Ordering::Acquire)
}

/// True: told to leave. False: the broker put it out, for good.
fn run(consumer: &BaseConsumer<Suggesting>, stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Acquire) {
        match consumer.poll(POLL) {
            // Records come only in the moment between assignment and pause.
            None | Some(Ok(_)) => {}
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                tracing::error!(%error, "kafka: put out of the group, which is joined again: if this goes on, another process runs under this instance's name");
                (consumer.context().suggest)(Vec::new());
                return false;
            }
            Some(Err(error)) => tracing::debug!(%error, "kafka group member"),
        }
    }
    unsubscribe(consumer);
    true
}

/// Gives up the lanes and tells the broker. A static member that only closes tells it nothing, and
/// its lanes lie idle for a whole session.
fn unsubscribe(consumer: &BaseConsumer<Suggesting>) {
    consumer.unsubscribe();
    let until = Instant::now() + UNSUBSCRIBE_WITHIN;
    let has_lanes = || consumer.assignment().is_ok_and(|lanes| lanes.count() > 0);
    while has_lanes() && Instant::now() < until {
        consumer.poll(POLL);
    }
    // The request to leave goes out with the last lane; closing waits for its answer.
    consumer.poll(POLL);
}

impl Membership for Member {
    fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
        let left = self
            .left
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(left) = left
            && left.recv_timeout(LEAVE_WITHIN).is_err()
        {
            tracing::warn!(
                "kafka: leaving the group takes long; its lanes move when the session ends"
            );
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Turns assignments into suggestions.
struct Suggesting {
    topic: String,
    suggest: Suggest,
}

impl ClientContext for Suggesting {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka group member");
    }
}

impl ConsumerContext for Suggesting {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(new) = rebalance
            && let Err(error) = consumer.pause(new)
        {
            tracing::warn!(%error, "kafka: a group member's partitions are not paused");
        }
        crate::crash::at("kafka.assigned");
        match consumer.assignment() {
            Ok(all) => {
                let mut lanes: Vec<u32> = all
                    .elements_for_topic(&self.topic)
                    .iter()
                    .filter_map(|element| u32::try_from(element.partition()).ok())
                    .collect();
                lanes.sort_unstable();
                (self.suggest)(lanes);
            }
            Err(error) => tracing::error!(%error, "kafka: a group member's assignment is unknown"),
        }
    }
}
