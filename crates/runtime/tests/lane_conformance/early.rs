//! Caches that were read before their log was open.

use crate::bed::{Bed, Node, eventually};
use crate::damage::{bed, named, worked};
use crate::ledger::Ledger;
use crate::loading::Fragile;
use crate::standby::Counted;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tenfold_runtime::cache::Cache;
use tenfold_runtime::instance::{Caches, Tables};
use tenfold_runtime::log::Topic;

fn read(cache: impl Cache) -> Caches {
    Caches::read(Arc::new(cache), &Tables::of(&Ledger("intake")), 1)
}

fn node(bed: &Bed, caches: Caches) -> Node {
    let elsewhere = Arc::new(Counted::default());
    bed.node_as("intake", "again", elsewhere, |config| {
        config.caches = caches;
    })
}

#[test]
fn a_lane_goes_on_from_what_was_read_early_and_reads_nothing_again() {
    let (_, bed) = bed();
    let cache = Counted::over(worked(&bed));
    let caches = read(cache.clone());
    assert_eq!(cache.opened(), 1, "read once");
    let node = node(&bed, caches);
    node.take();
    assert_eq!(bed.command(&node, "11", "add 5").unwrap(), "15");
    assert_eq!(bed.command(&node, "9", "add 1").unwrap(), "10", "a retry");
    // Once more by the thread that writes.
    eventually("the cache is written", || cache.opened() == 2);
    bed.agrees(&node);
    node.log.suggest(&[]);
    node.wait_phase("idle");
    node.take();
    assert!(cache.opened() > 2, "later it is read as ever");
    assert_eq!(bed.command(&node, "12", "add 1").unwrap(), "16");
    bed.agrees(&node);
}

#[test]
fn a_cache_that_cannot_be_read_early_is_left_to_its_lane() {
    let (_, bed) = bed();
    let cache = Fragile::over(worked(&bed));
    cache.panics.store(true, Ordering::SeqCst);
    let caches = read(cache.clone());
    assert_eq!(cache.wiped.load(Ordering::SeqCst), 0);
    let node = node(&bed, caches);
    node.take();
    assert_eq!(cache.wiped.load(Ordering::SeqCst), 1, "and made anew");
    assert_eq!(bed.ask(&node, "sum"), "10");
    bed.agrees(&node);
}

#[test]
fn what_was_read_early_must_belong_to_the_log_as_any_cache() {
    let (log, bed) = bed();
    let caches = read(worked(&bed));
    log.truncate(&named(&bed, &Topic::journal("intake")), 0, 0, 5);
    let node = node(&bed, caches);
    node.log.suggest(&[0]);
    node.wait_phase("stopped");
    let problem = node.instance.status()[&0].problem.clone();
    assert!(problem.contains("ahead of the log"), "{problem}");
}
