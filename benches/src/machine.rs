//! What the figures were taken on: absolute numbers mean nothing without it.

use serde_json::{Value, json};
use std::fmt;
use std::process::Command;

/// Load beyond which other programs took a share of what was measured, for each core.
const QUIET_LOAD: f64 = 0.3;

/// See the module.
#[derive(Clone, Debug)]
pub struct Machine {
    cores: usize,
    memory_gib: u64,
    processor: String,
    load: Option<f64>,
    rustc: String,
    commit: String,
    at: String,
}

impl Machine {
    /// Looks at it, before anything is started.
    #[must_use]
    pub fn look() -> Self {
        let memory = field("/proc/meminfo", "MemTotal:");
        let kib: u64 = memory
            .split_whitespace()
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: kib.div_ceil(1 << 20),
            processor: field("/proc/cpuinfo", "model name")
                .trim_start_matches(':')
                .trim()
                .to_owned(),
            load: load.and_then(|text| text.split_whitespace().next()?.parse().ok()),
            rustc: said("rustc", &["--version"]),
            commit: said("git", &["describe", "--always", "--dirty"]),
            at: jiff::Timestamp::now()
                .strftime("%Y-%m-%d %H:%M UTC")
                .to_string(),
        }
    }

    /// Other programs were running when it began.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.load
            .is_none_or(|load| load > QUIET_LOAD * self.cores as f64)
    }

    /// What must be said below every table.
    #[must_use]
    pub fn caution(&self, quick: bool) -> String {
        let mut text = String::from(
            "Ratios are of runs taken in turn; absolute figures are this machine's at this hour.",
        );
        if quick {
            text.push_str(
                "\nSmall sizes (--quick): these show that everything works, not how fast it is.",
            );
        }
        if optimised() {
            if self.busy() {
                text.push_str(
                    "\nOther programs were running: take these figures again on a quiet machine.",
                );
            }
        } else {
            text.push_str(
                "\nNot an optimised build: ours is slower than it is. `make bench` builds one.",
            );
        }
        text
    }

    /// All of it.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "cores": self.cores,
            "memory_gib": self.memory_gib,
            "processor": self.processor,
            "load_before": self.load,
            "quiet": !self.busy(),
            "rustc": self.rustc,
            "commit": self.commit,
            "at": self.at,
            "optimised": optimised(),
        })
    }
}

const fn optimised() -> bool {
    !cfg!(debug_assertions)
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = self
            .load
            .map_or_else(|| "unknown".to_owned(), |load| load.to_string());
        write!(
            f,
            "{}, {} cores ({}), {} GiB, load {load}; {}, commit {}, {} build",
            self.at,
            self.cores,
            self.processor,
            self.memory_gib,
            self.rustc,
            self.commit,
            if optimised() {
                "optimised"
            } else {
                "unoptimised"
            },
        )
    }
}

fn field(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().trim().to_owned()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}
