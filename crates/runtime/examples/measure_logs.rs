//! Measures the two logs on this machine: how long an append takes, and how long opening takes after
//! a process was killed. The figures in `docs/decisions` are its output.
//!
//! ```text
//! cargo run -p tenfold-runtime --example measure_logs -- embedded   # append latency
//! cargo run -p tenfold-runtime --example measure_logs -- repair     # a million records, killed, opened
//! cargo run -p tenfold-runtime --example measure_logs -- kafka 3    # append latency on so many brokers
//! ```

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions};
use tenfold_runtime::log::kafka::{KafkaLog, KafkaOptions};
use tenfold_runtime::log::{Class, Log, NewRecord, Retention, Topic, TopicPlan};
use tenfold_tests::kafka::KafkaCluster;

type Failure = Box<dyn std::error::Error>;

/// Records in the log whose opening is measured.
const MILLION: u32 = 1_000_000;

/// Lanes these records are spread over.
const LANES: u32 = 16;

/// Bytes of a record: a small decision.
const BYTES: usize = 300;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["embedded"] => embedded(),
        ["repair"] => repair(),
        ["kafka", brokers] => kafka(brokers.parse()?),
        _ => Err("embedded | repair | kafka BROKERS".into()),
    }
}

fn embedded() -> Result<(), Failure> {
    for quick_repair in [false, true] {
        let folder = tempfile::tempdir()?;
        let log = open(folder.path(), quick_repair)?;
        report(&format!("embedded, quick_repair {quick_repair}"), &log)?;
    }
    Ok(())
}

fn kafka(brokers: u32) -> Result<(), Failure> {
    let cluster = KafkaCluster::start(brokers);
    let log = KafkaLog::connect(KafkaOptions::new(cluster.bootstrap()))?;
    report(&format!("kafka, {brokers} broker(s)"), &log)
}

fn repair() -> Result<(), Failure> {
    for quick_repair in [false, true] {
        let folder = tempfile::tempdir()?;
        let killed = tempfile::tempdir()?;
        let file = killed.path().join("log.redb");
        {
            let log = open(folder.path(), quick_repair)?;
            let topic = make(&log, "million", LANES)?;
            let started = Instant::now();
            fill(&log, &topic)?;
            println!(
                "quick_repair {quick_repair}: {MILLION} records in {:?}",
                started.elapsed()
            );
            let (p50, p99) = back_to_back(&log, &topic, 1_000)?;
            println!("quick_repair {quick_repair}: append then p50 {p50:?} p99 {p99:?}");
            // What a kill leaves is the open file, without anything a clean close writes.
            std::fs::copy(folder.path().join("log.redb"), &file)?;
        }
        let bytes = std::fs::metadata(&file)?.len();
        println!("quick_repair {quick_repair}: file of {} MiB", bytes >> 20);
        for how in ["a kill", "a clean end"] {
            let started = Instant::now();
            let log = open(killed.path(), quick_repair)?;
            let took = started.elapsed();
            let end = log.extent(&Topic::named("million"), 1)?.end;
            println!(
                "quick_repair {quick_repair}: opened after {how} in {took:?}, lane 1 ends at {end}"
            );
        }
    }
    Ok(())
}

fn open(folder: &Path, quick_repair: bool) -> Result<EmbeddedLog, Failure> {
    let options = EmbeddedOptions {
        quick_repair,
        ..EmbeddedOptions::default()
    };
    Ok(EmbeddedLog::open(folder, options)?)
}

fn make(log: &dyn Log, name: &str, lanes: u32) -> Result<Topic, Failure> {
    let topic = Topic::named(name);
    log.create(&[TopicPlan {
        topic: topic.clone(),
        lanes,
        retention: Retention::Forever,
    }])?;
    Ok(topic)
}

fn fill(log: &dyn Log, topic: &Topic) -> Result<(), Failure> {
    let (tell, ends) = mpsc::channel();
    for n in 0..MILLION {
        let tell = tell.clone();
        let done = Box::new(move |end: Result<_, _>| drop(tell.send(end.map(|_| ()))));
        log.append(
            Class::Relay,
            topic,
            n % LANES,
            NewRecord::of(vec![b'x'; BYTES]),
            done,
        );
        if n % 10_000 == 9_999 {
            for _ in 0..10_000 {
                ends.recv()??;
            }
        }
    }
    Ok(())
}

/// One lane, each append after the end of the last; and 16 lanes at once, each so.
fn report(what: &str, log: &(impl Log + Sized)) -> Result<(), Failure> {
    let topic = make(log, "latency", LANES)?;
    back_to_back(log, &topic, 500)?;
    let (p50, p99) = back_to_back(log, &topic, 3_000)?;
    println!("{what}: 1 lane, p50 {p50:?} p99 {p99:?}");
    let started = Instant::now();
    let took: Vec<Duration> = std::thread::scope(|threads| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let topic = &topic;
                threads.spawn(move || {
                    (0..500)
                        .filter_map(|_| one(log, topic, lane).ok())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        lanes
            .into_iter()
            .filter_map(|lane| lane.join().ok())
            .flatten()
            .collect()
    });
    let per_second = took.len() as f64 / started.elapsed().as_secs_f64();
    let (p50, p99) = quantiles(took);
    println!("{what}: {LANES} lanes, p50 {p50:?} p99 {p99:?}, {per_second:.0} appends/s");
    Ok(())
}

fn back_to_back(
    log: &dyn Log,
    topic: &Topic,
    count: usize,
) -> Result<(Duration, Duration), Failure> {
    let took: Result<Vec<Duration>, Failure> = (0..count).map(|_| one(log, topic, 0)).collect();
    Ok(quantiles(took?))
}

fn one(log: &dyn Log, topic: &Topic, lane: u32) -> Result<Duration, Failure> {
    let (tell, end) = mpsc::channel();
    let started = Instant::now();
    let done = Box::new(move |result| drop(tell.send(result)));
    log.append(
        Class::Commit,
        topic,
        lane,
        NewRecord::of(vec![b'x'; BYTES]),
        done,
    );
    end.recv()??;
    Ok(started.elapsed())
}

fn quantiles(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort_unstable();
    let at = |percent: usize| {
        took.get(took.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    (at(50), at(99))
}
