//! What goes from a consumer's thread to one reader: a queue bounded by bytes.

use crate::log::kafka::meta::partition;
use crate::log::{LogRecord, ReadError, Topic, Wake};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Route {
    pub(super) topic: Topic,
    /// The topic's name in Kafka.
    pub(super) name: String,
    pub(super) lane: u32,
    wake: Wake,
    bytes_max: usize,
    state: Mutex<State>,
    /// The consumer that fetches for it; another after that one stalled.
    fetcher: AtomicUsize,
    made: Instant,
}

struct State {
    records: VecDeque<LogRecord>,
    bytes: usize,
    /// The offset from which the next record will come.
    next: u64,
    paused: bool,
    error: Option<ReadError>,
}

/// What a poll takes.
pub(super) struct Taken {
    pub(super) records: Vec<LogRecord>,
    /// The queue was full and is not any more: fetching should go on.
    pub(super) resume: bool,
}

impl Route {
    pub(super) fn new(topic: &Topic, lane: u32, from: u64, wake: Wake, bytes_max: usize) -> Self {
        Self {
            name: topic.full_name(),
            topic: topic.clone(),
            lane,
            wake,
            bytes_max,
            state: Mutex::new(State {
                records: VecDeque::new(),
                bytes: 0,
                next: from,
                paused: false,
                error: None,
            }),
            fetcher: AtomicUsize::new(usize::MAX),
            made: Instant::now(),
        }
    }

    /// It was made less than this ago.
    pub(super) fn is_young(&self, age: Duration) -> bool {
        self.made.elapsed() < age
    }

    /// The consumer that fetches for it, by its number in the pool.
    pub(super) fn fetcher(&self) -> usize {
        self.fetcher.load(Ordering::Acquire)
    }

    /// From now on another consumer fetches for it.
    pub(super) fn set_fetcher(&self, fetcher: usize) {
        self.fetcher.store(fetcher, Ordering::Release);
    }

    /// The offset at which it waits for its consumer; `None` if it is not the consumer's turn.
    pub(super) fn waits_at(&self) -> Option<u64> {
        let state = self.state();
        let waits = state.records.is_empty() && !state.paused && state.error.is_none();
        waits.then_some(state.next)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offset from which the next record will come.
    pub(super) fn next(&self) -> u64 {
        self.state().next
    }

    /// The route's partition, at an offset if one is given.
    pub(super) fn partition(&self, offset: Option<u64>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(&self.name, partition(self.lane));
        if let Some(offset) = offset.and_then(|offset| i64::try_from(offset).ok())
            && let Err(error) = element.set_offset(Offset::Offset(offset))
        {
            tracing::error!(%error, offset, "kafka: not an offset");
        }
        list
    }

    /// Queues a record; true if the queue is now full and its partition should pause.
    pub(super) fn push(&self, record: LogRecord) -> bool {
        let (was_empty, pause) = {
            let mut state = self.state();
            if record.offset < state.next || state.error.is_some() {
                return false;
            }
            state.next = record.offset.saturating_add(1);
            state.bytes = state.bytes.saturating_add(record.bytes());
            let was_empty = state.records.is_empty();
            state.records.push_back(record);
            let pause = !state.paused && state.bytes > self.bytes_max;
            state.paused |= pause;
            (was_empty, pause)
        };
        if was_empty {
            (self.wake)();
        }
        pause
    }

    /// Ends the reader with an error, told after the records it still has.
    pub(super) fn fail(&self, error: ReadError) {
        {
            let mut state = self.state();
            if state.error.is_some() {
                return;
            }
            state.error = Some(error);
        }
        (self.wake)();
    }

    /// Takes about `max_bytes` of records, at least one if there is any.
    pub(super) fn take(&self, max_bytes: usize) -> Result<Taken, ReadError> {
        let mut state = self.state();
        if state.records.is_empty()
            && let Some(error) = &state.error
        {
            return Err(error.clone());
        }
        let mut records = Vec::new();
        let mut bytes = 0_usize;
        while let Some(record) = state.records.pop_front() {
            let size = record.bytes();
            if !records.is_empty() && bytes.saturating_add(size) > max_bytes {
                state.records.push_front(record);
                break;
            }
            bytes = bytes.saturating_add(size);
            records.push(record);
        }
        state.bytes = state.bytes.saturating_sub(bytes);
        let resume = state.paused && state.bytes <= self.bytes_max / 4;
        state.paused &= !resume;
        Ok(Taken { records, resume })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::Arc;
    use tenfold_domain::Timestamp;

    fn record(offset: u64, bytes: usize) -> LogRecord {
        LogRecord {
            offset,
            appended_at: Timestamp(0),
            key: None,
            value: Bytes::from(vec![0; bytes]),
            headers: Vec::new(),
        }
    }

    fn route(from: u64) -> (Route, Arc<AtomicUsize>) {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = wakes.clone();
        let wake: Wake = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        (Route::new(&Topic::named("t"), 0, from, wake, 100), wakes)
    }

    #[test]
    fn a_full_queue_pauses_once_and_resumes_once_it_is_low() {
        let (route, wakes) = route(0);
        assert!(!route.push(record(0, 60)));
        assert!(route.push(record(1, 60)), "full");
        assert!(!route.push(record(2, 60)), "paused already");
        assert!(!route.take(1).unwrap().resume, "still 120 bytes");
        assert!(!route.take(60).unwrap().resume, "still 60 bytes");
        assert!(route.take(60).unwrap().resume);
        assert!(!route.take(60).unwrap().resume);
        assert_eq!(
            wakes.load(Ordering::SeqCst),
            1,
            "woken when it stopped being empty"
        );
    }

    #[test]
    fn records_below_the_position_are_dropped() {
        let (route, _) = route(5);
        route.push(record(4, 1));
        route.push(record(7, 1));
        route.push(record(7, 1));
        let taken = route.take(100).unwrap().records;
        let offsets: Vec<u64> = taken.iter().map(|record| record.offset).collect();
        assert_eq!(offsets, [7]);
    }

    #[test]
    fn an_error_comes_after_the_records_before_it() {
        let (route, wakes) = route(0);
        route.push(record(0, 1));
        route.fail(ReadError::Unavailable("gone".into()));
        route.push(record(1, 1));
        assert_eq!(route.take(100).unwrap().records.len(), 1);
        assert!(route.take(100).is_err());
        assert_eq!(wakes.load(Ordering::SeqCst), 2);
    }
}
