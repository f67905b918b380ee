//! A process of the city ends, and somebody goes on.

use super::{City, metric};
use crate::pooler::until_known;
use crate::robot::Way;
use crate::tubes::barcode;
use anyhow::{Context as _, bail, ensure};
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

    /// Ends the process that has the only lane. Answers the seconds until another one says what it knows of the last tube; then
    /// the one that ended is started again.
    ///
    /// # Errors
    /// Nobody has the lane, nobody takes it, or whoever does knows the tube not.
    pub fn hand_over(&mut self, how: End) -> anyhow::Result<f64> {
        ensure!(self.crew.lanes == 1, "one lane is wanted");
        let owns = |one: &_| metric(one, "tenfold_lanes_owned") > 0.0;
        let owner = self.served.iter().position(owns);
        let owner = owner.context("nobody has the lane")?;
        let other = (owner + 1) % self.served.len();
        ensure!(other != owner, "two processes are wanted");
        let way = Way::Called(self.runtime.block_on(self.connect(other))?);
        let ending = self.served.get_mut(owner).context("the owner")?;
        let began = Instant::now();
        match how {
            End::Stopped => ending.signal("TERM"),
            End::Killed => ending.kill(),
        }
        // Until then whoever ends may still answer.
        while !self.served.get(other).is_some_and(owns) {
            ensure!(began.elapsed() < TAKEN_MAX, "nobody takes the lane");
            std::thread::sleep(LOOK);
        }
        let lab = self.load.labs.first().context("a lab")?;
        let tube = barcode(0, self.next - 1);
        self.runtime.block_on(until_known(&way, lab, &tube))?;
        let took = began.elapsed().as_secs_f64();
        let ended = self.served.get_mut(owner).context("whoever ended")?;
        if how == End::Stopped {
            ensure!(ended.ended_within(LEAVE_MAX), "it does not end");
        }
        ended.start();
        ended.wait_ready();
        Ok(took)
    }
}
