//! The command line: many seeds on all cores, one seed to read, what failed made small, planted bugs.

pub mod many;
pub mod minimise;
pub mod planted;
pub mod tables;

use crate::faults::Fault;
use crate::run::{Options, Outcome, run};
use clap::Parser;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

/// Runs the whole pipeline on simulated time, under faults, and judges it.
#[derive(Clone, Debug, Parser)]
#[command(name = "sim", version)]
pub struct Cli {
    /// Number of seeds to run.
    #[arg(long, default_value_t = 1_000)]
    pub seeds: u64,
    /// The first of them; drawn from the clock if it is not given.
    #[arg(long)]
    pub from: Option<u64>,
    /// Run this one seed only, and tell every step.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop after so many minutes.
    #[arg(long)]
    pub minutes: Option<u64>,
    /// Threads; all cores if not given.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Kinds of faults to switch off, with commas between.
    #[arg(long, value_delimiter = ',', value_parser = fault)]
    pub without: Vec<Fault>,
    /// Most tubes of a day.
    #[arg(long)]
    pub tubes: Option<usize>,
    /// Seconds of a day under faults.
    #[arg(long)]
    pub day: Option<u64>,
    /// One JSON object instead of tables.
    #[arg(long)]
    pub json: bool,
    /// Do not make a failing seed small.
    #[arg(long)]
    pub as_it_is: bool,
    /// Of one seed, tell only how it ended.
    #[arg(long)]
    pub quiet: bool,
    /// Stop at the first seed that fails.
    #[arg(long)]
    pub first: bool,
    /// Plant each known bug, or those whose names contain this, in a copy of the tree, and see that it is found.
    #[arg(long, num_args = 0..=1, default_missing_value = "")]
    pub planted: Option<String>,
}

fn fault(name: &str) -> Result<Fault, String> {
    Fault::ALL
        .iter()
        .find(|fault| fault.name() == name)
        .copied()
        .ok_or_else(|| {
            let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
            format!("there is no such fault; there are {}", names.join(", "))
        })
}

impl Cli {
    /// What a seed is run with.
    #[must_use]
    pub fn options(&self, seed: u64) -> Options {
        Options {
            seed,
            without: self.without.iter().copied().collect::<BTreeSet<_>>(),
            tubes: self.tubes,
            day: self.day,
            told: false,
        }
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// The planted bugs cannot be tried.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        if let Some(which) = &self.planted {
            return planted::all(which, self.seeds);
        }
        if let Some(seed) = self.seed {
            return Ok(self.one(seed));
        }
        // What panics in a run is told with the run.
        std::panic::set_hook(Box::new(|_| {}));
        let until = self.minutes.map(|m| Duration::from_secs(m * 60));
        let report = many::run(self, until);
        if self.json {
            println!("{}", tables::json(&report));
        } else {
            tables::print(&report);
        }
        if let Some(failed) = report.failed.first() {
            self.tell(failed);
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn one(&self, seed: u64) -> ExitCode {
        let options = Options {
            told: !self.quiet && !self.json,
            ..self.options(seed)
        };
        let outcome = run(&options);
        if self.json {
            println!("{}", tables::outcome(&outcome));
        } else {
            println!(
                "seed {seed}: {} events, {} s simulated, {} tubes, {} reports, {} requests, {} records, hash {:016x}",
                outcome.events,
                outcome.time / crate::shared::SECOND,
                outcome.tubes,
                outcome.reports,
                outcome.requests,
                outcome.records,
                outcome.hash
            );
            for problem in &outcome.problems {
                println!("  {problem}");
            }
        }
        if outcome.problems.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn tell(&self, failed: &Outcome) {
        println!("\nseed {} failed:", failed.seed);
        for problem in &failed.problems {
            println!("  {problem}");
        }
        let options = self.options(failed.seed);
        println!("exactly as it was: {}", command(&options));
        if !self.as_it_is {
            let small = minimise::minimise(&options, failed);
            println!("the smallest found: {}", command(&small));
        }
    }
}

/// The one command that runs a seed again.
#[must_use]
pub fn command(options: &Options) -> String {
    let mut command = format!("cargo run --release -p sim -- --seed {}", options.seed);
    if let Some(tubes) = options.tubes {
        command += &format!(" --tubes {tubes}");
    }
    if let Some(day) = options.day {
        command += &format!(" --day {day}");
    }
    if !options.without.is_empty() {
        let names: Vec<&str> = options.without.iter().map(|fault| fault.name()).collect();
        command += &format!(" --without {}", names.join(","));
    }
    command
}
