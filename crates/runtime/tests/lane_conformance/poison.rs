//! Poison: records that nobody should have written, in the journal or the inbox of a lane that lives.

use crate::bed::{Bed, eventually};
use crate::damage::{bed, named, stopped, worked};
use bytes::Bytes;
use prost::Message as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use tenfold_proto::lane::inbox_record::Content;
use tenfold_proto::lane::{
    DeadLetter, Decisions, InboxRecord, RecordKind, Relay, RelayedMessage, Undecodable,
};
use tenfold_runtime::cache::{Cache, LaneCache, MemoryCache, Scratch, Visit, Writes};
use tenfold_runtime::driver::hostile::damaged;
use tenfold_runtime::lane::record;
use tenfold_runtime::lane::validity::{Chain, judge};
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{RECORD_BYTES_MAX, Topic};

#[test]
fn a_record_of_a_newer_release_stops_its_lane_before_anything_of_it_is_applied() {
    let (log, bed) = bed();
    let cache = worked(&bed);
    let journal = named(&bed, &Topic::journal("intake"));
    let newer = newer_record(&log, &journal);
    let before = cache.edit(0, |rows| rows.clone());
    bed.stray(&Topic::journal("intake"), newer.clone());
    stopped(&bed, &cache, "level");
    let node = bed.node_of("intake", "told", MemoryCache::default());
    node.log.suggest(&[0]);
    node.wait_phase("stopped");
    let problem = node.instance.status()[&0].problem.clone();
    for said in ["level 9", "reads up to 1", "update this instance"] {
        assert!(problem.contains(said), "{problem}");
    }
    assert_eq!(
        cache.edit(0, |rows| rows.clone()),
        before,
        "nothing of it is in the cache"
    );
    assert_eq!(
        log.records(&journal, 0).last().map(|r| r.value.clone()),
        Some(newer)
    );
    // Lanes of other services know nothing of it.
    let other = bed.node_of("pooling", "p", MemoryCache::default());
    other.take();
    assert_eq!(bed.command(&other, "1", "add 1").unwrap(), "1");
}

/// What a newer release would write next.
pub fn newer_record(log: &MemoryLog, journal: &Topic) -> Bytes {
    let mut chain = Chain::default();
    for stored in log.records(journal, 0) {
        let envelope = record::read(&stored.value);
        let verdict = judge(&chain, stored.offset == 0, envelope.as_ref(), 1);
        if let Some(envelope) = envelope {
            chain = chain.after(verdict, &envelope, &stored.value);
        }
    }
    record::decisions(&chain, 9, &Decisions::default())
}

#[test]
fn rubbish_in_an_inbox_never_stops_its_lane() {
    let (log, bed) = bed();
    let node = bed.owner("a");
    let inbox = Topic::inbox("intake");
    let good = [
        relay(),
        crate::suite::posted("add 1").to_vec(),
        crate::suite::posted("stumble badly").to_vec(),
    ];
    let mut thrown = 0;
    for plan in 0..600_u64 {
        let plan = plan.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        let bytes = damaged(&good, &[&[0, plan[0] % 3], &plan[1..]].concat());
        // A message of a newer release stops the lane, as it must.
        if !newer(&bytes) {
            bed.stray(&inbox, bytes);
            thrown += 1;
        }
    }
    assert!(thrown > 400, "{thrown}");
    bed.command(&node, "last", "behind the rubbish").unwrap();
    let all = log.records(&named(&bed, &inbox), 0).len();
    eventually("all of it is read", || {
        let letters = named(&bed, &Topic::named("dead-letters"));
        node.phase() == "owned"
            && read_to(&log, &bed) == all as u64
            && !log.records(&letters, 0).is_empty()
    });
    bed.agrees(&node);
}

/// A disk whose next reads of rows fail, as many as are ordered.
#[derive(Clone, Default)]
struct BadDisk {
    rows: MemoryCache,
    failing: Arc<AtomicU32>,
}

struct BadLane {
    rows: Box<dyn LaneCache>,
    failing: Arc<AtomicU32>,
}

impl Cache for BadDisk {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        Ok(Box::new(BadLane {
            rows: self.rows.open(lane)?,
            failing: Arc::clone(&self.failing),
        }))
    }
    fn wipe(&self, lane: u32) -> io::Result<()> {
        self.rows.wipe(lane)
    }
    fn flush(&self) -> io::Result<()> {
        self.rows.flush()
    }
    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        self.rows.scratch()
    }
}

impl LaneCache for BadLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        let less = |left: u32| left.checked_sub(1);
        match self.failing.fetch_update(SeqCst, SeqCst, less) {
            Ok(_) => Err(io::Error::other("the disk is bad, by order")),
            Err(_) => self.rows.get(key),
        }
    }
    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        self.rows.scan(from, to, visit)
    }
    fn apply(&self, writes: Writes) -> io::Result<()> {
        self.rows.apply(writes)
    }
}

#[test]
fn a_bad_disk_makes_a_dead_letter_of_no_good_input() {
    let (log, bed) = bed();
    let disk = BadDisk::default();
    let node = bed.node_on("intake", "a", Arc::new(disk.clone()));
    node.take();
    bed.command(&node, "first", "add 3").unwrap();
    let letters = named(&bed, &Topic::named("dead-letters"));
    for round in 0..20 {
        // Whatever is read next, wherever: the row is not there, and the rule panics or decides wrongly.
        disk.failing.store(1 + round % 3, SeqCst);
        bed.stray(&Topic::inbox("intake"), crate::suite::posted("rely 3"));
        let note = bed.command(&node, &format!("c{round}"), "rely 3");
        assert_eq!(note.expect("the technician is answered"), "");
        disk.failing.store(0, SeqCst);
    }
    let all = ["rely 3"; 40].join(",");
    eventually("all are taken", || bed.ask(&node, "notes") == all);
    assert_eq!(log.records(&letters, 0).len(), 0, "no dead letter");
    bed.agrees(&node);
}

#[test]
fn the_largest_and_the_smallest_record_there_can_be_do_not_stop_a_lane() {
    let (log, bed) = bed();
    let node = bed.owner("a");
    let inbox = Topic::inbox("intake");
    let strange = InboxRecord {
        content: Some(Content::Undecodable(Undecodable {
            origin: "é".repeat(240_000),
            reason: "y".repeat(500_000),
            content: Bytes::from_static(b"z"),
            cut_from: 0,
        })),
        ..InboxRecord::default()
    };
    let mut rubbish = vec![0xFF; RECORD_BYTES_MAX];
    for record in [
        rubbish.clone(),
        Vec::new(),
        strange.encode_to_vec(),
        crate::suite::posted("").to_vec(),
        crate::suite::posted(&"x".repeat(RECORD_BYTES_MAX - 100)).to_vec(),
    ] {
        bed.stray(&inbox, record);
    }
    let letters = named(&bed, &Topic::named("dead-letters"));
    eventually("four of them are dead letters", || {
        assert_ne!(node.phase(), "stopped", "{:?}", node.instance.status());
        log.records(&letters, 0).len() == 4
    });
    bed.command(&node, "1", "add 1").unwrap();
    let first = log.records(&letters, 0).first().map(|r| r.value.clone());
    let first = DeadLetter::decode(first.expect("a letter")).expect("a letter");
    assert_eq!(first.cut_from, RECORD_BYTES_MAX as u64);
    rubbish.truncate(first.content.len());
    assert_eq!(first.content, rubbish);
    bed.agrees(&node);
}

/// How far the newest record of the journal has read the inbox.
fn read_to(log: &MemoryLog, bed: &Bed) -> u64 {
    let journal = log.records(&named(bed, &Topic::journal("intake")), 0);
    let bodies = journal.iter().rev().filter_map(|r| record::read(&r.value));
    bodies
        .filter(|envelope| envelope.kind() == RecordKind::Decisions)
        .find_map(|envelope| Decisions::decode(envelope.body).ok())
        .map_or(0, |decisions| decisions.inbox_next)
}

fn relay() -> Vec<u8> {
    let message = RelayedMessage {
        level: 1,
        body: "note".into(),
    };
    let relay = Relay {
        stream_id: vec![5; 16].into(),
        from_service: "results".to_owned(),
        first_n: 1,
        messages: vec![message],
        prev_digest: vec![0; 32].into(),
        ..Relay::default()
    };
    InboxRecord {
        content: Some(Content::Relay(relay)),
        ..InboxRecord::default()
    }
    .encode_to_vec()
}

fn newer(bytes: &[u8]) -> bool {
    let content = InboxRecord::decode(bytes).ok().and_then(|r| r.content);
    matches!(content, Some(Content::Relay(relay)) if relay.messages.iter().any(|m| m.level > 1))
}
