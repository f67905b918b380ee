//! What figures stand on: sizes, and brokers that are started when the first figure wants them.

use crate::broker;
use crate::crowd::Crowd;
use crate::lab::Lab;
use crate::line::Line;
use crate::tubes::Load;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tenfold_tests::kafka::KafkaCluster;

/// How much work a run is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Runs of each side, if nobody says otherwise.
    pub runs: u32,
    /// Runs before those, not counted: compilers and caches of both sides warm up.
    pub warm_ups: u32,
    /// Work of a broker before its first figure (`broker`).
    pub warming: Duration,
    /// Labs, each on a lane of its own.
    pub labs: u32,
    /// Racks of 96 tubes for each lab.
    pub racks: usize,
    /// Times this a copy copies the same samples: it is so fast that one pass would be over at once.
    pub copies: usize,
    /// Tubes of a day.
    pub day: usize,
    /// Seconds of each part of a latency run.
    pub seconds: u64,
    /// Samples on disk when it starts.
    pub history: usize,
    /// Sizes of a growing lab, if nobody says otherwise.
    pub samples: &'static [u64],
    /// Labs that the smallest of these sizes is spread over.
    pub spread: &'static [u64],
    /// Lanes that a load is spread over, and how many racks it is.
    pub lanes: &'static [u64],
    /// See above.
    pub lane_racks: usize,
}

impl Size {
    /// What figures are taken with.
    pub const FULL: Self = Self {
        runs: 5,
        warm_ups: 1,
        warming: Duration::from_secs(60),
        labs: 4,
        racks: 520,
        copies: 6,
        day: 500_000,
        seconds: 15,
        history: 1_000_000,
        samples: &[100_000, 1_000_000, 10_000_000],
        spread: &[1, 10, 1_000],
        lanes: &[1, 4, 16, 64, 256],
        lane_racks: 2_048,
    };
    /// Shows that everything works.
    pub const QUICK: Self = Self {
        runs: 2,
        warm_ups: 0,
        warming: Duration::ZERO,
        labs: 4,
        racks: 15,
        copies: 2,
        day: 15_360,
        seconds: 2,
        history: 20_000,
        samples: &[960, 4_800],
        spread: &[1, 10, 20],
        lanes: &[1, 16, 256],
        lane_racks: 32,
    };

    /// The samples of a run.
    #[must_use]
    pub fn load(&self) -> Load {
        Load::new(self.labs, self.racks)
    }
}

/// What figures share, once the first of them has wanted it.
struct Shared<T>(Mutex<Option<Arc<Mutex<T>>>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Shared<T> {
    fn get(&self, start: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Arc<Mutex<T>>> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = shared.as_ref() {
            return Ok(Arc::clone(there));
        }
        let started = Arc::new(Mutex::new(start()?));
        *shared = Some(Arc::clone(&started));
        Ok(started)
    }
}

/// See the module.
pub struct Bed {
    /// How much.
    pub size: Size,
    /// Counted runs of each side.
    pub runs: u32,
    /// Sizes of a growing lab, smallest first.
    pub samples: Vec<u64>,
    // Before the brokers: it ends while they still run.
    lab: Shared<Lab>,
    line: Shared<Line>,
    crowd: Shared<Crowd>,
    kafka: OnceLock<KafkaCluster>,
}

impl Bed {
    /// With nothing started.
    #[must_use]
    pub fn new(size: Size, runs: u32) -> Arc<Self> {
        Self::sized(size, runs, size.samples.to_vec())
    }

    /// The same, with these sizes of a growing lab.
    #[must_use]
    pub fn sized(size: Size, runs: u32, samples: Vec<u64>) -> Arc<Self> {
        Arc::new(Self {
            size,
            runs,
            samples,
            lab: Shared::default(),
            line: Shared::default(),
            crowd: Shared::default(),
            kafka: OnceLock::new(),
        })
    }

    /// One broker, the same for all figures of this run; started at the first call.
    #[must_use]
    pub fn kafka(&self) -> &KafkaCluster {
        self.kafka.get_or_init(|| broker::warmed(self.size.warming))
    }

    /// One `tenfold run` on that broker, the same for all figures of this run; started at the first call.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn lab(&self) -> anyhow::Result<Arc<Mutex<Lab>>> {
        self.lab.get(|| Lab::start(self))
    }

    /// One whole line of laboratories on a broker of its own, the same for all figures of this run; started at the first call.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn line(&self) -> anyhow::Result<Arc<Mutex<Line>>> {
        self.line.get(|| Line::start(self.size.warming))
    }

    /// One crowd of laboratories on three brokers of its own, the same for all figures of this run; started at the first call.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn crowd(&self) -> anyhow::Result<Arc<Mutex<Crowd>>> {
        self.crowd.get(Crowd::start)
    }
}
