//! The command line of the chaos harness.

use crate::campaign::Campaign;
use crate::fault::{KINDS, Kind};
use crate::soak::soak;
use anyhow::Context as _;
use clap::Parser;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Break three brokers and six instances, one fault a round, under load; and check that nothing was lost, came
/// twice, or is wrong. Needs the programs built beside it: `cargo build --workspace --bins`
#[derive(Debug, Parser)]
#[command(version)]
pub struct Args {
    /// Faults
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// Draws their order and victims [default: by the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Only these kinds of faults
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND,...")]
    only: Vec<Kind>,
    /// No fault at all for so many minutes, at steady load; writes soak.csv and soak.svg
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["rounds", "only", "json"])]
    soak: Option<u64>,
    /// In a soak, file samples that are final for so many minutes (at least 8: a day of the load is checked at its end),
    /// and forget answers to requests after ten, so that the state stays as large as it is
    #[arg(long, value_name = "MINUTES", requires = "soak", value_parser = clap::value_parser!(u64).range(8..))]
    retention: Option<u64>,
    /// In a soak with a retention, drop the cards of filed samples after so many minutes, so that nothing of them stays
    #[arg(long, value_name = "MINUTES", requires = "retention", value_parser = clap::value_parser!(u64).range(1..))]
    cards: Option<u64>,
    /// Where the files of a soak go
    #[arg(long, value_name = "DIR", default_value = "target/soak")]
    out: PathBuf,
    /// A setting that every instance is started with, as its own `--set`; may be given more than once
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// The outcome as JSON, after the rounds
    #[arg(long)]
    json: bool,
}

/// Does what is asked for.
///
/// # Errors
/// Something was lost, came twice or is wrong; or something cannot be started.
pub fn run(args: &Args) -> anyhow::Result<()> {
    match args.soak {
        Some(minutes) => quiet(args, minutes),
        None => broken(args),
    }
}

const fn of_minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

fn quiet(args: &Args, minutes: u64) -> anyhow::Result<()> {
    let text = soak(
        of_minutes(minutes),
        &args.settings,
        args.retention.map(of_minutes),
        args.cards.map(of_minutes),
        &args.out,
    )?;
    println!("{text}files: {}", args.out.display());
    Ok(())
}

fn broken(args: &Args) -> anyhow::Result<()> {
    let seed = args.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs())
    });
    let rounds = args.rounds;
    let kinds = if args.only.is_empty() {
        KINDS
    } else {
        &args.only
    };
    let campaign = Campaign {
        rounds,
        seed,
        kinds,
        settings: &args.settings,
    };
    let told: String = args
        .settings
        .iter()
        .map(|setting| format!(" --set {setting}"))
        .collect();
    let again = || format!("again with: --rounds {rounds} --seed {seed}{told}");
    let outcome = campaign.run().with_context(again)?;
    for complaint in &outcome.complaints {
        println!("  {complaint}");
    }
    println!("{}", outcome.summary());
    if args.json {
        println!("{:#}", outcome.json());
    }
    outcome.judge(rounds).with_context(again)
}
