//! The public topic, routed to the inboxes of the lanes.

mod common;

use bytes::Bytes;
use common::registration;
use common::service::{LANES, TestLanes};
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tenfold_intake::router::{Router, TOPIC};
use tenfold_intake::scanner::ScannerSettings;
use tenfold_proto::lane::InboxRecord;
use tenfold_proto::lane::inbox_record::Content;
use tenfold_runtime::gateway::Gateway;
use tenfold_runtime::lane_of;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{Class, Log, NewRecord, Retention, Topic, TopicPlan};
use tokio_util::sync::CancellationToken;

const PARTITIONS: u32 = 2;

fn log() -> MemoryLog {
    let log = MemoryLog::new();
    let plan = |topic, lanes| TopicPlan {
        topic,
        lanes,
        retention: Retention::Forever,
    };
    log.create(&[
        plan(Topic::named(TOPIC), PARTITIONS),
        plan(Topic::inbox("intake"), LANES),
    ])
    .expect("created");
    log
}

fn post(log: &MemoryLog, partition: u32, value: impl Into<Bytes>) {
    let topic = Topic::named(TOPIC);
    let done = Box::new(|end: Result<_, _>| assert!(end.is_ok()));
    log.append(Class::Relay, &topic, partition, NewRecord::of(value), done);
}

fn inbox(log: &MemoryLog, lane: u32) -> Vec<Content> {
    let topic = Topic::inbox("intake");
    let mut reader = log
        .reader(&topic, lane, 0, Arc::new(|| {}))
        .expect("a reader");
    let records = reader.poll(usize::MAX).expect("records");
    records
        .into_iter()
        .filter_map(|record| InboxRecord::decode(record.value).expect("readable").content)
        .collect()
}

/// Items and undecodable records in all inboxes.
fn arrived(log: &MemoryLog) -> (usize, usize) {
    let (mut items, mut unread) = (0, 0);
    for lane in 0..LANES {
        for content in inbox(log, lane) {
            match content {
                Content::External(external) => items += external.items.len(),
                Content::Undecodable(_) => unread += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    (items, unread)
}

async fn route_until(log: &MemoryLog, wanted: (usize, usize)) {
    let stop = CancellationToken::new();
    let gateway = Gateway::new(Arc::new(TestLanes::new()), Duration::from_secs(1));
    let router = Router {
        log: Arc::new(log.clone()),
        lanes: LANES,
        scanner: ScannerSettings::new(gateway),
    };
    let running = tokio::spawn(router.run("test".to_owned(), stop.clone()));
    for _ in 0..500 {
        if arrived(log) == wanted {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The position is stored after the append: give it its moment.
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.cancel();
    running.await.expect("no panic");
    assert_eq!(arrived(log), wanted);
}

#[tokio::test]
async fn json_and_protobuf_from_any_partition_reach_the_lane_of_their_barcode_once() {
    let log = log();
    post(&log, 0, r#"{"barcode": "ABCD0001", "site": "s-01"}"#);
    post(&log, 1, registration("ABCD0002").encode_to_vec());
    post(&log, 1, "\u{1}oops");
    route_until(&log, (2, 1)).await;
    for barcode in ["ABCD0001", "ABCD0002"] {
        let lane = inbox(&log, lane_of(barcode, LANES));
        let there = lane.iter().any(|content| match content {
            Content::External(external) => external
                .items
                .iter()
                .any(|item| String::from_utf8_lossy(item).contains(barcode)),
            _ => false,
        });
        assert!(there, "{barcode}");
    }
    // A router that starts later goes on behind what was routed.
    post(&log, 0, r#"{"barcode": "ABCD0003", "site": "s-01"}"#);
    route_until(&log, (3, 1)).await;
}
