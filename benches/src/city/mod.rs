//! A city's pooling service as a process of its own (`tenfold-pooling`), on a broker of its own, that grows: registrations come into
//! its inbox as intake would put them there, racks are received, planned and confirmed over gRPC.
//!
//! Nothing but pooling runs beside the broker, so what the process takes is pooling's. The caller is this process. It may be
//! several processes, each with a bound on the cores it may take ([`Crew`]): they share the lanes, and whoever is called hands a
//! call on to the one who has its lane. What becomes of it when one of them ends: `takeover`.

mod takeover;

pub use takeover::End;

use crate::kafka::Filler;
use crate::openloop::{Times, calls};
use crate::packer::Packer;
use crate::pooler::{RACKS_AT_ONCE, all_known, rack};
use crate::quota::Quota;
use crate::robot::Way;
use crate::tubes::{Load, RACK, SCAN_BENCH, barcode};
use crate::{cpu, kafka};
use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tenfold_proto::v1;
use tenfold_runtime::lane_of;
use tenfold_tests::kafka::KafkaCluster;
use tenfold_tests::process::{Served, program, run};
use tonic::transport::{Channel, Endpoint};
use v1::pooling_client::PoolingClient;

/// How the service is spread.
#[derive(Clone, Copy, Debug)]
pub struct Crew {
    /// Processes.
    pub instances: u32,
    /// Lanes that they share.
    pub lanes: u32,
    /// Most cores that each of them takes; `None` = as many as there are.
    pub cores: Option<f64>,
    /// It writes snapshots into a folder.
    pub snapshots: bool,
    /// Lanes of others are kept warm.
    pub standby: bool,
}

impl Crew {
    /// One process with the lanes of the default settings.
    pub const ONE: Self = Self {
        instances: 1,
        lanes: 8,
        cores: None,
        snapshots: false,
        standby: false,
    };
}

/// Longest time until the lanes are shared evenly.
const SHARED_MAX: Duration = Duration::from_secs(60);

/// Connections of those who scan.
const LINES: usize = 8;

/// The topic of its inbox.
const INBOX: &str = "tenfold.pooling.inbox";

/// See the module.
pub struct City {
    // Before the broker: they end while that still runs. And before the groups they are in.
    served: Vec<Served>,
    _quotas: Vec<Quota>,
    crew: Crew,
    inbox: Filler,
    _kafka: KafkaCluster,
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
    load: Load,
    /// Of each lane: its stream of registrations.
    packers: Vec<Packer>,
    /// Tubes of each lab so far, the same at all.
    tubes: usize,
    /// Number of the next tube.
    next: usize,
}

/// What growing took.
#[derive(Clone, Copy, Debug)]
pub struct Grown {
    /// Seconds of processor time that the service took.
    pub cpu: f64,
    /// Time until every registration was decided.
    pub registered: Duration,
    /// From there until every rack was confirmed.
    pub racked: Duration,
}

impl City {
    /// Starts a broker and the service, and tells every lane the policy.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn start(load: Load, crew: Crew) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tenfold-bench-")
            .tempdir()?;
        let kafka = KafkaCluster::to_measure();
        let brokers = kafka.bootstrap();
        let lanes = format!("lanes.pooling={}", crew.lanes);
        let arguments = [
            "topics", "create", "--dev", "--kafka", brokers, "--set", &lanes,
        ];
        let (status, said, told) = run(&program("tenfold"), &arguments);
        ensure!(status.success(), "topics are not created: {said}{told}");
        let inbox = Filler::to(brokers, INBOX)?;
        for lane in 0..crew.lanes {
            inbox.put(lane, &load.policy())?;
        }
        inbox.done()?;
        // Processes go before the groups they are in, here, too, if one cannot be started.
        let mut quotas = Vec::new();
        let mut served = Vec::new();
        for number in 1..=crew.instances {
            let name = kafka::fresh(&format!("city-{number}-"));
            let cache = format!("cache.dir=cache-{number}");
            let mut arguments = vec![
                "--kafka",
                brokers,
                "--dev",
                "--instance",
                &name,
                "--set",
                &lanes,
                "--set",
                &cache,
            ];
            let snapshots = format!(
                "snapshots.url=file://{}",
                folder.path().join("snapshots").display()
            );
            if crew.snapshots {
                arguments.extend(["--set", &snapshots]);
            }
            if crew.standby {
                arguments.extend(["--set", "cache.standby=true"]);
            }
            let log = format!("pooling-{number}");
            let mut process =
                Served::new(&log, program("tenfold-pooling"), &arguments, folder.path());
            process.start();
            if let Some(cores) = crew.cores {
                let quota = Quota::of_cores(cores, &name)?;
                quota.admit(process.id().context("pooling does not run")?)?;
                quotas.push(quota);
            }
            served.push(process);
        }
        for process in &mut served {
            process.wait_ready();
        }
        let city = Self {
            served,
            _quotas: quotas,
            crew,
            _kafka: kafka,
            inbox,
            folder,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
            load,
            packers: (0..crew.lanes).map(|_| Packer::default()).collect(),
            tubes: 0,
            next: 0,
        };
        city.shared()?;
        Ok(city)
    }

    /// Waits until nobody has more than one lane more than another.
    fn shared(&self) -> anyhow::Result<()> {
        let fewest = f64::from(self.crew.lanes / self.crew.instances);
        let began = Instant::now();
        let owned = |one: &Served| metric(one, "tenfold_lanes_owned");
        while !self.served.iter().all(|one| owned(one) >= fewest) {
            ensure!(
                began.elapsed() < SHARED_MAX,
                "the lanes are not shared evenly after {} s",
                SHARED_MAX.as_secs()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Tubes of all labs so far.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.tubes * self.load.labs.len()
    }

    /// Registers so many racks more at each lab, and pools them. All are registered before the first rack comes.
    ///
    /// # Errors
    /// Something is refused, or does not come.
    pub fn grow(&mut self, racks: usize) -> anyhow::Result<Grown> {
        let (cpu, began) = (self.cpu()?, Instant::now());
        let first = self.register(racks * RACK)?;
        let registered = began.elapsed();
        self.runtime.block_on(async {
            let mut ways = Vec::new();
            for number in 0..self.served.len() {
                ways.push(Way::Called(self.connect(number).await?));
            }
            // In turn, so that all labs work all the time; whoever is called, as behind a balancer.
            let all = (0..racks).flat_map(|number| {
                let labs = self.load.labs.iter().enumerate();
                labs.map(move |(lab, name)| (lab, name, first + number * RACK))
            });
            let mut under_way = futures::stream::iter(all.zip(ways.iter().cycle()))
                .map(|((lab, name, first), way)| rack(way, lab, name, first, Duration::ZERO))
                .buffer_unordered(RACKS_AT_ONCE);
            while let Some(done) = under_way.next().await {
                done?;
            }
            anyhow::Ok(())
        })?;
        Ok(Grown {
            cpu: self.cpu()? - cpu,
            registered,
            racked: began.elapsed().saturating_sub(registered),
        })
    }

    /// Puts so many tubes more of each lab into the inbox, and waits until the service knows them. Answers the first's number.
    fn register(&mut self, tubes: usize) -> anyhow::Result<usize> {
        // The number of a rack is that of its first tube: it begins where one of before cannot.
        let first = self.next.next_multiple_of(RACK);
        let numbers = first..first + tubes;
        for (lane, packer) in (0..self.crew.lanes).zip(&mut self.packers) {
            let labs = self.load.labs.iter().enumerate();
            let bodies = labs
                .filter(|(_, name)| lane_of(name, self.crew.lanes) == lane)
                .flat_map(|(lab, _)| numbers.clone().map(move |number| (lab, number)))
                .map(|(lab, number)| self.load.details(lab, number));
            for record in packer.pack(bodies) {
                self.inbox.put(lane, &record)?;
            }
        }
        self.inbox.done()?;
        self.tubes += tubes;
        self.next = numbers.end;
        self.known()?;
        Ok(first)
    }

    /// Waits until the service knows the last tube of each lab.
    fn known(&self) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let way = Way::Called(self.connect(0).await?);
            let tubes = self.load.labs.iter().enumerate();
            let tubes = tubes.map(|(lab, name)| (name.as_str(), barcode(lab, self.next - 1)));
            all_known(&way, tubes).await
        })
    }

    /// Scans tubes that were received before, so many a second, over all labs in turn; each must be told its place.
    ///
    /// # Errors
    /// One is refused.
    pub fn scan(&mut self, per_second: u32, count: usize) -> anyhow::Result<Times> {
        let labs = self.load.labs.len();
        let each = count.div_ceil(labs);
        let first = self.register(each)?;
        self.runtime.block_on(async {
            let mut lines = Vec::new();
            for line in 0..LINES {
                lines.push(self.connect(line % self.served.len()).await?);
            }
            let way = Way::Called(self.connect(0).await?);
            for (lab, name) in self.load.labs.iter().enumerate() {
                for start in (first..first + each).step_by(RACK) {
                    let numbers = start..(start + RACK).min(first + each);
                    let arrived = v1::TubesArrived {
                        barcodes: numbers.map(|number| barcode(lab, number)).collect(),
                        another: false,
                    };
                    let request = v1::ReceiveRequest {
                        lab: name.clone(),
                        arrival: Some(v1::receive_request::Arrival::Tubes(arrived)),
                        ..Default::default()
                    };
                    way.receive(&format!("tubes-{name}-{start}"), request)
                        .await?;
                }
            }
            calls(LINES, per_second, count, |line, number| {
                let lab = number % labs;
                let request = v1::ScanRequest {
                    lab: self.load.labs.get(lab).cloned().unwrap_or_default(),
                    actor: "bench".to_owned(),
                    request_id: format!("scan-{lab}-{}", first + number / labs),
                    bench: SCAN_BENCH.to_owned(),
                    barcode: barcode(lab, first + number / labs),
                };
                let client = lines.get(line).cloned();
                async move {
                    let mut client = client.context("a connection")?;
                    let tube = request.barcode.clone();
                    let answered = client.scan(request).await.with_context(|| tube.clone())?;
                    let placed = answered.into_inner().placement;
                    ensure!(
                        placed.is_some_and(|placed| placed.placement.is_some()),
                        "{tube} got no place"
                    );
                    Ok(())
                }
            })
            .await
        })
    }

    /// Bytes of all snapshots that are kept.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn snapshots(&self) -> anyhow::Result<u64> {
        cpu::disk(&self.folder.path().join("snapshots"))
    }

    /// To the instance with this number, from 0.
    async fn connect(&self, number: usize) -> anyhow::Result<PoolingClient<Channel>> {
        let served = self.served.get(number).context("an instance")?;
        let endpoint = Endpoint::from_shared(served.address())?.tcp_nodelay(true);
        let channel = endpoint
            .connect()
            .await
            .context("pooling does not answer")?;
        Ok(PoolingClient::new(channel))
    }

    /// Seconds of processor time that the service took since it started.
    fn cpu(&self) -> anyhow::Result<f64> {
        let processes = self.served.iter();
        processes
            .map(|one| cpu::process(one.id().context("pooling does not run")?))
            .sum()
    }

    /// Most memory that a process of the service ever had, in bytes.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn memory(&self) -> anyhow::Result<u64> {
        let most = self.served.iter().filter_map(Served::memory_max_mib).max();
        Ok(most.context("this system does not tell what memory a process takes")? << 20)
    }

    /// What its caches take of the disk, in bytes.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn disk(&self) -> anyhow::Result<u64> {
        let caches = (1..=self.crew.instances).map(|number| format!("cache-{number}"));
        caches
            .map(|cache| cpu::disk(&self.folder.path().join(cache)))
            .sum()
    }

    /// What an operator would look at.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.served.iter().flat_map(Served::complaints).collect()
    }
}

/// A number of an instance's metrics, all its lines together; 0 = it does not say.
fn metric(served: &Served, name: &str) -> f64 {
    let page = served.page("/metrics").unwrap_or_default();
    let lines = page.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        // Not `sum`: of nothing that is -0.
        .fold(0.0, |sum, more| sum + more)
}
