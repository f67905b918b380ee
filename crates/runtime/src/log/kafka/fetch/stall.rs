//! Readers whose consumer has stalled get another one.
//!
//! After a broker was killed and came back, a librdkafka consumer (2.12) can leave one partition unfetched for ever,
//! without an error, while it fetches the others; to assign it anew does not help, another consumer does. Chaos saw
//! it twice in a hundred rounds: a lane that nobody could take. So whatever is dry is looked at: if the log has had a
//! record for it for a whole look and it did not come, its consumer is given up. That costs a connection; to be wrong
//! about it costs no more.

use super::FetchPool;
use super::route::Route;
use crate::metrics as m;
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Between two looks. A stall ends after two to three of them.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Readers that were made just now are looked at each time: a lane is being taken, and its technicians wait. The
/// others have their turn once in so many looks, for each asks a broker.
const TURN_OF_OTHERS: usize = 4;

/// How long a reader counts as made just now.
const YOUNG: Duration = Duration::from_secs(30);

/// A reader that was moved is given twice the time before it is moved again, up to 2 to this power: brokers that
/// are slow are not met with ever more consumers.
const PATIENCE_MAX: u32 = 5;

/// Questions without an answer before a look ends: brokers are in trouble, and it goes on with the others next time.
const SILENT_MAX: usize = 2;

/// What was seen of a reader that was dry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Where it waited.
    next: u64,
    /// Where the log ended then; `None` if that was not known.
    end: Option<u64>,
    /// It was given another consumer when the log ended here. What ends with records for nobody (a transaction's
    /// end) would look like a stall for ever.
    moved_at: u64,
    /// How often it was given another.
    moves: u32,
    /// Looks that it may still wait.
    patience: u32,
}

impl Seen {
    /// Whether a reader that still waits at `next` has stalled: the log had something for it a look ago.
    const fn stalled(self, next: u64) -> bool {
        match self.end {
            Some(end) => {
                self.patience == 0 && self.next == next && end > next && end > self.moved_at
            }
            None => false,
        }
    }

    /// It is looked at again, and waits here.
    const fn waits(mut self, next: u64) -> Self {
        if self.next != next {
            self.next = next;
            self.end = None;
        }
        self.patience = self.patience.saturating_sub(1);
        self
    }

    /// It was given another consumer.
    fn moved(&mut self) {
        self.moved_at = self.end.unwrap_or(0);
        self.moves = self.moves.saturating_add(1);
        self.patience = 1 << self.moves.min(PATIENCE_MAX);
        self.end = None;
    }
}

/// What one look has seen, by the address of the route.
#[derive(Default)]
pub(super) struct Looks {
    seen: HashMap<usize, Seen>,
    /// Looks so far: each begins with another reader.
    turn: usize,
}

/// Looks for stalls until the pool is gone.
pub(super) fn watch(pool: &Arc<FetchPool>, ended: Receiver<()>) -> std::io::Result<()> {
    let pool: Weak<FetchPool> = Arc::downgrade(pool);
    std::thread::Builder::new()
        .name("log-stalls".to_owned())
        .spawn(move || {
            let mut looks = Looks::default();
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                let Some(pool) = pool.upgrade() else { return };
                pool.look(&mut looks);
            }
        })
        .map(drop)
}

impl FetchPool {
    /// Looks at every reader that is dry.
    pub(super) fn look(&self, looks: &mut Looks) {
        let mut routes: Vec<Arc<Route>> = self
            .fetchers()
            .iter()
            .flat_map(|fetcher| fetcher.places.values().cloned())
            .collect();
        routes.sort_by_key(key);
        if !routes.is_empty() {
            let first = looks.turn % routes.len();
            routes.rotate_left(first);
        }
        looks.turn = looks.turn.wrapping_add(1);
        let others = looks.turn.is_multiple_of(TURN_OF_OTHERS);
        let mut seen = HashMap::with_capacity(routes.len());
        let mut silent = 0;
        for route in routes {
            let before = looks.seen.get(&key(&route)).copied();
            if !others && !route.is_young(YOUNG) {
                seen.extend(before.map(|before| (key(&route), before)));
                continue;
            }
            let Some(next) = route.waits_at() else {
                continue;
            };
            let waited = before.is_some_and(|before| before.next == next);
            let mut now = before.unwrap_or_default().waits(next);
            if before.is_some_and(|before| before.stalled(next)) && self.give_another(&route, next)
            {
                now.moved();
            } else if waited && silent < SILENT_MAX {
                match self.meta.glance(&route.topic, route.lane) {
                    Ok(extent) => now.end = Some(extent.end),
                    Err(_) => silent += 1,
                }
            }
            seen.insert(key(&route), now);
        }
        looks.seen = seen;
    }

    fn give_another(&self, route: &Arc<Route>, next: u64) -> bool {
        if !self.unplace(route, true) {
            // Its reader has just gone.
            return false;
        }
        tracing::warn!(topic = %route.topic, lane = route.lane, next, "kafka: a consumer stalled; another one reads on");
        metrics::counter!(m::READERS_MOVED).increment(1);
        if let Err(error) = self.place(route) {
            route.fail(error);
        }
        true
    }
}

fn key(route: &Arc<Route>) -> usize {
    Arc::as_ptr(route).addr()
}

#[cfg(test)]
mod tests {
    use super::super::thread::Command;
    use super::*;
    use crate::log::kafka::{KafkaLog, KafkaOptions};
    use crate::log::{Class, Log, NewRecord, Reader, Retention, Topic, TopicPlan};
    use std::sync::mpsc::channel;
    use std::time::Instant;
    use tenfold_tests::kafka::KafkaCluster;

    /// Far above what three looks take.
    const PATIENCE: Duration = Duration::from_secs(90);

    fn append(log: &KafkaLog, topic: &Topic, text: &'static str) {
        let (tell, told) = channel();
        let done = Box::new(move |end| tell.send(end).unwrap());
        log.append(Class::Commit, topic, 0, NewRecord::of(text), done);
        told.recv_timeout(PATIENCE).unwrap().unwrap();
    }

    fn next_text(reader: &mut dyn Reader) -> Vec<u8> {
        let began = Instant::now();
        loop {
            if let Some(record) = reader.poll(1).unwrap().into_iter().next() {
                return record.value.to_vec();
            }
            assert!(began.elapsed() < PATIENCE, "nothing comes");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_reader_whose_consumer_has_forgotten_it_gets_another() {
        let log =
            KafkaLog::connect(KafkaOptions::new(KafkaCluster::shared(1).bootstrap())).unwrap();
        let topic = Topic::named("stalling");
        let plan = TopicPlan {
            topic: topic.clone(),
            lanes: 1,
            retention: Retention::Forever,
        };
        log.create(&[plan]).unwrap();
        let mut reader = log.fetch.reader(&topic, 0, 0, Arc::new(|| {})).unwrap();
        append(&log, &topic, "before");
        assert_eq!(next_text(&mut reader), b"before");
        // What librdkafka does of itself now and then.
        log.fetch.fetchers()[0].command(Command::Remove(reader.route.clone()));
        let began = Instant::now();
        while reader.route.fetcher() == 0 {
            // The first of these may still come the old way; then there is one that does not.
            assert!(began.elapsed() < PATIENCE, "it is never given another");
            append(&log, &topic, "after");
            assert_eq!(next_text(&mut reader), b"after");
        }
        assert!(log.fetch.fetchers()[0].retired);
        append(&log, &topic, "on");
        assert_eq!(next_text(&mut reader), b"on");
    }

    #[test]
    fn a_reader_has_stalled_if_the_log_had_something_for_it_a_look_ago() {
        let seen = |next, end, moved_at| Seen {
            next,
            end,
            moved_at,
            ..Seen::default()
        };
        assert!(seen(5, Some(6), 0).stalled(5));
        assert!(!seen(5, Some(6), 0).stalled(6), "it came");
        assert!(!seen(5, Some(5), 0).stalled(5), "there is nothing");
        assert!(!seen(5, None, 0).stalled(5), "nobody knows");
        assert!(
            !seen(5, Some(6), 6).stalled(5),
            "another consumer did not see it either"
        );
        assert!(seen(5, Some(7), 6).stalled(5), "there is more");
    }

    #[test]
    fn a_reader_that_was_moved_is_given_more_time_each_time() {
        let mut seen = Seen::default();
        let looks: Vec<usize> = (1..=7)
            .map(|end| {
                seen.moved();
                seen.end = Some(end);
                (0..).find(|_| {
                    let stalled = seen.stalled(0);
                    seen = seen.waits(0);
                    stalled
                })
            })
            .map(Option::unwrap_or_default)
            .collect();
        assert_eq!(looks, [2, 4, 8, 16, 32, 32, 32]);
    }
}
