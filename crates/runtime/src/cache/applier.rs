//! Applies committed batches to the cache on a thread of its own: answers never wait for sled.

use super::{Cache, LaneCache, Writes};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// Told how an apply ended; must not block.
pub type Applied = Box<dyn FnOnce(io::Result<()>) + Send>;

enum Job {
    Apply {
        lane: u32,
        writes: Writes,
        done: Applied,
    },
    After(Box<dyn FnOnce() + Send>),
}

/// The thread's own handles.
struct Handles {
    cache: Arc<dyn Cache>,
    lanes: HashMap<u32, Box<dyn LaneCache>>,
}

impl Handles {
    fn run(&mut self, job: Job) {
        match job {
            Job::Apply { lane, writes, done } => done(self.apply(lane, writes)),
            Job::After(then) => then(),
        }
    }

    fn apply(&mut self, lane: u32, writes: Writes) -> io::Result<()> {
        let handle = match self.lanes.entry(lane) {
            Entry::Occupied(handle) => handle.into_mut(),
            Entry::Vacant(empty) => empty.insert(self.cache.open(lane)?),
        };
        crate::crash::at("cache.before");
        let applied = handle.apply(writes);
        crate::crash::at("cache.after");
        if applied.is_err() {
            // Another store may be made in its place.
            self.lanes.remove(&lane);
        }
        applied
    }
}

/// Takes batches of all lanes of a service, in order. How many may wait is bounded by the lanes
/// ([`crate::limits::Limits::unapplied_bytes_max`]), each of which stops deciding at its bound.
pub struct Applier {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Applier {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(service: &str, cache: Arc<dyn Cache>) -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let thread = std::thread::Builder::new()
            .name(format!("{service}-cache"))
            .spawn(move || {
                let lanes = HashMap::new();
                let mut handles = Handles { cache, lanes };
                for job in waiting {
                    handles.run(job);
                }
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Queues a batch.
    pub fn apply(&self, lane: u32, writes: Writes, done: Applied) {
        self.queue(Job::Apply { lane, writes, done });
    }

    /// Calls `then` when everything queued so far is applied.
    pub fn after(&self, then: Box<dyn FnOnce() + Send>) {
        self.queue(Job::After(then));
    }

    fn queue(&self, job: Job) {
        if let Some(jobs) = &self.jobs
            && let Err(lost) = jobs.send(job)
        {
            match lost.0 {
                Job::Apply { done, .. } => {
                    done(Err(io::Error::other("the cache thread has ended")));
                }
                Job::After(then) => then(),
            }
        }
    }
}

impl Drop for Applier {
    /// Everything queued is applied first.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
