//! Lanes that others own, kept warm.

use crate::bed::{Bed, Node, eventually};
use crate::damage::{bed, named};
use crate::poison::newer_record;
use crate::suite::Scenario;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tenfold_runtime::cache::{Cache, LaneCache, MemoryCache, Scratch};
use tenfold_runtime::log::Topic;

pub const SCENARIOS: &[(&str, Scenario)] = &[
    (
        "a lane that is kept warm is taken without reading its cache",
        taken_warm,
    ),
    (
        "a lane that goes to and fro stays warm with both",
        to_and_fro,
    ),
    (
        "whoever keeps a lane warm neither owns it nor answers for it",
        only_warm,
    ),
];

/// A cache that counts how often it is opened.
#[derive(Clone, Default)]
pub struct Counted {
    rows: MemoryCache,
    opened: Arc<AtomicU32>,
}

impl Counted {
    pub fn over(rows: MemoryCache) -> Self {
        let opened = Arc::default();
        Self { rows, opened }
    }

    pub fn opened(&self) -> u32 {
        self.opened.load(Ordering::SeqCst)
    }
}

impl Cache for Counted {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.rows.open(lane)
    }
    fn wipe(&self, lane: u32) -> io::Result<()> {
        self.rows.wipe(lane)
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        self.rows.scratch()
    }
}

fn warm(bed: &Bed, name: &str, cache: &Counted) -> Node {
    bed.node_as("intake", name, Arc::new(cache.clone()), |config| {
        config.standby = true;
    })
}

fn seq(node: &Node) -> u64 {
    node.instance.status().get(&0).map_or(0, |s| s.seq)
}

/// The other has folded all that the owner has committed.
fn followed(owner: &Node, other: &Node) {
    other.wait_phase("following");
    eventually("all is followed", || seq(other) == seq(owner));
}

fn taken_warm(bed: Bed) {
    let (owner, cache) = (bed.owner("a"), Counted::default());
    assert_eq!(bed.command(&owner, "1", "add 5").unwrap(), "5");
    let other = warm(&bed, "b", &cache);
    followed(&owner, &other);
    // Twice for reading, and once by the thread that writes, with its first batch.
    eventually("the cache is written", || cache.opened() == 3);
    let opened = cache.opened();
    assert_eq!(bed.command(&owner, "2", "add 7").unwrap(), "12");
    followed(&owner, &other);
    drop(owner);
    other.take();
    assert_eq!(bed.ask(&other, "sum"), "12");
    assert_eq!(bed.command(&other, "2", "add 7").unwrap(), "12", "a retry");
    assert_eq!(bed.command(&other, "3", "add 1").unwrap(), "13");
    assert_eq!(cache.opened(), opened, "nothing was read");
    bed.agrees(&other);
}

fn to_and_fro(bed: Bed) {
    let nodes = ["a", "b"].map(|name| warm(&bed, name, &Counted::default()));
    let mut sum = 0;
    for turn in 0..6_usize {
        let (owner, other) = (&nodes[turn % 2], &nodes[(turn + 1) % 2]);
        owner.take();
        for n in 0..3 {
            sum += 1;
            let id = format!("{turn}.{n}");
            assert_eq!(bed.command(owner, &id, "add 1").unwrap(), sum.to_string());
        }
        followed(owner, other);
        owner.log.suggest(&[]);
        followed(owner, other);
        owner.wait_phase("following");
    }
    nodes[0].take();
    assert_eq!(bed.ask(&nodes[0], "sum"), "18");
    bed.agrees(&nodes[0]);
}

fn only_warm(bed: Bed) {
    let (owner, cache) = (bed.owner("a"), Counted::default());
    let epoch = owner.epoch();
    let other = warm(&bed, "b", &cache);
    followed(&owner, &other);
    assert_eq!(bed.command(&owner, "1", "add 5").unwrap(), "5");
    followed(&owner, &other);
    other.log.suggest(&[]);
    assert_eq!(bed.command(&owner, "2", "add 1").unwrap(), "6");
    followed(&owner, &other);
    assert_eq!((owner.epoch(), owner.phase()), (epoch, "owned"));
}

#[test]
fn whoever_keeps_lanes_warm_leaves_as_soon_as_it_owns_none() {
    let (_, bed) = bed();
    let nodes = ["a", "b"].map(|name| warm(&bed, name, &Counted::default()));
    let [leaving, other] = nodes;
    leaving.take();
    assert_eq!(bed.command(&leaving, "1", "add 5").unwrap(), "5");
    followed(&leaving, &other);
    let (began, patience) = (Instant::now(), Duration::from_secs(120));
    leaving.instance.shutdown(patience);
    assert!(began.elapsed() < patience / 2, "it waited for nothing");
    other.take();
    assert_eq!(bed.ask(&other, "sum"), "5");
}

#[test]
fn a_lane_that_cannot_be_followed_stops_only_whoever_is_to_own_it() {
    let (log, bed) = bed();
    let owner = bed.owner("a");
    assert_eq!(bed.command(&owner, "1", "add 5").unwrap(), "5");
    drop(owner);
    let journal = named(&bed, &Topic::journal("intake"));
    let newer = newer_record(&log, &journal);
    bed.stray(&Topic::journal("intake"), newer);
    let cache = Counted::default();
    let other = warm(&bed, "b", &cache);
    eventually("it has tried", || cache.opened() > 0);
    other.wait_phase("idle");
    other.log.suggest(&[0]);
    other.wait_phase("stopped");
    let problem = other.instance.status()[&0].problem.clone();
    assert!(problem.contains("level 9"), "{problem}");
}
