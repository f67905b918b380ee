//! The system under test: brokers, instances, and the proxies between them.

use crate::proxy::{Mode, Proxy};
use anyhow::{Context as _, ensure};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tenfold_tests::kafka::{KafkaCluster, Listener};
use tenfold_tests::process::{Served, free_address, program, run};
use tokio::runtime::Handle;

/// The services, in the order of the instances.
pub const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

/// Brokers.
pub const BROKERS: u32 = 3;

/// Everything that runs. Instances `2 n` and `2 n + 1` are a and b of service `n`; a's are behind proxies.
pub struct Bed {
    folder: TempDir,
    /// The brokers.
    pub kafka: KafkaCluster,
    /// By service, by broker.
    proxies: Vec<Vec<Proxy>>,
    /// The instances.
    pub instances: Vec<Served>,
    /// What every instance is told, as `key=value`.
    settings: Vec<String>,
}

impl Bed {
    /// Starts brokers (`lasting`: for hours), makes the topics, starts the instances with these settings (`key=value`)
    /// and waits until all are ready.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn start(runtime: &Handle, settings: &[String], lasting: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tenfold-chaos-")
            .tempdir()?;
        let outside = outside(folder.path());
        let (proxies, listeners) = runtime.block_on(proxies()).context("proxies")?;
        let kafka = KafkaCluster::start_with(BROKERS, &listeners, lasting);
        let arguments = ["topics", "create", "--kafka", kafka.bootstrap()];
        let (status, said, told) = run(&program("tenfold"), &arguments);
        ensure!(status.success(), "topics are not created: {said}{told}");
        let mut bed = Self {
            folder,
            kafka,
            proxies,
            instances: Vec::new(),
            settings: [outside, settings.to_vec()].concat(),
        };
        for (number, service) in SERVICES.iter().enumerate() {
            let near = bed.kafka.bootstrap().to_owned();
            let through = bootstrap(&bed.proxies, number);
            for (letter, bootstrap) in [("a", through), ("b", near)] {
                let mut served = bed.instance(service, letter, &bootstrap);
                served.start();
                bed.instances.push(served);
            }
        }
        for served in &mut bed.instances {
            served.wait_ready();
        }
        Ok(bed)
    }

    /// A third instance of a service, not started.
    #[must_use]
    pub fn third(&self, service: usize) -> Served {
        let name = SERVICES.get(service).copied().unwrap_or(SERVICES[0]);
        self.instance(name, "c", self.kafka.bootstrap())
    }

    fn instance(&self, service: &str, letter: &str, bootstrap: &str) -> Served {
        let name = format!("{service}-{letter}");
        let cache = format!("cache.dir=cache-{name}");
        let mut arguments = vec!["--kafka", bootstrap, "--instance", &name, "--set", &cache];
        for setting in &self.settings {
            arguments.extend(["--set", setting]);
        }
        let program = program(&format!("tenfold-{service}"));
        Served::new(&name, program, &arguments, self.folder.path())
    }

    /// The network of instance a of a service is like this from now on.
    pub fn network(&self, service: usize, mode: Mode) {
        for proxy in self.proxies.get(service).into_iter().flatten() {
            proxy.set(mode);
        }
    }

    /// Where the instances of a service answer.
    #[must_use]
    pub fn addresses(&self, service: usize) -> Vec<String> {
        self.instances
            .iter()
            .skip(2 * service)
            .take(2)
            .map(Served::address)
            .collect()
    }

    /// Waits until an instance is ready, however long it takes within `longest`; answers how long.
    ///
    /// # Errors
    /// It ended, or is not ready in time; with the end of its log.
    pub fn ready(served: &Served, longest: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while !served
            .page("/readyz")
            .is_some_and(|page| page.contains(" 200 "))
        {
            ensure!(
                began.elapsed() < longest,
                "{} is not ready after {} s:\n{}",
                served.name(),
                longest.as_secs(),
                served.log_tail()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(began.elapsed())
    }

    /// Keeps caches and logs for whoever looks into a failure, and beside them what each instance says of its lanes.
    /// Answers where.
    #[must_use]
    pub fn left_behind(&mut self) -> std::path::PathBuf {
        for served in &self.instances {
            let server = served.address();
            let (_, said, told) = run(
                &program("tenfold"),
                &["status", "--json", "--server", &server],
            );
            let file = self.folder.path().join(format!("status-{}", served.name()));
            // The failure itself matters more than what can be said about it.
            let _ = std::fs::write(file, said + &told);
        }
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// What the instances were told of heads: whoever reads the log needs it, too.
    pub fn of_heads(&self) -> impl Iterator<Item = &str> {
        let settings = self.settings.iter().map(String::as_str);
        settings.filter(|setting| setting.starts_with("heads."))
    }

    /// The folder with caches and logs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The folder of an instance's cache, in the bed's folder.
#[must_use]
pub fn cache_of(served: &Served) -> std::path::PathBuf {
    served.folder().join(format!("cache-{}", served.name()))
}

/// Snapshots and heads in stores that all instances share, so small that a short run has many of them.
fn outside(folder: &Path) -> Vec<String> {
    let store = |name: &str| format!("{name}.url=file://{}", folder.join(name).display());
    vec![
        store("snapshots"),
        "snapshots.every_mib=1".to_owned(),
        store("heads"),
        "heads.part_kib=64".to_owned(),
    ]
}

fn bootstrap(proxies: &[Vec<Proxy>], service: usize) -> String {
    let ports = proxies.get(service).into_iter().flatten().map(Proxy::port);
    ports
        .map(|port| format!("127.0.0.1:{port}"))
        .collect::<Vec<_>>()
        .join(",")
}

/// For each service a proxy in front of each broker, and the listeners that tell their clients of them.
async fn proxies() -> anyhow::Result<(Vec<Vec<Proxy>>, Vec<Listener>)> {
    let mut all = Vec::new();
    let mut listeners = Vec::new();
    for service in SERVICES {
        let mut row = Vec::new();
        let mut ports = Vec::new();
        for _ in 0..BROKERS {
            let port = free_address().port();
            row.push(Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?);
            ports.push(port);
        }
        listeners.push(Listener {
            name: format!("VIA_{}", service.to_uppercase()),
            told: row.iter().map(Proxy::port).collect(),
            ports,
        });
        all.push(row);
    }
    Ok((all, listeners))
}
