//! Kafka: the cases on one broker, what its settings check says there, and groups.

use crate::support::{PATIENCE, append_text, read_from, topic};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tenfold_runtime::log::kafka::{ConnectError, KafkaLog, KafkaOptions};
use tenfold_runtime::log::{Log, Membership, NewRecord, Retention, Topic, TopicPlan};
use tenfold_tests::kafka::KafkaCluster;

/// Set in the child of the kill test: the brokers.
const CHILD_BOOTSTRAP: &str = "TENFOLD_TEST_KAFKA";

/// Set there as well: the topic, and the name of its group.
const CHILD_TOPIC: &str = "TENFOLD_TEST_TOPIC";

/// Lanes of the group's topic.
const LANES: u32 = 8;

fn connect(bootstrap: &str) -> KafkaLog {
    KafkaLog::connect(KafkaOptions::new(bootstrap)).expect("Kafka answers")
}

fn log() -> &'static KafkaLog {
    static LOG: OnceLock<KafkaLog> = OnceLock::new();
    LOG.get_or_init(|| connect(KafkaCluster::shared(1).bootstrap()))
}

crate::every_case!(log());

#[test]
fn one_broker_lacks_replicas_and_nothing_else() {
    let plan = |name: &str, retention| TopicPlan {
        topic: Topic::named(name),
        lanes: 2,
        retention,
    };
    let plans = [
        plan("lone.journal", Retention::Forever),
        plan("lone.registrations", Retention::Days(30)),
        plan("lone.owners", Retention::Compacted),
    ];
    log().create(&plans).expect("made");
    let problems = log().settings_problems(&plans);
    assert_eq!(problems.len(), 6, "{problems:#?}");
    for problem in problems {
        assert!(
            problem.contains("replication factor is 1")
                || problem.contains("has replication factor 1")
                || problem.contains("min.insync.replicas is 1: set 2"),
            "{problem}"
        );
    }
}

#[test]
fn kafka_that_is_not_there_is_an_error_that_names_it() {
    let mut options = KafkaOptions::new("127.0.0.1:1");
    options.commit_producers = 1;
    let Err(error @ ConnectError::Unreachable { .. }) = KafkaLog::connect(options) else {
        panic!("connected to nothing");
    };
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}

#[test]
fn a_reader_far_behind_is_paused_and_loses_nothing() {
    let mut options = KafkaOptions::new(KafkaCluster::shared(1).bootstrap());
    options.reader_bytes_max = 10_000;
    let log = KafkaLog::connect(options).expect("Kafka answers");
    let topic = topic(&log, "behind", 1);
    let ends: Vec<_> = (0..2_000_u32)
        .map(|n| {
            let mut value = n.to_be_bytes().to_vec();
            value.resize(500, 0);
            crate::support::start_append(&log, &topic, 0, NewRecord::of(value))
        })
        .collect();
    for end in ends {
        end.recv().expect("an end").expect("appended");
    }
    let mut reading = read_from(&log, &topic, 0, 0);
    std::thread::sleep(Duration::from_millis(300));
    let read = reading.take(2_000);
    let numbers: Vec<u64> = read.iter().map(|record| record.offset).collect();
    assert_eq!(numbers, (0..2_000).collect::<Vec<u64>>());
}

/// The lanes each member was told last.
type Lanes = BTreeMap<String, Vec<u32>>;

/// What each member of a group was told last.
#[derive(Clone, Default)]
struct Told(Arc<(Mutex<Lanes>, Condvar)>);

impl Told {
    fn join(&self, log: &KafkaLog, group: &str, name: &str, topic: &Topic) -> Box<dyn Membership> {
        let (told, member) = (self.clone(), name.to_owned());
        let suggest = Arc::new(move |lanes| {
            told.0.0.lock().unwrap().insert(member.clone(), lanes);
            told.0.1.notify_all();
        });
        log.join(group, name, topic, suggest).expect("joined")
    }

    /// How long it takes until what was told is as wanted.
    fn wait(&self, wanted: impl Fn(&Lanes) -> bool) -> Duration {
        let started = Instant::now();
        let mut told = self.0.0.lock().unwrap();
        while !wanted(&told) {
            let left = PATIENCE.saturating_sub(started.elapsed());
            assert!(!left.is_zero(), "still {told:?}");
            told = self.0.1.wait_timeout(told, left).unwrap().0;
        }
        started.elapsed()
    }
}

fn evenly(told: &Lanes, members: &[&str]) -> bool {
    let mut all: Vec<u32> = members
        .iter()
        .filter_map(|member| told.get(*member))
        .flatten()
        .copied()
        .collect();
    all.sort_unstable();
    let share = LANES as usize / members.len();
    all == (0..LANES).collect::<Vec<_>>()
        && members
            .iter()
            .all(|member| told.get(*member).is_some_and(|lanes| lanes.len() == share))
}

#[test]
fn lanes_spread_over_two_members_and_move_within_2_s_when_one_leaves() {
    let log = log();
    let topic = topic(log, "spread", LANES);
    let told = Told::default();
    let first = told.join(log, "spread", "one", &topic);
    let alone = told.wait(|told| evenly(told, &["one"]));
    let second = told.join(log, "spread", "two", &topic);
    let spread = told.wait(|told| evenly(told, &["one", "two"]));
    let started = Instant::now();
    second.leave();
    let left = started.elapsed();
    told.wait(|told| evenly(told, &["one"]));
    let moved = started.elapsed();
    println!("first member {alone:?}, spread {spread:?}, leave() {left:?}, lanes moved {moved:?}");
    assert!(moved < Duration::from_secs(2), "{moved:?}");
    assert_eq!(
        told.0.0.lock().unwrap()["two"],
        Vec::<u32>::new(),
        "told before it left"
    );
    let again = told.join(log, "spread", "two", &topic);
    told.wait(|told| evenly(told, &["one", "two"]));
    drop((first, again));
}

#[test]
fn of_two_members_with_one_name_the_first_is_out_and_comes_in_again_when_the_other_has_left() {
    let log = log();
    let topic = topic(log, "named", LANES);
    let (first, second) = (Told::default(), Told::default());
    let _first = first.join(log, "named", "same", &topic);
    first.wait(|told| evenly(told, &["same"]));
    let other = second.join(log, "named", "same", &topic);
    second.wait(|told| evenly(told, &["same"]));
    first.wait(|told| told.get("same").is_some_and(Vec::is_empty));
    other.leave();
    first.wait(|told| evenly(told, &["same"]));
}

#[test]
fn positions_can_be_stored_while_the_group_has_members() {
    let log = log();
    let topic = topic(log, "routed", LANES);
    let told = Told::default();
    let _member = told.join(log, "routers", "one", &topic);
    told.wait(|told| evenly(told, &["one"]));
    log.store_position("routers", &topic, 3, 9).expect("stored");
    assert_eq!(log.position("routers", &topic, 3), Ok(Some(9)));
}

/// Not a test of its own: the member that the next tests kill.
#[test]
fn child_that_is_a_member_until_it_is_killed() {
    let (Ok(bootstrap), Ok(topic)) = (std::env::var(CHILD_BOOTSTRAP), std::env::var(CHILD_TOPIC))
    else {
        return;
    };
    let log = connect(&bootstrap);
    let told = Told::default();
    let _member = told.join(&log, &topic, "child", &Topic::named(&topic));
    told.wait(|told| {
        told.get("child")
            .is_some_and(|lanes| lanes.len() == LANES as usize / 2)
    });
    println!("has lanes");
    std::thread::sleep(PATIENCE);
}

/// Starts the child and waits until it has its share of the lanes.
fn child_with_lanes(topic: &Topic) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "kafka::child_that_is_a_member_until_it_is_killed",
        ])
        .env(CHILD_BOOTSTRAP, KafkaCluster::shared(1).bootstrap())
        .env(CHILD_TOPIC, topic.as_str())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let has_lanes = lines
        .map(Result::unwrap)
        .any(|line| line.contains("has lanes"));
    assert!(has_lanes, "the child became a member");
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn lanes_of_a_killed_member_move_when_its_session_ends() {
    let log = log();
    let topic = topic(log, "killed.members", LANES);
    let told = Told::default();
    let _member = told.join(log, topic.as_str(), "one", &topic);
    told.wait(|told| evenly(told, &["one"]));
    let child = child_with_lanes(&topic);
    told.wait(|told| {
        told.get("one")
            .is_some_and(|lanes| lanes.len() == LANES as usize / 2)
    });
    kill(child);
    let moved = told.wait(|told| evenly(told, &["one"]));
    println!("lanes of a killed member moved after {moved:?}");
    assert!(moved < Duration::from_secs(12), "{moved:?}");
    append_text(log, &topic, 0, "still taken");
}

#[test]
fn a_member_killed_and_started_again_has_its_lanes_back_before_its_session_ends() {
    let log = log();
    let topic = topic(log, "restarted.members", LANES);
    let told = Told::default();
    let _member = told.join(log, topic.as_str(), "one", &topic);
    let child = child_with_lanes(&topic);
    told.wait(|told| {
        told.get("one")
            .is_some_and(|lanes| lanes.len() == LANES as usize / 2)
    });
    let before = told.0.0.lock().unwrap()["one"].clone();
    kill(child);
    let started = Instant::now();
    let child = child_with_lanes(&topic);
    let back = started.elapsed();
    println!("a member killed and started again had its lanes back after {back:?}");
    assert!(back < Duration::from_secs(5), "{back:?}");
    assert_eq!(
        told.0.0.lock().unwrap()["one"],
        before,
        "nobody else was touched"
    );
    kill(child);
}
