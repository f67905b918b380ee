//! Round after round, and the verdict.

use crate::bed::Bed;
use crate::fault::{Kind, plan};
use crate::line::{HEAD, Line, quantile};
use crate::load::{self, Loaded};
use crate::probe::{self, Probe};
use crate::strike::strike;
use anyhow::{Context as _, anyhow, bail, ensure};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};
use tenfold_lab_day::{Day, Services, play::apply_policy};
use tenfold_runtime::crash::PLACES;
use tenfold_tests::process::Served;

/// Calm before the first round: how long scans take when nothing happens.
const CALM: Duration = Duration::from_secs(8);

/// After a fault is healed, before the next.
const BREATH: Duration = Duration::from_secs(3);

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// Faults.
    pub rounds: usize,
    /// Draws their order and victims.
    pub seed: u64,
    /// Kinds that are done.
    pub kinds: &'a [Kind],
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
    /// Lines of the instances' logs that an operator would look at.
    pub complaints: Vec<String>,
}

impl Campaign<'_> {
    /// Starts everything, strikes round after round, lets the load end, and checks what there is.
    ///
    /// # Errors
    /// Something was lost, came twice or is wrong; or something did not come back.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let mut bed = Bed::start(runtime.handle())?;
        let addresses = |service: usize| bed.addresses(service);
        let (intake, pooling, results) = (addresses(0), addresses(1), addresses(2));
        let services = || {
            let _entered = runtime.enter();
            Services::at(&intake, &pooling, &results)
        };
        let others = probe::labs();
        // Before anybody works, so that the first scan finds a policy.
        let first: Day = load::day(0, &others);
        let policy = services()?;
        runtime.block_on(async {
            apply_policy(&first, &policy).await?;
            // It reaches the lanes by their inboxes.
            tokio::time::sleep(Duration::from_secs(2)).await;
            anyhow::Ok(())
        })?;
        let probe = Probe::default();
        let (stop_load, stop_probe) = (AtomicBool::new(false), AtomicBool::new(false));
        let scanning = services()?;
        let (lines, calm, loaded) = std::thread::scope(|scope| {
            let for_load =
                scope.spawn(|| load::run([&intake, &pooling, &results], &others, &stop_load));
            let probing = start_probe(scope, &runtime, &probe, &scanning, &pooling, &stop_probe);
            let rounds = self.rounds_of(&mut bed, &probe, || {
                for_load.is_finished() || probing.is_finished()
            });
            // Whatever happened, everybody goes home.
            stop_load.store(true, Ordering::Relaxed);
            stop_probe.store(true, Ordering::Relaxed);
            let probed = probing.join().map_err(|_| anyhow!("the probe panicked"))?;
            let loaded = for_load.join().map_err(|_| anyhow!("the load panicked"))?;
            let loaded = loaded.context("the load")?;
            probed.context("the scanning technicians")?;
            let (lines, calm) = rounds?;
            anyhow::Ok((lines, calm, loaded))
        })
        .with_context(|| complaints(&bed.instances).join("\n"))?;
        runtime
            .block_on(probe.check(&scanning))
            .context("scans that were answered")?;
        Ok(Outcome {
            calm,
            lines,
            loaded,
            scans: probe.answered(),
            complaints: complaints(&bed.instances),
        })
    }

    fn rounds_of(
        self,
        bed: &mut Bed,
        probe: &Probe,
        over: impl Fn() -> bool,
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
            lines.push(line);
        }
        Ok((lines, calm))
    }
}

fn start_probe<'scope>(
    scope: &'scope Scope<'scope, '_>,
    runtime: &'scope tokio::runtime::Runtime,
    probe: &'scope Probe,
    services: &'scope Services,
    addresses: &'scope [String],
    stop: &'scope AtomicBool,
) -> ScopedJoinHandle<'scope, anyhow::Result<()>> {
    scope.spawn(move || runtime.block_on(probe.run(services, addresses, stop)))
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

fn complaints(instances: &[Served]) -> Vec<String> {
    instances.iter().flat_map(Served::complaints).collect()
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
             {} days with {} tubes, {} plates and {} reports: all right; {} deliveries came again",
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
        )
    }
}
