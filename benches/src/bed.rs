//! What figures stand on: sizes, and brokers that are started when the first figure wants them.

use crate::lab::Lab;
use crate::tubes::Load;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tenfold_tests::kafka::KafkaCluster;

/// How much work a run is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Runs of each side, if nobody says otherwise.
    pub runs: u32,
    /// Runs before those, not counted: compilers and caches of both sides warm up.
    pub warm_ups: u32,
    /// Labs, each on a lane of its own.
    pub labs: u32,
    /// Racks of 96 tubes for each lab.
    pub racks: usize,
    /// Times this a copy copies the same samples: it is so fast that one pass would be over at once.
    pub copies: usize,
    /// Seconds of each part of a latency run.
    pub seconds: u64,
    /// Samples on disk when it starts.
    pub history: usize,
}

impl Size {
    /// What figures are taken with.
    pub const FULL: Self = Self {
        runs: 5,
        warm_ups: 1,
        labs: 4,
        racks: 520,
        copies: 6,
        seconds: 15,
        history: 1_000_000,
    };
    /// Shows that everything works.
    pub const QUICK: Self = Self {
        runs: 2,
        warm_ups: 0,
        labs: 4,
        racks: 15,
        copies: 2,
        seconds: 2,
        history: 20_000,
    };

    /// The samples of a run.
    #[must_use]
    pub fn load(&self) -> Load {
        Load::new(self.labs, self.racks)
    }
}

/// See the module.
pub struct Bed {
    /// How much.
    pub size: Size,
    /// Counted runs of each side.
    pub runs: u32,
    // Before the brokers: it ends while they still run.
    lab: Mutex<Option<Arc<Mutex<Lab>>>>,
    kafka: OnceLock<KafkaCluster>,
}

impl Bed {
    /// With nothing started.
    #[must_use]
    pub fn new(size: Size, runs: u32) -> Arc<Self> {
        Arc::new(Self {
            size,
            runs,
            lab: Mutex::new(None),
            kafka: OnceLock::new(),
        })
    }

    /// One broker, the same for all figures of this run; started at the first call.
    #[must_use]
    pub fn kafka(&self) -> &KafkaCluster {
        self.kafka.get_or_init(KafkaCluster::to_measure)
    }

    /// One `tenfold run` on that broker, the same for all figures of this run; started at the first call.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn lab(&self) -> anyhow::Result<Arc<Mutex<Lab>>> {
        let mut lab = self.lab.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lab) = lab.as_ref() {
            return Ok(Arc::clone(lab));
        }
        let started = Arc::new(Mutex::new(Lab::start(self)?));
        *lab = Some(Arc::clone(&started));
        Ok(started)
    }
}
