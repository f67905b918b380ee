//! The threads that give seats their turns.

use super::turns::{Seat, Turns};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the time-teller sleeps when no seat has a time: the clock it looks at may be put forward by hand.
pub const SLEEP_MAX: Duration = Duration::from_secs(1);

/// The threads of some seats. Dropping them ends them after the turns they are in.
pub struct Threads<S: Seat> {
    turns: Arc<Turns<S>>,
    handles: Vec<JoinHandle<()>>,
}

impl<S: Seat> Threads<S> {
    /// Starts so many threads named `NAME-lanes-INDEX`, and one that tells them the time and looks at the clock after
    /// `sleep_max` at the latest.
    ///
    /// # Errors
    /// No thread; those already started end.
    pub fn start(
        turns: Arc<Turns<S>>,
        name: &str,
        count: usize,
        sleep_max: Duration,
    ) -> std::io::Result<Self> {
        let mut threads = Self {
            turns,
            handles: Vec::new(),
        };
        for index in 0..count {
            threads.spawn(format!("{name}-lanes-{index}"), take_turns)?;
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

/// Runs whichever seat is next, until the end.
fn take_turns<S: Seat>(turns: &Turns<S>) {
    let mut buffer = VecDeque::new();
    while let Some(number) = turns.next() {
        turns.run(number, &mut buffer);
    }
}
