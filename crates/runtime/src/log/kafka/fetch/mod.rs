//! Readers: a pool of consumers, each with a thread of its own that alone assigns, pauses and polls.
//!
//! A consumer has a partition at most once, so a second reader of the same lane gets another
//! consumer. All changes go through the thread's commands, in order; a record taken from Kafka is
//! handed over before the next command, so nothing meant for a reader that is gone can reach the
//! next one. (`split_partition_queue` would do this too, if it did not stall.)
//!
//! A consumer can stall for one partition without a word, for ever: see [`stall`].

mod route;
mod stall;
mod thread;
#[cfg(test)]
mod trimmed_tests;

use super::meta::Meta;
use super::worker::Worker;
use super::{KafkaOptions, settings};
use crate::log::{LogRecord, ReadError, Reader, Topic, Wake};
use rdkafka::config::ClientConfig;
use route::Route;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use thread::{Command, FetchThread};

/// All consumers of a log.
pub(super) struct FetchPool {
    config: ClientConfig,
    bytes_max: usize,
    meta: Arc<Meta>,
    fetchers: Mutex<Vec<Fetcher>>,
    checks: Worker,
    /// Dropped with the pool: the thread that looks for stalls ends.
    _stalls: mpsc::Sender<()>,
}

/// One consumer, seen from outside its thread.
struct Fetcher {
    commands: mpsc::Sender<Command>,
    places: HashMap<(Topic, u32), Arc<Route>>,
    /// It stalled: it gets no more readers, and ends with the last it has.
    retired: bool,
}

impl FetchPool {
    pub(super) fn start(options: &KafkaOptions, meta: Arc<Meta>) -> Result<Arc<Self>, String> {
        let (stalls, ended) = mpsc::channel();
        let pool = Arc::new(Self {
            config: settings::reader(options),
            bytes_max: options.reader_bytes_max,
            meta,
            fetchers: Mutex::default(),
            checks: Worker::start("log-checks").map_err(|error| error.to_string())?,
            _stalls: stalls,
        });
        stall::watch(&pool, ended).map_err(|error| error.to_string())?;
        Ok(pool)
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
        self.place(&route)?;
        Ok(KafkaReader {
            pool: self.clone(),
            route,
        })
    }

    /// Gives a reader to a consumer that does not have its lane yet.
    fn place(&self, route: &Arc<Route>) -> Result<(), ReadError> {
        let place = (route.topic.clone(), route.lane);
        let mut fetchers = self.fetchers();
        let free = fetchers
            .iter()
            .position(|fetcher| !fetcher.retired && !fetcher.places.contains_key(&place));
        let index = match free {
            Some(index) => index,
            None => {
                let (checks, meta) = (self.checks.clone(), self.meta.clone());
                let commands = FetchThread::start(&self.config, meta, checks)?;
                fetchers.push(Fetcher {
                    commands,
                    places: HashMap::new(),
                    retired: false,
                });
                fetchers.len() - 1
            }
        };
        if let Some(fetcher) = fetchers.get_mut(index) {
            route.set_fetcher(index);
            fetcher.places.insert(place, route.clone());
            fetcher.command(Command::Add(route.clone()));
        }
        Ok(())
    }

    /// Takes a reader away from its consumer; false if that does not have it any more.
    fn unplace(&self, route: &Arc<Route>, retire: bool) -> bool {
        let mut fetchers = self.fetchers();
        let Some(fetcher) = fetchers.get_mut(route.fetcher()) else {
            return false;
        };
        let place = (route.topic.clone(), route.lane);
        let has = fetcher
            .places
            .get(&place)
            .is_some_and(|there| Arc::ptr_eq(there, route));
        if has {
            fetcher.places.remove(&place);
            fetcher.retired |= retire;
            fetcher.command(Command::Remove(route.clone()));
            if fetcher.retired && fetcher.places.is_empty() {
                // Its number stays, so that those of others do.
                fetcher.command(Command::Stop);
            }
        }
        has
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
            && let Some(fetcher) = self.pool.fetchers().get(self.route.fetcher())
        {
            fetcher.command(Command::Resume(self.route.clone()));
        }
        Ok(taken.records)
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        self.pool.unplace(&self.route, false);
    }
}
