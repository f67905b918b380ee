//! Reading a lane's cache before it is taken: whatever becomes of that reading, the lane goes on.

use crate::by_hand::{Hand, memory};
use crate::damage::{self, named};
use crate::faulty::Fault;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tenfold_runtime::cache::{Cache, LaneCache, MemoryCache, Scratch, Visit, Writes};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::log::Topic;

/// A cache in memory that can be told how to fail.
#[derive(Clone, Default)]
pub struct Fragile {
    rows: MemoryCache,
    /// Reading panics, until it is wiped.
    pub panics: Arc<AtomicBool>,
    /// Reading fails.
    fails: Arc<AtomicBool>,
    pub wiped: Arc<AtomicU32>,
}

impl Fragile {
    pub fn over(rows: MemoryCache) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }
}

struct FragileLane(Box<dyn LaneCache>, Fragile);

impl Cache for Fragile {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        Ok(Box::new(FragileLane(self.rows.open(lane)?, self.clone())))
    }
    fn wipe(&self, lane: u32) -> io::Result<()> {
        self.panics.store(false, Ordering::SeqCst);
        self.wiped.fetch_add(1, Ordering::SeqCst);
        self.rows.wipe(lane)
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        self.rows.scratch()
    }
}

impl FragileLane {
    fn fail(&self) -> io::Result<()> {
        assert!(!self.1.panics.load(Ordering::SeqCst), "as asked");
        if self.1.fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("as asked"));
        }
        Ok(())
    }
}

impl LaneCache for FragileLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.fail()?;
        self.0.get(key)
    }
    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        self.fail()?;
        self.0.scan(from, to, visit)
    }
    fn apply(&self, writes: Writes) -> io::Result<()> {
        self.0.apply(writes)
    }
}

/// A lane that was owned and decided something, and is given up.
fn worked(hand: &mut Hand) {
    hand.hear(Event::Wanted(true));
    hand.own();
    assert_eq!(hand.command("1", "add 5").as_deref(), Some("5"));
    hand.hear(Event::Wanted(false));
    assert_eq!(hand.status().phase, "idle");
}

#[test]
fn a_reading_that_panics_is_tried_again_with_the_cache_rebuilt() {
    let (_, bed) = memory();
    let cache = Fragile::default();
    let mut hand = Hand::new(&bed, "intake", Arc::new(cache.clone()));
    worked(&mut hand);
    let wiped = cache.wiped.load(Ordering::SeqCst);
    cache.panics.store(true, Ordering::SeqCst);
    hand.hear(Event::Wanted(true));
    hand.work();
    assert_eq!(hand.status().phase, "pausing");
    hand.own();
    assert_eq!(cache.wiped.load(Ordering::SeqCst), wiped + 1);
    assert_eq!(hand.ask("sum"), "5");
}

#[test]
fn what_went_wrong_before_does_not_shorten_the_wait_for_an_end_that_lags() {
    let (log, bed) = memory();
    let mut hand = Hand::new(&bed, "intake", Arc::new(damage::worked(&bed)));
    hand.log.set_silent(true);
    hand.hear(Event::Wanted(true));
    for _ in 0..8 {
        hand.work();
        assert_eq!(hand.status().phase, "pausing");
        hand.wait(Duration::from_secs(1));
    }
    hand.log.set_silent(false);
    log.truncate(&named(&bed, &Topic::journal("intake")), 0, 0, 5);
    for again in 0..5 {
        hand.work();
        assert_eq!(hand.status().phase, "pausing", "{again}");
        hand.wait(Duration::from_secs(1));
    }
    hand.work();
    assert_eq!(hand.status().phase, "stopped", "a person is asked");
    assert!(hand.status().problem.contains("ahead of the log"));
}

#[test]
fn a_reading_that_got_no_thread_is_tried_again() {
    let (_, bed) = memory();
    let cache = Fragile::default();
    let mut hand = Hand::new(&bed, "intake", Arc::new(cache.clone()));
    worked(&mut hand);
    let wiped = cache.wiped.load(Ordering::SeqCst);
    hand.hear(Event::Wanted(true));
    drop(hand.take_work());
    hand.settle();
    assert_eq!(hand.status().phase, "pausing");
    hand.own();
    assert_eq!(cache.wiped.load(Ordering::SeqCst), wiped, "it was whole");
    assert_eq!(hand.ask("sum"), "5");
}

/// A second one could be read while the first, given up, still wipes the cache under it.
#[test]
fn one_reading_of_a_cache_runs_at_a_time() {
    let (_, bed) = memory();
    let mut hand = Hand::new(&bed, "intake", Arc::new(MemoryCache::default()));
    worked(&mut hand);
    for _ in 0..3 {
        hand.hear(Event::Wanted(true));
        hand.hear(Event::Wanted(false));
    }
    hand.hear(Event::Wanted(true));
    hand.wait(Duration::from_secs(1));
    assert_eq!(hand.status().phase, "loading");
    assert_eq!(hand.works.lock().unwrap().len(), 1);
    hand.work();
    assert_eq!(hand.status().phase, "loading", "that was an earlier one's");
    assert_eq!(hand.works.lock().unwrap().len(), 1);
    hand.work();
    assert_eq!(hand.status().phase, "owned");
    assert_eq!(hand.ask("sum"), "5");
}

/// Another's decision stands before the own `LaneOpened`, and the row that it changes cannot be read.
#[test]
fn a_lane_whose_cache_cannot_be_read_while_it_is_taken_is_taken_all_the_same() {
    let (_, bed) = memory();
    let mut first = Hand::new(&bed, "intake", Arc::new(MemoryCache::default()));
    first.hear(Event::Wanted(true));
    first.own();
    let cache = Fragile::default();
    let mut second = Hand::new(&bed, "intake", Arc::new(cache.clone()));
    second.log.hold();
    second.hear(Event::Wanted(true));
    second.work();
    assert_eq!(second.status().phase, "opening");
    assert_eq!(first.command("1", "add 5").as_deref(), Some("5"));
    cache.fails.store(true, Ordering::SeqCst);
    second.log.release(false);
    second.settle();
    cache.fails.store(false, Ordering::SeqCst);
    assert_ne!(second.status().phase, "idle", "it is wanted");
    second.own();
    assert_eq!(second.ask("sum"), "5");
}

/// Found by chaos: after five tries it stopped until a person acted, and nobody else was asked to take it.
#[test]
fn a_lane_whose_log_is_silent_for_long_is_taken_when_the_log_answers_again() {
    let (_, bed) = memory();
    let mut hand = Hand::new(&bed, "intake", Arc::new(MemoryCache::default()));
    worked(&mut hand);
    hand.log.set_silent(true);
    hand.hear(Event::Wanted(true));
    for _ in 0..20 {
        while hand.works.lock().unwrap().is_empty() {
            hand.wait(Duration::from_secs(10));
        }
        hand.work();
        assert_eq!(hand.status().phase, "pausing");
    }
    hand.log.set_silent(false);
    hand.own();
    assert_eq!(hand.ask("sum"), "5");
}

/// Found by the simulation: what could not be read was answered as if it were not there.
#[test]
fn without_room_nothing_is_answered_from_a_cache_that_cannot_be_read() {
    let (_, bed) = memory();
    let cache = Fragile::default();
    let mut hand = Hand::new(&bed, "intake", Arc::new(cache.clone()));
    worked(&mut hand);
    hand.log.set_full(true);
    hand.hear(Event::Wanted(true));
    hand.work();
    assert_eq!(hand.status().phase, "opening");
    assert_eq!(hand.ask("sum"), "5");
    cache.fails.store(true, Ordering::SeqCst);
    // What was read before is what is committed still.
    assert_eq!(hand.try_ask("sum").as_deref(), Some("5"));
    assert_eq!(hand.try_ask("notes"), None);
    cache.fails.store(false, Ordering::SeqCst);
    hand.log.set_full(false);
    hand.own();
    assert_eq!(hand.ask("sum"), "5");
}

/// The first `LaneOpened` was given up, and lands before the second: the second is void, and nobody else is there.
#[test]
fn a_lane_whose_first_taking_lands_late_is_taken_at_once_and_not_after_a_session() {
    let (_, bed) = memory();
    let mut hand = Hand::new(&bed, "intake", Arc::new(MemoryCache::default()));
    hand.log
        .fail_next(&Topic::journal("intake"), Fault::UnknownLate);
    hand.hear(Event::Wanted(true));
    hand.work();
    hand.log.hold();
    hand.wait(Duration::from_millis(500));
    assert_eq!(hand.log.held(), 1, "the second");
    assert_eq!(hand.log.land_late(), 1, "the first");
    hand.log.release(false);
    hand.settle();
    assert_eq!(hand.status().phase, "owned");
    assert_eq!(hand.status().epoch, 2);
}
