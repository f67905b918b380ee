//! Appending and reading with a time limit, in as few words as possible.

use bytes::Bytes;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tenfold_runtime::log::{
    AppendError, Appended, Class, Log, LogRecord, NewRecord, ReadError, Reader, Retention, Topic,
    TopicPlan, Wake,
};

/// Longest wait for anything: far above what any log needs, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Makes a topic with so many lanes.
pub fn topic(log: &dyn Log, name: &str, lanes: u32) -> Topic {
    let topic = Topic::named(name);
    let plan = TopicPlan {
        topic: topic.clone(),
        lanes,
        retention: Retention::Forever,
    };
    log.create(&[plan]).expect("topic is made");
    topic
}

/// Starts an append; its end comes by the channel.
pub fn start_append(
    log: &dyn Log,
    topic: &Topic,
    lane: u32,
    record: NewRecord,
) -> Receiver<Result<Appended, AppendError>> {
    let (tell, end) = mpsc::channel();
    let done = Box::new(move |result| drop(tell.send(result)));
    log.append(Class::Commit, topic, lane, record, done);
    end
}

/// Appends and waits for the end.
pub fn append(
    log: &dyn Log,
    topic: &Topic,
    lane: u32,
    record: NewRecord,
) -> Result<Appended, AppendError> {
    match start_append(log, topic, lane, record).recv_timeout(PATIENCE) {
        Ok(end) => end,
        Err(RecvTimeoutError::Timeout) => panic!("an append did not end in {PATIENCE:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("an append was dropped without an end"),
    }
}

/// Appends a text and returns its offset.
pub fn append_text(log: &dyn Log, topic: &Topic, lane: u32, text: &str) -> u64 {
    append(log, topic, lane, NewRecord::of(text.to_owned()))
        .expect("appended")
        .offset
        .expect("the log says where")
}

/// A bell: rung by the log, waited for by the test.
#[derive(Clone, Default)]
pub struct Bell(Arc<(Mutex<u64>, Condvar)>);

impl Bell {
    pub fn wake(&self) -> Wake {
        let bell = self.clone();
        Arc::new(move || {
            *bell.0.0.lock().unwrap() += 1;
            bell.0.1.notify_all();
        })
    }

    /// Waits until it rings more often than `heard`; returns how often it rang.
    pub fn wait(&self, heard: u64, until: Instant) -> u64 {
        let mut rung = self.0.0.lock().unwrap();
        while *rung <= heard {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the reader was not woken in time");
            rung = self.0.1.wait_timeout(rung, left).unwrap().0;
        }
        *rung
    }

    pub fn rung(&self) -> u64 {
        *self.0.0.lock().unwrap()
    }
}

/// A reader with its bell.
pub struct Reading {
    pub reader: Box<dyn Reader>,
    pub bell: Bell,
}

pub fn read_from(log: &dyn Log, topic: &Topic, lane: u32, from: u64) -> Reading {
    let bell = Bell::default();
    let reader = log.reader(topic, lane, from, bell.wake()).expect("reader");
    Reading { reader, bell }
}

impl Reading {
    /// Reads until it has `count` records: polls only after a ring, so a missing wake is seen.
    pub fn take(&mut self, count: usize) -> Vec<LogRecord> {
        let until = Instant::now() + PATIENCE;
        let mut taken = Vec::new();
        loop {
            let heard = self.bell.rung();
            loop {
                let some = self.reader.poll(64 << 10).expect("readable");
                if some.is_empty() {
                    break;
                }
                taken.extend(some);
            }
            if taken.len() >= count {
                return taken;
            }
            self.bell.wait(heard, until);
        }
    }

    /// Polls until an error comes.
    pub fn error(&mut self) -> ReadError {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.reader.poll(64 << 10) {
                Err(error) => return error,
                Ok(some) => assert!(some.is_empty(), "read {} records", some.len()),
            }
            assert!(Instant::now() < until, "no error came");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub fn texts(records: &[LogRecord]) -> Vec<String> {
    records.iter().map(|record| text(&record.value)).collect()
}

pub fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}
