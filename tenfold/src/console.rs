//! The bench console in front of the services: beside them in one process, or in a process of its own.

use crate::failure::{Failure, Outcome};
use clap::Args;
use std::net::TcpListener;
use std::time::Duration;
use tenfold_console::Settings;
use tenfold_service_shell::config::{Config, Override};
use tenfold_service_shell::process::Process;
use tenfold_service_shell::{signals, telemetry};
use tokio_util::sync::CancellationToken;

/// How it is called.
pub const EXAMPLES: &str = "\
Examples:
  tenfold console --server http://127.0.0.1:7070              for a `tenfold run` elsewhere
  tenfold console --lab lab-1 --set client.pooling=http://127.0.0.1:7074 \\
      --set client.intake=http://127.0.0.1:7072 --set client.results=http://127.0.0.1:7076

`tenfold run` and `tenfold demo` serve it themselves.";

/// A console of its own.
#[derive(Args)]
pub struct Console {
    /// Address of the page, if not that of the settings
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<String>,
    /// The only lab it offers
    #[arg(long, value_name = "LAB")]
    lab: Option<String>,
}

impl Console {
    /// The settings its flags stand for.
    pub fn overrides(&self) -> Vec<Override> {
        let flags = [("console.listen", &self.listen), ("console.lab", &self.lab)];
        flags
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
            .collect()
    }
}

/// Serves it until told to stop.
pub fn run(config: Config) -> Outcome {
    telemetry::start(&config.telemetry).map_err(|error| Failure::Usage(error.to_string()))?;
    let listener = bind(&config)
        .map_err(Failure::Unavailable)?
        .ok_or_else(|| Failure::Usage("console.listen is empty: say --listen".to_owned()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        signals::listen(stop.clone())?;
        let client = &config.client;
        let services = [&client.intake, &client.pooling, &client.results].map(Clone::clone);
        serve(&config, listener, services, stop)
            .await
            .map_err(Failure::from)
    })
}

/// Adds the console to a process that has the services. A page that cannot be served keeps no service from work.
pub fn add(process: &mut Process) -> anyhow::Result<()> {
    let config = process.config().clone();
    match bind(&config) {
        Ok(None) => {}
        Err(why) => tracing::warn!("no bench console here: {why}"),
        Ok(Some(listener)) => {
            let own = process.address().to_owned();
            let stop = process.stop().clone();
            process.beside(Box::pin(async move {
                let services = [own.clone(), own.clone(), own];
                if let Err(error) = serve(&config, listener, services, stop).await {
                    tracing::error!(%error, "the bench console ended");
                }
            }));
        }
    }
    Ok(())
}

/// Where the console is, for people.
pub fn told(config: &Config) -> String {
    match config.console.address() {
        Some(address) => format!("The bench console is a web page at http://{address}"),
        None => "There is no bench console: console.listen is empty".to_owned(),
    }
}

fn bind(config: &Config) -> Result<Option<TcpListener>, String> {
    let Some(address) = config.console.address() else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map(Some).map_err(|error| {
        format!("cannot listen on {address} (console.listen): {error}; is another process running?")
    })
}

async fn serve(
    config: &Config,
    listener: TcpListener,
    [intake, pooling, results]: [String; 3],
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tracing::info!(
        "the bench console is a web page at http://{}",
        listener.local_addr()?
    );
    let settings = Settings {
        intake,
        pooling,
        results,
        lab: config.console.lab.clone(),
        call_max: Duration::from_millis(config.grpc.call_ms_max),
    };
    tenfold_console::serve(listener, settings, stop).await
}
