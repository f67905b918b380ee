//! The regression gate: instruction counts of each kernel against a committed baseline. A count does not change with the load
//! of the machine, so a test may fail on it; it does change with the compiler, so the baseline names the compiler.

pub mod allocations;
pub mod kernels;
mod story;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Most that a kernel's count may be above the baseline, taken by the same compiler.
const GROWTH_MAX: f64 = 1.05;

/// The same, taken by another compiler.
const OTHER_COMPILER_MAX: f64 = 1.25;

/// Below this share of the baseline, the baseline is out of date and guards little.
const SHRUNK: f64 = 0.80;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.json")
}

/// Counts all kernels and compares them with the baseline.
///
/// # Errors
/// A kernel takes more than it may, or cannot be counted.
pub fn check() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file())
        .context("the baseline is missing: `make baseline` writes it")?;
    let baseline: Value = serde_json::from_str(&text)?;
    let (rustc, build) = (rustc()?, build());
    let was = (
        baseline["rustc"].as_str().unwrap_or_default(),
        baseline["build"].as_str().unwrap_or_default(),
    );
    ensure!(
        was.1 == build,
        "the baseline is of an {} build, this one is {build}: run the gate of the same kind of build",
        was.1
    );
    let same = was.0 == rustc;
    let most = if same { GROWTH_MAX } else { OTHER_COMPILER_MAX };
    if !same {
        println!(
            "ATTENTION: the baseline was taken with {}, this is {rustc}: compared with a bound of +{:.0} % only. Renew it with \
             `make baseline`, before anything else is changed.",
            was.0,
            (OTHER_COMPILER_MAX - 1.0) * 100.0
        );
    }
    let mut worse = Vec::new();
    for (name, count) in counts()? {
        let Some(before) = baseline["instructions"][&name]
            .as_u64()
            .filter(|before| *before > 0)
        else {
            worse.push(format!("{name} is not in the baseline: `make baseline`"));
            continue;
        };
        let growth = count as f64 / before as f64;
        println!(
            "  {name:16} {count:>12} instructions, {:+.2} %",
            (growth - 1.0) * 100.0
        );
        if growth > most {
            worse.push(format!(
                "{name} takes {count} instructions, {before} before: {:+.1} %",
                (growth - 1.0) * 100.0
            ));
        } else if growth < SHRUNK {
            println!(
                "  {name} takes much less than its baseline: `make baseline`, so that it is kept so"
            );
        }
    }
    if !worse.is_empty() {
        bail!(
            "more work than before:\n  {}\nMake it less; or, if it must be, say why in the commit that renews the baseline (`make \
             baseline`).",
            worse.join("\n  ")
        );
    }
    Ok(())
}

/// Counts all kernels and writes the baseline.
///
/// # Errors
/// A kernel cannot be counted, or the file not be written.
pub fn baseline() -> anyhow::Result<()> {
    let value = json!({ "rustc": rustc()?, "build": build(), "instructions": counts()? });
    std::fs::write(file(), format!("{value:#}\n"))?;
    println!("{value:#}");
    Ok(())
}

const fn build() -> &'static str {
    if cfg!(debug_assertions) {
        "unoptimised"
    } else {
        "optimised"
    }
}

fn rustc() -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .arg("--version")
        .output()
        .context("rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn counts() -> anyhow::Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for service in kernels::SERVICES {
        for step in kernels::STEPS {
            let name = format!("{service}-{step}");
            let count = count(&name).with_context(|| name.clone())?;
            counts.insert(name, count);
        }
    }
    Ok(counts)
}

fn count(kernel: &str) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--collect-atstart=no",
        ])
        .arg(format!("--toggle-collect={}", kernels::COUNTED))
        .arg(std::env::current_exe()?)
        .args(["--kernel", kernel])
        .output()
        .context("valgrind cannot be run: `scripts/need build test` installs it")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{told}");
    let collected = told
        .lines()
        .find_map(|line| line.split("Collected :").nth(1)?.trim().parse().ok());
    let collected = collected.with_context(|| format!("valgrind told no count: {told}"))?;
    ensure!(
        collected > 0,
        "nothing was counted: has the kernel another name?"
    );
    Ok(collected)
}
