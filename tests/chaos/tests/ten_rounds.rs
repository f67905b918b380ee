//! Ten rounds of chaos, with a seed that changes.

use std::time::{SystemTime, UNIX_EPOCH};
use tenfold_chaos::campaign::Campaign;
use tenfold_chaos::fault::KINDS;

const ROUNDS: usize = 10;

#[test]
fn ten_faults_lose_nothing_and_repeat_nothing() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.map_or(1, |now| now.as_secs());
    let outcome = Campaign {
        rounds: ROUNDS,
        seed,
        kinds: KINDS,
    }
    .run();
    let outcome = outcome.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
    println!("{}", outcome.summary());
    if let Err(error) = outcome.judge(ROUNDS) {
        panic!("seed {seed}: {error:#}");
    }
}
