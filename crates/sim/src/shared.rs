//! What all parts of one run share: simulated time, the queue of what happens next, chance, faults and the
//! trace. One thread a run; the locks are never waited for.

use crate::faults::{Fault, Faults, Step};
use crate::host::Host;
use crate::log::state::LogState;
use crate::trace::Trace;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tenfold_domain::Timestamp;
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::log::Wake;

/// Simulated time since the run began, in microseconds.
pub type Micros = u64;

/// A millisecond.
pub const MS: Micros = 1_000;
/// A second.
pub const SECOND: Micros = 1_000 * MS;

/// Wall time at which every run begins: a Monday morning.
pub const EPOCH_MS: i64 = 1_767_571_200_000;

/// Something that happens at a moment.
pub enum What {
    /// A lane hears something.
    Deliver(Arc<Host>, u32, Event),
    /// A lane has a turn.
    Turn(Arc<Host>, u32),
    /// A record appears in the log.
    Lands(u64),
    /// An append ends for its caller.
    Ends(u64),
    /// A reader is told that there is more.
    Wake(Arc<Host>, Wake),
    /// The cache's writer does its next job.
    Apply(Arc<Host>),
    /// Work away from the lanes.
    Background(Arc<Host>, Box<dyn FnOnce() + Send>),
    /// An actor goes on.
    Task(usize),
    /// A dead instance starts again.
    Restart(usize, usize),
    /// The group looks who is there.
    Assign,
    /// Something from the list of faults that come by time.
    Chaos,
    /// The invariants are checked.
    Check,
}

impl What {
    /// Its kind, for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Deliver(..) => "deliver",
            Self::Turn(..) => "turn",
            Self::Lands(_) => "lands",
            Self::Ends(_) => "ends",
            Self::Wake(..) => "wake",
            Self::Apply(_) => "apply",
            Self::Background(..) => "background",
            Self::Task(_) => "task",
            Self::Restart(..) => "restart",
            Self::Assign => "assign",
            Self::Chaos => "chaos",
            Self::Check => "check",
        }
    }
}

/// The queue of what happens, by time, and by order of arrival at one time.
#[derive(Default)]
struct Queue {
    next: u64,
    waiting: BTreeMap<(Micros, u64), What>,
}

/// See the module.
pub struct Shared {
    now: AtomicU64,
    queue: Mutex<Queue>,
    chance: Mutex<StdRng>,
    faults: Mutex<Faults>,
    log: Mutex<LogState>,
    problems: Mutex<Vec<String>>,
    background: AtomicBool,
    /// What happened.
    pub trace: Trace,
}

/// A lock that a panic elsewhere does not break.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// At the beginning.
    #[must_use]
    pub fn new(seed: u64, without: &BTreeSet<Fault>, told: bool) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicU64::new(0),
            queue: Mutex::default(),
            chance: Mutex::new(StdRng::seed_from_u64(seed ^ 0x7135)),
            faults: Mutex::new(Faults::new(seed, without)),
            log: Mutex::default(),
            problems: Mutex::default(),
            background: AtomicBool::new(false),
            trace: Trace::new(told),
        })
    }

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.now.load(Ordering::Relaxed)
    }

    /// True wall time.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        Timestamp(EPOCH_MS.saturating_add_unsigned(self.now() / MS))
    }

    /// Lets something happen after a while.
    pub fn after(&self, delay: Micros, what: What) {
        self.at(self.now().saturating_add(delay), what);
    }

    /// Lets something happen at a moment.
    pub fn at(&self, at: Micros, what: What) {
        let mut queue = lock(&self.queue);
        let number = queue.next;
        queue.next += 1;
        queue.waiting.insert((at, number), what);
    }

    /// The next thing that happens; time goes on to it.
    #[must_use]
    pub fn next(&self) -> Option<What> {
        let mut queue = lock(&self.queue);
        let ((at, number), what) = queue.waiting.pop_first()?;
        self.now.fetch_max(at, Ordering::Relaxed);
        self.trace.mix(at ^ number.rotate_left(32));
        Some(what)
    }

    /// Nothing more happens: what still waits is let go, and with it the run, which it holds.
    pub fn end(&self) {
        loop {
            let waiting = std::mem::take(&mut lock(&self.queue).waiting);
            let log = std::mem::take(&mut *self.log());
            if waiting.is_empty() && log.lanes.is_empty() && log.pending.is_empty() {
                return;
            }
        }
    }

    /// A number drawn for the schedule.
    pub fn draw(&self, range: std::ops::Range<u64>) -> u64 {
        lock(&self.chance).random_range(range)
    }

    /// A time mostly short, sometimes a thousand times longer: as networks and disks are.
    pub fn delay(&self, least: Micros, usual: Micros, longest: Micros) -> Micros {
        let mut chance = lock(&self.chance);
        match chance.random_range(0..100_u32) {
            0..90 => chance.random_range(least..=usual),
            90..98 => chance.random_range(usual..=usual.saturating_mul(20).min(longest)),
            _ => chance.random_range(usual..=longest),
        }
    }

    /// One in so many.
    pub fn one_in(&self, many: u32) -> bool {
        lock(&self.chance).random_ratio(1, many)
    }

    /// 128 bits.
    pub fn bits(&self) -> u128 {
        lock(&self.chance).random()
    }

    /// The faults.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// Does a fault strike now?
    pub fn strikes(&self, fault: Fault) -> bool {
        let hit = self.faults().strikes(fault);
        if hit {
            self.trace.mix(fault as u64 + 1_000);
            self.say(|| format!("FAULT {}", fault.name()));
        }
        hit
    }

    /// Does a process die, or stand still, at this step? True if it is dead from here on.
    pub fn point(&self, host: &Host, step: Step, after: bool) -> bool {
        if host.is_dead() {
            return true;
        }
        if !host.may_fail() || self.in_background() {
            return false;
        }
        let crash = if after {
            Fault::CrashAfter
        } else {
            Fault::CrashBefore
        };
        let (dies, stalls) = {
            let mut faults = self.faults();
            let dies = faults.strikes_at(crash, step);
            (dies, !dies && faults.strikes_at(Fault::Stall, step))
        };
        if dies {
            self.say(|| format!("FAULT {} {} at {host}", crash.name(), step.name()));
            host.kill();
        }
        if stalls {
            let until = self.now() + self.draw(5 * SECOND..40 * SECOND);
            self.say(|| format!("FAULT stall {} at {host}", step.name()));
            host.stall(until);
        }
        dies
    }

    /// The log.
    pub fn log(&self) -> MutexGuard<'_, LogState> {
        lock(&self.log)
    }

    /// Something that must not be.
    pub fn problem(&self, words: impl Into<String>) {
        let words = words.into();
        self.say(|| format!("PROBLEM {words}"));
        lock(&self.problems).push(words);
    }

    /// What must not be and was seen so far.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        lock(&self.problems).clone()
    }

    /// Work in the background reads without faults: it would wait, and nothing here may wait.
    pub fn run_background(&self, work: Box<dyn FnOnce() + Send>) {
        self.background.store(true, Ordering::Relaxed);
        work();
        self.background.store(false, Ordering::Relaxed);
    }

    /// Is background work running?
    #[must_use]
    pub fn in_background(&self) -> bool {
        self.background.load(Ordering::Relaxed)
    }

    /// Words for whoever reads the run.
    pub fn say(&self, words: impl FnOnce() -> String) {
        self.trace.say(self.now(), words);
    }
}
