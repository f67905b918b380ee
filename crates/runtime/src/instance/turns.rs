//! Whose turn it is: seats that threads share, each run by one thread at a time.
//!
//! A seat has a letter box. A letter puts it into the queue, and whichever thread is free takes the first of the queue,
//! delivers its letters and gives it a turn. So no rule deals seats out to threads, and none has to fit to which seats
//! happen to have work: with a seat's thread fixed by its number, Kafka's dealing of lanes left one of two threads idle
//! (decision 0703). Seats for which somebody waits come first, within a bound ([`super::board`]). One more thread puts seats into the queue when their time has come.
//!
//! Locks are taken in one order: a letter box, then the board. A seat's own lock is held by the thread that runs it, and
//! by nobody else: a seat is in the queue or being run once at most (`Called`).

use super::board::Board;
use crate::clock::Clock;
use std::collections::VecDeque;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Letters delivered to a seat before it gets its turn, at most: a turn must not wait for ever.
const DELIVER_MAX: usize = 4_096;

/// For what of a seat somebody waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Awaited {
    /// Nobody does.
    #[default]
    Nothing,
    /// For the end of something under way: its letter hurries.
    Answer,
    /// For its next turn.
    Turn,
}

/// What has turns.
pub trait Seat: Send + 'static {
    /// What it hears.
    type Letter: Send;

    /// Hears it; decides nothing yet.
    fn handle(&mut self, letter: Self::Letter);

    /// Does what is to be done. True if there is more to do at once.
    fn turn(&mut self) -> bool;

    /// When it must have a turn though nothing happens (monotonic).
    fn next_wake(&self) -> Option<Duration>;

    /// Is it for somebody who waits? `awaited` is what the seat said after its last turn.
    fn hurries(letter: &Self::Letter, awaited: Awaited) -> bool;

    /// Does somebody wait for it?
    fn awaited(&self) -> Awaited;
}

/// Told that a turn panicked: the seat's number, and the panic's words. The seat is not run again.
pub type Broken = Arc<dyn Fn(u32, &str) + Send + Sync>;

/// What is to come after a turn.
#[derive(Default)]
struct After {
    /// There is more to do at once.
    due: bool,
    /// When it must have its next turn.
    wake: Option<Duration>,
    awaited: Awaited,
}

/// Where a seat is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Called {
    /// It has nothing to do.
    No,
    /// It is in the queue.
    Waits,
    /// A thread runs it, and calls it again if there is more.
    Runs,
}

/// The seats, and who is next. Seats hold ways to send letters, and so hold this: [`Turns::clear`] lets go of them.
pub struct Turns<S: Seat> {
    places: Vec<Place<S>>,
    board: Mutex<Board>,
    /// Threads wait here for the queue.
    ready: Condvar,
    /// The time-teller waits here.
    earlier: Condvar,
    clock: Arc<dyn Clock>,
    broken: Broken,
}

struct Place<S: Seat> {
    letters: Mutex<Letters<S::Letter>>,
    seat: Mutex<Option<S>>,
}

struct Letters<L> {
    waiting: VecDeque<L>,
    state: Called,
    /// By its last turn.
    awaited: Awaited,
    /// A letter hurries that it has not heard.
    hurry: bool,
    /// Nobody reads them any more.
    ended: bool,
}

impl<S: Seat> Turns<S> {
    /// So many empty places. Tells in `hurried` how many seats wait for their turn for whom somebody waits.
    pub fn new(
        places: u32,
        clock: Arc<dyn Clock>,
        hurried: Arc<AtomicU32>,
        broken: Broken,
    ) -> Arc<Self> {
        let place = |_| Place {
            letters: Mutex::new(Letters {
                waiting: VecDeque::new(),
                state: Called::No,
                awaited: Awaited::Nothing,
                hurry: false,
                ended: false,
            }),
            seat: Mutex::new(None),
        };
        Arc::new(Self {
            places: (0..places).map(place).collect(),
            board: Mutex::new(Board::new(places, hurried)),
            ready: Condvar::new(),
            earlier: Condvar::new(),
            clock,
            broken,
        })
    }

    /// Puts a seat in its place, and calls it to its first turn.
    pub fn sit(&self, number: u32, seat: S) {
        if let Some(place) = self.places.get(number as usize) {
            *lock(&place.seat) = Some(seat);
            self.call(number);
        }
    }

    /// Sends a letter. One to a place that is not there, or after the end, is dropped.
    pub fn send(&self, number: u32, letter: S::Letter) {
        let Some(place) = self.places.get(number as usize) else {
            return;
        };
        let mut letters = lock(&place.letters);
        if letters.ended {
            return;
        }
        let hurries = S::hurries(&letter, letters.awaited);
        letters.waiting.push_back(letter);
        let forward = hurries && !std::mem::replace(&mut letters.hurry, true);
        self.enqueue(number, &mut letters, forward);
    }

    /// Calls a seat to a turn.
    fn call(&self, number: u32) {
        if let Some(place) = self.places.get(number as usize) {
            self.enqueue(number, &mut lock(&place.letters), false);
        }
    }

    /// Into the queue, if it is not there, or `forward` in it.
    fn enqueue(&self, number: u32, letters: &mut Letters<S::Letter>, forward: bool) {
        match letters.state {
            Called::No => {
                letters.state = Called::Waits;
                let now = self.clock.monotonic();
                lock(&self.board).call(number, now, letters.hurry);
                self.ready.notify_one();
            }
            // If it was just taken out of the queue, its letters are not: it will hear this one.
            Called::Waits if forward => {
                let now = self.clock.monotonic();
                lock(&self.board).bring_forward(number, now);
            }
            Called::Waits | Called::Runs => {}
        }
    }

    /// The next seat to run; `None` = it has ended.
    pub(super) fn next(&self) -> Option<u32> {
        let mut board = lock(&self.board);
        loop {
            if board.ended {
                return None;
            }
            if let Some(number) = board.take_next() {
                return Some(number);
            }
            board = wait(&self.ready, board);
        }
    }

    /// Runs a seat that [`Turns::next`] gave: its letters, one turn, and what is to come. `buffer` is empty, and is so
    /// again.
    pub(super) fn run(&self, number: u32, buffer: &mut VecDeque<S::Letter>) {
        let Some(place) = self.places.get(number as usize) else {
            return;
        };
        {
            let mut letters = lock(&place.letters);
            letters.state = Called::Runs;
            let now = letters.waiting.len().min(DELIVER_MAX);
            buffer.extend(letters.waiting.drain(..now));
            letters.hurry &= !letters.waiting.is_empty();
        }
        let after = self.turn(number, &mut lock(&place.seat), buffer);
        let mut letters = lock(&place.letters);
        letters.awaited = after.awaited;
        // A letter that came during the turn was judged by what was awaited before it.
        letters.hurry |= match after.awaited {
            Awaited::Nothing => false,
            Awaited::Answer => !letters.waiting.is_empty(),
            Awaited::Turn => true,
        };
        let now = self.clock.monotonic();
        let due =
            after.due || !letters.waiting.is_empty() || after.wake.is_some_and(|wake| wake <= now);
        letters.state = if due { Called::Waits } else { Called::No };
        letters.hurry &= due;
        let mut board = lock(&self.board);
        let tell = board.set_wake(number, after.wake);
        if due {
            board.call(number, now, letters.hurry);
        }
        drop(board);
        drop(letters);
        // Nobody is woken for a seat that is due again: this thread takes the first of the queue now.
        if tell {
            self.earlier.notify_one();
        }
    }

    fn turn(&self, number: u32, seat: &mut Option<S>, letters: &mut VecDeque<S::Letter>) -> After {
        let Some(sitting) = seat else {
            letters.clear();
            return After::default();
        };
        // A seat that panicked is dropped below: nobody sees it as the panic left it.
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for letter in letters.drain(..) {
                sitting.handle(letter);
            }
            After {
                due: sitting.turn(),
                wake: sitting.next_wake(),
                awaited: sitting.awaited(),
            }
        }));
        ran.unwrap_or_else(|panic| {
            *seat = None;
            let words = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            (self.broken)(number, words.unwrap_or("no words"));
            After::default()
        })
    }

    /// Waits until a seat's time has come, for `at_most` of the machine's time, and calls those whose time it is. False
    /// when it has ended.
    pub(super) fn call_those_due(&self, at_most: Duration) -> bool {
        let mut board = lock(&self.board);
        if board.ended {
            return false;
        }
        let now = self.clock.monotonic();
        let mut due = board.take_due(now);
        if due.is_empty() {
            let until = board.first_wake();
            let for_long = until.map_or(at_most, |until| until.saturating_sub(now).min(at_most));
            board.sleeps_until = Some(until.unwrap_or(Duration::MAX));
            board = self
                .earlier
                .wait_timeout(board, for_long)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            board.sleeps_until = None;
            due = board.take_due(self.clock.monotonic());
        }
        drop(board);
        for number in due {
            self.call(number);
        }
        true
    }

    /// Ends it: threads come back from [`Turns::next`] with nothing.
    pub(super) fn end(&self) {
        lock(&self.board).ended = true;
        self.ready.notify_all();
        self.earlier.notify_all();
    }

    /// Lets go of the seats and of letters that nobody will read: whoever waits for their answers is told at once.
    pub(super) fn clear(&self) {
        for place in &self.places {
            let unread = {
                let mut letters = lock(&place.letters);
                letters.ended = true;
                std::mem::take(&mut letters.waiting)
            };
            drop(unread);
            // Its end may send letters: no lock is held meanwhile.
            let seat = lock(&place.seat).take();
            drop(seat);
        }
    }
}

/// What is behind these locks is whole after every step, also if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
