//! Seats that count, on real threads.

use super::threads::{Crew, Threads};
use super::turns::{Awaited, Seat, Turns};
use crate::clock::{Clock, SystemClock};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread::spawn;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
/// Nothing is found by looking again in time: whoever is to be woken is told.
const NEVER: Duration = Duration::from_secs(86_400);

enum Letter {
    /// Counted in the turn that follows.
    Count,
    /// Says who it was.
    Say(&'static str, Sender<&'static str>),
    /// The same, of somebody who waits.
    SayAtOnce(&'static str, Sender<&'static str>),
    /// From now on somebody waits for the end of something.
    Await,
    /// The end of something.
    Ended(&'static str, Sender<&'static str>),
    /// Says how far its thread stands back.
    #[cfg(target_os = "linux")]
    Niceness(Sender<i32>),
    /// Takes the time of a decision that waits for this.
    Hold(Receiver<()>),
    /// The same, and says that it began.
    SayAndHold(&'static str, Sender<&'static str>, Receiver<()>),
    /// A turn is wanted so long after this one.
    WakeIn(Duration),
    Panic,
    /// Told when it is dropped unread.
    Ask(Sender<u64>),
}

/// Counts its letters, and sees that it is never run twice at once.
struct Counter {
    clock: Arc<dyn Clock>,
    unheard: u64,
    counted: Arc<AtomicU64>,
    running: Arc<AtomicBool>,
    wake: Option<Duration>,
    woken: Sender<()>,
    awaited: Awaited,
}

impl Counter {
    fn alone(&self) {
        assert!(
            !self.running.swap(true, Ordering::SeqCst),
            "run twice at once"
        );
    }
}

impl Seat for Counter {
    type Letter = Letter;

    fn handle(&mut self, letter: Letter) {
        self.alone();
        match letter {
            Letter::Count => self.unheard += 1,
            Letter::Say(who, say) | Letter::SayAtOnce(who, say) | Letter::Ended(who, say) => {
                say.send(who).unwrap();
            }
            Letter::Await => self.awaited = Awaited::Answer,
            #[cfg(target_os = "linux")]
            Letter::Niceness(say) => {
                say.send(rustix::process::getpriority_process(None).unwrap())
                    .unwrap();
            }
            Letter::Hold(until) => drop(until.recv()),
            Letter::SayAndHold(who, say, until) => {
                say.send(who).unwrap();
                let _ = until.recv();
            }
            Letter::WakeIn(pause) => self.wake = Some(self.clock.monotonic() + pause),
            Letter::Panic => {
                // Were it kept, it would answer again.
                self.running.store(false, Ordering::SeqCst);
                panic!("as asked")
            }
            Letter::Ask(answer) => drop(answer.send(self.counted.load(Ordering::SeqCst))),
        }
        self.running.store(false, Ordering::SeqCst);
    }

    fn turn(&mut self) -> bool {
        self.alone();
        // One letter a turn: the seat is due again until all are counted.
        if self.unheard > 0 {
            self.unheard -= 1;
            self.counted.fetch_add(1, Ordering::SeqCst);
        }
        if self.wake.is_some_and(|wake| wake <= self.clock.monotonic()) {
            self.wake = None;
            let _ = self.woken.send(());
        }
        self.running.store(false, Ordering::SeqCst);
        self.unheard > 0
    }

    fn next_wake(&self) -> Option<Duration> {
        self.wake
    }

    fn hurries(letter: &Letter, awaited: Awaited) -> bool {
        match letter {
            Letter::SayAtOnce(..) => true,
            Letter::Ended(..) => awaited == Awaited::Answer,
            _ => false,
        }
    }

    fn awaited(&self) -> Awaited {
        self.awaited
    }
}

struct Room {
    turns: Arc<Turns<Counter>>,
    threads: Threads<Counter>,
    counted: Vec<Arc<AtomicU64>>,
    woken: Receiver<()>,
    broken: Arc<Mutex<Vec<(u32, String)>>>,
}

fn room(seats: u32, threads: usize) -> Room {
    room_of(seats, threads, 0)
}

fn room_of(seats: u32, threads: usize, niceness: u8) -> Room {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let broken: Arc<Mutex<Vec<(u32, String)>>> = Arc::default();
    let told = Arc::clone(&broken);
    let turns = Turns::new(
        seats,
        Arc::clone(&clock),
        Arc::default(),
        Arc::new(move |number, words| {
            told.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((number, words.to_owned()));
        }),
    );
    let (tell, woken) = channel();
    let counted: Vec<Arc<AtomicU64>> = (0..seats).map(|_| Arc::default()).collect();
    for (number, counted) in (0..).zip(&counted) {
        turns.sit(
            number,
            Counter {
                clock: Arc::clone(&clock),
                unheard: 0,
                counted: Arc::clone(counted),
                running: Arc::default(),
                wake: None,
                woken: tell.clone(),
                awaited: Awaited::Nothing,
            },
        );
    }
    let crew = Crew {
        name: "test",
        count: threads,
        niceness,
    };
    let threads = Threads::start(Arc::clone(&turns), crew, NEVER).unwrap();
    Room {
        turns,
        threads,
        counted,
        woken,
        broken,
    }
}

impl Room {
    fn wait_counted(&self, number: usize, count: u64) {
        let until = Instant::now() + PATIENCE;
        while self.counted[number].load(Ordering::SeqCst) < count {
            assert!(Instant::now() < until, "seat {number} does not count");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn letters_of_many_senders_are_all_heard() {
    const SENDERS: u64 = 8;
    const EACH: u64 = 5_000;
    let room = room(5, 3);
    let begin = Arc::new(Barrier::new(SENDERS as usize));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (turns, begin) = (Arc::clone(&room.turns), Arc::clone(&begin));
            spawn(move || {
                begin.wait();
                for letter in 0..EACH {
                    turns.send(u32::try_from(letter % 5).unwrap(), Letter::Count);
                    if letter % 100 == 0 {
                        // So that the threads fall asleep, and are woken, many times.
                        std::thread::sleep(Duration::from_micros(50));
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    for number in 0..5 {
        room.wait_counted(number, SENDERS * EACH / 5);
        assert_eq!(
            room.counted[number].load(Ordering::SeqCst),
            SENDERS * EACH / 5
        );
    }
}

#[test]
fn seats_go_on_while_a_thread_is_free_whatever_their_numbers() {
    for (held, free) in [(0, [2, 4]), (0, [1, 3]), (3, [1, 2])] {
        let room = room(5, 2);
        let (let_go, until) = channel();
        room.turns.send(held, Letter::Hold(until));
        for number in free {
            room.turns.send(number, Letter::Count);
            room.wait_counted(number as usize, 1);
        }
        room.turns.send(held, Letter::Count);
        assert_eq!(
            room.counted[held as usize].load(Ordering::SeqCst),
            0,
            "held"
        );
        let_go.send(()).unwrap();
        room.wait_counted(held as usize, 1);
    }
}

#[test]
fn a_seat_is_woken_when_its_time_has_come_even_if_a_later_one_was_known_first() {
    let room = room(2, 1);
    room.turns
        .send(0, Letter::WakeIn(Duration::from_secs(3_600)));
    room.turns.send(0, Letter::Count);
    room.wait_counted(0, 1);
    let began = Instant::now();
    let pause = Duration::from_millis(40);
    room.turns.send(1, Letter::WakeIn(pause));
    room.woken.recv_timeout(PATIENCE).expect("woken");
    assert!(began.elapsed() >= pause, "{:?}", began.elapsed());
}

#[test]
fn a_seat_whose_turn_panics_is_told_of_and_the_others_go_on() {
    let room = room(2, 1);
    room.turns.send(0, Letter::Panic);
    room.turns.send(1, Letter::Count);
    room.wait_counted(1, 1);
    // Nobody is there to answer: whoever asks learns it at once.
    let (ask, answer) = channel();
    room.turns.send(0, Letter::Ask(ask));
    let gone = Err(RecvTimeoutError::Disconnected);
    assert_eq!(answer.recv_timeout(PATIENCE), gone);
    let broken = room.broken.lock().unwrap().clone();
    assert_eq!(broken, [(0, "as asked".to_owned())], "once");
    assert_eq!(room.counted[0].load(Ordering::SeqCst), 0);
}

#[test]
fn what_is_unread_at_the_end_is_dropped_and_so_are_the_seats() {
    let mut room = room(2, 1);
    let (let_go, until) = channel();
    room.turns.send(0, Letter::Hold(until));
    let (ask, unread) = channel();
    room.turns.send(1, Letter::Ask(ask));
    let ending = {
        let turns = Arc::clone(&room.turns);
        spawn(move || {
            turns.end();
            let_go.send(()).unwrap();
        })
    };
    ending.join().unwrap();
    room.threads.end();
    // It was either heard before the end, or is dropped now: nobody waits for ever.
    let _ = unread.recv();
    let (ask, late) = channel();
    room.turns.send(1, Letter::Ask(ask));
    let gone = Err(RecvTimeoutError::Disconnected);
    assert_eq!(late.recv_timeout(PATIENCE), gone, "sent after the end");
    let woken = room.woken.recv_timeout(PATIENCE);
    assert_eq!(woken, Err(RecvTimeoutError::Disconnected), "a seat is kept");
}

#[test]
fn a_scan_goes_before_the_registrations_of_other_lanes() {
    let room = room(5, 1);
    let (let_go, until) = channel();
    let (say, said) = channel();
    let hear = || said.recv_timeout(PATIENCE).unwrap();
    // The second is said in the turn after the one in which the seat began to be awaited.
    room.turns.send(4, Letter::Await);
    for _ in 0..2 {
        room.turns.send(4, Letter::Say("awaited", say.clone()));
        assert_eq!(hear(), "awaited");
    }
    // Nobody else has a turn until the thread is let go.
    room.turns
        .send(0, Letter::SayAndHold("held", say.clone(), until));
    assert_eq!(hear(), "held");
    let send = |seat, letter: fn(&'static str, Sender<&'static str>) -> Letter, who| {
        room.turns.send(seat, letter(who, say.clone()));
    };
    send(1, Letter::Say, "registrations of lane 1");
    send(2, Letter::Say, "registrations of lane 2");
    send(2, Letter::Ended, "an append nobody waits for");
    send(3, Letter::SayAtOnce, "a scan");
    send(2, Letter::SayAtOnce, "a scan behind registrations");
    send(4, Letter::Ended, "an append somebody waits for");
    let_go.send(()).unwrap();
    let heard: Vec<_> = (0..6).map(|_| hear()).collect();
    assert_eq!(
        heard,
        [
            "a scan",
            "registrations of lane 2",
            "an append nobody waits for",
            "a scan behind registrations",
            "an append somebody waits for",
            "registrations of lane 1",
        ]
    );
}

/// Niceness is a thread's own on Linux; the test's thread must not have it, too.
#[cfg(target_os = "linux")]
#[test]
fn threads_stand_back_as_far_as_is_said_and_nobody_else_does() {
    let own = || rustix::process::getpriority_process(None).unwrap();
    let before = own();
    let room = room_of(2, 2, 3);
    let (say, said) = channel();
    for seat in 0..2 {
        room.turns.send(seat, Letter::Niceness(say.clone()));
    }
    for _ in 0..2 {
        assert_eq!(said.recv_timeout(PATIENCE).unwrap(), (before + 3).min(19));
    }
    assert_eq!(own(), before);
}
