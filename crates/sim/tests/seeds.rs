//! Seeds that change with every run of the tests; a failure tells the command that plays it again.

use clap::Parser as _;
use indicatif::ProgressBar;
use sim::cli::{Cli, command, many, planted};
use std::path::Path;
use std::process::Command;

/// Seeds of one run of the tests.
const SEEDS: &str = "500";

#[test]
fn five_hundred_seeds_end_well() {
    let from = std::env::var("TENFOLD_SIM_FROM")
        .unwrap_or_else(|_| many::seed_of_the_moment().to_string());
    println!("seeds from {from} (TENFOLD_SIM_FROM={from} runs the same again)");
    let cli = Cli::parse_from(["sim", "--seeds", SEEDS, "--from", &from]);
    let report = many::run_all(&cli, None, &ProgressBar::hidden());
    let failed: Vec<String> = report
        .failed
        .iter()
        .map(|failed| {
            let options = cli.options(failed.seed);
            format!("{}\n  {}", command(&options), failed.problems.join("\n  "))
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} seeds failed:\n{}",
        report.failures,
        report.seeds,
        failed.join("\n")
    );
    assert_eq!(report.seeds.to_string(), SEEDS);
    let [.., cards, gone, filed, cards_gone, dropped, _] = report.sums;
    for (service, filed) in [("intake", cards), ("pooling", gone), ("results", filed)] {
        assert!(
            filed > 500,
            "{filed} samples were filed by {service}: the retention has no effect"
        );
    }
    for (service, dropped) in [("intake", cards_gone), ("results", dropped)] {
        assert!(
            dropped > 250,
            "{dropped} cards were dropped by {service}: their time has no effect"
        );
    }
}

#[test]
fn a_seed_is_the_same_run_in_another_process() {
    let hash = |seed: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_sim"))
            .args(["--seed", seed, "--json"])
            .output()
            .expect("the simulation runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = text.split("\"hash\":\"").nth(1).expect("a hash");
        found.chars().take(16).collect::<String>()
    };
    let all: Vec<String> = ["11", "12", "13"].into_iter().map(hash).collect();
    let again: Vec<String> = ["11", "12", "13"].into_iter().map(hash).collect();
    assert_eq!(all, again);
    assert_ne!(all[0], all[1], "another seed is another run");
}

#[test]
fn every_planted_bug_still_applies() {
    let patches = planted::patches().expect("the folder is there");
    for patch in patches {
        planted::applies(&patch).expect("it applies");
    }
}

/// Another bug with each run of the tests; `make planted` plants them all.
#[test]
fn a_planted_bug_is_found() {
    let patches = planted::patches().expect("the folder is there");
    let wanted = std::env::var("TENFOLD_PLANTED").unwrap_or_else(|_| {
        let turn = many::seed_of_the_moment() / 1_000 % patches.len() as u64;
        planted::name(&patches[usize::try_from(turn).expect("a turn")])
    });
    println!("planted: {wanted} (TENFOLD_PLANTED={wanted} plants it again)");
    let patch = patches
        .iter()
        .find(|patch| planted::name(patch) == wanted)
        .expect("there is a patch of this name");
    // Built as this test was, beside it.
    let program = Path::new(env!("CARGO_BIN_EXE_sim"));
    let build = planted::Build {
        release: false,
        target: program.ancestors().nth(2).expect("a folder").to_owned(),
    };
    let tree = planted::Tree::copy().expect("a copy");
    let found = tree.plant(patch, &build, 1_000).expect("it builds");
    let (seeds, words) = found.unwrap_or_else(|| panic!("{wanted} was not found"));
    println!("found by seed {seeds}: {words}");
}
