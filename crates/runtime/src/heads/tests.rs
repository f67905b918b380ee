//! Heads of lanes of a log in memory.

use super::part::{self, Name};
use super::put_away::NotPutAway;
use super::whole::Whole;
use super::{Heads, Settings};
use crate::lane::context::Background;
use crate::log::memory::MemoryLog;
use crate::log::walk::walk;
use crate::log::{
    AppendError, Appended, Class, Extent, Log, LogRecord, NewRecord, ReadError, Retention, Topic,
    TopicPlan,
};
use crate::snapshot::store::{Entry, MemoryStore, Store, StoreError};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const LANE: u32 = 1;

fn journal() -> Topic {
    Topic::journal("pooling")
}

/// A log, a store, and both as one.
struct Room {
    log: MemoryLog,
    store: MemoryStore,
    heads: Arc<Heads>,
    whole: Whole,
}

fn at_once() -> Background {
    Arc::new(|work| work())
}

fn heads(log: &MemoryLog, store: &MemoryStore, settings: Settings) -> Arc<Heads> {
    let store = Arc::new(store.clone());
    let near = Arc::new(MemoryStore::default());
    Heads::new(Arc::new(log.clone()), store, near, settings, at_once())
}

/// Records of 10 bytes; three of them make a part.
fn room(records: u64, trim: bool) -> Room {
    let log = MemoryLog::new();
    let plan = TopicPlan {
        topic: journal(),
        lanes: 2,
        retention: Retention::Forever,
    };
    log.create(&[plan]).unwrap();
    append(&log, records);
    let store = MemoryStore::default();
    let settings = Settings {
        part_bytes: 30,
        trim,
    };
    let heads = heads(&log, &store, settings);
    Room {
        log,
        store,
        whole: Whole(Arc::clone(&heads)),
        heads,
    }
}

fn append(log: &MemoryLog, records: u64) {
    for number in 0..records {
        let record = NewRecord {
            key: Some("k".into()),
            value: format!("{number:07}").into(),
            headers: vec![("h".into(), "v".into())],
        };
        let done = Box::new(|result: Result<Appended, AppendError>| assert!(result.is_ok()));
        log.append(Class::Commit, &journal(), LANE, record, done);
    }
}

fn read(log: &dyn Log, from: u64, to: u64) -> Result<Vec<LogRecord>, ReadError> {
    let mut records = Vec::new();
    walk(log, &journal(), LANE, (from, to), &mut |record| {
        records.push(record);
        Ok::<_, ReadError>(())
    })?;
    Ok(records)
}

fn text(records: &[LogRecord]) -> Vec<String> {
    records.iter().map(|record| format!("{record:?}")).collect()
}

fn parts(room: &Room) -> Vec<(u64, u64)> {
    let parts = part::list(&room.store, &journal(), LANE).unwrap();
    parts.iter().map(|part| (part.first, part.end)).collect()
}

#[test]
fn what_is_put_away_reads_as_before_and_the_log_starts_behind_it() {
    let room = room(20, true);
    let before = text(&read(&room.log, 0, 20).unwrap());
    let done = room.heads.put_away(&journal(), LANE, 12).unwrap();
    // Whole parts only: the last two before 12 wait.
    assert_eq!(parts(&room), [(0, 1), (1, 4), (4, 7), (7, 10)]);
    assert_eq!(
        (done.parts, done.stored_below, done.log_starts_at),
        (4, 10, 10)
    );
    let own = room.log.extent(&journal(), LANE).unwrap();
    assert_eq!(own, Extent { start: 10, end: 20 });
    let whole = room.whole.extent(&journal(), LANE).unwrap();
    assert_eq!(whole, Extent { start: 0, end: 20 });
    for from in 0..20 {
        let all = text(&read(&room.whole, from, 20).unwrap());
        assert_eq!(all, before[usize::try_from(from).unwrap()..], "from {from}");
    }
    // The next time goes on where this one ended.
    append(&room.log, 3);
    let done = room.heads.put_away(&journal(), LANE, 20).unwrap();
    assert_eq!(
        (done.parts, done.stored_below, done.log_starts_at),
        (3, 19, 19)
    );
    assert_eq!(text(&read(&room.whole, 0, 20).unwrap()), before);
}

#[test]
fn without_trimming_the_log_stays_whole_and_the_store_has_a_copy() {
    let room = room(20, false);
    let done = room.heads.put_away(&journal(), LANE, 20).unwrap();
    assert_eq!((done.stored_below, done.log_starts_at), (19, 0));
    assert_eq!(room.log.extent(&journal(), LANE).unwrap().start, 0);
    // Somebody who trims goes on from there.
    let trims = heads(
        &room.log,
        &room.store,
        Settings {
            part_bytes: 30,
            trim: true,
        },
    );
    let done = trims.put_away(&journal(), LANE, 20).unwrap();
    assert_eq!((done.parts, done.log_starts_at), (0, 19));
}

#[test]
fn a_reader_whose_records_are_trimmed_meanwhile_reads_on() {
    let room = room(20, true);
    let before = text(&read(&room.log, 0, 20).unwrap());
    let mut reader = room
        .whole
        .reader(&journal(), LANE, 0, Arc::new(|| {}))
        .unwrap();
    let mut all = reader.poll(25).unwrap();
    assert_eq!(all.len(), 2);
    room.heads.put_away(&journal(), LANE, 20).unwrap();
    loop {
        let more = reader.poll(25).unwrap();
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    assert_eq!(text(&all), before);
    append(&room.log, 1);
    assert_eq!(reader.poll(25).unwrap().len(), 1, "and what comes");
}

#[test]
fn nothing_leaves_the_log_that_the_store_has_otherwise() {
    let mut room = room(20, false);
    room.heads.put_away(&journal(), LANE, 20).unwrap();
    let name = Name { first: 4, end: 7 }.object(&journal(), LANE);
    let good = room.store.get(&name, u64::MAX).unwrap().unwrap();
    room.heads = heads(
        &room.log,
        &room.store,
        Settings {
            part_bytes: 30,
            trim: true,
        },
    );
    for at in 0..good.len() {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1;
        room.store.put(&name, bytes.into()).unwrap();
        let error = room.heads.put_away(&journal(), LANE, 20).unwrap_err();
        assert_eq!(error.reason(), "damaged", "{error}");
        assert_eq!(room.log.extent(&journal(), LANE).unwrap().start, 0);
        assert_eq!(room.store.get(&name, u64::MAX).unwrap(), None);
    }
    // Well made, and of another log.
    let mut others = read(&room.log, 4, 7).unwrap();
    others[1].value = "another".into();
    let other = part::seal(Name { first: 4, end: 7 }, &journal(), LANE, &others);
    room.store.put(&name, other).unwrap();
    let error = room.heads.put_away(&journal(), LANE, 20).unwrap_err();
    assert!(
        matches!(&error, NotPutAway::Foreign(what) if what.contains("offset 5")),
        "{error}"
    );
    assert_eq!(room.log.extent(&journal(), LANE).unwrap().start, 0);
    room.store.put(&name, good).unwrap();
    let done = room.heads.put_away(&journal(), LANE, 20).unwrap();
    assert_eq!(done.log_starts_at, 19);
}

#[test]
fn a_part_that_is_damaged_while_the_log_has_its_records_is_written_anew() {
    let room = room(20, true);
    let before = text(&read(&room.log, 0, 20).unwrap());
    let copies = heads(
        &room.log,
        &room.store,
        Settings {
            part_bytes: 30,
            trim: false,
        },
    );
    copies.put_away(&journal(), LANE, 20).unwrap();
    for damaged in [Name { first: 16, end: 19 }, Name { first: 4, end: 7 }] {
        // As a process leaves it that died while it wrote, in a store that does not write objects whole.
        let name = damaged.object(&journal(), LANE);
        let half = room
            .store
            .get(&name, u64::MAX)
            .unwrap()
            .unwrap()
            .slice(..50);
        room.store.put(&name, half).unwrap();
        let error = room.heads.put_away(&journal(), LANE, 20).unwrap_err();
        assert_eq!(error.reason(), "damaged", "{error}");
    }
    let done = room.heads.put_away(&journal(), LANE, 20).unwrap();
    assert_eq!(
        (done.parts, done.log_starts_at),
        (5, 19),
        "{:?}",
        parts(&room)
    );
    assert_eq!(text(&read(&room.whole, 0, 20).unwrap()), before);
    // One that was trimmed is not removed: whoever has a copy of the store can bring it back.
    let name = Name { first: 10, end: 13 }.object(&journal(), LANE);
    let good = room.store.get(&name, u64::MAX).unwrap().unwrap();
    room.store.put(&name, good.slice(..50)).unwrap();
    assert!(read(&room.whole, 0, 20).is_err());
    room.heads.put_away(&journal(), LANE, 20).unwrap();
    assert!(room.store.get(&name, u64::MAX).unwrap().is_some());
}

#[test]
fn a_store_of_another_log_is_refused_before_anything_is_written() {
    let one = room(20, true);
    one.heads.put_away(&journal(), LANE, 20).unwrap();
    let other = room(5, true);
    let objects = one.store.objects().clone();
    let heads = heads(
        &other.log,
        &one.store,
        Settings {
            part_bytes: 30,
            trim: true,
        },
    );
    let error = heads.put_away(&journal(), LANE, 5).unwrap_err();
    assert_eq!(error.reason(), "foreign", "{error}");
    assert_eq!(*one.store.objects(), objects);
}

#[test]
fn a_head_that_is_in_neither_is_told_of_by_whoever_asks() {
    let room = room(20, true);
    room.heads.put_away(&journal(), LANE, 10).unwrap();
    let gone = Name { first: 1, end: 4 }.object(&journal(), LANE);
    let part = room.store.get(&gone, u64::MAX).unwrap().unwrap();
    room.store.delete(&gone).unwrap();
    let fresh = Whole(heads(&room.log, &room.store, Settings::default()));
    let error = fresh.extent(&journal(), LANE).unwrap_err().to_string();
    assert!(
        error.contains("begins at offset 10") && error.contains("below 1 only"),
        "{error}"
    );
    let error = read(&fresh, 0, 20).unwrap_err();
    let wanted = ReadError::OutOfRange {
        wanted: 1,
        start: 10,
        end: 20,
    };
    assert_eq!(error, wanted);
    let error = fresh.0.put_away(&journal(), LANE, 20).unwrap_err();
    assert_eq!(error.reason(), "missing", "{error}");
    // Who listed it before learns it when it is read.
    let error = read(&room.whole, 0, 20).unwrap_err();
    assert!(
        matches!(&error, ReadError::Refused(what) if what.contains("gone")),
        "{error}"
    );
    room.store.put(&gone, part).unwrap();
    assert_eq!(read(&fresh, 0, 20).unwrap().len(), 20);
}

/// A store that answers until it is told not to.
struct Fickle {
    store: MemoryStore,
    away: AtomicBool,
}

impl Fickle {
    fn there(&self) -> Result<&MemoryStore, StoreError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(StoreError("away".into()));
        }
        Ok(&self.store)
    }
}

impl Store for Fickle {
    fn put(&self, name: &str, content: Bytes) -> Result<(), StoreError> {
        self.there()?.put(name, content)
    }
    fn get(&self, name: &str, bytes_max: u64) -> Result<Option<Bytes>, StoreError> {
        self.there()?.get(name, bytes_max)
    }
    fn list(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        self.there()?.list(prefix)
    }
    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.there()?.delete(name)
    }
}

#[test]
fn while_the_store_is_away_the_first_record_is_near_by_and_others_are_waited_for() {
    let room = room(20, true);
    room.heads.put_away(&journal(), LANE, 20).unwrap();
    let fickle = Arc::new(Fickle {
        store: room.store.clone(),
        away: AtomicBool::new(false),
    });
    let near = Arc::new(MemoryStore::default());
    // A process, and the same one after it was started again.
    let process = || {
        let (log, store) = (Arc::new(room.log.clone()), Arc::clone(&fickle));
        let settings = Settings::default();
        Whole(Heads::new(
            log,
            store,
            Arc::clone(&near) as _,
            settings,
            at_once(),
        ))
    };
    let first = text(&read(&process(), 0, 1).unwrap());
    fickle.away.store(true, Ordering::Relaxed);
    let again = process();
    assert_eq!(again.extent(&journal(), LANE).unwrap().start, 0);
    assert_eq!(text(&read(&again, 0, 1).unwrap()), first);
    assert_eq!(read(&again, 19, 20).unwrap().len(), 1, "the log's own");
    let error = read(&again, 0, 20).unwrap_err();
    assert!(
        matches!(&error, ReadError::Unavailable(what) if what.contains("away")),
        "{error}"
    );
    fickle.away.store(false, Ordering::Relaxed);
    assert_eq!(read(&again, 0, 20).unwrap().len(), 20);
    // A copy that was damaged near by is no copy.
    let name = Name::FIRST.object(&journal(), LANE);
    near.put(&name, "half".into()).unwrap();
    assert_eq!(text(&read(&process(), 0, 1).unwrap()), first);
}

#[test]
fn a_reader_is_told_when_nobody_reads_for_it() {
    let room = room(20, true);
    room.heads.put_away(&journal(), LANE, 20).unwrap();
    let (log, store) = (Arc::new(room.log.clone()), Arc::new(room.store.clone()));
    let near = Arc::new(MemoryStore::default());
    // As when the system gives no thread.
    let nobody: Background = Arc::new(drop);
    let whole = Whole(Heads::new(log, store, near, Settings::default(), nobody));
    let (wake, woken) = std::sync::mpsc::channel();
    let wake = Arc::new(move || assert!(wake.send(()).is_ok()));
    let mut reader = whole.reader(&journal(), LANE, 3, wake).unwrap();
    woken.try_recv().expect("woken");
    let error = reader.poll(100).unwrap_err();
    assert!(
        matches!(&error, ReadError::Unavailable(what) if what.contains("no thread")),
        "{error}"
    );
}

#[test]
fn topics_that_are_kept_for_days_have_no_head() {
    let room = room(5, true);
    let reports = Topic::named("reports");
    let plan = TopicPlan {
        topic: reports.clone(),
        lanes: 1,
        retention: Retention::Days(7),
    };
    room.log.create(&[plan]).unwrap();
    let append = |value: &'static str| {
        room.log.append(
            Class::Relay,
            &reports,
            0,
            NewRecord::of(value),
            Box::new(|_| {}),
        );
    };
    append("a");
    append("b");
    room.log.trim(&reports, 0, 1).unwrap();
    assert_eq!(room.whole.extent(&reports, 0).unwrap().start, 1);
    assert!(room.whole.reader(&reports, 0, 0, Arc::new(|| {})).is_err());
}

proptest! {
    /// Two owners may write parts that overlap: whatever is there, those chosen follow each other and reach as far as any can.
    #[test]
    fn chosen_parts_leave_no_gap_and_reach_as_far_as_can_be(
        all in prop::collection::btree_set((0_u64..30, 1_u64..8), 0..20),
    ) {
        let parts: BTreeSet<Name> = all.iter().map(|(first, more)| Name { first: *first, end: first + more }).collect();
        let chosen = part::one_after_another(parts.clone());
        let mut covered = 0;
        for part in &chosen {
            prop_assert!(parts.contains(part) && part.first <= covered && part.end > covered);
            covered = part.end;
        }
        let more = parts.iter().any(|part| part.first <= covered && part.end > covered);
        prop_assert!(!more, "reaches {} only", covered);
    }
}
