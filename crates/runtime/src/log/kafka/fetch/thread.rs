//! The thread of one consumer.

use super::route::Route;
use crate::log::kafka::errors;
use crate::log::kafka::meta::{Meta, partition};
use crate::log::kafka::quiet::Quiet;
use crate::log::kafka::worker::Worker;
use crate::log::{LogRecord, ReadError};
use bytes::Bytes;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;
use tenfold_domain::Timestamp;

/// How long a command may wait while no records come.
const POLL: Duration = Duration::from_millis(10);

/// How often a consumer that nobody reads with is polled all the same.
const POLL_IDLE: Duration = Duration::from_secs(1);

/// Between a trouble and the look at what it was about, so that one that lasts costs little.
const TROUBLE_PAUSE: Duration = Duration::from_millis(100);

pub(super) enum Command {
    /// Start reading where the route says.
    Add(Arc<Route>),
    /// Stop reading.
    Remove(Arc<Route>),
    /// Go on after a pause.
    Resume(Arc<Route>),
    /// Fetch again from where the route is, if it is still at this offset.
    Restart(Arc<Route>, u64),
    /// Check every reader: after a trouble, for this reason.
    Check(String),
    /// End.
    Stop,
}

pub(super) struct FetchThread {
    consumer: BaseConsumer<Quiet>,
    /// Name of the topic in Kafka, partition.
    routes: HashMap<String, HashMap<i32, Arc<Route>>>,
    commands: Sender<Command>,
    meta: Arc<Meta>,
    checks: Worker,
    /// A check is asked for.
    checking: Cell<bool>,
}

impl FetchThread {
    pub(super) fn start(
        config: &ClientConfig,
        meta: Arc<Meta>,
        checks: Worker,
    ) -> Result<Sender<Command>, ReadError> {
        let (commands, todo) = mpsc::channel();
        let thread = Self {
            consumer: config
                .create_with_context(Quiet)
                .map_err(|error| errors::read(&error))?,
            routes: HashMap::new(),
            commands: commands.clone(),
            meta,
            checks,
            checking: Cell::default(),
        };
        std::thread::Builder::new()
            .name("log-fetch".into())
            .spawn(move || thread.run(&todo))
            .map_err(|error| ReadError::Unavailable(format!("no thread to read with: {error}")))?;
        Ok(commands)
    }

    fn run(mut self, todo: &Receiver<Command>) {
        loop {
            let idle = self.routes.is_empty();
            let command = if idle {
                todo.recv_timeout(POLL_IDLE)
            } else {
                todo.try_recv().map_err(|error| match error {
                    TryRecvError::Empty => RecvTimeoutError::Timeout,
                    TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                })
            };
            match command {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(command) => {
                    self.obey(command);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let wait = if idle { Duration::ZERO } else { POLL };
            match self.consumer.poll(wait) {
                None => {}
                Some(Ok(message)) => self.hand_over(&message),
                Some(Err(error)) => self.trouble(&error),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Add(route) => {
                let partition = partition(route.lane);
                let topic = self.routes.entry(route.name.clone()).or_default();
                topic.insert(partition, route.clone());
                self.assign(&route);
            }
            Command::Remove(route) => {
                let partition = partition(route.lane);
                if let Some(topic) = self.routes.get_mut(&route.name) {
                    topic.remove(&partition);
                    if topic.is_empty() {
                        self.routes.remove(&route.name);
                    }
                }
                self.unassign(&route);
            }
            Command::Resume(route) => {
                if self.has(&route)
                    && let Err(error) = self.consumer.resume(&route.partition(None))
                {
                    route.fail(errors::read(&error));
                }
            }
            Command::Restart(route, at) => {
                if self.has(&route) && route.next() == at {
                    self.unassign(&route);
                    self.assign(&route);
                }
            }
            Command::Check(reason) => self.check(reason),
            Command::Stop => {}
        }
    }

    fn route(&self, topic: &str, partition: i32) -> Option<&Arc<Route>> {
        self.routes.get(topic)?.get(&partition)
    }

    fn has(&self, route: &Arc<Route>) -> bool {
        let partition = partition(route.lane);
        self.route(&route.name, partition)
            .is_some_and(|found| Arc::ptr_eq(found, route))
    }

    fn assign(&self, route: &Route) {
        let at = route.partition(Some(route.next()));
        if let Err(error) = self.consumer.incremental_assign(&at) {
            route.fail(errors::read(&error));
        }
    }

    fn unassign(&self, route: &Route) {
        if let Err(error) = self.consumer.incremental_unassign(&route.partition(None)) {
            tracing::warn!(%error, topic = %route.topic, lane = route.lane, "kafka: unassign");
        }
    }

    fn hand_over(&self, message: &BorrowedMessage<'_>) {
        let Some(route) = self.route(message.topic(), message.partition()) else {
            return;
        };
        let Some(record) = record(message) else {
            return;
        };
        if route.push(record)
            && let Err(error) = self.consumer.pause(&route.partition(None))
        {
            tracing::warn!(%error, topic = %route.topic, lane = route.lane, "kafka: pause");
        }
    }

    /// Errors do not say which partition they are about: every reader of the consumer is checked, after a pause. Troubles that come in
    /// it may be those of readers that came in it, too; so who is checked is asked when it is over, and not before.
    fn trouble(&self, error: &KafkaError) {
        if !errors::may_end_a_reader(error) {
            tracing::debug!(%error, "kafka reader");
            return;
        }
        if self.checking.replace(true) {
            return;
        }
        let (commands, reason) = (self.commands.clone(), error.to_string());
        self.checks.run(move || {
            std::thread::sleep(TROUBLE_PAUSE);
            // The thread ends with its log, and its readers with it.
            let _ = commands.send(Command::Check(reason));
        });
    }

    fn check(&self, reason: String) {
        // What happens from here on may be a new trouble.
        self.checking.set(false);
        let routes: Vec<(Arc<Route>, u64)> = self
            .routes
            .values()
            .flat_map(HashMap::values)
            .map(|route| (route.clone(), route.next()))
            .collect();
        let (meta, commands) = (self.meta.clone(), self.commands.clone());
        self.checks.run(move || {
            for (route, next) in routes {
                check(&meta, &commands, &route, next, &reason);
            }
        });
    }
}

/// Ends a reader whose position is outside the log; one that is inside reads on.
fn check(meta: &Meta, commands: &Sender<Command>, route: &Arc<Route>, next: u64, reason: &str) {
    if route.next() != next {
        return;
    }
    match meta.extent(&route.topic, route.lane) {
        Err(error @ ReadError::Refused(_)) => route.fail(error),
        Ok(extent) if next < extent.start || next > extent.end => {
            route.fail(ReadError::OutOfRange {
                wanted: next,
                start: extent.start,
                end: extent.end,
            });
        }
        Ok(_) | Err(_) => {
            tracing::warn!(topic = %route.topic, lane = route.lane, next, reason, "kafka: reading again");
            // The thread ends with its log, and its readers with it.
            let _ = commands.send(Command::Restart(route.clone(), next));
        }
    }
}

fn record(message: &BorrowedMessage<'_>) -> Option<LogRecord> {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| {
                let value = header.value.map_or_else(Bytes::new, Bytes::copy_from_slice);
                (header.key.to_owned(), value)
            })
            .collect()
    });
    Some(LogRecord {
        offset: u64::try_from(message.offset()).ok()?,
        appended_at: Timestamp(message.timestamp().to_millis().unwrap_or(0)),
        key: message.key().map(Bytes::copy_from_slice),
        value: message
            .payload()
            .map_or_else(Bytes::new, Bytes::copy_from_slice),
        headers,
    })
}
