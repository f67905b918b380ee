//! Snapshots: a lane whose cache is gone goes on from one, if it is whole and of this journal, and never from anything
//! else; and one that is written while the lane works is a state of its journal.

mod heads;
mod refused;
mod restoring;
mod writing;

use crate::bed::Bed;
use crate::by_hand::Hand;
use crate::damage::named;
use crate::ledger::Ledger;
use std::sync::Arc;
use std::time::Duration;
use tenfold_proto::lane::SnapshotManifest;
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::lane::digest::compare;
use tenfold_runtime::lane::record::Id;
use tenfold_runtime::log::Topic;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::snapshot::manifest::{seal, unseal};
use tenfold_runtime::snapshot::read::{Snapshot, Unusable};
use tenfold_runtime::snapshot::store::MemoryStore;
use tenfold_runtime::snapshot::{Name, Place, Settings, Snapshots};

/// Some rows fit into a chunk.
const CHUNK: usize = 160;

fn snapshots(store: &MemoryStore, every_bytes: u64) -> Snapshots {
    Snapshots {
        store: Arc::new(store.clone()),
        settings: Settings {
            every_bytes,
            keep: 2,
            chunk_bytes: CHUNK,
            read_ahead: true,
        },
    }
}

/// An instance whose cache is empty.
fn empty(bed: &Bed, store: &MemoryStore) -> (Hand, MemoryCache) {
    let cache = MemoryCache::default();
    let mut hand = Hand::with(bed, Arc::new(cache.clone()), snapshots(store, u64::MAX));
    hand.hear(Event::Wanted(true));
    (hand, cache)
}

/// Everything is done that waits in the background.
fn rest(hand: &mut Hand) {
    while !hand.works.lock().unwrap().is_empty() {
        hand.work();
    }
}

/// A lane that takes a note and adds one with each step, and writes a snapshot whenever it may.
struct Busy {
    hand: Hand,
    steps: usize,
}

impl Busy {
    fn new(bed: &Bed, store: &MemoryStore) -> Self {
        let cache = Arc::new(MemoryCache::default());
        let mut hand = Hand::with(bed, cache, snapshots(store, 1));
        hand.hear(Event::Wanted(true));
        hand.own();
        Self { hand, steps: 0 }
    }

    fn step(&mut self) {
        self.steps += 1;
        let id = self.steps.to_string();
        self.hand.command(&format!("n{id}"), "a note").unwrap();
        let sum = self.hand.command(&id, "add 1");
        assert_eq!(sum.as_deref(), Some(&*id));
    }
}

/// A lane that stood still at two snapshots, and then added one more time twice.
fn two(bed: &Bed, store: &MemoryStore) {
    let mut busy = Busy::new(bed, store);
    for _ in 0..2 {
        for _ in 0..10 {
            busy.step();
        }
        rest(&mut busy.hand);
    }
    drop(busy);
    let cache = Arc::new(MemoryCache::default());
    let mut late = Hand::with(bed, cache, snapshots(store, u64::MAX));
    late.hear(Event::Wanted(true));
    late.own();
    late.command("late-1", "add 1").unwrap();
    late.command("late-2", "add 1").unwrap();
    assert_eq!(complete(store).len(), 2, "{:?}", store.objects().keys());
}

/// Names of manifests, oldest first.
fn complete(store: &MemoryStore) -> Vec<String> {
    let objects = store.objects();
    let manifests = objects.keys().filter(|name| name.ends_with("/manifest"));
    manifests.cloned().collect()
}

/// The snapshot whose manifest has this name.
fn opened(store: &MemoryStore, manifest: &str) -> Snapshot {
    try_opened(store, manifest).expect("it is whole")
}

fn try_opened(store: &MemoryStore, manifest: &str) -> Result<Snapshot, Unusable> {
    let parts: Vec<&str> = manifest.split('/').collect();
    let journal = uuid::Uuid::parse_str(parts[2]).unwrap();
    let place = Place {
        service: "intake".to_owned(),
        lane: 0,
        journal: Id(journal.into_bytes()),
    };
    let name = Name::read(parts[3]).expect("a name");
    Snapshot::open(store, &place, &name)
}

fn change(store: &MemoryStore, name: &str, with: impl FnOnce(&mut SnapshotManifest)) {
    let mut objects = store.objects();
    let object = objects.get_mut(name).expect("it is there");
    let mut manifest: SnapshotManifest = unseal(object).expect("it is whole");
    with(&mut manifest);
    *object = seal(&manifest);
}

/// A record at the journal's beginning is destroyed: whoever folds from there stops.
fn destroy_the_beginning(log: &MemoryLog, bed: &Bed) {
    log.damage(&named(bed, &Topic::journal("intake")), 0, 4, |bytes| {
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
    });
}

fn owns_with(hand: &mut Hand, sum: &str) {
    hand.own();
    assert_eq!(hand.ask("sum"), sum);
}

fn stops(hand: &mut Hand, why: &str) {
    for _ in 0..200 {
        rest(hand);
        hand.wait(Duration::from_millis(200));
        if hand.status().phase == "stopped" {
            break;
        }
    }
    let status = hand.status();
    assert!(status.problem.contains(why), "{status:?}");
}

/// The cache is what the journal makes.
fn is_the_fold(bed: &Bed, hand: &Hand, cache: &MemoryCache) {
    let rows = cache.open(0).unwrap();
    let compared = compare(hand.port.as_ref(), &Ledger("intake"), rows.as_ref(), 0).unwrap();
    assert_eq!(compared.difference, None, "{}", bed.prefix);
    assert!(compared.rows > 0 && compared.folded_below.is_some());
}
