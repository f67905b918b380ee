//! Lanes of one instance on several threads.

use crate::bed::{Bed, Node, PATIENCE};
use crate::ledger;
use crate::suite::Scenario;
use std::sync::Arc;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::gateway::{Answered, CallError};
use tenfold_runtime::lane_of;
use tokio::task::JoinHandle;

pub const SCENARIOS: &[(&str, Scenario)] = &[(
    "a lane that takes long to decide delays no other while a thread is free",
    free_threads,
)];

const LANES: u32 = 4;
const WORKERS: usize = 2;

/// A key of each lane.
fn keys() -> Vec<String> {
    let key = |lane: u32| {
        (0..)
            .map(|number| format!("k{number}"))
            .find(|key| lane_of(key, LANES) == lane)
    };
    (0..LANES).filter_map(key).collect()
}

/// Has a lane wait in a decision, until what the name says is opened.
fn hold(bed: &Bed, node: &Node, key: &str, name: &str) -> JoinHandle<Result<Answered, CallError>> {
    let gateway = node.instance.gateway();
    let (key, body) = (key.to_owned(), format!("hold {name}"));
    bed.runtime
        .spawn(async move { gateway.command(&key, "tester", "h", body.into()).await })
}

fn free_threads(one_lane: Bed) {
    let bed = Bed::of(Arc::clone(&one_lane.log), LANES);
    let node = bed.node_as("intake", "a", Arc::new(MemoryCache::default()), |config| {
        config.workers = WORKERS;
    });
    let lanes: Vec<u32> = (0..LANES).collect();
    node.log.suggest(&lanes);
    assert!(node.instance.wait_owned(lanes.len(), PATIENCE));
    let keys = keys();
    for slow in [0_usize, 1, 3] {
        let name = format!("{}held-{slow}", bed.prefix);
        let held = hold(&bed, &node, &keys[slow], &name);
        // Every other lane answers, whichever thread has had it before.
        for lane in (0..keys.len()).filter(|lane| *lane != slow) {
            for times in ["a", "b"] {
                let id = format!("{slow}{times}");
                let answer = bed.command_to(&keys[lane], &node, &id, "add 5");
                assert!(answer.is_ok(), "lane {lane} beside {slow}: {answer:?}");
            }
        }
        assert!(!held.is_finished(), "nobody let it go on");
        ledger::open(&name);
        bed.runtime.block_on(held).unwrap().unwrap();
    }
    // 5 for each of two calls in each of three rounds, and for this one: it was never the slow one.
    assert_eq!(
        bed.command_to(&keys[2], &node, "end", "add 5").unwrap(),
        "35"
    );
}
