//! A thread that runs jobs one by one, for what must not run on a caller's thread.

use std::sync::mpsc;

type Job = Box<dyn FnOnce() + Send>;

/// Ends when it is dropped and its jobs are done.
#[derive(Clone)]
pub(super) struct Worker(mpsc::Sender<Job>);

impl Worker {
    pub(super) fn start(name: &str) -> Result<Self, std::io::Error> {
        let (jobs, todo) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || todo.into_iter().for_each(|job| job()))?;
        Ok(Self(jobs))
    }

    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) {
        if let Err(mpsc::SendError(job)) = self.0.send(Box::new(job)) {
            // Its thread is gone (a job panicked): late is better than never.
            job();
        }
    }
}
