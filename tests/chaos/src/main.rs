//! `make chaos`: faults on a real Kafka, round after round.

use clap::Parser as _;
use std::process::ExitCode;
use tenfold_chaos::cli::{Args, run};

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
