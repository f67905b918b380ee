//! The program around a process: command line, settings, logs, signals; and the `main` of one service.

use crate::config::{Addresses, Config, ENV_FILE, Override, key_value};
use crate::process::{Listeners, Process, RunArgs};
use crate::service::Service;
use crate::{signals, telemetry};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use tenfold_runtime::instance::Tables;
use tokio_util::sync::CancellationToken;

/// One of Tenfold's services; `tenfold` is the command line to it.
#[derive(Parser)]
#[command(version)]
struct ServiceArgs {
    /// Settings file; `tenfold config` prints the defaults, with their explanation
    #[arg(long, value_name = "FILE", env = ENV_FILE)]
    config: Option<PathBuf>,
    /// Change one setting, such as `lanes.intake=4`; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<Override>,
    #[command(flatten)]
    run: RunArgs,
}

/// The `main` of one service's program: reads the command line and settings, serves until told to stop.
#[must_use]
pub fn main<S: Service>(service: &S) -> ExitCode {
    let args = ServiceArgs::parse();
    let mut flags = args.run.overrides(S::NAME);
    flags.extend(args.set);
    let config = match Config::load(args.config.as_deref(), &flags) {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(2);
        }
    };
    let addresses = config.listen.of(S::NAME);
    let tables = [Tables::of(&service.processor())];
    match run(config, addresses, &tables, |process| process.add(service)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a process until a signal stops it; `assemble` adds its services, whose tables these are.
///
/// # Errors
/// It cannot start, or a listener fails.
pub fn run(
    config: Config,
    addresses: Addresses,
    services: &[Tables],
    assemble: impl FnOnce(&mut Process) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    telemetry::start(&config.telemetry)?;
    let _armed = tenfold_runtime::crash::armed();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        signals::listen(stop.clone())?;
        let listeners = Listeners::bind(&addresses).await?;
        let process = tokio::task::block_in_place(|| {
            let mut process = Process::open(config, listeners, stop, services)?;
            assemble(&mut process)?;
            anyhow::Ok(process)
        })?;
        process.serve().await
    })
}
