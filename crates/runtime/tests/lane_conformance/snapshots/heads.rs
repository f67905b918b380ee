//! Lanes whose journal and inbox begin in the store: whatever is asked of their past is answered as before.

use super::{complete, is_the_fold, owns_with, rest, snapshots, stops};
use crate::bed::Bed;
use crate::by_hand::{Hand, memory};
use crate::damage::named;
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::heads::Settings;
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{Log as _, Topic};
use tenfold_runtime::snapshot::store::{MemoryStore, Store as _};

const HEADS: Settings = Settings {
    part_bytes: 2_000,
    trim: true,
};

fn with(bed: &Bed, store: &MemoryStore, every_bytes: u64) -> (Hand, MemoryCache) {
    let cache = MemoryCache::default();
    let snapshots = snapshots(store, every_bytes);
    let mut hand = Hand::with_heads(bed, Arc::new(cache.clone()), snapshots, HEADS);
    hand.hear(Event::Wanted(true));
    (hand, cache)
}

fn starts_at(log: &MemoryLog, bed: &Bed, topic: &Topic) -> u64 {
    log.extent(&named(bed, topic), 0).unwrap().start
}

/// A lane that has added a hundred times, with a snapshot every tenth time, and whose past has left the log.
fn long_past(log: &MemoryLog, bed: &Bed, store: &MemoryStore) {
    let (mut hand, _) = with(bed, store, 1);
    hand.own();
    for round in 0..10 {
        for step in 0..10 {
            let id = format!("{round}-{step}");
            hand.command(&format!("n{id}"), "a note").unwrap();
            hand.command(&id, "add 1").unwrap();
        }
        rest(&mut hand);
    }
    assert_eq!(complete(store).len(), 2);
    let journal = starts_at(log, bed, &Topic::journal("intake"));
    assert!(journal > 100, "the journal starts at {journal}");
}

#[test]
fn an_empty_cache_is_filled_from_a_snapshot_though_the_log_has_lost_the_past() {
    let (log, bed) = memory();
    let store = MemoryStore::default();
    long_past(&log, &bed, &store);
    let (mut hand, cache) = with(&bed, &store, u64::MAX);
    owns_with(&mut hand, "100");
    is_the_fold(&bed, &hand, &cache);
}

#[test]
fn without_snapshots_the_whole_journal_is_folded_head_and_tail() {
    let (log, bed) = memory();
    let store = MemoryStore::default();
    long_past(&log, &bed, &store);
    store.objects().retain(|name, _| name.starts_with("heads/"));
    let (mut hand, cache) = with(&bed, &store, u64::MAX);
    owns_with(&mut hand, "100");
    is_the_fold(&bed, &hand, &cache);
    // And it goes on.
    assert_eq!(hand.command("next", "add 1").as_deref(), Some("101"));
}

#[test]
fn a_process_that_was_not_told_of_the_store_does_not_take_the_lane() {
    let (log, bed) = memory();
    let store = MemoryStore::default();
    long_past(&log, &bed, &store);
    let cache = MemoryCache::default();
    let mut hand = Hand::with(&bed, Arc::new(cache), snapshots(&store, u64::MAX));
    hand.hear(Event::Wanted(true));
    stops(&mut hand, "its head is missing");
}

#[test]
fn a_lane_whose_head_is_damaged_is_not_taken_until_that_was_brought_back() {
    let (log, bed) = memory();
    let store = MemoryStore::default();
    long_past(&log, &bed, &store);
    store.objects().retain(|name, _| name.starts_with("heads/"));
    let name = {
        let objects = store.objects();
        let mut parts = objects.keys().filter(|name| name.contains("journal"));
        parts.nth(1).cloned().unwrap()
    };
    let good = store.get(&name, u64::MAX).unwrap().unwrap();
    store.put(&name, good.slice(..good.len() - 1)).unwrap();
    let (mut hand, cache) = with(&bed, &store, u64::MAX);
    for _ in 0..100 {
        rest(&mut hand);
        hand.wait(Duration::from_millis(200));
        assert_ne!(hand.status().phase, "owned");
    }
    store.put(&name, good).unwrap();
    owns_with(&mut hand, "100");
    is_the_fold(&bed, &hand, &cache);
}
