//! `make chaos`: faults on a real Kafka, round after round.

use anyhow::Context as _;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tenfold_chaos::campaign::Campaign;
use tenfold_chaos::fault::{KINDS, Kind};
use tenfold_chaos::soak::soak;

/// Break three brokers and six instances, one fault a round, under load; and check that nothing was lost, came
/// twice, or is wrong. Needs the programs built beside it: `cargo build --workspace --bins`
#[derive(Parser)]
#[command(version)]
struct Args {
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
    /// Where the files of a soak go
    #[arg(long, value_name = "DIR", default_value = "target/soak")]
    out: PathBuf,
    /// The outcome as JSON, after the rounds
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.soak {
        Some(minutes) => quiet(&args, minutes),
        None => broken(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn quiet(args: &Args, minutes: u64) -> anyhow::Result<()> {
    let text = soak(Duration::from_secs(minutes.saturating_mul(60)), &args.out)?;
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
    };
    let again = || format!("again with: --rounds {rounds} --seed {seed}");
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
