//! What Tenfold takes while it does nothing, and how soon it works: size of its program, memory when idle, crates compiled for
//! it; and the all-in-one on the embedded log, killed with -9 with a million samples on disk, until the first scan is
//! accepted. No yardsticks: bounds.

use crate::bed::Bed;
use crate::figure::{Bound, Contestant, Figure, Metric, Took};
use crate::lab::Lab;
use anyhow::{Context as _, ensure};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenfold_tests::process::{Served, program};

/// An idle process has settled after so long.
const SETTLED: Duration = Duration::from_secs(5);

/// See the module.
pub const IDLE: Figure = Figure {
    name: "footprint",
    ours: "`tenfold run` on an empty embedded log: size of the program (with its symbols), memory five seconds after it is ready, \
           crates that are compiled for it",
    metrics: &[
        Metric::cost("program MB"),
        Metric::cost("idle MB"),
        Metric::cost("crates"),
    ],
    start: |_| Ok(Box::new(Idle)),
    yardsticks: &[],
    bounds: &[
        Bound {
            metric: 0,
            at_most: Some(40.0),
        },
        Bound {
            metric: 1,
            at_most: Some(60.0),
        },
        Bound {
            metric: 2,
            at_most: None,
        },
    ],
};

/// See the module.
pub const START: Figure = Figure {
    name: "start",
    ours: "the all-in-one on the embedded log, killed with -9 with a million samples on disk: from starting the process until the \
           first scan is accepted (the files are in the page cache)",
    metrics: &[Metric::cost("s to a scan"), Metric::cost("s to ready")],
    start: |bed| {
        Ok(Box::new(Starts {
            lab: million(bed)?,
            next: 0,
        }))
    },
    yardsticks: &[],
    bounds: &[
        Bound {
            metric: 0,
            at_most: Some(1.0),
        },
        Bound {
            metric: 1,
            at_most: None,
        },
    ],
};

struct Idle;

impl Contestant for Idle {
    fn run(&mut self) -> anyhow::Result<Took> {
        let folder = tempfile::tempdir()?;
        let tenfold = program("tenfold");
        let bytes = std::fs::metadata(&tenfold)?.len();
        let mut served = Served::new(
            "tenfold",
            tenfold,
            &["run", "--data", "data"],
            folder.path(),
        );
        served.start();
        served.wait_ready();
        std::thread::sleep(SETTLED);
        let memory = served.memory_kib().context("this system does not tell")?;
        let crates = crates()?;
        Ok(Took::all(
            &[
                bytes as f64 / 1e6,
                memory as f64 * 1_024.0 / 1e6,
                crates as f64,
            ],
            String::new(),
        ))
    }
}

/// All that `cargo build -p tenfold` compiles, build scripts and macros included.
fn crates() -> anyhow::Result<usize> {
    let output = Command::new("cargo")
        .args([
            "tree",
            "--locked",
            "-p",
            "tenfold",
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cargo")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let names: BTreeSet<&str> = text
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    Ok(names.len())
}

struct Starts {
    lab: Lab,
    next: usize,
}

/// Registered; a few of them received, to scan.
fn million(bed: &Arc<Bed>) -> anyhow::Result<Lab> {
    let mut lab = Lab::embedded()?;
    let scans = usize::try_from(bed.runs + bed.size.warm_ups)?;
    lab.bring(scans)?;
    lab.register_strangers(bed.size.history)?;
    Ok(lab)
}

impl Contestant for Starts {
    fn run(&mut self) -> anyhow::Result<Took> {
        let number = self.next;
        self.next += 1;
        let began = Instant::now();
        let (ended, ready) = self.lab.killed_and_started();
        self.lab.scan_once(number)?;
        // Killing it is no part of a start.
        let scanned = began.elapsed().saturating_sub(ended);
        Ok(Took::all(
            &[scanned.as_secs_f64(), ready.as_secs_f64()],
            String::new(),
        ))
    }
}
