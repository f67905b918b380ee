//! Applies committed batches to the cache on a thread of its own: answers never wait for sled. Or, in a
//! simulation, one at a time when its scheduler says so.

use super::copying::{Copying, Piece, Wanted};
use super::{BasedCache, BasedLane, LaneCache as _, Writes};
use crate::metrics as m;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Rows of a base move into the cache when nothing else is to do, and between batches as often as this.
const SETTLE_EVERY: Duration = Duration::from_millis(50);

/// Told how an apply ended; must not block.
pub type Applied = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Given a piece of a copy; must not block.
pub type Copied = Box<dyn FnOnce(io::Result<Piece>) + Send>;

enum Job {
    Apply {
        lane: u32,
        writes: Writes,
        done: Applied,
    },
    Copy {
        lane: u32,
        wanted: Wanted,
        then: Copied,
    },
    After {
        lane: u32,
        then: Box<dyn FnOnce() + Send>,
    },
    Settle {
        lane: u32,
    },
}

/// The thread's way into one lane's cache.
enum Handle {
    Open(BasedLane),
    /// A batch was not applied. Those behind it must not be either: the cache would have their stamp, and
    /// a gap. Ends when the lane is read anew.
    Failed,
}

/// The thread's own handles.
struct Handles {
    cache: BasedCache,
    lanes: HashMap<u32, Handle>,
    /// Copies under way, one a lane.
    copying: HashMap<u32, Copying>,
    /// Lanes that stand on a base; the next to have a piece moved first.
    settling: VecDeque<u32>,
    /// How many they are.
    settling_now: metrics::Gauge,
}

impl Handles {
    fn new(service: &str, cache: BasedCache) -> Self {
        Self {
            cache,
            lanes: HashMap::new(),
            copying: HashMap::new(),
            settling: VecDeque::new(),
            settling_now: metrics::gauge!(m::LANES_SETTLING, "service" => service.to_owned()),
        }
    }

    fn run(&mut self, job: Job) {
        match job {
            Job::Apply { lane, writes, done } => {
                if let Some(copying) = self.copying.get_mut(&lane)
                    && !copying.saw(&writes)
                {
                    self.copying.remove(&lane);
                }
                done(self.apply(lane, writes));
            }
            Job::Copy { lane, wanted, then } => {
                let piece = catch_unwind(AssertUnwindSafe(|| self.copy(lane, &wanted)))
                    .unwrap_or_else(|_| Err(io::Error::other("reading the cache panicked")));
                if !matches!(&piece, Ok(Piece { end: None, .. })) {
                    self.copying.remove(&lane);
                }
                then(piece);
            }
            Job::After { lane, then } => {
                // Whoever reads it anew may wipe it.
                self.copying.remove(&lane);
                self.lanes.remove(&lane);
                self.settling.retain(|other| *other != lane);
                self.tell_settling();
                then();
            }
            Job::Settle { lane } => {
                if !self.settling.contains(&lane) {
                    self.settling.push_back(lane);
                }
                self.tell_settling();
            }
        }
    }

    fn apply(&mut self, lane: u32, writes: Writes) -> io::Result<()> {
        // A panic must not end the thread: all lanes would wait for ever for what it was given.
        let applied = catch_unwind(AssertUnwindSafe(|| self.try_apply(lane, writes)))
            .unwrap_or_else(|_| Err(io::Error::other("writing the cache panicked")));
        if applied.is_err() {
            self.copying.remove(&lane);
            self.lanes.insert(lane, Handle::Failed);
        }
        applied
    }

    fn copy(&mut self, lane: u32, wanted: &Wanted) -> io::Result<Piece> {
        if wanted.first {
            self.copying.insert(lane, Copying::begin(wanted));
        }
        let handle = Self::handle(&mut self.lanes, &self.cache, lane)?;
        match self.copying.get_mut(&lane) {
            Some(copying) if copying.is_of(&wanted.token) => {
                copying.piece(handle, wanted.bytes_max)
            }
            _ => Err(io::Error::other(
                "the rows changed faster than they were copied, or the cache was read anew",
            )),
        }
    }

    /// Moves a piece of one lane's base.
    fn settle(&mut self) {
        let Some(lane) = self.settling.pop_front() else {
            return;
        };
        let moved = catch_unwind(AssertUnwindSafe(|| {
            Self::handle(&mut self.lanes, &self.cache, lane)?.settle()
        }))
        .unwrap_or_else(|_| Err(io::Error::other("moving a base's rows panicked")));
        match moved {
            Ok(true) => self.settling.push_back(lane),
            Ok(false) => tracing::info!(lane, "the cache has all rows of the snapshot"),
            Err(error) => {
                tracing::warn!(lane, %error, "the cache does not take the rows of the snapshot: it is rebuilt");
                self.copying.remove(&lane);
                self.lanes.insert(lane, Handle::Failed);
            }
        }
        self.tell_settling();
    }

    fn tell_settling(&self) {
        self.settling_now.set(self.settling.len() as f64);
    }

    fn handle<'h>(
        lanes: &'h mut HashMap<u32, Handle>,
        cache: &BasedCache,
        lane: u32,
    ) -> io::Result<&'h BasedLane> {
        let handle: &'h Handle = match lanes.entry(lane) {
            Entry::Occupied(handle) => handle.into_mut(),
            Entry::Vacant(empty) => empty.insert(Handle::Open(cache.handle(lane)?)),
        };
        match handle {
            Handle::Open(handle) => Ok(handle),
            Handle::Failed => Err(io::Error::other("an earlier batch was not applied")),
        }
    }

    fn try_apply(&mut self, lane: u32, writes: Writes) -> io::Result<()> {
        let handle = Self::handle(&mut self.lanes, &self.cache, lane)?;
        crate::crash::at("cache.before");
        let applied = handle.apply(writes);
        crate::crash::at("cache.after");
        applied
    }
}

/// Takes batches of all lanes of a service, in order. How many may wait is bounded by the lanes
/// ([`crate::limits::Limits::unapplied_bytes_max`]), each of which stops deciding at its bound.
pub struct Applier(Runs);

/// Does jobs as they come; with nothing to do, and now and then between them, it moves rows of bases.
fn work(handles: &mut Handles, waiting: &Receiver<Job>) {
    let mut settled = Instant::now();
    loop {
        let job = if handles.settling.is_empty() {
            waiting.recv().map_err(|_| TryRecvError::Disconnected)
        } else {
            waiting.try_recv()
        };
        let idle = match job {
            Ok(job) => {
                handles.run(job);
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => return,
        };
        if idle || settled.elapsed() >= SETTLE_EVERY {
            handles.settle();
            settled = Instant::now();
        }
    }
}

/// Who takes the jobs.
enum Runs {
    Thread {
        jobs: Option<Sender<Job>>,
        thread: Option<JoinHandle<()>>,
    },
    Steps(Mutex<Steps>),
}

/// Jobs that wait to be done by hand.
struct Steps {
    handles: Handles,
    waiting: VecDeque<Job>,
    /// The last step moved a piece of a base.
    settled: bool,
}

impl Applier {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(service: &str, cache: BasedCache) -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let mut handles = Handles::new(service, cache);
        let thread = std::thread::Builder::new()
            .name(format!("{service}-cache"))
            .spawn(move || {
                work(&mut handles, &waiting);
            })?;
        Ok(Self(Runs::Thread {
            jobs: Some(jobs),
            thread: Some(thread),
        }))
    }

    /// One without a thread: jobs wait until [`Self::step`] does them, or [`Self::lose`] loses them.
    #[must_use]
    pub fn stepped(cache: BasedCache) -> Self {
        Self(Runs::Steps(Mutex::new(Steps {
            handles: Handles::new("", cache),
            waiting: VecDeque::new(),
            settled: false,
        })))
    }

    /// Does the oldest job of a stepped applier. False if none waits.
    pub fn step(&self) -> bool {
        let Runs::Steps(steps) = &self.0 else {
            return false;
        };
        let mut steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = &mut *steps;
        // In turn, so that a piece may be moved between any two jobs.
        let job = steps.settled || steps.handles.settling.is_empty();
        steps.settled = !job;
        match steps.waiting.pop_front_if(|_| job) {
            Some(job) => steps.handles.run(job),
            None if steps.handles.settling.is_empty() => return false,
            None => steps.handles.settle(),
        }
        true
    }

    /// Loses what waits in a stepped applier, as a process that is killed does. Jobs hold the applier, through what they
    /// tell: without this both would stay in memory.
    pub fn lose(&self) {
        if let Runs::Steps(steps) = &self.0 {
            let steps = || steps.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = std::mem::take(&mut steps().waiting);
            drop(waiting);
        }
    }

    /// Jobs that wait in a stepped applier.
    #[must_use]
    pub fn waiting(&self) -> usize {
        match &self.0 {
            Runs::Thread { .. } => 0,
            Runs::Steps(steps) => {
                let steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
                steps.waiting.len() + steps.handles.settling.len()
            }
        }
    }

    /// Queues a batch.
    pub fn apply(&self, lane: u32, writes: Writes, done: Applied) {
        self.queue(Job::Apply { lane, writes, done });
    }

    /// Asks for the next piece of a copy of a lane's rows, as they are when everything queued so far is applied.
    pub fn copy(&self, lane: u32, wanted: Wanted, then: Copied) {
        self.queue(Job::Copy { lane, wanted, then });
    }

    /// A lane's cache is about to be read anew: calls `then` when everything queued so far is applied, or
    /// has failed.
    pub fn after(&self, lane: u32, then: Box<dyn FnOnce() + Send>) {
        self.queue(Job::After { lane, then });
    }

    /// A lane stands on a base: its rows are moved into the cache from now on.
    pub fn settle(&self, lane: u32) {
        self.queue(Job::Settle { lane });
    }

    fn queue(&self, job: Job) {
        match &self.0 {
            Runs::Thread { jobs, .. } => {
                if let Some(jobs) = jobs
                    && let Err(lost) = jobs.send(job)
                {
                    match lost.0 {
                        Job::Apply { done, .. } => {
                            done(Err(io::Error::other("the cache thread has ended")));
                        }
                        Job::Copy { then, .. } => {
                            then(Err(io::Error::other("the cache thread has ended")));
                        }
                        Job::After { then, .. } => then(),
                        Job::Settle { .. } => {}
                    }
                }
            }
            Runs::Steps(steps) => {
                let mut steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
                steps.waiting.push_back(job);
            }
        }
    }
}

impl Drop for Applier {
    /// Everything queued for a thread is applied first.
    fn drop(&mut self) {
        if let Runs::Thread { jobs, thread } = &mut self.0 {
            *jobs = None;
            if let Some(thread) = thread.take() {
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests;
