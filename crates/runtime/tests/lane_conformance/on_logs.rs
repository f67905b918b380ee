//! The suite on each log.

use crate::bed::Bed;
use crate::{relay, standby, suite, workers};
use std::sync::Arc;
use tenfold_runtime::log::Log;
use tenfold_runtime::log::embedded::EmbeddedLog;
use tenfold_runtime::log::kafka::{KafkaLog, KafkaOptions};
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_tests::kafka::KafkaCluster;

/// Runs every scenario; with the environment variable `SCENARIO`, those whose name holds its value.
/// `RUST_LOG` shows what the engine says.
fn run(log: &Arc<dyn Log>) {
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .try_init();
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let mut failed = Vec::new();
    for (name, scenario) in suite::SCENARIOS
        .iter()
        .chain(relay::SCENARIOS)
        .chain(standby::SCENARIOS)
        .chain(workers::SCENARIOS)
        .filter(|(name, _)| name.contains(&only))
    {
        let began = std::time::Instant::now();
        let bed = Bed::new(Arc::clone(log));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scenario(bed)));
        let word = if ended.is_ok() { "ok" } else { "FAILED" };
        println!("{word:6} {:5} ms  {name}", began.elapsed().as_millis());
        if ended.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[test]
fn the_lane_protocol_holds_on_the_log_in_memory() {
    let log = MemoryLog::new();
    log.set_now(tenfold_runtime::clock::Clock::wall(
        &tenfold_runtime::clock::SystemClock::default(),
    ));
    run(&(Arc::new(log) as Arc<dyn Log>));
}

#[test]
fn the_lane_protocol_holds_on_the_embedded_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), Default::default()).unwrap();
    run(&(Arc::new(log) as Arc<dyn Log>));
}

#[test]
fn the_lane_protocol_holds_on_kafka() {
    let bootstrap = KafkaCluster::shared(1).bootstrap();
    let log = KafkaLog::connect(KafkaOptions::new(bootstrap)).expect("Kafka answers");
    run(&(Arc::new(log) as Arc<dyn Log>));
}
