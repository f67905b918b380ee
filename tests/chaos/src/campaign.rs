//! Round after round, and the verdict.

use crate::bed::Bed;
use crate::fault::{Kind, plan};
use crate::line::{HEAD, Line, quantile};
use crate::load::Loaded;
use crate::probe::Probe;
use crate::strike::strike;
use crate::work::{Work, at_work};
use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use std::time::{Duration, Instant};
use tenfold_runtime::crash::PLACES;
use tenfold_tests::process::Served;

/// Tubes of each day of the load.
const TUBES_A_DAY: usize = 3_000;

/// Calm before the first round: how long scans take when nothing happens.
const CALM: Duration = Duration::from_secs(8);

/// After a fault is healed, before the next.
const BREATH: Duration = Duration::from_secs(3);

/// No scan should wait longer (`docs/reliability.md`). One that does ends nothing, for machines are slow at times,
/// but what the instances logged is kept.
const PROMISED: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// Faults.
    pub rounds: usize,
    /// Draws their order and victims.
    pub seed: u64,
    /// Kinds that are done.
    pub kinds: &'a [Kind],
    /// What every instance is told besides, as `key=value`.
    pub settings: &'a [String],
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Scans in the calm before.
    pub calm: Vec<Duration>,
    /// Every round.
    pub lines: Vec<Line>,
    /// What the load came to.
    pub loaded: Loaded,
    /// Scans of the probes, all accounted for.
    pub scans: usize,
    /// What the auditor counted.
    pub audited: String,
    /// Lines of the instances' logs that an operator would look at.
    pub complaints: Vec<String>,
}

impl Campaign<'_> {
    /// Starts everything, strikes round after round, lets the load end, and checks what there is.
    ///
    /// # Errors
    /// Something was lost, came twice or is wrong; or something did not come back.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let work = Work {
            tubes_a_day: TUBES_A_DAY,
            settings: self.settings,
            retention: None,
            cards: None,
            lasting: false,
        };
        let done = at_work(work, |bed, probe, over| self.rounds_of(bed, probe, over))?;
        let (lines, calm) = done.value;
        Ok(Outcome {
            calm,
            lines,
            loaded: done.loaded,
            scans: done.scans,
            audited: done.audited,
            complaints: done.complaints,
        })
    }

    fn rounds_of(
        self,
        bed: &mut Bed,
        probe: &Probe,
        over: &dyn Fn() -> bool,
    ) -> anyhow::Result<(Vec<Line>, Vec<Duration>)> {
        let began = Instant::now();
        std::thread::sleep(CALM);
        let calm = probe.took(began, Instant::now());
        println!(
            "calm: {} scans, p50 {:?}, p99 {:?}; seed {}\n{HEAD}",
            calm.len(),
            quantile(&calm, 0.5),
            quantile(&calm, 0.99),
            self.seed
        );
        let mut lines = Vec::new();
        let mut seen = Seen::default();
        seen.since(&bed.instances);
        for (index, fault) in plan(self.rounds, self.seed, self.kinds)
            .into_iter()
            .enumerate()
        {
            // Whoever ended early has the reason.
            if over() {
                break;
            }
            let began = Instant::now();
            let struck =
                strike(bed, &fault).with_context(|| format!("round {}: {fault}", index + 1))?;
            let healed = began.elapsed();
            std::thread::sleep(BREATH);
            let [moved, fenced, lost] = seen.since(&bed.instances);
            let line = Line {
                round: index + 1,
                fault,
                struck,
                healed,
                scans: probe.took(began, Instant::now()),
                moved,
                fenced,
                lost: lost.saturating_sub(fenced),
            };
            println!("{}", line.text());
            if line.longest() > PROMISED {
                let folder = bed.left_behind();
                println!(
                    "       a scan waited longer than promised; logs and caches stay in {}",
                    folder.display()
                );
            }
            lines.push(line);
        }
        Ok((lines, calm))
    }
}

/// How much of each log was read.
#[derive(Default)]
struct Seen(Vec<usize>);

impl Seen {
    /// Lanes taken, owners fenced and lanes lost since the last time, by what the instances log.
    fn since(&mut self, instances: &[Served]) -> [usize; 3] {
        self.0.resize(instances.len(), 0);
        let mut sum = [0; 3];
        for (served, read) in instances.iter().zip(&mut self.0) {
            let (upto, counts) =
                served.log_counts(*read, ["lane owned", "fenced=true", "lane lost"]);
            *read = upto;
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sum
    }
}

impl Outcome {
    /// The longest a scan waited in rounds where an instance was killed.
    #[must_use]
    pub fn longest_after_kill(&self) -> Duration {
        let kills = self.lines.iter().filter(|line| line.is_kill());
        kills.map(Line::longest).max().unwrap_or_default()
    }

    /// Whether every round was what it should be.
    ///
    /// # Errors
    /// A round is missing, or crash places were never reached though all had their turn.
    pub fn judge(&self, rounds: usize) -> anyhow::Result<()> {
        ensure!(
            self.lines.len() == rounds,
            "{} of {rounds} rounds were played",
            self.lines.len()
        );
        ensure!(self.loaded.days > 0, "no day was played to its end");
        let crashes = self
            .lines
            .iter()
            .filter(|line| line.fault.kind == Kind::CrashPoint);
        let (missed, hit): (Vec<&Line>, Vec<&Line>) = crashes.partition(|line| line.struck.missed);
        for line in &missed {
            let again = hit
                .iter()
                .any(|other| other.fault.place == line.fault.place);
            if !again && rounds >= 10 * PLACES.len() {
                bail!("no crash at {} came about", line.fault.place);
            }
        }
        Ok(())
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
        json!({
            "calm": {
                "scans": self.calm.len(),
                "p50_ms": ms(quantile(&self.calm, 0.5)),
                "p99_ms": ms(quantile(&self.calm, 0.99)),
            },
            "rounds": self.lines.iter().map(Line::json).collect::<Vec<_>>(),
            "longest_scan_after_kill_ms": ms(self.longest_after_kill()),
            "days": self.loaded.days,
            "tubes": self.loaded.tubes,
            "plates": self.loaded.plates,
            "reports": self.loaded.reports,
            "deliveries_repeated": self.loaded.repeated,
            "scans": self.scans,
        })
    }

    /// For people.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut all: Vec<Duration> = self
            .lines
            .iter()
            .flat_map(|line| line.scans.iter().copied())
            .collect();
        all.sort_unstable();
        format!(
            "{} rounds; {} scans answered and in place, in rounds p50 {:?} p99 {:?} max {:?}; the longest after a kill -9 {:?}\n\
             {} days with {} tubes, {} plates and {} reports: all right; {} deliveries came again\n{}",
            self.lines.len(),
            self.scans,
            quantile(&all, 0.5),
            quantile(&all, 0.99),
            all.last().copied().unwrap_or_default(),
            self.longest_after_kill(),
            self.loaded.days,
            self.loaded.tubes,
            self.loaded.plates,
            self.loaded.reports,
            self.loaded.repeated,
            self.audited.trim_end(),
        )
    }
}
