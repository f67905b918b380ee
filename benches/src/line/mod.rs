//! The whole line, from a site's registration to a report that its receiver took: `tenfold run` on a broker, and everybody who
//! calls it. Nothing goes wrong: what is measured is work, not trouble.
//!
//! Either all work at once, as on a day; or one part after another, each alone: registering, pooling, results. What a part needs is
//! there then before it begins. Tubes come as fast as they are taken, or at a pace; all are negative, or some are positive, and
//! every member of their pools is tested again, alone.

mod floor;
mod pace;
mod plates;
mod receiver;
mod run;

pub use pace::Pace;
pub use receiver::Reports;
pub use run::{Run, Task, Took};

use crate::broker;
use crate::lab::Lab;
use crate::tubes::RACK;
use std::time::Duration;
use tenfold_tests::kafka::KafkaCluster;

/// Specimens a plate: 96 wells less a weak positive, three in-batch negatives, PC and NC.
pub const FULL: usize = 90;

/// A line of its own: all labs of one `tenfold run`, from run to run.
pub struct Line {
    // Before the broker: it ends while that still runs.
    lab: Lab,
    _kafka: KafkaCluster,
    next: usize,
    runs: usize,
}

impl Line {
    /// Starts a broker that works for so long before (`broker`), and `tenfold run`.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn start(warming: Duration) -> anyhow::Result<Self> {
        let kafka = broker::warmed(warming);
        Ok(Self {
            lab: Lab::on(kafka.bootstrap())?,
            _kafka: kafka,
            next: 0,
            runs: 0,
        })
    }

    /// Labs.
    #[must_use]
    pub fn labs(&self) -> usize {
        self.lab.load.labs.len()
    }

    /// Takes so many racks of each lab from registration to accepted report.
    ///
    /// # Errors
    /// Something is refused, a report is wrong, or one never comes.
    pub fn run(&mut self, racks: usize, at_once: bool) -> anyhow::Result<Took> {
        let first = self.next;
        self.next += racks * RACK;
        self.runs += 1;
        let task = Task {
            labs: 0..self.labs(),
            number: self.runs,
            first,
            racks,
            wells: FULL,
            one_in: None,
        };
        let run = Run::new(&self.lab, task, None);
        self.lab.block_on(async {
            let channel = self.lab.connect().await?;
            if at_once {
                run.at_once(channel).await
            } else {
                run.one_by_one(channel).await
            }
        })
    }
}
