//! Everything that goes wrong, each kind with its own rate; and how often it did, at which step.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

macro_rules! kinds {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $kind:ident = $text:literal $(, $rate:literal)?;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $kind,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// Its name on the command line and in tables.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $text,)+ }
            }

            /// How likely it is at each occasion, before a seed scales it.
            #[must_use]
            pub const fn rate(self) -> f64 {
                match self { $(Self::$kind => { $(return $rate;)? #[allow(unreachable_code)] { 0.0 } })+ }
            }
        }
    };
}

kinds! {
/// A kind of fault.
Fault {
    /// The process is killed just before a step.
    CrashBefore = "crash-before", 0.0015;
    /// The process is killed just after a step.
    CrashAfter = "crash-after", 0.0015;
    /// The process stands still at a step, past its session, and wakes as a zombie.
    Stall = "stall", 0.0006;
    /// The outcome of an append is unknown: it is there.
    UnknownLanded = "unknown-landed", 0.01;
    /// The outcome of an append is unknown: it lands later, after others' records.
    UnknownLate = "unknown-late", 0.01;
    /// The outcome of an append is unknown: it never lands.
    UnknownNever = "unknown-never", 0.01;
    /// An append was not sent.
    NotSent = "not-sent", 0.008;
    /// The log has no room.
    NoRoom = "no-room", 0.004;
    /// An acknowledgement without an offset.
    NoOffset = "no-offset", 0.02;
    /// An acknowledgement with a false offset.
    FalseOffset = "false-offset", 0.02;
    /// A record lands twice.
    Twice = "landed-twice", 0.01;
    /// An old record of an inbox comes again.
    RelayAgain = "relay-again", 0.25;
    /// A read fails.
    ReadFails = "read-fails", 0.004;
    /// A reader sees nothing for a while, or only a part.
    SlowReader = "slow-reader", 0.05;
    /// The end of a lane is told too low.
    EndLags = "end-lags", 0.3;
    /// A cache is deleted while its process is down.
    CacheDeleted = "cache-deleted", 0.15;
    /// A cache is silently older after a crash.
    CacheOlder = "cache-older", 0.25;
    /// A row of a cache is cut.
    CacheTorn = "cache-torn", 0.12;
    /// The stamp of a cache cannot be read.
    CacheStampLost = "cache-stamp-lost", 0.08;
    /// A cache cannot be read for a moment.
    CacheReadFails = "cache-read-fails", 0.0002;
    /// A cache cannot be written.
    CacheWriteFails = "cache-write-fails", 0.004;
    /// A wall clock jumps an hour ahead.
    ClockAhead = "clock-ahead", 0.03;
    /// A wall clock jumps an hour back.
    ClockBack = "clock-back", 0.03;
    /// Two instances are told to own one lane.
    TwoOwners = "two-owners", 0.25;
    /// A lane is given to another instance.
    LaneMoved = "lane-moved", 0.25;
    /// An answer is lost on its way.
    AnswerLost = "answer-lost", 0.02;
    /// A call arrives at two instances.
    CallTwice = "call-twice", 0.03;
    /// So many calls come that the queue is full.
    QueueFull = "queue-full", 0.08;
    /// A record of an inbox is no record.
    Undecodable = "undecodable-inbox", 0.12;
    /// A record of a journal is no record of its owner.
    StrayJournal = "stray-journal", 0.12;
    /// The policy changes.
    PolicyChanged = "policy-changed", 0.05;
    /// An instance comes back as a newer release.
    Upgrade = "upgrade", 0.4;
    /// A bulk registration is routed twice.
    BulkTwice = "bulk-twice", 0.15;
    /// Bulk registrations are routed late.
    BulkLate = "bulk-late", 0.2;
    /// A tube comes before its registration.
    RegisteredLate = "registered-late", 0.12;
    /// A registration is corrected.
    Corrected = "corrected", 0.12;
    /// A registration is cancelled.
    Cancelled = "cancelled", 0.08;
    /// A tube is received by a second laboratory.
    CustodyConflict = "custody-conflict", 0.08;
    /// A tube is scanned twice.
    ScannedTwice = "scanned-twice", 0.1;
    /// A wrong tube is scanned.
    WrongTube = "wrong-tube", 0.06;
    /// A tube is moved in its rack.
    TubeMoved = "tube-moved", 0.15;
    /// A label cannot be read.
    Unreadable = "unreadable", 0.06;
    /// A pool is spilled.
    Spilled = "spilled", 0.05;
    /// A technician never confirms.
    WalkedAway = "walked-away", 0.06;
    /// A transfer fails.
    TransferFailed = "transfer-failed", 0.06;
    /// A transfer into a well fails.
    WellFailed = "well-failed", 0.04;
    /// A plate is dropped.
    PlateDropped = "plate-dropped", 0.05;
    /// A run is exported again.
    RunAgain = "run-again", 0.2;
    /// A run is handed in for another plate.
    WrongPlate = "wrong-plate", 0.08;
    /// A run is analysed again with a new threshold.
    NewThreshold = "new-threshold", 0.1;
    /// A control fails.
    OutOfControl = "out-of-control", 0.06;
    /// The reporting system rejects a report.
    ReportRejected = "report-rejected", 0.06;
    /// The reporting system forgets to answer.
    ReportForgotten = "report-forgotten", 0.08;
    /// The reporting system answers twice.
    ReportAnsweredTwice = "report-answered-twice", 0.1;
    /// A bit of a snapshot turns.
    SnapshotDamaged = "snapshot-damaged", 0.03;
    /// The process dies while it writes a snapshot, of which a part is there.
    SnapshotTorn = "snapshot-torn", 0.01;
    /// The store of snapshots does not answer.
    SnapshotAway = "snapshot-away", 0.02;
}
}

kinds! {
/// A step of the loop that a process can be killed or stalled at.
Step {
    /// The group's suggestion is heard.
    Wanted = "wanted";
    /// The cache was read.
    Loaded = "loaded";
    /// Records of the journal are read.
    JournalRead = "journal-read";
    /// A `LaneOpened` is sent.
    OpenedSent = "opened-sent";
    /// A `LaneOpened` is acknowledged.
    OpenedAcknowledged = "opened-acked";
    /// The own `LaneOpened` was read: the lane is owned.
    OpenedRead = "opened-read";
    /// A call is taken into the queue.
    CallTaken = "call-taken";
    /// Records of the inbox are taken.
    InboxRead = "inbox-read";
    /// A batch is decided and sent.
    DecisionsSent = "decisions-sent";
    /// A batch is acknowledged.
    DecisionsAcknowledged = "decisions-acked";
    /// A caller is answered.
    Answered = "answered";
    /// A batch is written to the cache.
    CacheApplied = "cache-applied";
    /// The cache said that it has a batch.
    CacheAcknowledged = "cache-acked";
    /// News of the lane's snapshots: one was written, or not.
    SnapshotHeard = "snapshot-heard";
    /// A message is sent to another lane.
    RelaySent = "relay-sent";
    /// A message is acknowledged.
    RelayAcknowledged = "relay-acked";
    /// A report or dead letter is published.
    PublicSent = "public-sent";
    /// The lane is lost.
    LaneLost = "lane-lost";
    /// A turn of the loop.
    Turn = "turn";
}
}

/// Faults of a process, which can strike at every step.
pub const PROCESS_FAULTS: [Fault; 3] = [Fault::CrashBefore, Fault::CrashAfter, Fault::Stall];

/// Faults of an append.
pub const APPEND_FAULTS: [Fault; 8] = [
    Fault::UnknownLanded,
    Fault::UnknownLate,
    Fault::UnknownNever,
    Fault::NotSent,
    Fault::NoRoom,
    Fault::NoOffset,
    Fault::FalseOffset,
    Fault::Twice,
];

/// Steps that are appends.
pub const APPEND_STEPS: [Step; 4] = [
    Step::OpenedSent,
    Step::DecisionsSent,
    Step::RelaySent,
    Step::PublicSent,
];

/// How often what happened.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// By kind.
    pub kinds: BTreeMap<Fault, u64>,
    /// By kind and step.
    pub at: BTreeMap<(Fault, Step), u64>,
}

impl Counts {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        for (at, count) in &other.at {
            *self.at.entry(*at).or_default() += count;
        }
    }

    /// Pairs of fault and step that must be covered.
    pub fn pairs() -> impl Iterator<Item = (Fault, Step)> {
        let process = PROCESS_FAULTS
            .into_iter()
            .flat_map(|fault| Step::ALL.iter().map(move |step| (fault, *step)));
        let append = APPEND_FAULTS
            .into_iter()
            .flat_map(|fault| APPEND_STEPS.into_iter().map(move |step| (fault, step)));
        process.chain(append)
    }

    /// Kinds and pairs that never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let kinds = Fault::ALL
            .iter()
            .filter(|kind| !self.kinds.contains_key(kind))
            .map(|kind| kind.name().to_owned());
        let pairs = Self::pairs()
            .filter(|pair| !self.at.contains_key(pair))
            .map(|(fault, step)| format!("{} x {}", fault.name(), step.name()));
        kinds.chain(pairs).collect()
    }
}

/// The faults of one run.
#[derive(Debug)]
pub struct Faults {
    /// Each kind draws from its own source: one switched off changes no other's draws.
    kinds: BTreeMap<Fault, (f64, StdRng)>,
    healed: bool,
    /// What happened.
    pub counts: Counts,
}

impl Faults {
    /// Each seed has its own mix: some kinds never, some often. `without` are switched off.
    #[must_use]
    pub fn new(seed: u64, without: &BTreeSet<Fault>) -> Self {
        let mut chance = StdRng::seed_from_u64(seed ^ 0xFA17);
        let mut kinds = BTreeMap::new();
        for fault in Fault::ALL {
            let on = chance.random_bool(0.65);
            let scale = 0.3 * 10_f64.powf(chance.random_range(0.0..1.0));
            if on && !without.contains(fault) {
                let source =
                    (seed ^ 0xFA17).wrapping_add((*fault as u64 + 1).wrapping_mul(0x9E37_79B9));
                let rate = (fault.rate() * scale).min(0.5);
                kinds.insert(*fault, (rate, StdRng::seed_from_u64(source)));
            }
        }
        Self {
            kinds,
            healed: false,
            counts: Counts::default(),
        }
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        self.healed = true;
    }

    /// Whether anything can still go wrong.
    #[must_use]
    pub fn is_healed(&self) -> bool {
        self.healed
    }

    /// Does it strike now? Counted if it does.
    pub fn strikes(&mut self, fault: Fault) -> bool {
        let hit = self.roll(fault);
        if hit {
            *self.counts.kinds.entry(fault).or_default() += 1;
        }
        hit
    }

    /// The same, at a step of the loop.
    pub fn strikes_at(&mut self, fault: Fault, step: Step) -> bool {
        let hit = self.strikes(fault);
        if hit {
            *self.counts.at.entry((fault, step)).or_default() += 1;
        }
        hit
    }

    fn roll(&mut self, fault: Fault) -> bool {
        if self.healed {
            return false;
        }
        let Some((rate, source)) = self.kinds.get_mut(&fault) else {
            return false;
        };
        source.random_bool(*rate)
    }

    /// The fate of an append: at most one fault.
    pub fn fate(&mut self, step: Step) -> Option<Fault> {
        APPEND_FAULTS
            .into_iter()
            .find(|fault| self.strikes_at(*fault, step))
    }
}
