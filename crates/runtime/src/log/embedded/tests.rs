//! Commits that fail: full disk, failed sync, and a log that must be opened again.

use super::reserve::NoReserve;
use super::store::Opener;
use super::{EmbeddedLog, EmbeddedOptions};
use crate::log::{
    AppendError, Appended, Class, Log, LogRecord, NewRecord, ReadError, Retention, Topic, TopicPlan,
};
use redb::backends::FileBackend;
use redb::{BackendError, Database, StorageBackend};
use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

const HEALTHY: u8 = 0;
const DISK_FULL: u8 = 1;
const SYNC_FAILS: u8 = 2;
const SYNC_FAILS_AFTER_WRITING: u8 = 3;

/// A file that fails as it is told, once.
#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    fault: Arc<AtomicU8>,
}

impl Faulty {
    fn fails(&self, fault: u8) -> bool {
        self.fault
            .compare_exchange(fault, HEALTHY, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        if self.fails(SYNC_FAILS_AFTER_WRITING) {
            self.file.sync_data()?;
            return Err(io::Error::other("sync failed"));
        }
        if self.fails(SYNC_FAILS) {
            return Err(io::Error::other("sync failed"));
        }
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.fails(DISK_FULL) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.file.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}

fn faulty(folder: &Path, options: EmbeddedOptions) -> (EmbeddedLog, Arc<AtomicU8>, Topic) {
    let fault = Arc::new(AtomicU8::new(HEALTHY));
    let path = folder.join("log.redb");
    let opener: Opener = {
        let fault = fault.clone();
        Box::new(move || {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .unwrap();
            let file = FileBackend::new(file)?;
            let fault = fault.clone();
            Database::builder().create_with_backend(Faulty { file, fault })
        })
    };
    let log = EmbeddedLog::start(opener, Arc::new(NoReserve), options, None).unwrap();
    let topic = Topic::named("t");
    let plan = TopicPlan {
        topic: topic.clone(),
        lanes: 2,
        retention: Retention::Forever,
    };
    log.create(&[plan]).unwrap();
    (log, fault, topic)
}

fn append(log: &EmbeddedLog, topic: &Topic, text: &'static str) -> Result<Appended, AppendError> {
    let (tell, end) = mpsc::channel();
    let done = Box::new(move |result| tell.send(result).unwrap());
    log.append(Class::Commit, topic, 0, NewRecord::of(text), done);
    end.recv_timeout(Duration::from_secs(20)).unwrap()
}

fn read(log: &EmbeddedLog, topic: &Topic) -> Result<Vec<LogRecord>, ReadError> {
    log.reader(topic, 0, 0, Arc::new(|| {}))?.poll(1 << 20)
}

fn texts(log: &EmbeddedLog, topic: &Topic) -> Vec<Vec<u8>> {
    let records = read(log, topic).unwrap();
    records.iter().map(|record| record.value.to_vec()).collect()
}

#[test]
fn a_full_disk_is_no_room_and_the_record_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (log, fault, topic) = faulty(folder.path(), EmbeddedOptions::default());
    append(&log, &topic, "before").unwrap();
    fault.store(DISK_FULL, Ordering::SeqCst);
    let end = append(&log, &topic, "no room");
    assert!(matches!(end, Err(AppendError::NoRoom(_))), "{end:?}");
    assert_eq!(
        append(&log, &topic, "after"),
        Ok(Appended { offset: Some(1) })
    );
    assert_eq!(texts(&log, &topic), [&b"before"[..], b"after"]);
}

#[test]
fn a_failed_sync_is_an_unknown_outcome_and_the_log_goes_on() {
    for fault_kind in [SYNC_FAILS, SYNC_FAILS_AFTER_WRITING] {
        let folder = tempfile::tempdir().unwrap();
        let (log, fault, topic) = faulty(folder.path(), EmbeddedOptions::default());
        append(&log, &topic, "before").unwrap();
        fault.store(fault_kind, Ordering::SeqCst);
        let end = append(&log, &topic, "perhaps");
        assert!(matches!(end, Err(AppendError::Unknown(_))), "{end:?}");
        // Whatever became of it, readers and the next append agree.
        let there = texts(&log, &topic);
        let end = append(&log, &topic, "after").unwrap();
        assert_eq!(end.offset, Some(there.len() as u64));
        drop(log);
        let (log, _, topic) = faulty(folder.path(), EmbeddedOptions::default());
        assert_eq!(texts(&log, &topic)[..there.len()], there);
        assert_eq!(texts(&log, &topic).last().unwrap(), b"after");
    }
}

#[test]
fn a_full_queue_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions {
        queue_bytes_max: 10,
        ..EmbeddedOptions::default()
    };
    let (log, _, topic) = faulty(folder.path(), options);
    append(&log, &topic, "0123456789").unwrap();
    let end = append(&log, &topic, "0123456789a");
    assert_eq!(end, Err(AppendError::NotSent("queue full".into())));
}

#[test]
fn a_reader_outlives_the_log_and_says_that_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _, topic) = faulty(folder.path(), EmbeddedOptions::default());
    append(&log, &topic, "one").unwrap();
    let mut reader = log.reader(&topic, 0, 0, Arc::new(|| {})).unwrap();
    drop(log);
    assert!(matches!(reader.poll(100), Err(ReadError::Unavailable(_))));
}
