//! A thread that runs some of a service's lanes: deliver what happened, give each lane its turn, wait.

use crate::clock::Clock;
use crate::lane::context::{Context, Event};
use crate::lane::{Lane, Status};
use crate::processor::Processor;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Events delivered before the lanes get their turn.
const DELIVER_MAX: usize = 4_096;
/// How long a worker sleeps when no lane wants to be woken.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// What is sent to a worker.
pub enum Letter {
    /// To one of its lanes.
    To(u32, Event),
    /// End, without further turns.
    End,
}

/// What the lanes look like, for whoever asks.
pub type Statuses = Arc<Mutex<BTreeMap<u32, Status>>>;

/// Runs lanes until told to end.
pub fn run<P: Processor>(
    lanes: impl Iterator<Item = u32>,
    context: &Arc<Context>,
    processor: &Arc<P>,
    letters: &Receiver<Letter>,
    statuses: &Statuses,
) {
    let mut lanes: BTreeMap<u32, Lane<P>> = lanes
        .map(|n| (n, Lane::new(n, Arc::clone(context), Arc::clone(processor))))
        .collect();
    let clock: &dyn Clock = context.clock.as_ref();
    let mut busy = false;
    loop {
        let wait = if busy {
            Duration::ZERO
        } else {
            let now = clock.monotonic();
            lanes
                .values()
                .filter_map(Lane::next_wake)
                .map(|wake| wake.saturating_sub(now))
                .min()
                .unwrap_or(SLEEP_MAX)
                .min(SLEEP_MAX)
        };
        let mut next = if wait.is_zero() {
            letters.try_recv().ok()
        } else {
            match letters.recv_timeout(wait) {
                Ok(letter) => Some(letter),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        };
        let mut delivered = 0;
        while let Some(letter) = next {
            match letter {
                Letter::End => return,
                Letter::To(lane, event) => {
                    if let Some(lane) = lanes.get_mut(&lane) {
                        lane.handle(event);
                    }
                }
            }
            delivered += 1;
            next = (delivered < DELIVER_MAX)
                .then(|| letters.try_recv().ok())
                .flatten();
        }
        busy = false;
        let mut shown = statuses.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, lane) in &mut lanes {
            busy |= lane.turn();
            shown.insert(*number, lane.status());
        }
    }
}
