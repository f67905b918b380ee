//! Writing a snapshot while the lane works, and while processes die.

use super::{
    Busy, complete, destroy_the_beginning, empty, is_the_fold, opened, owns_with, rest, snapshots,
};
use crate::bed::Bed;
use crate::by_hand::{Hand, memory};
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::snapshot::store::MemoryStore;

/// Restores a snapshot into an empty cache, without its lane, and compares that with its journal.
fn restored_is_the_fold(bed: &Bed, hand: &Hand, store: &MemoryStore, manifest: &str) -> u64 {
    let snapshot = opened(store, manifest);
    let cache = MemoryCache::default();
    snapshot
        .restore(store, cache.open(0).unwrap().as_ref())
        .unwrap();
    is_the_fold(bed, hand, &cache);
    snapshot.stamp.next_offset
}

#[test]
fn a_snapshot_written_while_work_goes_on_is_a_state_of_the_journal() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    let mut busy = Busy::new(&bed, &store);
    for _ in 0..30 {
        busy.step();
    }
    let (mut seen, mut between) = (0, 0);
    for _ in 0..400 {
        if busy.hand.works.lock().unwrap().is_empty() {
            busy.hand.settle();
        } else {
            busy.hand.work();
        }
        busy.step();
        between += 1;
        if complete(&store).len() > 1 {
            let newest = complete(&store).pop().unwrap();
            let stands = restored_is_the_fold(&bed, &busy.hand, &store, &newest);
            if stands > seen {
                // Work went on between its first row and its last.
                assert!(between > 5, "{between} steps between two snapshots");
                (seen, between) = (stands, 0);
            }
        }
    }
    assert!(seen > 0, "{:?}", store.objects().keys());
    assert!(complete(&store).len() <= 2, "two are kept");
}

#[test]
fn a_process_that_dies_at_any_step_of_writing_leaves_the_older_snapshot_usable() {
    let mut whole = false;
    for steps in 0..200 {
        let (log, bed) = memory();
        let store = MemoryStore::default();
        let mut busy = Busy::new(&bed, &store);
        for _ in 0..10 {
            busy.step();
        }
        rest(&mut busy.hand);
        let first = complete(&store);
        for _ in 0..5 {
            busy.step();
        }
        for _ in 0..steps {
            if !busy.hand.works.lock().unwrap().is_empty() {
                busy.hand.work();
            }
        }
        let (sum, ended) = (busy.steps.to_string(), complete(&store) != first);
        drop(busy);
        destroy_the_beginning(&log, &bed);
        let (mut hand, _) = empty(&bed, &store);
        owns_with(&mut hand, &sum);
        if ended {
            whole = true;
            break;
        }
        // The next owner's snapshot takes away what was left half done.
        let cache = Arc::new(MemoryCache::default());
        let mut next = Hand::with(&bed, cache, snapshots(&store, 1));
        next.hear(Event::Wanted(true));
        next.own();
        next.command("next", "add 1").unwrap();
        rest(&mut next);
        let objects = store.objects();
        let folders: std::collections::BTreeSet<_> = objects
            .keys()
            .filter_map(|name| name.rsplit_once('/').map(|(folder, _)| folder))
            .collect();
        let manifests = objects.keys().filter(|name| name.ends_with("/manifest"));
        assert_eq!(folders.len(), manifests.count(), "{folders:?}");
    }
    assert!(whole, "it was written to its end at last");
}

#[test]
fn a_cache_with_a_row_that_was_cut_is_rebuilt_and_no_snapshot_has_the_row() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    let cache = MemoryCache::default();
    let mut hand = Hand::with(&bed, Arc::new(cache.clone()), snapshots(&store, 1));
    hand.hear(Event::Wanted(true));
    hand.own();
    hand.command("1", "a note that nobody reads again").unwrap();
    hand.settle();
    cache.edit(0, |rows| {
        let (_, note) = rows
            .iter_mut()
            .find(|(key, _)| key[0] == 2)
            .expect("the note");
        note.truncate(note.len() - 1);
    });
    rest(&mut hand);
    hand.own();
    rest(&mut hand);
    assert_eq!(hand.ask("notes"), "a note that nobody reads again");
    is_the_fold(&bed, &hand, &cache);
    hand.command("2", "add 1").unwrap();
    rest(&mut hand);
    assert!(!complete(&store).is_empty());
    for manifest in complete(&store) {
        restored_is_the_fold(&bed, &hand, &store, &manifest);
    }
}

#[test]
fn a_snapshot_that_was_not_finished_is_tried_again_after_a_minute() {
    let (_, bed) = memory();
    let store = MemoryStore::default();
    let mut busy = Busy::new(&bed, &store);
    busy.step();
    busy.hand.work();
    busy.step();
    assert_eq!(busy.hand.works.lock().unwrap().len(), 1, "it is begun");
    drop(busy.hand.take_work());
    busy.hand.settle();
    busy.step();
    assert_eq!(busy.hand.works.lock().unwrap().len(), 0);
    busy.hand.wait(Duration::from_secs(61));
    rest(&mut busy.hand);
    assert_eq!(complete(&store).len(), 1);
}
