//! Many seeds, one thread a seed.

use super::Cli;
use crate::faults::Counts;
use crate::run::Outcome;
use crate::shared::lock;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Failing seeds that are kept.
const FAILED_MAX: usize = 20;

/// What many seeds came to.
#[derive(Debug, Default)]
pub struct Report {
    /// The first seed.
    pub from: u64,
    /// How many were run.
    pub seeds: u64,
    /// How many failed.
    pub failures: u64,
    /// The first of those that failed.
    pub failed: Vec<Outcome>,
    /// Faults of all of them.
    pub counts: Counts,
    /// Events, simulated seconds, tubes, reports, requests, records, samples filed by each service, cards of them
    /// dropped by intake and by results, records trimmed.
    pub sums: [u64; 12],
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Seeds a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.seeds as f64 / self.took.as_secs_f64().max(0.001)
    }

    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.counts.add(&outcome.counts);
        let sums = [
            outcome.events,
            outcome.time / crate::shared::SECOND,
            outcome.tubes as u64,
            outcome.reports as u64,
            outcome.requests as u64,
            outcome.records,
            outcome.filed[0],
            outcome.filed[1],
            outcome.filed[2],
            outcome.dropped[0],
            outcome.dropped[1],
            outcome.trimmed,
        ];
        for (sum, more) in self.sums.iter_mut().zip(sums) {
            *sum += more;
        }
        if !outcome.problems.is_empty() {
            self.failures += 1;
            if self.failed.len() < FAILED_MAX {
                self.failed.push(outcome);
                self.failed.sort_by_key(|failed| failed.seed);
            }
        }
    }
}

/// A seed to begin with, when none is given.
#[must_use]
pub fn seed_of_the_moment() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // Small enough to be read out loud.
    now.map_or(1, |now| now.as_secs() % 1_000_000 * 1_000)
}

/// Runs them.
#[must_use]
pub fn run_all(cli: &Cli, until: Option<Duration>, bar: &ProgressBar) -> Report {
    let from = cli.from.unwrap_or_else(seed_of_the_moment);
    let jobs = cli.jobs.unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
    });
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let report = Mutex::new(Report {
        from,
        ..Report::default()
    });
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let late = until.is_some_and(|until| began.elapsed() > until);
                    if number >= cli.seeds || late || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let outcome = crate::run::run(&cli.options(from.wrapping_add(number)));
                    if cli.first && !outcome.problems.is_empty() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    let mut report = lock(&report);
                    report.add(outcome);
                    bar.inc(1);
                    if report.failures > 0 {
                        bar.set_message(format!("{} FAILED", report.failures));
                    }
                }
            });
        }
    });
    let mut report = report
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    report.took = began.elapsed();
    report
}

/// Runs them, with a bar.
#[must_use]
pub fn run(cli: &Cli, until: Option<Duration>) -> Report {
    let bar = if cli.json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(cli.seeds)
    };
    let style = ProgressStyle::with_template(
        "{bar:40} {pos}/{len} seeds, {per_sec}, {elapsed} of {duration} {msg}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    let report = run_all(cli, until, &bar);
    bar.finish_and_clear();
    report
}
