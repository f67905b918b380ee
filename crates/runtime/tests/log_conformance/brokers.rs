//! Three brokers, one of which hangs: appends go on, and nothing acknowledged is lost.

use crate::support::{append, read_from, text, topic};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenfold_runtime::log::kafka::{KafkaLog, KafkaOptions};
use tenfold_runtime::log::{AppendError, Log, NewRecord, Topic};
use tenfold_tests::kafka::KafkaCluster;

/// One broker hangs at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How long a broker hangs: longer than its session and than replicas may lag.
const HANGS: Duration = Duration::from_secs(14);

fn connect() -> KafkaLog {
    let options = KafkaOptions::new(KafkaCluster::shared(3).bootstrap());
    KafkaLog::connect(options).expect("Kafka answers")
}

/// The leader of lane 0, and a broker that follows it.
fn leader_and_follower(topic: &Topic) -> (u32, u32) {
    let asker: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", KafkaCluster::shared(3).bootstrap())
        .create()
        .unwrap();
    let name = topic.full_name();
    let metadata = asker
        .fetch_metadata(Some(&name), Duration::from_secs(10))
        .unwrap();
    let lane = &metadata.topics()[0].partitions()[0];
    let leader = lane.leader();
    let follower = *lane.replicas().iter().find(|id| **id != leader).unwrap();
    (leader as u32, follower as u32)
}

/// Appends one record after the other; returns those acknowledged, and the longest time between two
/// acknowledgements.
fn append_until(log: &dyn Log, topic: &Topic, stop: &AtomicBool) -> (Vec<String>, Duration) {
    let mut acknowledged = Vec::new();
    let mut longest = Duration::ZERO;
    let mut last = Instant::now();
    let mut n = 0_u64;
    while !stop.load(Ordering::SeqCst) {
        n += 1;
        match append(log, topic, 0, NewRecord::of(n.to_string())) {
            Ok(_) => {
                longest = longest.max(last.elapsed());
                last = Instant::now();
                acknowledged.push(n.to_string());
            }
            Err(AppendError::Unknown(_) | AppendError::NotSent(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    (acknowledged, longest)
}

/// Reads until told to stop; returns the longest time between two records.
fn read_until(log: &dyn Log, topic: &Topic, stop: &AtomicBool) -> Duration {
    let mut reading = read_from(log, topic, 0, 0);
    let mut longest = Duration::ZERO;
    let mut last = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        let some = reading.reader.poll(1 << 20).expect("readable all the time");
        if some.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        } else {
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
    }
    longest.max(last.elapsed())
}

fn hang(who: &str, choose: impl Fn((u32, u32)) -> u32) {
    let _turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let cluster = KafkaCluster::shared(3);
    let log = connect();
    let topic = topic(&log, &format!("hang.{who}"), 1);
    let stop = AtomicBool::new(false);
    let (acknowledged, longest, unread) = std::thread::scope(|threads| {
        let appends = threads.spawn(|| append_until(&log, &topic, &stop));
        let reads = threads.spawn(|| read_until(&log, &topic, &stop));
        std::thread::sleep(Duration::from_secs(1));
        let broker = choose(leader_and_follower(&topic));
        cluster.pause(broker);
        std::thread::sleep(HANGS);
        cluster.resume(broker);
        std::thread::sleep(Duration::from_secs(3));
        stop.store(true, Ordering::SeqCst);
        let (acknowledged, longest) = appends.join().unwrap();
        (acknowledged, longest, reads.join().unwrap())
    });
    println!(
        "{who} hung: longest stall of appends {longest:?}, of a reader {unread:?}; {} acknowledged",
        acknowledged.len()
    );
    for stall in [longest, unread] {
        assert!(stall < HANGS, "went on only when the broker did: {stall:?}");
    }
    let read = read_from(&log, &topic, 0, 0).take(acknowledged.len());
    let read: std::collections::HashSet<String> = read.iter().map(|r| text(&r.value)).collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|n| !read.contains(*n)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[test]
fn a_leader_that_hangs_stalls_appends_for_seconds_and_loses_nothing() {
    hang("leader", |(leader, _)| leader);
}

#[test]
fn a_follower_that_hangs_stalls_appends_for_seconds_and_loses_nothing() {
    hang("follower", |(_, follower)| follower);
}

#[test]
fn topics_made_on_three_brokers_have_no_settings_problems() {
    let _turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    crate::suite::a_topic_made_by_the_log_has_no_settings_problems(&connect());
}
