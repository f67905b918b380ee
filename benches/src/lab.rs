//! A running Tenfold: `tenfold run` as a process of its own on the broker of this run, called over gRPC.

use crate::bed::Bed;
use crate::tubes::{Load, SCAN_BENCH, barcode, now_ms};
use anyhow::{Context as _, ensure};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tenfold_proto::v1;
use tenfold_tests::process::{Served, program, run};
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint};
use v1::intake_client::IntakeClient;
use v1::operations_client::OperationsClient;
use v1::pooling_client::PoolingClient;

/// Lanes of pooling in the default settings: a lab on each.
pub const LABS: u32 = 8;

/// Registrations in a batch of a stream.
pub const BATCH: usize = 500;

/// Batches of a stream under way.
pub const WINDOW: usize = 8;

/// Registrations made at once, before they are streamed: bounds memory.
const PART: usize = 100_000;

/// Tubes received in one call: the most that one takes.
const BOX: usize = 96;

/// First number of tubes that never come: above all that do.
const STRANGERS: usize = 100_000_000;

/// Longest time until what was registered is known where it is needed.
const KNOWN_MAX: Duration = Duration::from_secs(300);

/// See the module.
pub struct Lab {
    /// Labs and their names; their tubes are numbered on from run to run.
    pub load: Load,
    served: Served,
    _folder: TempDir,
    runtime: tokio::runtime::Runtime,
    next: usize,
    strangers: usize,
    streams: u32,
}

impl Lab {
    /// Makes the topics, starts the process, applies the policy.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn start(bed: &Bed) -> anyhow::Result<Self> {
        Self::on(bed.kafka().bootstrap())
    }

    /// The same on this single broker.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn on(broker: &str) -> anyhow::Result<Self> {
        Self::of(broker, &["--dev"], Load::new(LABS, 0))
    }

    /// The same on three brokers or more, each record on three of them, with the labs of this load.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn replicated(brokers: &str, load: Load) -> anyhow::Result<Self> {
        Self::of(brokers, &[], load)
    }

    fn of(brokers: &str, more: &[&str], load: Load) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tenfold-bench-")
            .tempdir()?;
        let tenfold = program("tenfold");
        let arguments = [&["topics", "create", "--kafka", brokers], more].concat();
        let (status, said, told) = run(&tenfold, &arguments);
        ensure!(status.success(), "topics are not created: {said}{told}");
        let name = crate::kafka::fresh("bench-");
        let arguments = [&["run", "--kafka", brokers, "--instance", &name], more].concat();
        let served = Served::new("tenfold", tenfold, &arguments, folder.path());
        Self::with(served, folder, &name, load)
    }

    /// The same on an embedded log of its own.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn embedded() -> anyhow::Result<Self> {
        Self::on_disk(Load::new(LABS, 0), &[])
    }

    /// A single lab on an embedded log of its own, with its console at this address.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn with_console(console: SocketAddr) -> anyhow::Result<Self> {
        Self::on_disk(Load::new(1, 0), &["--console", &console.to_string()])
    }

    fn on_disk(load: Load, more: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tenfold-bench-")
            .tempdir()?;
        let arguments = [&["run", "--data", "data"], more].concat();
        let served = Served::new("tenfold", program("tenfold"), &arguments, folder.path());
        Self::with(served, folder, "embedded", load)
    }

    fn with(mut served: Served, folder: TempDir, name: &str, load: Load) -> anyhow::Result<Self> {
        served.start();
        served.wait_ready();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let lab = Self {
            load,
            served,
            _folder: folder,
            runtime,
            next: 0,
            strangers: STRANGERS,
            streams: 0,
        };
        let request = v1::ApplyPolicyRequest {
            actor: "bench".to_owned(),
            request_id: name.to_owned(),
            content: lab.load.policy_text(),
        };
        lab.runtime.block_on(async {
            OperationsClient::new(lab.connect().await?)
                .apply_policy(request)
                .await?;
            anyhow::Ok(())
        })?;
        Ok(lab)
    }

    /// Kills it with -9 and starts it again; answers how long until it had ended, and from there until it was ready.
    pub fn killed_and_started(&mut self) -> (Duration, Duration) {
        let began = Instant::now();
        self.served.kill();
        let ended = began.elapsed();
        self.served.start();
        self.served.wait_ready();
        (ended, began.elapsed().saturating_sub(ended))
    }

    /// Scans a tube of the first lab, as soon as it is taken.
    ///
    /// # Errors
    /// It is refused.
    pub fn scan_once(&self, number: usize) -> anyhow::Result<()> {
        self.block_on(async {
            let request = v1::ScanRequest {
                lab: self.load.labs.first().cloned().context("a lab")?,
                actor: "bench".to_owned(),
                request_id: format!("once-{number}"),
                bench: SCAN_BENCH.to_owned(),
                barcode: barcode(0, number),
            };
            PoolingClient::new(self.connect().await?)
                .scan(request)
                .await?;
            anyhow::Ok(())
        })
    }

    /// Registers so many tubes that never come, over all labs; done when pooling knows the last ones.
    ///
    /// # Errors
    /// It takes too long, or is refused.
    pub fn register_strangers(&mut self, count: usize) -> anyhow::Result<()> {
        let first = self.strangers(count);
        let lanes = self.load.labs.len();
        self.block_on(async {
            let channel = self.connect().await?;
            for start in (first..first + count).step_by(PART) {
                let part = start..(start + PART).min(first + count);
                let all = part
                    .map(|number| self.load.registration_at(number % lanes, number, now_ms()))
                    .collect();
                register(channel.clone(), &format!("strangers-{start}"), all, None).await?;
            }
            let mut client = PoolingClient::new(channel);
            let began = Instant::now();
            for number in (first + count).saturating_sub(lanes * 32)..first + count {
                let lane = number % lanes;
                let lab = self.load.labs.get(lane).cloned().context("a lab")?;
                let ask = v1::GetTubeRequest {
                    lab,
                    tube: barcode(lane, number),
                };
                while client.get_tube(ask.clone()).await.is_err() {
                    ensure!(began.elapsed() < KNOWN_MAX, "tube {number} is never known");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            Ok(())
        })
    }

    /// The process.
    #[must_use]
    pub const fn served(&self) -> &Served {
        &self.served
    }

    /// Runs something that calls it.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn connect(&self) -> anyhow::Result<Channel> {
        let endpoint = Endpoint::from_shared(self.served.address())?.tcp_nodelay(true);
        endpoint.connect().await.context("tenfold does not answer")
    }

    /// Registers so many more tubes at each lab, and receives them. Answers the number of the first: the same at each lab.
    ///
    /// # Errors
    /// It takes too long, or is refused.
    pub fn bring(&mut self, tubes: usize) -> anyhow::Result<usize> {
        self.bring_to(0..self.load.labs.len(), tubes)
    }

    /// The same at some of the labs.
    ///
    /// # Errors
    /// As [`Lab::bring`].
    pub fn bring_to(&mut self, labs: Range<usize>, tubes: usize) -> anyhow::Result<usize> {
        let first = self.next;
        self.next += tubes;
        self.streams += 1;
        let source = format!("bring-{}", self.streams);
        self.block_on(async {
            let channel = self.connect().await?;
            let all: Vec<v1::Registration> = labs
                .clone()
                .flat_map(|lane| (first..first + tubes).map(move |number| (lane, number)))
                .map(|(lane, number)| self.load.registration_at(lane, number, now_ms()))
                .collect();
            register(channel.clone(), &source, all, None).await?;
            let received = labs.map(|lane| self.receive(channel.clone(), lane, first, tubes));
            futures::future::try_join_all(received).await?;
            anyhow::Ok(())
        })?;
        Ok(first)
    }

    /// The newest record of each lane that it owns, by service and lane.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn lanes(&self) -> anyhow::Result<BTreeMap<(String, u32), u64>> {
        let status = OperationsClient::new(self.connect().await?)
            .get_status(v1::GetStatusRequest {})
            .await?
            .into_inner();
        let lanes = status.services.into_iter().flat_map(|service| {
            let name = service.service;
            let owned = service.owned.into_iter();
            owned.map(move |lane| ((name.clone(), lane.lane), lane.seq))
        });
        Ok(lanes.collect())
    }

    /// Numbers of so many tubes that are registered and never come; answers the first.
    pub const fn strangers(&mut self, count: usize) -> usize {
        let first = self.strangers;
        self.strangers += count;
        first
    }

    /// The label is scanned again and again until the registration is known, as a person does; then all are received.
    async fn receive(
        &self,
        channel: Channel,
        lane: usize,
        first: usize,
        tubes: usize,
    ) -> anyhow::Result<()> {
        let lab = self.load.labs.get(lane).context("a lab")?;
        let mut client = PoolingClient::new(channel);
        let began = Instant::now();
        for number in first..first + tubes {
            // Each at its own lane of intake: all must be known.
            let last_of_box =
                (number + 1 - first).is_multiple_of(BOX) || number + 1 == first + tubes;
            if !last_of_box {
                continue;
            }
            let start = first + (number - first) / BOX * BOX;
            for tube in start..=number {
                let ask = v1::GetTubeRequest {
                    lab: lab.clone(),
                    tube: barcode(lane, tube),
                };
                while client.get_tube(ask.clone()).await.is_err() {
                    ensure!(
                        began.elapsed() < KNOWN_MAX,
                        "tube {tube} of {lab} is never known"
                    );
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            let barcodes = (start..=number).map(|tube| barcode(lane, tube)).collect();
            let arrived = v1::TubesArrived {
                barcodes,
                another: false,
            };
            let request = v1::ReceiveRequest {
                lab: lab.clone(),
                actor: "bench".to_owned(),
                request_id: format!("receive-{lane}-{start}"),
                arrival: Some(v1::receive_request::Arrival::Tubes(arrived)),
            };
            client.receive(request).await?;
        }
        Ok(())
    }
}

/// Streams registrations until all are acknowledged as durable; `per_second` = evenly, no faster than that.
///
/// # Errors
/// The stream ends early.
pub async fn register(
    channel: Channel,
    source: &str,
    all: Vec<v1::Registration>,
    per_second: Option<u32>,
) -> anyhow::Result<()> {
    let count = all.len();
    let (sender, batches) = mpsc::channel(WINDOW);
    let source = source.to_owned();
    let began = Instant::now();
    tokio::spawn(async move {
        for (index, part) in all.chunks(BATCH).enumerate() {
            if let Some(rate) = per_second {
                let due = Duration::from_secs_f64((index * BATCH) as f64 / f64::from(rate.max(1)));
                tokio::time::sleep_until((began + due).into()).await;
            }
            let batch = v1::RegisterBatch {
                actor: "bench".to_owned(),
                source: source.clone(),
                first_sequence: (index * BATCH + 1) as u64,
                registrations: part.to_vec(),
            };
            if sender.send(batch).await.is_err() {
                return;
            }
        }
    });
    registered(channel, batches, count).await
}

/// Streams these batches until so many registrations are acknowledged as durable.
///
/// # Errors
/// The stream ends early.
pub async fn registered(
    channel: Channel,
    mut batches: mpsc::Receiver<v1::RegisterBatch>,
    count: usize,
) -> anyhow::Result<()> {
    let requests = futures::stream::poll_fn(move |context| batches.poll_recv(context));
    let mut acks = IntakeClient::new(channel)
        .register_stream(requests)
        .await?
        .into_inner();
    let mut durable = 0;
    while durable < count as u64 {
        let ack = acks
            .message()
            .await?
            .context("the stream of acknowledgements ended")?;
        durable = ack.sequence;
    }
    Ok(())
}
