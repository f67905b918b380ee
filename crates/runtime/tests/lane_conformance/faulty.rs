//! A part of any log, with faults on demand.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tenfold_runtime::log::{
    AppendError, Appended, Class, Done, Extent, Log, Membership, NewRecord, ReadError, Reader,
    Suggest, Topic, TopicPlan, Wake,
};
use tenfold_tests::named_log::NamedLog;

/// What happens to one append.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It lands; the caller is told that nobody knows.
    UnknownLanded,
    /// It does not land; the caller is told that nobody knows.
    UnknownLost,
    /// As `UnknownLost`, but it lands at `land_late`.
    UnknownLate,
    /// It lands; the caller is told that offset.
    FalseOffset(Option<u64>),
}

type Held = (Class, Topic, u32, NewRecord, Done);

#[derive(Default)]
struct Faults {
    next: HashMap<(Topic, u32), VecDeque<Fault>>,
    full: bool,
    silent: bool,
    hold: bool,
    held: Vec<Held>,
    late: Vec<Held>,
    suggest: Option<Suggest>,
}

/// One process's connection.
pub struct FaultyLog {
    inner: NamedLog,
    faults: Mutex<Faults>,
}

impl FaultyLog {
    pub fn new(inner: Arc<dyn Log>, prefix: &str) -> Arc<Self> {
        Arc::new(Self {
            inner: NamedLog::new(inner, prefix),
            faults: Mutex::default(),
        })
    }

    pub fn fail_next(&self, topic: &Topic, fault: Fault) {
        let mut faults = self.faults.lock().unwrap();
        let key = (topic.clone(), 0);
        faults.next.entry(key).or_default().push_back(fault);
    }

    /// There is no room for anything, or there is again.
    pub fn set_full(&self, full: bool) {
        self.faults.lock().unwrap().full = full;
    }

    /// Nobody answers what is asked about lanes.
    pub fn set_silent(&self, silent: bool) {
        self.faults.lock().unwrap().silent = silent;
    }

    /// The process is paused: what it appends does not get through.
    pub fn hold(&self) {
        self.faults.lock().unwrap().hold = true;
    }

    pub fn held(&self) -> usize {
        self.faults.lock().unwrap().held.len()
    }

    /// The process wakes: everything held gets through, in order, or turned round.
    pub fn release(&self, reversed: bool) {
        let mut held = {
            let mut faults = self.faults.lock().unwrap();
            faults.hold = false;
            std::mem::take(&mut faults.held)
        };
        if reversed {
            held.reverse();
        }
        for (class, topic, lane, record, done) in held {
            self.inner.append(class, &topic, lane, record, done);
        }
    }

    /// What was reported unknown and had not landed lands now.
    pub fn land_late(&self) -> usize {
        let late = std::mem::take(&mut self.faults.lock().unwrap().late);
        let count = late.len();
        for (class, topic, lane, record, done) in late {
            self.inner.append(class, &topic, lane, record, done);
        }
        count
    }

    /// The group's suggestion.
    pub fn suggest(&self, lanes: &[u32]) {
        let suggest = self.faults.lock().unwrap().suggest.clone();
        suggest.expect("the instance has joined")(lanes.to_vec());
    }
}

struct Nothing;
impl Membership for Nothing {
    fn leave(&self) {}
}

impl Log for FaultyLog {
    fn append(&self, class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done) {
        let mut faults = self.faults.lock().unwrap();
        if faults.full {
            drop(faults);
            return done(Err(AppendError::NoRoom("by order of the test".to_owned())));
        }
        if faults.hold {
            faults.held.push((class, topic.clone(), lane, record, done));
            return;
        }
        let fault = faults
            .next
            .get_mut(&(topic.clone(), lane))
            .and_then(VecDeque::pop_front);
        let unknown = || AppendError::Unknown("by order of the test".to_owned());
        let done: Done = match fault {
            None => done,
            Some(Fault::UnknownLanded) => Box::new(move |_| done(Err(unknown()))),
            Some(Fault::FalseOffset(offset)) => {
                Box::new(move |result| done(result.map(|_| Appended { offset })))
            }
            Some(Fault::UnknownLost) => {
                drop(faults);
                return done(Err(unknown()));
            }
            Some(Fault::UnknownLate) => {
                let late = (class, topic.clone(), lane, record, Box::new(|_| {}) as Done);
                faults.late.push(late);
                drop(faults);
                return done(Err(unknown()));
            }
        };
        drop(faults);
        self.inner.append(class, topic, lane, record, done);
    }

    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError> {
        self.inner.reader(topic, lane, from, wake)
    }

    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        if self.faults.lock().unwrap().silent {
            return Err(ReadError::Unavailable("by order of the test".to_owned()));
        }
        self.inner.extent(topic, lane)
    }

    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError> {
        self.inner.trim(topic, lane, below)
    }

    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        self.inner.lanes(topic)
    }

    fn create(&self, plans: &[TopicPlan]) -> Result<(), String> {
        self.inner.create(plans)
    }

    fn settings_problems(&self, plans: &[TopicPlan]) -> Vec<String> {
        self.inner.settings_problems(plans)
    }

    fn join(
        &self,
        _: &str,
        _: &str,
        _: &Topic,
        suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        self.faults.lock().unwrap().suggest = Some(suggest);
        Ok(Box::new(Nothing))
    }

    fn position(&self, group: &str, topic: &Topic, lane: u32) -> Result<Option<u64>, ReadError> {
        self.inner.position(group, topic, lane)
    }

    fn store_position(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError> {
        self.inner.store_position(group, topic, lane, next)
    }
}
