//! Applies committed batches to the cache on a thread of its own: answers never wait for sled.

use super::{LaneCache, Writes};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

/// Told how an apply ended; must not block.
pub type Applied = Box<dyn FnOnce(io::Result<()>) + Send>;

enum Job {
    Apply {
        cache: Arc<dyn LaneCache>,
        writes: Writes,
        done: Applied,
    },
    After(Box<dyn FnOnce() + Send>),
}

impl Job {
    fn run(self) {
        match self {
            Self::Apply {
                cache,
                writes,
                done,
            } => done(cache.apply(writes)),
            Self::After(then) => then(),
        }
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
    pub fn spawn(service: &str) -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let thread = std::thread::Builder::new()
            .name(format!("{service}-cache"))
            .spawn(move || {
                for job in waiting {
                    job.run();
                }
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Queues a batch.
    pub fn apply(&self, cache: Arc<dyn LaneCache>, writes: Writes, done: Applied) {
        self.queue(Job::Apply {
            cache,
            writes,
            done,
        });
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
