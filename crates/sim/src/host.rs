//! One process: its clocks, and whether it lives. Everything a lane does goes through here, so that a dead
//! process does nothing more, even in the middle of a turn.

use crate::shared::{Micros, SECOND, Shared};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tenfold_domain::Timestamp;
use tenfold_runtime::clock::Clock;
use tenfold_runtime::entropy::Entropy;

/// See the module.
#[derive(Debug)]
pub struct Host {
    /// Unique in a run.
    pub id: u64,
    /// Number of its service; of none for those outside.
    pub service: usize,
    /// Number in its service.
    pub instance: usize,
    /// When it started.
    pub born: Micros,
    dead: AtomicBool,
    outside: bool,
    stalled_until: AtomicU64,
    skew_ms: AtomicI64,
    /// Events reach a lane in the order they were sent.
    last_delivery: AtomicU64,
}

impl Host {
    /// A process that starts now.
    #[must_use]
    pub fn new(id: u64, service: usize, instance: usize, born: Micros) -> Arc<Self> {
        Arc::new(Self {
            id,
            service,
            instance,
            born,
            dead: AtomicBool::new(false),
            outside: false,
            stalled_until: AtomicU64::new(0),
            skew_ms: AtomicI64::new(0),
            last_delivery: AtomicU64::new(0),
        })
    }

    /// Somebody outside, who never fails: a router, an operator.
    #[must_use]
    pub fn outside(id: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            service: usize::MAX,
            instance: 0,
            born: 0,
            dead: AtomicBool::new(false),
            outside: true,
            stalled_until: AtomicU64::new(0),
            skew_ms: AtomicI64::new(0),
            last_delivery: AtomicU64::new(0),
        })
    }

    /// Faults of processes may strike it.
    #[must_use]
    pub const fn may_fail(&self) -> bool {
        !self.outside
    }

    /// It was killed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Kills it.
    pub fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Stands still until then.
    pub fn stall(&self, until: Micros) {
        self.stalled_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Until when it stands still.
    #[must_use]
    pub fn stalled_until(&self) -> Micros {
        self.stalled_until.load(Ordering::Relaxed)
    }

    /// Its wall clock jumps.
    pub fn jump(&self, ms: i64) {
        self.skew_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// How far its wall clock is off.
    #[must_use]
    pub fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Ordering::Relaxed)
    }

    /// A moment for an event to arrive: not before those sent earlier.
    pub fn in_order(&self, at: Micros) -> Micros {
        let at = at.max(self.last_delivery.load(Ordering::Relaxed));
        self.last_delivery.store(at, Ordering::Relaxed);
        at
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::cluster::SERVICES.get(self.service) {
            Some(service) => write!(f, "{service}-{}#{}", self.instance, self.id),
            None => write!(f, "outside"),
        }
    }
}

/// The clocks of a process.
pub struct HostClock {
    /// The run.
    pub shared: Arc<Shared>,
    /// The process.
    pub host: Arc<Host>,
}

impl Clock for HostClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.shared.wall().0.saturating_add(self.host.skew_ms()))
    }

    fn monotonic(&self) -> Duration {
        // Not from zero: nothing may depend on it.
        Duration::from_micros(self.shared.now() - self.host.born + 100 * SECOND)
    }
}

/// Chance for a process.
pub struct HostEntropy(pub Arc<Shared>);

impl Entropy for HostEntropy {
    fn bits(&self) -> u128 {
        self.0.bits()
    }
}
