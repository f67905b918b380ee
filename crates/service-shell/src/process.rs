//! A process: a log, one or several services on it, and what they listen on. A service's own `main` runs
//! one ([`crate::program::main`]); `tenfold run`, the demonstration and tests put all three in one ([`Process`]).

use crate::caches;
use crate::config::{Addresses, Config, LogKind, Override};
use crate::dead_letters::DeadLetters;
use crate::operations::{Operations, Running};
use crate::service::{Parts, Service, Task};
use crate::stores::{Opened, open_log_of_services, open_snapshots};
use crate::{grpc, http, metrics, topics};
use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenfold_runtime::heads::Heads;
use tenfold_runtime::instance::{
    Caches, Directory, Instance, InstanceConfig, Tables, lanes_server,
};
use tenfold_runtime::log::Log;
use tenfold_runtime::snapshot::Snapshots;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;

/// How long lanes have to commit and let go on the way down.
const LEAVE_MAX: Duration = Duration::from_millis(1_500);

/// How long a process waits for its lanes before it says that it still waits.
const STARTING: Duration = Duration::from_secs(10);

/// Flags of whatever runs services; each stands for a setting.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// Folder for the embedded log and the caches, if not ./data
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Run on Apache Kafka at these brokers instead of the embedded log
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// Accept Kafka settings that break promises (one replica): for development
    #[arg(long)]
    pub dev: bool,
    /// Name of this instance; must differ between instances and stay the same when it starts again
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Address for gRPC
    #[arg(long, value_name = "IP:PORT")]
    pub grpc: Option<String>,
    /// Address for /metrics, /healthz and /readyz
    #[arg(long, value_name = "IP:PORT")]
    pub http: Option<String>,
    /// Address for the bench console, if not that of the settings
    #[arg(long, value_name = "IP:PORT")]
    pub console: Option<String>,
    /// Form of log lines: text or json
    #[arg(long, value_name = "FORM")]
    pub log_format: Option<String>,
}

impl RunArgs {
    /// The settings they stand for; `what` is a service's name, or `all`.
    #[must_use]
    pub fn overrides(&self, what: &str) -> Vec<Override> {
        let mut flags = Vec::new();
        let mut set = |key: String, value: Option<String>| {
            flags.extend(value.map(|value| (key, value)));
        };
        if let Some(data) = &self.data {
            let under = |name: &str| Some(data.join(name).to_string_lossy().into_owned());
            set("log.dir".to_owned(), under("log"));
            set("cache.dir".to_owned(), under("cache"));
        }
        if self.kafka.is_some() {
            set("log.kind".to_owned(), Some("kafka".to_owned()));
        }
        set("log.brokers".to_owned(), self.kafka.clone());
        set("log.dev".to_owned(), self.dev.then(|| "true".to_owned()));
        set("instance.name".to_owned(), self.instance.clone());
        set(format!("listen.{what}.grpc"), self.grpc.clone());
        set(format!("listen.{what}.http"), self.http.clone());
        set("console.listen".to_owned(), self.console.clone());
        set("telemetry.format".to_owned(), self.log_format.clone());
        flags
    }
}

/// What a process listens on; made before anything starts, so that a taken port is told at once.
#[derive(Debug)]
pub struct Listeners {
    /// For gRPC.
    pub grpc: TcpListener,
    /// For `/metrics`, `/healthz`, `/readyz`.
    pub http: TcpListener,
}

impl Listeners {
    /// Binds both.
    ///
    /// # Errors
    /// An address is taken or not this machine's.
    pub async fn bind(addresses: &Addresses) -> anyhow::Result<Self> {
        let bind = async |address| {
            TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen on {address}: is another process running?"))
        };
        Ok(Self {
            grpc: bind(addresses.grpc).await?,
            http: bind(addresses.http).await?,
        })
    }
}

/// A process that is being put together, then served.
pub struct Process {
    config: Config,
    log: Arc<dyn Log>,
    snapshots: Option<Snapshots>,
    heads: Option<Arc<Heads>>,
    directory: Arc<Directory>,
    listeners: Listeners,
    address: String,
    stop: CancellationToken,
    /// How many services will share the machine's cores.
    services: usize,
    instances: Vec<Instance>,
    /// Caches that are being read, or were, of services that were not added yet.
    early: caches::Early,
    routes: RoutesBuilder,
    names: Vec<String>,
    tasks: Vec<Task>,
}

impl Process {
    /// Opens the log and checks its topics; on the embedded log it creates what is missing, on Kafka
    /// `tenfold topics create` does. Meanwhile the caches of `services` are read, if the log is this process's alone; they
    /// are those that will be added. Blocks for seconds: call it where blocking is allowed.
    ///
    /// # Errors
    /// The log cannot be used, and what to do.
    pub fn open(
        config: Config,
        listeners: Listeners,
        stop: CancellationToken,
        services: &[Tables],
    ) -> anyhow::Result<Self> {
        // Before anything is counted: lanes work from the moment they are owned.
        metrics::install()?;
        if let Some(problem) = config.heads_problem() {
            bail!(problem);
        }
        let mut early = caches::Early::default();
        let Opened { log, heads } =
            open_log_of_services(&config, || early = caches::Early::begin(&config, services))?;
        let plans = topics::plans(&config.lanes);
        if config.log.kind == LogKind::Embedded {
            topics::create(log.as_ref(), &config.lanes).map_err(|error| anyhow!(error))?;
        } else {
            let problems = log.settings_problems(&plans);
            for problem in &problems {
                tracing::warn!("{problem}");
            }
            if !problems.is_empty() && !config.log.dev {
                bail!(
                    "the log does not keep the promises made here:\n  {}\nPut it right, or accept it for development with --dev.",
                    problems.join("\n  ")
                );
            }
        }
        let grpc = listeners.grpc.local_addr()?;
        let address = if config.listen.advertise.is_empty() {
            format!("http://{grpc}")
        } else {
            config.listen.advertise.clone()
        };
        if grpc.ip().is_loopback() {
            tracing::info!(
                "listening on this machine only: calls are neither encrypted nor authenticated yet"
            );
        } else {
            tracing::warn!(%grpc, "listening beyond this machine: everybody on the network may do everything");
        }
        Ok(Self {
            directory: Directory::start(Arc::clone(&log)),
            snapshots: open_snapshots(&config)?,
            heads,
            config,
            log,
            listeners,
            address,
            stop,
            services: 1,
            instances: Vec::new(),
            early,
            routes: RoutesBuilder::default(),
            names: Vec::new(),
            tasks: Vec::new(),
        })
    }

    /// So many services will be added: they share the machine's cores.
    pub const fn shared_by(&mut self, services: usize) {
        self.services = services;
    }

    /// Starts a service's lanes. Blocks.
    ///
    /// # Errors
    /// Its cache or lanes cannot start.
    pub fn add<S: Service>(&mut self, service: &S) -> anyhow::Result<()> {
        let name = self.config.instance_name();
        let read = self.early.of(S::NAME)?;
        let caches =
            read.map_or_else(|| caches::open(&self.config, S::NAME).map(Caches::over), Ok)?;
        let mut settings = InstanceConfig::on(&name, &self.address, caches);
        settings.workers = self.config.instance.workers(S::NAME, self.services);
        settings.niceness = self.config.instance.niceness(S::NAME);
        settings.snapshots = self.snapshots.clone();
        settings.heads = self.heads.clone();
        settings.standby = self.config.cache.standby;
        settings.call_timeout = self.config.grpc.call_max();
        settings.limits.post_budget = Duration::from_millis(self.config.budget.acknowledgement_ms);
        settings.limits.small_record_bytes = self.config.lanes.small_record_bytes as usize;
        settings.limits.relay_gather =
            Duration::from_millis(self.config.lanes.messages_gather_ms.into());
        settings.limits.outcome_kept = self.config.lanes.answers_kept();
        settings.limits.gather = Duration::from_millis(self.config.cache.gather_ms.into());
        settings.limits.gather_rows_max = self.config.cache.gather_rows as usize;
        settings.limits.call_budget = Duration::from_millis(self.config.budget.scan_ms);
        let instance = Instance::start(
            Arc::clone(&self.log),
            service.processor(),
            &self.directory,
            settings,
        )?;
        let parts = Parts {
            gateway: instance.gateway(),
            log: Arc::clone(&self.log),
            instance: name,
            runs: self.config.runs(),
            stop: self.stop.clone(),
        };
        service.routes(&parts, &mut self.routes);
        self.names
            .extend(S::RPC.iter().map(|rpc| (*rpc).to_owned()));
        self.tasks.extend(service.background(&parts));
        self.instances.push(instance);
        Ok(())
    }

    /// Runs a task beside the services until the process stops.
    pub fn beside(&mut self, task: Task) {
        self.tasks.push(task);
    }

    /// The settings it runs with.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Told when it stops.
    #[must_use]
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The way into a service that was added.
    #[must_use]
    pub fn gateway(&self, service: &str) -> Option<tenfold_runtime::gateway::Gateway> {
        self.instances
            .iter()
            .find(|instance| instance.service() == service)
            .map(Instance::gateway)
    }

    /// Where it listens for gRPC, such as `http://127.0.0.1:7070`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Serves until told to stop, then leaves in order: calls end, lanes commit and are let go.
    ///
    /// # Errors
    /// A listener fails.
    pub async fn serve(self) -> anyhow::Result<()> {
        let began = Instant::now();
        let metrics = metrics::install()?;
        let running = Arc::new(Running::new(
            &self.config,
            Arc::clone(&self.log),
            self.instances,
        ));
        let mut routes = self.routes;
        routes.add_service(lanes_server(running.calls()));
        let mut names = self.names;
        let letters = DeadLetters::new(Arc::clone(&self.log));
        if let Some(operations) = Operations::new(Arc::clone(&running), letters) {
            names.push("tenfold.v1.Operations".to_owned());
            routes.add_service(operations.into_server());
        }
        let mut tasks: Vec<_> = self.tasks.into_iter().map(tokio::spawn).collect();
        tasks.push(tokio::spawn(tell_when_ready(
            Arc::clone(&running),
            self.address.clone(),
            began,
        )));
        let ready = Arc::clone(&running);
        let pages = tokio::spawn(http::serve(
            self.listeners.http,
            metrics,
            Arc::new(move || ready.not_ready()),
            self.stop.clone(),
        ));
        let served = grpc::serve(
            self.listeners.grpc,
            routes,
            &names,
            &self.config.grpc,
            self.stop.clone(),
        )
        .await;
        self.stop.cancel();
        for task in &tasks {
            task.abort();
        }
        tokio::task::spawn_blocking(move || running.leave(LEAVE_MAX)).await?;
        pages.await??;
        served?;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn tell_when_ready(running: Arc<Running>, address: String, began: Instant) {
    let mut told = false;
    loop {
        let missing = running.not_ready();
        if missing.is_empty() {
            tracing::info!(
                address,
                took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                "ready"
            );
            return;
        }
        if began.elapsed() > STARTING && !told {
            told = true;
            tracing::warn!("still waiting: {}", missing.join("; "));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
