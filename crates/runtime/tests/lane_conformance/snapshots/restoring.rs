//! Starting from a snapshot, and without a store that answers.

use super::{
    complete, destroy_the_beginning, empty, is_the_fold, opened, owns_with, rest, snapshots, stops,
    two,
};
use crate::bed::eventually;
use crate::by_hand::{Hand, memory};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::cache::{BasedCache, Cache, MemoryCache, SledCache};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::snapshot::objects::Objects;
use tenfold_runtime::snapshot::store::{Entry, MemoryStore, Store, StoreError};
use tenfold_runtime::snapshot::{Settings, Snapshots};

#[test]
fn a_lane_with_an_empty_cache_starts_from_the_snapshot_and_folds_only_what_came_after() {
    let (log, bed) = memory();
    let store = MemoryStore::default();
    two(&bed, &store);
    destroy_the_beginning(&log, &bed);
    let (mut hand, cache) = empty(&bed, &store);
    owns_with(&mut hand, "22");
    assert_eq!(hand.command("5", "add 1").as_deref(), Some("5"), "a repeat");
    assert_eq!(hand.command("new", "add 1").as_deref(), Some("23"));
    let stamped = cache.edit(0, |rows| rows.len());
    assert!(stamped > 20, "the notes are there: {stamped} rows");

    let (mut without, _) = empty(&bed, &MemoryStore::default());
    stops(&mut without, "cannot follow");
}

#[test]
fn what_is_restored_and_folded_on_is_what_the_journal_makes() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    two(&bed, &store);
    let (mut hand, cache) = empty(&bed, &store);
    owns_with(&mut hand, "22");
    hand.command("more", "add 1").unwrap();
    hand.settle();
    is_the_fold(&bed, &hand, &cache);
}

#[test]
fn a_process_that_dies_while_it_fills_its_cache_leaves_nothing_that_looks_whole() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    two(&bed, &store);
    let manifest = complete(&store).pop().unwrap();
    let chunks = opened(&store, &manifest).manifest.chunks.len();
    assert!(chunks > 3, "{chunks}");
    let none = MemoryStore::default();
    for there in 1..chunks {
        for found in [&store, &none] {
            let last = manifest.replace("manifest", &format!("chunk-{there:06}"));
            let held = store.objects().remove(&last).unwrap();
            let cache = MemoryCache::default();
            let rows = cache.open(0).unwrap();
            let ended = opened(&store, &manifest).restore(&store, rows.as_ref());
            assert!(ended.is_err(), "it dies before chunk {there}");
            store.objects().insert(last, held);
            let shared = Arc::new(cache.clone());
            let mut hand = Hand::with(&bed, shared, snapshots(found, u64::MAX));
            hand.hear(Event::Wanted(true));
            owns_with(&mut hand, "22");
            is_the_fold(&bed, &hand, &cache);
        }
    }
}

#[test]
fn a_process_that_dies_while_rows_move_into_its_cache_leaves_nothing_that_looks_whole() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    two(&bed, &store);
    let manifest = complete(&store).pop().unwrap();
    let none = MemoryStore::default();
    for (pieces, found) in [&store, &none].into_iter().cycle().enumerate() {
        let cache = MemoryCache::default();
        let based = BasedCache::over(Arc::new(cache.clone())).in_pieces_of(400);
        let snapshot = opened(&store, &manifest);
        snapshot
            .lay(&store, true, based.laying(0).unwrap())
            .unwrap();
        let lane = based.handle(0).unwrap();
        let more = (0..pieces).all(|_| lane.settle().unwrap());
        let rows = cache.edit(0, |rows| rows.len());
        if !more {
            assert!(pieces > 3 && rows > 20, "{rows} rows in {pieces} pieces");
            break;
        }
        assert_eq!(rows > 0, pieces > 0);
        let shared = Arc::new(cache.clone());
        let mut hand = Hand::with(&bed, shared, snapshots(found, u64::MAX));
        hand.hear(Event::Wanted(true));
        owns_with(&mut hand, "22");
        is_the_fold(&bed, &hand, &cache);
    }
}

#[test]
fn a_lane_that_comes_back_before_its_rows_have_moved_goes_on_with_them_and_they_move() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    two(&bed, &store);
    let manifest = complete(&store).pop().unwrap();
    let cache = MemoryCache::default();
    let based = BasedCache::over(Arc::new(cache.clone())).in_pieces_of(400);
    let snapshot = opened(&store, &manifest);
    snapshot
        .lay(&store, true, based.laying(0).unwrap())
        .unwrap();
    assert!(based.handle(0).unwrap().settle().unwrap());
    let none = MemoryStore::default();
    let mut hand = Hand::on(&bed, based, snapshots(&none, u64::MAX));
    hand.hear(Event::Wanted(true));
    owns_with(&mut hand, "22");
    hand.settle();
    is_the_fold(&bed, &hand, &cache);
}

/// A store that refuses everything.
struct Away;

impl Store for Away {
    fn put(&self, _: &str, _: Bytes) -> Result<(), StoreError> {
        Err(StoreError("away".into()))
    }
    fn get(&self, _: &str, _: u64) -> Result<Option<Bytes>, StoreError> {
        Err(StoreError("away".into()))
    }
    fn list(&self, _: &str) -> Result<Vec<Entry>, StoreError> {
        Err(StoreError("away".into()))
    }
    fn delete(&self, _: &str) -> Result<(), StoreError> {
        Err(StoreError("away".into()))
    }
}

#[test]
fn a_store_that_does_not_answer_holds_up_nobody() {
    let (_, bed) = memory();
    let away = Snapshots {
        store: Arc::new(Away),
        settings: Settings {
            every_bytes: 1,
            ..Settings::default()
        },
    };
    let mut hand = Hand::with(&bed, Arc::new(MemoryCache::default()), away.clone());
    hand.hear(Event::Wanted(true));
    hand.own();
    for n in 1..=3 {
        let sum = hand.command(&n.to_string(), "add 1");
        assert_eq!(sum, Some(n.to_string()));
        rest(&mut hand);
        hand.wait(Duration::from_secs(61));
    }
    drop(hand);
    let mut again = Hand::with(&bed, Arc::new(MemoryCache::default()), away);
    again.hear(Event::Wanted(true));
    owns_with(&mut again, "3");
}

#[test]
fn on_threads_sled_and_a_folder_a_machine_that_lost_its_cache_goes_on_from_the_snapshot() {
    let (log, bed) = crate::damage::bed();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().join("snapshots").display());
    let snapshots = Snapshots {
        store: Arc::new(Objects::open(&url).unwrap()),
        settings: Settings {
            every_bytes: 20_000,
            ..Settings::default()
        },
    };
    let node = |name: &str| {
        let cache = SledCache::open(&folder.path().join(name), 8 << 20).unwrap();
        bed.node_with("intake", name, Arc::new(cache), Some(snapshots.clone()))
    };
    let a = node("a");
    a.take();
    let written = || {
        let store = Objects::open(&url).unwrap();
        let entries = store.list("").unwrap();
        let manifests = entries.iter();
        manifests
            .filter(|entry| entry.name.ends_with("/manifest"))
            .count()
    };
    let mut sum = 0;
    // The first may be of the very beginning: rows gather before the cache, of which it is a copy.
    while written() < 2 {
        sum += 1;
        assert!(sum < 20_000, "in vain");
        let told = bed.command(&a, &sum.to_string(), "add 1").unwrap();
        assert_eq!(told, sum.to_string());
    }
    drop(a);
    destroy_the_beginning(&log, &bed);
    let b = node("b");
    b.take();
    eventually("it is the same", || bed.ask(&b, "sum") == sum.to_string());
}
