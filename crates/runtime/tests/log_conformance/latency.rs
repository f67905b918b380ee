//! Append latency, one lane, back to back. Prints; run with
//! `cargo test -p tenfold-runtime --test log_conformance latency -- --ignored --nocapture`.

use crate::support::{append, topic};
use std::time::{Duration, Instant};
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions};
use tenfold_runtime::log::{Log, NewRecord, Topic};

/// Median and 99th percentile of appends of 300 bytes to lane 0, each after the end of the last.
pub fn back_to_back(log: &dyn Log, topic: &Topic, count: usize) -> (Duration, Duration) {
    let mut took: Vec<Duration> = (0..count)
        .map(|_| {
            let started = Instant::now();
            append(log, topic, 0, NewRecord::of(vec![b'x'; 300])).expect("appended");
            started.elapsed()
        })
        .collect();
    took.sort();
    (took[count / 2], took[count * 99 / 100])
}

#[test]
#[ignore = "measures, does not check"]
fn latency_of_the_embedded_log() {
    for quick_repair in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions {
            quick_repair,
            ..EmbeddedOptions::default()
        };
        let log = EmbeddedLog::open(folder.path(), options).unwrap();
        let topic = topic(&log, "latency", 1);
        back_to_back(&log, &topic, 200);
        let (p50, p99) = back_to_back(&log, &topic, 2_000);
        println!("embedded, quick_repair={quick_repair}: p50 {p50:?} p99 {p99:?}");
    }
}
