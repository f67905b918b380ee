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

/// One lane, and when it must have its turn though nothing happens.
struct Seat<P: Processor> {
    lane: Lane<P>,
    /// Something happened, or there is more to do at once.
    due: bool,
    wake: Option<Duration>,
}

/// Runs lanes until told to end.
pub fn run<P: Processor>(
    lanes: impl Iterator<Item = u32>,
    context: &Arc<Context>,
    processor: &Arc<P>,
    letters: &Receiver<Letter>,
    statuses: &Statuses,
) {
    let mut seats: BTreeMap<u32, Seat<P>> = lanes
        .map(|n| {
            let seat = Seat {
                lane: Lane::new(n, Arc::clone(context), Arc::clone(processor)),
                due: true,
                wake: None,
            };
            (n, seat)
        })
        .collect();
    let clock: &dyn Clock = context.clock.as_ref();
    loop {
        let mut next = if seats.values().any(|seat| seat.due) {
            letters.try_recv().ok()
        } else {
            let wake = seats.values().filter_map(|seat| seat.wake).min();
            let wait = wake.map_or(SLEEP_MAX, |wake| wake.saturating_sub(clock.monotonic()));
            match letters.recv_timeout(wait.min(SLEEP_MAX)) {
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
                    if let Some(seat) = seats.get_mut(&lane) {
                        seat.lane.handle(event);
                        seat.due = true;
                    }
                }
            }
            delivered += 1;
            next = (delivered < DELIVER_MAX)
                .then(|| letters.try_recv().ok())
                .flatten();
        }
        let now = clock.monotonic();
        for (number, seat) in &mut seats {
            if seat.due || seat.wake.is_some_and(|wake| wake <= now) {
                seat.due = seat.lane.turn();
                seat.wake = seat.lane.next_wake();
                let status = seat.lane.status();
                statuses
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(*number, status);
            }
        }
    }
}
