//! Lanes of one instance on several threads.

use crate::bed::{Bed, PATIENCE};
use crate::ledger;
use crate::suite::Scenario;
use std::sync::Arc;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::lane_of;

pub const SCENARIOS: &[(&str, Scenario)] = &[(
    "a lane that takes long to decide delays only those of its own thread",
    own_threads,
)];

const LANES: u32 = 4;
const WORKERS: u32 = 2;

/// A key of each lane.
fn keys() -> Vec<String> {
    let key = |lane: u32| {
        (0..)
            .map(|number| format!("k{number}"))
            .find(|key| lane_of(key, LANES) == lane)
    };
    (0..LANES).filter_map(key).collect()
}

fn own_threads(one_lane: Bed) {
    let bed = Bed::of(Arc::clone(&one_lane.log), LANES);
    let node = bed.node_as("intake", "a", Arc::new(MemoryCache::default()), |config| {
        config.workers = WORKERS as usize;
    });
    let lanes: Vec<u32> = (0..LANES).collect();
    node.log.suggest(&lanes);
    assert!(node.instance.wait_owned(lanes.len(), PATIENCE));
    let keys = keys();
    let name = format!("{}held", bed.prefix);
    let held = {
        let gateway = node.instance.gateway();
        let (key, body) = (keys[0].clone(), format!("hold {name}"));
        bed.runtime
            .spawn(async move { gateway.command(&key, "tester", "h", body.into()).await })
    };
    // Lanes are dealt out in turn: the second and the last are on the other thread.
    for lane in [1, 3] {
        for (id, sum) in [("1", "5"), ("2", "10")] {
            let answer = bed.command_to(&keys[lane], &node, id, "add 5");
            assert_eq!(answer.unwrap(), sum, "lane {lane}");
        }
    }
    assert!(!held.is_finished(), "nobody let it go on");
    ledger::open(&name);
    bed.runtime.block_on(held).unwrap().unwrap();
    assert_eq!(
        bed.command_to(&keys[2], &node, "1", "add 5").unwrap(),
        "5",
        "the other lane of the first thread"
    );
}
