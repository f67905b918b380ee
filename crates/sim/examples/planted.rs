//! The simulation's command line again, for trees with a planted bug: built in the target folder of a sound tree,
//! it must not take the place of the sound program.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    sim::cli::Cli::parse().run()
}
