//! The lane protocol: how a lane decides exactly once with nothing but ordered partitions and
//! acknowledged appends.
//!
//! ```text
//!            wanted                end seen             own LaneOpened read
//!   Idle ------------> Loading --> Folding --> Opening -------------------> Owned
//!    ^                    ^           ^                                    |  |  |
//!    |  not wanted        |                                                |  |  |
//!    +--------------------|------------------------------------------------+  |  |
//!                         +--- unknown outcome; or another's LaneOpened: -----+  |
//!                              then it is followed, not opened                   |
//!   Stopped (needs a person) <--- wrong hash, newer level, fold failed ----------+
//! ```
//!
//! A lane is a state machine without threads: [`Lane::handle`] takes what happened, [`Lane::turn`]
//! does what can be done now; neither blocks. Read in this order: [`record`] and [`validity`] (what
//! counts), [`rows`] and [`state`] (what is folded), [`fold`], `reading` and `take` (owning), `batch` (deciding),
//! `early` (a cache read before its log is open), `restore` and `snapshots` (a cache that was lost), `commit` (answers), `watch` (being fenced while idle), [`outbox`], [`receive`] and `asking` (messages), [`calls`] (request ids).

mod asking;
mod batch;
mod building;
pub mod calls;
mod commit;
pub mod context;
pub mod digest;
pub mod early;
mod firsts;
pub mod fold;
mod gather;
mod heads;
mod history;
mod inbox;
pub mod init;
mod kept;
pub mod load;
mod name_pages;
mod names;
mod no_room;
pub mod outbox;
mod owned;
mod reading;
pub mod receive;
pub mod record;
mod restore;
pub mod rows;
pub mod rules;
mod snapshots;
mod standby;
pub mod state;
mod status;
mod take;
pub mod validity;
mod watch;

use crate::budget::Watch;
use crate::metrics as m;
use crate::processor::Processor;
use crate::snapshot::Name;
use calls::{Ask, Call, Reply};
use context::{Context, Event, Notice};
use outbox::Outbox;
use owned::Owned;
use reading::Folding;
use rows::Stamp;
use snapshots::Keeping;
use state::LaneState;
pub use status::Status;
use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tenfold_domain::Timestamp;

/// Where a lane is in its life; the picture is in the module's text.
enum Phase {
    /// Not wanted here.
    Idle,
    /// The cache is being read in the background.
    Loading,
    /// Reading could not begin; tried again at this moment (monotonic).
    Pausing(Duration),
    /// Reading the journal.
    Folding(Folding),
    /// Deciding.
    Owned(Owned),
    /// Needs a person.
    Stopped(String),
}

/// One lane of one service on this instance.
pub struct Lane<P: Processor> {
    number: u32,
    context: Arc<Context>,
    processor: Arc<P>,
    wanted: bool,
    phase: Phase,
    /// Grows whenever what is under way no longer counts.
    attempt: u64,
    /// Grows whenever the state is loaded anew.
    load: u64,
    stamp: Option<Stamp>,
    state: Option<LaneState>,
    outbox: Outbox,
    calls: VecDeque<Call>,
    unapplied_bytes: usize,
    unapplied: VecDeque<(u64, usize)>,
    tries: u32,
    /// So many readings in a row found the cache ahead of the log. Not `tries`: those also grow by what says nothing
    /// about the log's end, and a lane that follows another owner keeps them.
    ahead: u32,
    /// The cache must be wiped before it is read again.
    wipe: bool,
    /// The snapshot that the cache came from, until it is wiped or the process ends.
    restored: Option<Name>,
    /// Snapshots that led to a state that could not be used.
    distrusted: BTreeSet<Name>,
    /// When the next snapshot is due.
    keeping: Keeping,
    /// The cache is being read in the background, by this attempt or one before it.
    reading: bool,
    /// Another owner took the lane: it is followed until that one is silent.
    fenced: bool,
    /// It could not be followed: only whoever is to own it needs to know why.
    unfollowed: bool,
    /// The log has no room, and said so: until it takes a record, commands are refused at once and
    /// questions are answered from what is committed.
    no_room: Option<String>,
    /// How long calls take.
    watch: Watch,
    /// When the next timer is due, in this load of the state at this version of it: asked for twice a turn.
    timer: Cell<Option<(u64, u64, Option<Timestamp>)>>,
}

impl<P: Processor> Lane<P> {
    /// A lane that nobody wants yet.
    pub fn new(number: u32, context: Arc<Context>, processor: Arc<P>) -> Self {
        let watch = Watch::new(context.service, context.limits.call_budget);
        Self {
            number,
            context,
            processor,
            wanted: false,
            phase: Phase::Idle,
            attempt: 0,
            load: 0,
            stamp: None,
            state: None,
            outbox: Outbox::default(),
            calls: VecDeque::new(),
            unapplied_bytes: 0,
            unapplied: VecDeque::new(),
            tries: 0,
            ahead: 0,
            wipe: false,
            restored: None,
            distrusted: BTreeSet::new(),
            keeping: Keeping::default(),
            reading: false,
            fenced: false,
            unfollowed: false,
            no_room: None,
            watch,
            timer: Cell::new(None),
        }
    }

    /// When the next timer is due.
    fn next_timer(&self) -> Option<Timestamp> {
        let state = self.state.as_ref()?;
        if let Some((load, version, due)) = self.timer.get()
            && (load, version) == (self.load, state.version())
        {
            return due;
        }
        let due = self.processor.next_timer(state);
        if !state.failed() {
            self.timer.set(Some((self.load, state.version(), due)));
        }
        due
    }

    /// Its number.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Takes note of something that happened.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Wake => {}
            Event::Wanted(wanted) => self.want(wanted),
            Event::Call(call) => self.call(call),
            Event::Loaded { attempt, result } => {
                self.reading = false;
                if attempt == self.attempt {
                    self.loaded(result);
                } else if matches!(self.phase, Phase::Loading) {
                    self.read_cache();
                }
            }
            Event::Looked { attempt, result } => {
                if attempt == self.attempt {
                    self.looked(result);
                }
            }
            Event::Appended {
                attempt,
                seq,
                result,
                acked_at,
            } => {
                if attempt == self.attempt {
                    self.appended(seq, result, acked_at);
                }
            }
            Event::Relayed {
                attempt,
                ticket,
                arrived,
            } => {
                if attempt == self.attempt {
                    let now = self.context.clock.monotonic();
                    self.outbox
                        .ended(&ticket, arrived, now, &self.context.limits);
                }
            }
            Event::Applied {
                load,
                batch,
                result,
            } => {
                if load == self.load {
                    self.applied(batch, result);
                }
            }
            Event::Snapshot { load, news } => {
                if load == self.load {
                    self.hear_of_snapshots(news);
                }
            }
        }
    }

    /// Does what can be done now. True if there is more to do at once.
    pub fn turn(&mut self) -> bool {
        match &self.phase {
            Phase::Idle => {
                self.stand_by();
                false
            }
            Phase::Loading | Phase::Stopped(_) => false,
            Phase::Pausing(until) => {
                if self.context.clock.monotonic() >= *until {
                    self.start_loading();
                }
                false
            }
            Phase::Folding(_) => {
                let more = self.fold_on();
                self.answer_from_committed();
                more
            }
            Phase::Owned(_) => self.own_on(),
        }
    }

    /// When the lane must be given a turn even if nothing happens (monotonic); `None` = only when something does.
    pub fn next_wake(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Idle => self.stands_by().then_some(Duration::ZERO),
            Phase::Loading | Phase::Stopped(_) => None,
            Phase::Pausing(until) => Some(*until),
            Phase::Folding(folding) => folding.next_wake(
                self.context.clock.monotonic(),
                self.context.limits.session_timeout,
                self.wanted,
            ),
            Phase::Owned(_) => self.owned_wake(),
        }
    }

    /// Calls wait that are not decided yet.
    pub fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Calls are decided, and wait for what is in flight.
    pub fn owes_answers(&self) -> bool {
        match &self.phase {
            Phase::Owned(owned) => owned.in_flight.iter().any(|one| !one.waiting.is_empty()),
            _ => false,
        }
    }

    fn want(&mut self, wanted: bool) {
        let before = std::mem::replace(&mut self.wanted, wanted);
        if !wanted && self.stay_warm(before) {
            return;
        }
        match (&mut self.phase, wanted) {
            (Phase::Idle | Phase::Stopped(_), true) => {
                self.tries = 0;
                self.ahead = 0;
                self.unfollowed = false;
                self.fenced = false;
                self.start_loading();
            }
            (Phase::Folding(folding), true) => folding.wanted_again(),
            // An owner that is no longer wanted commits what is in flight first.
            (Phase::Owned(_), _) | (Phase::Idle | Phase::Stopped(_), false) => {}
            (Phase::Loading | Phase::Pausing(_), true) => {}
            (_, false) => self.release("the lane was given to another instance"),
        }
    }

    fn call(&mut self, call: Call) {
        let taking = matches!(
            self.phase,
            Phase::Owned(_) | Phase::Folding(_) | Phase::Loading | Phase::Pausing(_)
        );
        if !taking || !self.wanted || self.fenced {
            (call.reply)(Reply::NotOwner);
        } else if let Some(reason) = self.no_room.clone()
            && matches!(call.ask, Ask::Command { .. })
        {
            (call.reply)(Reply::NoRoom(reason));
        } else if self.calls.len() >= self.context.limits.commands_waiting_max {
            metrics::counter!(m::CALLS_REFUSED, "service" => self.context.service).increment(1);
            (call.reply)(Reply::Full);
        } else {
            self.calls.push_back(call);
        }
    }

    /// Gives everything up; the cache keeps what is committed.
    fn release(&mut self, reason: &str) {
        self.refuse_calls();
        if !matches!(self.phase, Phase::Idle) {
            (self.context.notify)(
                self.number,
                Notice::Lost {
                    reason: reason.to_owned(),
                },
            );
        }
        self.forget();
        self.fenced = false;
        self.phase = Phase::Idle;
    }

    fn forget(&mut self) {
        self.attempt += 1;
        self.load += 1;
        self.state = None;
        self.stamp = None;
        self.outbox = Outbox::default();
        self.unapplied.clear();
        self.unapplied_bytes = 0;
    }

    fn refuse_calls(&mut self) {
        for call in self.calls.drain(..) {
            (call.reply)(Reply::NotOwner);
        }
    }

    /// Stops the lane until a person acts.
    fn stop(&mut self, reason: String) {
        if self.stop_following(&reason) {
            return;
        }
        tracing::error!(
            service = self.context.service,
            lane = self.number,
            %reason,
            "lane stopped"
        );
        metrics::counter!(m::LANES_STOPPED, "service" => self.context.service).increment(1);
        for call in self.calls.drain(..) {
            (call.reply)(Reply::Unavailable(format!("the lane is stopped: {reason}")));
        }
        (self.context.notify)(
            self.number,
            Notice::Stopped {
                reason: reason.clone(),
            },
        );
        self.forget();
        self.phase = Phase::Stopped(reason);
    }

    /// Something decided or folded contradicts the state. If the cache could not be read, that is why: it is
    /// rebuilt. Otherwise a person must look.
    fn doubt(&mut self, reason: String) {
        if self.state.as_ref().is_some_and(LaneState::failed) {
            tracing::warn!(
                service = self.context.service,
                lane = self.number,
                %reason,
                "the cache could not be read: it is wiped, and rebuilt from the journal"
            );
            self.wipe_cache();
            self.start_loading();
        } else if self.restored.is_some() {
            // Perhaps the snapshot is to blame, and not the journal: that is found out without it.
            self.wipe_cache();
            self.start_loading();
        } else {
            self.stop(reason);
        }
    }

    /// A pause that doubles with every try, with a spread so that instances do not meet again.
    fn pause(&mut self) -> Duration {
        let limits = &self.context.limits;
        let doubled = limits
            .retry_min
            .saturating_mul(1 << self.tries.min(16))
            .min(limits.retry_max);
        self.tries = self.tries.saturating_add(1);
        doubled.mul_f64(0.75 + 0.5 * self.context.entropy.share())
    }
}
