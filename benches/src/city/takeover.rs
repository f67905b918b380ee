//! A process of the city ends, and somebody goes on.

use super::{City, metric};
use crate::pooler::all_known;
use crate::robot::Way;
use crate::tubes::barcode;
use anyhow::{bail, ensure};
use std::time::{Duration, Instant};

/// Longest time until another answers.
const TAKEN_MAX: Duration = Duration::from_secs(60);

/// Between two questions to the other.
const LOOK: Duration = Duration::from_millis(5);

/// Longest time that a process takes to end in order.
const LEAVE_MAX: Duration = Duration::from_secs(20);

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order, as before an upgrade.
    Stopped,
    /// With -9: its group hears of it when its session is over.
    Killed,
}

impl City {
    /// Kills the only instance and loses its cache; then starts it again. Answers the seconds until it knows the last
    /// tube, and those that it spent on reading a snapshot (0 = there was none yet).
    ///
    /// # Errors
    /// It does not come back, or does not know the last tube.
    pub fn lose_cache(&mut self) -> anyhow::Result<(f64, f64)> {
        let [served] = self.served.as_mut_slice() else {
            bail!("one instance is wanted, not {}", self.crew.instances);
        };
        served.kill();
        std::fs::remove_dir_all(self.folder.path().join("cache-1"))?;
        let began = Instant::now();
        served.start();
        // It serves before it has its lanes.
        served.wait_ready();
        self.known()?;
        let took = began.elapsed().as_secs_f64();
        let [served] = self.served.as_slice() else {
            bail!("the instance is gone");
        };
        Ok((took, metric(served, "tenfold_snapshot_restore_seconds_sum")))
    }

    /// Ends one of two processes. Answers the seconds until the other has all lanes and says what it knows of the last tube of
    /// each lab; then the one that ended is started again, and has its share.
    ///
    /// # Errors
    /// The lanes are not taken, or whoever takes them does not know a tube.
    pub fn hand_over(&mut self, how: End) -> anyhow::Result<f64> {
        const OTHER: usize = 1;
        let way = Way::Called(self.runtime.block_on(self.connect(OTHER))?);
        let [ending, other] = self.served.as_mut_slice() else {
            bail!("two processes are wanted, not {}", self.crew.instances);
        };
        let began = Instant::now();
        match how {
            End::Stopped => ending.signal("TERM"),
            End::Killed => ending.kill(),
        }
        // Until then whoever ends may still answer.
        while metric(other, "tenfold_lanes_owned") < f64::from(self.crew.lanes) {
            ensure!(began.elapsed() < TAKEN_MAX, "nobody takes the lanes");
            std::thread::sleep(LOOK);
        }
        let last = self.next - 1;
        let tubes = self.load.labs.iter().enumerate();
        let tubes = tubes.map(|(lab, name)| (name.as_str(), barcode(lab, last)));
        self.runtime.block_on(all_known(&way, tubes))?;
        let took = began.elapsed().as_secs_f64();
        if how == End::Stopped {
            ensure!(ending.ended_within(LEAVE_MAX), "it does not end");
        }
        ending.start();
        ending.wait_ready();
        self.shared()?;
        Ok(took)
    }
}
