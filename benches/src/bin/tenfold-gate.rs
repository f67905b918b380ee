//! The gate that does not depend on the machine's mood: instructions, counted by `valgrind --tool=callgrind`, of what a
//! service does for each input. Told apart by kernel; compared with `benches/baseline.json`.

use clap::Parser;
use std::process::ExitCode;
use tenfold_bench::gate::{baseline, check, kernels};

/// Count the instructions of decide, fold, encode, decode and apply, and compare them with the baseline.
#[derive(Debug, Parser)]
#[command(name = "tenfold-gate", version)]
struct Args {
    /// Write the baseline anew instead of comparing
    #[arg(long)]
    baseline: bool,
    /// Run one kernel, without counting: what valgrind is given
    #[arg(long, value_name = "NAME", hide = true)]
    kernel: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.kernel {
        Some(name) => kernels::run(name),
        None if args.baseline => baseline(),
        None => check(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
