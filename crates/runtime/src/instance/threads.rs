//! The threads that give seats their turns.

use super::turns::{Seat, Turns};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the time-teller sleeps when no seat has a time: the clock it looks at may be put forward by hand.
pub const SLEEP_MAX: Duration = Duration::from_secs(1);

/// Threads to start.
#[derive(Clone, Copy)]
pub struct Crew<'a> {
    /// What their names begin with: the service.
    pub name: &'a str,
    /// How many run seats.
    pub count: usize,
    /// How far those stand back where threads want more cores than there are: 0 = not at all, 19 at most.
    pub niceness: u8,
}

/// The threads of some seats. Dropping them ends them after the turns they are in.
pub struct Threads<S: Seat> {
    turns: Arc<Turns<S>>,
    handles: Vec<JoinHandle<()>>,
}

impl<S: Seat> Threads<S> {
    /// Starts the crew's threads, named `NAME-lanes-INDEX`, and one that tells them the time and looks at the clock after
    /// `sleep_max` at the latest.
    ///
    /// # Errors
    /// No thread; those already started end.
    pub fn start(
        turns: Arc<Turns<S>>,
        crew: Crew<'_>,
        sleep_max: Duration,
    ) -> std::io::Result<Self> {
        let Crew {
            name,
            count,
            niceness,
        } = crew;
        let mut threads = Self {
            turns,
            handles: Vec::new(),
        };
        for index in 0..count {
            threads.spawn(format!("{name}-lanes-{index}"), move |turns| {
                stand_back(niceness);
                take_turns(turns);
            })?;
        }
        threads.spawn(format!("{name}-clock"), move |turns| {
            while turns.call_those_due(sleep_max) {}
        })?;
        Ok(threads)
    }

    fn spawn(
        &mut self,
        name: String,
        what: impl FnOnce(&Turns<S>) + Send + 'static,
    ) -> std::io::Result<()> {
        let turns = Arc::clone(&self.turns);
        let thread = std::thread::Builder::new().name(name);
        self.handles.push(thread.spawn(move || what(&turns))?);
        Ok(())
    }

    /// Ends them after the turns they are in, and lets go of the seats.
    pub fn end(&mut self) {
        self.turns.end();
        for handle in self.handles.drain(..) {
            let _ = handle.join();
        }
        self.turns.clear();
    }
}

impl<S: Seat> Drop for Threads<S> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Lets other threads go first, where the system has a niceness for each thread. Who cannot stand back works as he is.
fn stand_back(niceness: u8) {
    #[cfg(target_os = "linux")]
    if niceness > 0
        && let Err(error) = rustix::process::nice(niceness.into())
    {
        tracing::warn!(%error, niceness, "the threads of lanes keep their niceness");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}

/// Runs whichever seat is next, until the end.
fn take_turns<S: Seat>(turns: &Turns<S>) {
    let mut buffer = VecDeque::new();
    while let Some(number) = turns.next() {
        turns.run(number, &mut buffer);
    }
}
