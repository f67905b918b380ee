//! Readers that begin below what their lanes still have, many at once: as when an instance takes lanes whose heads were put away.

use super::*;
use crate::log::kafka::{KafkaLog, KafkaOptions};
use crate::log::{Class, Log as _, NewRecord, Retention, TopicPlan};
use std::time::{Duration, Instant};
use tenfold_tests::kafka::KafkaCluster;

/// Far above what it takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// More readers than are begun in one look at a trouble.
const LANES: u32 = 12;

/// Between two of them.
const APART: Duration = Duration::from_millis(15);

/// A topic whose lanes have lost their first record.
fn trimmed(log: &KafkaLog, topic: &Topic) {
    let plan = TopicPlan {
        topic: topic.clone(),
        lanes: LANES,
        retention: Retention::Forever,
    };
    log.create(&[plan]).unwrap();
    for lane in 0..LANES {
        for text in ["first", "second"] {
            let (tell, told) = mpsc::channel();
            let done = Box::new(move |end| tell.send(end).unwrap());
            log.append(Class::Commit, topic, lane, NewRecord::of(text), done);
            told.recv_timeout(PATIENCE).unwrap().unwrap();
        }
        log.trim(topic, lane, 1).unwrap();
    }
}

/// The error of one of them must not pass for the trouble of those that came just before it. (Nobody looks for stalls here: that would
/// help in the end, seconds later.)
#[test]
fn every_reader_below_the_beginning_of_its_lane_is_told_so() {
    let options = KafkaOptions::new(KafkaCluster::shared(1).bootstrap());
    let log = KafkaLog::connect(options.clone()).unwrap();
    let topic = Topic::named("trimmed-at-once");
    trimmed(&log, &topic);
    let pool = Arc::new(FetchPool {
        config: settings::reader(&options),
        bytes_max: options.reader_bytes_max,
        meta: Arc::clone(&log.fetch.meta),
        fetchers: Mutex::default(),
        checks: Worker::start("log-checks").unwrap(),
        _stalls: mpsc::channel().0,
    });
    // Its consumer is connected before the others come.
    let mut first = pool.reader(&topic, 0, 1, Arc::new(|| {})).unwrap();
    let began = Instant::now();
    while first.poll(1).unwrap().is_empty() {
        assert!(began.elapsed() < PATIENCE, "nothing comes");
        std::thread::sleep(APART);
    }
    let readers = (1..LANES).map(|lane| {
        std::thread::sleep(APART);
        (lane, pool.reader(&topic, lane, 0, Arc::new(|| {})).unwrap())
    });
    for (lane, mut reader) in readers.collect::<Vec<_>>() {
        let told = loop {
            match reader.poll(1) {
                Err(error) => break error,
                Ok(records) => assert!(records.is_empty(), "lane {lane}: {records:?}"),
            }
            assert!(began.elapsed() < PATIENCE, "lane {lane} is told nothing");
            std::thread::sleep(APART);
        };
        let wanted = ReadError::OutOfRange {
            wanted: 0,
            start: 1,
            end: 2,
        };
        assert_eq!(told, wanted, "lane {lane}");
    }
}
