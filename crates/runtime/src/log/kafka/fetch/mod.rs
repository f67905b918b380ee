//! Readers: a pool of consumers, each with a thread of its own that alone assigns, pauses and polls.
//!
//! A consumer has a partition at most once, so a second reader of the same lane gets another
//! consumer. All changes go through the thread's commands, in order; a record taken from Kafka is
//! handed over before the next command, so nothing meant for a reader that is gone can reach the
//! next one. (`split_partition_queue` would do this too, if it did not stall.)

mod route;
mod thread;

use super::meta::Meta;
use super::worker::Worker;
use super::{KafkaOptions, settings};
use crate::log::{LogRecord, ReadError, Reader, Topic, Wake};
use rdkafka::config::ClientConfig;
use route::Route;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use thread::{Command, FetchThread};

/// All consumers of a log.
pub(super) struct FetchPool {
    config: ClientConfig,
    bytes_max: usize,
    meta: Arc<Meta>,
    fetchers: Mutex<Vec<Fetcher>>,
    checks: Worker,
}

/// One consumer, seen from outside its thread.
struct Fetcher {
    commands: mpsc::Sender<Command>,
    places: HashSet<(Topic, u32)>,
}

impl FetchPool {
    pub(super) fn start(options: &KafkaOptions, meta: Arc<Meta>) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self {
            config: settings::reader(options),
            bytes_max: options.reader_bytes_max,
            meta,
            fetchers: Mutex::default(),
            checks: Worker::start("log-checks").map_err(|error| error.to_string())?,
        }))
    }

    pub(super) fn reader(
        self: &Arc<Self>,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<KafkaReader, ReadError> {
        let route = Arc::new(Route::new(topic, lane, from, wake, self.bytes_max));
        if self.meta.known_lanes(topic).is_some() {
            self.meta.check_lane(topic, lane)?;
        } else {
            // Asking may take seconds: a refusal comes at a poll.
            let (meta, route) = (self.meta.clone(), route.clone());
            self.checks.run(move || {
                if let Err(error @ ReadError::Refused(_)) =
                    meta.check_lane(&route.topic, route.lane)
                {
                    route.fail(error);
                }
            });
        }
        Ok(KafkaReader {
            fetcher: self.place(&route)?,
            pool: self.clone(),
            route,
        })
    }

    /// Gives a reader to a consumer that does not have its lane yet.
    fn place(&self, route: &Arc<Route>) -> Result<usize, ReadError> {
        let place = (route.topic.clone(), route.lane);
        let mut fetchers = self.fetchers();
        let free = fetchers
            .iter()
            .position(|fetcher| !fetcher.places.contains(&place));
        let index = match free {
            Some(index) => index,
            None => {
                let (checks, meta) = (self.checks.clone(), self.meta.clone());
                let commands = FetchThread::start(&self.config, meta, checks)?;
                fetchers.push(Fetcher {
                    commands,
                    places: HashSet::new(),
                });
                fetchers.len() - 1
            }
        };
        if let Some(fetcher) = fetchers.get_mut(index) {
            fetcher.places.insert(place);
            fetcher.command(Command::Add(route.clone()));
        }
        Ok(index)
    }

    fn fetchers(&self) -> MutexGuard<'_, Vec<Fetcher>> {
        self.fetchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FetchPool {
    fn drop(&mut self) {
        for fetcher in self.fetchers().iter() {
            fetcher.command(Command::Stop);
        }
    }
}

impl Fetcher {
    fn command(&self, command: Command) {
        if let Err(mpsc::SendError(Command::Add(route))) = self.commands.send(command) {
            route.fail(ReadError::Unavailable("the reading thread ended".into()));
        }
    }
}

/// Reads one lane.
pub(super) struct KafkaReader {
    pool: Arc<FetchPool>,
    fetcher: usize,
    route: Arc<Route>,
}

impl Reader for KafkaReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<LogRecord>, ReadError> {
        let taken = self.route.take(max_bytes)?;
        if !taken.records.is_empty() {
            let topic = self.route.topic.as_str();
            if topic.ends_with(".journal") {
                crate::crash::at("kafka.read.journal");
            } else if topic.ends_with(".inbox") {
                crate::crash::at("kafka.read.inbox");
            }
        }
        if taken.resume
            && let Some(fetcher) = self.pool.fetchers().get(self.fetcher)
        {
            fetcher.command(Command::Resume(self.route.clone()));
        }
        Ok(taken.records)
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        if let Some(fetcher) = self.pool.fetchers().get_mut(self.fetcher) {
            fetcher
                .places
                .remove(&(self.route.topic.clone(), self.route.lane));
            fetcher.command(Command::Remove(self.route.clone()));
        }
    }
}
