//! `make bench`: how fast Tenfold is, as ratios against yardsticks measured in the same run. See the library.

use clap::Parser as _;
use std::process::ExitCode;
use tenfold_bench::cli;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match cli::run(&cli::Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("some figures could not be measured: the table says why");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
