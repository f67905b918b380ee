//! `tenfold demo`: one day of two labs, at speed, against the real services; then the truth is compared
//! with what was reported.
//!
//! [`play`] is the day from the first registration to the last report. Its parts: [`day`] (the files),
//! [`truth`] (who is positive), [`bench`] (receiving and pooling), [`details`] (waiting for registrations),
//! [`plates`] and [`cycler`] (runs), [`reporting`] (who takes the reports), [`summary`] (what came of it).
//! [`generate`] made the files.

mod bars;
mod bench;
mod cycler;
mod day;
mod details;
pub mod generate;
mod lab;
mod plates;
mod play;
mod reporting;
mod summary;
mod truth;

use crate::connect::Session;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::Args;
use std::path::PathBuf;
use tenfold_service_shell::config::{Config, LogKind};
use tenfold_service_shell::process::{Listeners, Process, RunArgs};
use tenfold_service_shell::{signals, telemetry, topics};
use tokio_util::sync::CancellationToken;

/// The demonstration.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tenfold demo                             a day of two labs on the embedded log in ./data, then it keeps serving
  tenfold demo --exit                      ends after the day; exit code 1 if anything was not as the truth says
  tenfold demo --kafka 127.0.0.1:9092 --dev
  tenfold demo --server http://127.0.0.1:7070      plays it against services that run already

Run it again: the next day joins the days before. What a day left that was killed stays in the lab, and
nobody waits for it: tenfold work --lab lab-1 --queue pending")]
pub struct Demo {
    #[command(flatten)]
    run: RunArgs,
    /// End when the day has ended
    #[arg(long)]
    exit: bool,
    /// Make the files of the day anew, and do nothing else
    #[arg(long, value_name = "FOLDER", hide = true)]
    generate: Option<PathBuf>,
}

impl Demo {
    /// The flags of the services.
    pub const fn run_args(&self) -> &RunArgs {
        &self.run
    }
}

/// Plays a day. `elsewhere`: the services run in another process.
pub fn run(
    args: &Demo,
    mut config: Config,
    actor: String,
    elsewhere: bool,
    output: Output,
) -> Outcome {
    if let Some(folder) = &args.generate {
        return generate::write(folder);
    }
    if config.telemetry.level == "info" {
        // The day tells its own story; the services speak up when something is wrong.
        "warn,tenfold_runtime=error".clone_into(&mut config.telemetry.level);
    }
    telemetry::start(&config.telemetry).map_err(|error| Failure::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        signals::listen(stop.clone())?;
        let serving = if elsewhere {
            None
        } else {
            Some(serve(&mut config, stop.clone()).await?)
        };
        if serving.is_some() {
            output.say(&crate::console::told(&config));
        }
        let session = Session::new(config, actor, None);
        let played = tokio::select! {
            played = play::day(&session, output) => played,
            () = stop.cancelled() => Err(Failure::Wrong("stopped before the day ended; what was done is kept".to_owned())),
        };
        if played.is_ok() && !args.exit && !stop.is_cancelled() {
            summary::what_to_try(output, &session);
            stop.cancelled().await;
        }
        stop.cancel();
        if let Some(serving) = serving {
            serving
                .await
                .map_err(|error| Failure::Wrong(error.to_string()))?
                .map_err(|error| Failure::Wrong(format!("{error:#}")))?;
        }
        played
    })
}

/// Starts all three services in this process.
async fn serve(
    config: &mut Config,
    stop: CancellationToken,
) -> Outcome<tokio::task::JoinHandle<anyhow::Result<()>>> {
    let unavailable = |error: anyhow::Error| Failure::Unavailable(format!("{error:#}"));
    let listeners = Listeners::bind(&config.listen.all)
        .await
        .map_err(unavailable)?;
    let process = tokio::task::block_in_place(|| {
        if config.log.kind == LogKind::Kafka {
            let log = tenfold_service_shell::stores::open_log(config)?.log;
            topics::create(log.as_ref(), &config.lanes).map_err(|error| anyhow::anyhow!(error))?;
        }
        let mut process = Process::open(config.clone(), listeners, stop, &crate::run::tables())?;
        crate::run::add_all(&mut process)?;
        anyhow::Ok(process)
    })
    .map_err(unavailable)?;
    let address = process.address().to_owned();
    config.client.intake.clone_from(&address);
    config.client.pooling.clone_from(&address);
    config.client.results = address;
    Ok(tokio::spawn(process.serve()))
}
