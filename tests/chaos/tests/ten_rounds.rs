//! Ten rounds of chaos, the same ten each time; `make chaos` draws others.

use tenfold_chaos::campaign::Campaign;
use tenfold_chaos::fault::KINDS;

const ROUNDS: usize = 10;

const SEED: u64 = 77;

#[test]
fn ten_faults_lose_nothing_and_repeat_nothing() {
    let outcome = Campaign {
        rounds: ROUNDS,
        seed: SEED,
        kinds: KINDS,
        settings: &[],
    }
    .run();
    let outcome = outcome.unwrap_or_else(|error| panic!("seed {SEED}: {error:#}"));
    println!("{}", outcome.summary());
    if let Err(error) = outcome.judge(ROUNDS) {
        panic!("seed {SEED}: {error:#}");
    }
}
