//! Who is next: seats in the order in which they must have their turn, and those that sleep until a time.
//!
//! A seat for which somebody waits comes before those that came less than [`BULK_WAITS`] earlier and for which nobody does: a
//! scan must not wait for the registrations of seven other lanes, and these must not wait for ever behind scans.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A seat for which nobody waits lets those pass that come within so long of it. A bulk batch takes a few milliseconds
/// (`Limits::batch_time_max`), and its inputs wait in the log: they miss nothing.
pub const BULK_WAITS: Duration = Duration::from_millis(50);

/// A seat's place in the queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// When it must be run (monotonic).
    due: Duration,
    /// The number of its coming.
    coming: u64,
    hurries: bool,
}

/// See the module.
#[derive(Default)]
pub struct Board {
    queue: BTreeSet<(Place, u32)>,
    /// Where each seat is in the queue.
    place_of: Vec<Option<Place>>,
    /// Grows with every seat that comes.
    comings: u64,
    /// So many in the queue hurry: for whoever runs another meanwhile.
    hurried: Arc<AtomicU32>,
    /// When seats must have a turn, the earliest first.
    wakes: BTreeSet<(Duration, u32)>,
    /// The same by seat.
    wake_of: Vec<Option<Duration>>,
    /// What the time-teller sleeps for; `None` = it is awake, and looks before it sleeps.
    pub(super) sleeps_until: Option<Duration>,
    pub(super) ended: bool,
}

impl Board {
    /// A board for so many seats, which tells there how many hurry.
    pub fn new(seats: u32, hurried: Arc<AtomicU32>) -> Self {
        Self {
            hurried,
            place_of: vec![None; seats as usize],
            wake_of: vec![None; seats as usize],
            ..Self::default()
        }
    }

    /// Puts a seat into the queue that is not in it.
    pub fn call(&mut self, number: u32, now: Duration, hurries: bool) {
        let wait = if hurries { Duration::ZERO } else { BULK_WAITS };
        self.put(number, now.saturating_add(wait), hurries);
    }

    /// Puts a seat that is in the queue where it would be if it hurried.
    pub fn bring_forward(&mut self, number: u32, now: Duration) {
        let kept = self.place_of.get(number as usize).copied().flatten();
        if let Some(place) = kept
            && !place.hurries
        {
            self.queue.remove(&(place, number));
            self.put(number, now.min(place.due), true);
        }
    }

    fn put(&mut self, number: u32, due: Duration, hurries: bool) {
        if let Some(kept) = self.place_of.get_mut(number as usize) {
            self.comings = self.comings.wrapping_add(1);
            let place = Place {
                due,
                coming: self.comings,
                hurries,
            };
            *kept = Some(place);
            self.hurried.fetch_add(hurries.into(), Ordering::Relaxed);
            self.queue.insert((place, number));
        }
    }

    /// Takes the first out of the queue.
    pub fn take_next(&mut self) -> Option<u32> {
        let (place, number) = self.queue.pop_first()?;
        self.hurried
            .fetch_sub(place.hurries.into(), Ordering::Relaxed);
        if let Some(place) = self.place_of.get_mut(number as usize) {
            *place = None;
        }
        Some(number)
    }

    /// The earliest time at which a seat must have a turn.
    pub fn first_wake(&self) -> Option<Duration> {
        self.wakes.first().map(|(wake, _)| *wake)
    }

    /// Keeps when a seat must have a turn. True if the time-teller sleeps for too long now.
    pub fn set_wake(&mut self, number: u32, wake: Option<Duration>) -> bool {
        let Some(kept) = self.wake_of.get_mut(number as usize) else {
            return false;
        };
        if *kept == wake {
            return false;
        }
        if let Some(before) = std::mem::replace(kept, wake) {
            self.wakes.remove(&(before, number));
        }
        let Some(wake) = wake else {
            return false;
        };
        self.wakes.insert((wake, number));
        self.sleeps_until.is_some_and(|until| wake < until)
    }

    /// Takes those out whose time has come.
    pub fn take_due(&mut self, now: Duration) -> Vec<u32> {
        let mut due = Vec::new();
        while let Some((wake, number)) = self.wakes.first().copied()
            && wake <= now
        {
            self.wakes.pop_first();
            if let Some(kept) = self.wake_of.get_mut(number as usize) {
                *kept = None;
            }
            due.push(number);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn board(seats: u32) -> Board {
        Board::new(seats, Arc::default())
    }

    fn order(board: &mut Board) -> Vec<u32> {
        std::iter::from_fn(|| board.take_next()).collect()
    }

    #[test]
    fn who_hurries_comes_first_and_the_others_in_the_order_of_their_coming() {
        let mut board = board(4);
        board.call(0, MS, false);
        board.call(1, 2 * MS, false);
        board.call(2, 3 * MS, true);
        board.call(3, 3 * MS, true);
        assert_eq!(order(&mut board), [2, 3, 0, 1]);
    }

    #[test]
    fn a_seat_in_the_queue_is_brought_forward_and_never_taken_back() {
        let mut board = board(3);
        for number in 0..3 {
            board.call(number, MS, false);
        }
        board.bring_forward(2, 2 * MS);
        board.bring_forward(2, 3 * MS);
        assert_eq!(order(&mut board), [2, 0, 1]);
        // Taken out, it is with a thread: it must not be with another, too.
        board.bring_forward(2, 4 * MS);
        assert!(order(&mut board).is_empty());
    }

    #[test]
    fn bulk_waits_no_longer_than_its_bound_behind_those_that_hurry() {
        let mut board = board(3);
        board.call(0, MS, false);
        board.call(1, MS + BULK_WAITS - MS / 2, true);
        board.call(2, MS + BULK_WAITS + MS, true);
        assert_eq!(order(&mut board), [1, 0, 2]);
    }

    #[test]
    fn whoever_runs_a_seat_sees_how_many_others_hurry() {
        let hurried = Arc::new(AtomicU32::new(0));
        let mut board = Board::new(3, Arc::clone(&hurried));
        board.call(0, MS, true);
        board.call(1, MS, false);
        assert_eq!(hurried.load(Ordering::Relaxed), 1);
        board.bring_forward(1, MS);
        board.bring_forward(1, MS);
        assert_eq!(hurried.load(Ordering::Relaxed), 2);
        assert_eq!(order(&mut board), [0, 1]);
        assert_eq!(hurried.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_seat_that_is_not_there_is_not_called() {
        let mut board = board(1);
        board.call(1, MS, true);
        assert_eq!(board.take_next(), None);
    }
}
