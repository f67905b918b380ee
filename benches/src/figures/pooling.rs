//! Pooling throughput: registrations in the inbox, then racks of tubes from a liquid handler, until every assignment and
//! every seal is durable in the journal.
//!
//! Ours is the pooling service as a library in this process (lanes, cache and log as in its binary; no gRPC, which the
//! yardsticks have not either), on the same broker, with an inbox that was filled before. The clock runs from the first lane
//! owned until the last answer: read and decide every registration, receive each rack, plan it, confirm it. So each sample
//! makes four events (expected, received, planned, transferred) and a message to intake, and each pool two; the yardsticks
//! write one record a sample. Afterwards the journal is read and counted: one assignment a tube, ten pools a rack.

use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::kafka::{Filler, drop_topics, fresh, run_log};
use crate::peers::{copy, postgres, streams};
use crate::pooler::{self, Pooled, RACKS_AT_ONCE};
use crate::robot::Way;
use crate::tubes::Load;
use anyhow::{Context as _, anyhow, ensure};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenfold_pooling::PoolingProcessor;
use tenfold_runtime::cache::SledCache;
use tenfold_runtime::instance::{
    Directory, Instance, InstanceConfig, OWNERS, PUBLIC_TOPICS, SERVICES,
};
use tenfold_runtime::lane::init::create_lanes;
use tenfold_runtime::log::{Log, Retention, Topic, TopicPlan};

/// Memory of the cache, as the settings' default has it.
const CACHE_BYTES: usize = 64 << 20;

/// Threads that run lanes: as many as Kafka Streams is given, and what the settings say on a machine of two cores.
const WORKERS: usize = 2;

/// How long lanes may take to be owned, and to leave.
pub(super) const LANES_MAX: Duration = Duration::from_secs(60);

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "pooling",
    ours: "the pooling service as a library in this process on one broker: registrations in the inbox, racks received, planned \
           and confirmed through its gateway, until the last seal is durable; the journal is counted afterwards",
    metrics: &[
        Metric::rate("samples/s"),
        Metric::rate("samples/s from start"),
    ],
    start,
    yardsticks: &[
        Yardstick {
            name: "copy",
            how: "librdkafka alone, exactly once, one sample a record, no decisions, no state; a quarter of a million \
                  samples a transaction, 1 MiB batches, a million records read ahead (rdkafka's safe API, one thread)",
            aims: &[Some(1.3), None],
            start: copy::samples,
        },
        Yardstick {
            name: "packed-copy",
            how: "librdkafka alone, exactly once, the same samples in the records of up to 64 KiB that our inbox has them \
                  in; a quarter of a million samples a transaction, 1 MiB batches (rdkafka's safe API, one thread)",
            aims: &[Some(0.25), None],
            start: copy::packed,
        },
        Yardstick {
            name: "postgres",
            how: "PostgreSQL as a laboratory system uses it: one transaction a sample over 8 connections, one function call \
                  each (pgbench, prepared, Unix socket; fsync off as on the broker beside it, 1 GB of buffers, no vacuum)",
            aims: &[Some(100.0), None],
            start: postgres::one_by_one,
        },
        Yardstick {
            name: "postgres-sets",
            how: "PostgreSQL as an expert would: registrations in a table, 2,000 samples a transaction in set-based SQL, 8 \
                  connections that never wait for each other's locks (pgbench, the same settings)",
            aims: &[Some(5.0), None],
            start: postgres::sets,
        },
        Yardstick {
            name: "streams",
            how: "Kafka Streams, exactly_once_v2, RocksDB, two threads, the same samples one a record (benches/peers/streams \
                  says how it is tuned); samples/s = its second half, when it is warm",
            aims: &[Some(7.0), Some(10.0)],
            start: streams::start,
        },
        Yardstick {
            name: "streams-steps",
            how: "Kafka Streams with the steps that ours takes: each tube expected, received in a rack, planned by deadline, \
                  confirmed, and told to intake; tubes, racks and pools in RocksDB; tuned as `streams`. It answers nobody, and \
                  knows no holds, queues, boards and deadlines",
            aims: &[None, None],
            start: streams::steps,
        },
    ],
    bounds: &[],
};

struct Pooling {
    bed: Arc<Bed>,
    load: Load,
    inboxes: Vec<Vec<Bytes>>,
    runtime: tokio::runtime::Runtime,
}

fn start(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    let load = bed.size.load();
    Ok(Box::new(Pooling {
        bed: Arc::clone(bed),
        inboxes: (0..load.labs.len()).map(|lane| load.inbox(lane)).collect(),
        load,
        runtime: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?,
    }))
}

impl Contestant for Pooling {
    fn run(&mut self) -> anyhow::Result<Took> {
        let bootstrap = self.bed.kafka().bootstrap();
        let run = fresh("run-");
        prepare(bootstrap, &run, &self.inboxes)?;
        let folder = tempfile::tempdir()?;
        let started = Instant::now();
        let owner = Owner::start(bootstrap, &run, folder.path(), self.load.lanes())?;
        let way = Way::Within(owner.instance.gateway());
        let warm = Instant::now();
        let phases = self
            .runtime
            .block_on(pooler::work(&self.load, RACKS_AT_ONCE, |_| &way))?;
        let (warm, whole) = (
            warm.elapsed().as_secs_f64(),
            started.elapsed().as_secs_f64(),
        );
        let log = owner.leave();
        let counted =
            pooler::count(log.as_ref(), self.load.lanes()).context("reading the journal")?;
        let right = Pooled {
            expected: self.load.tubes(),
            assigned: self.load.tubes(),
            sealed: self.load.pools(),
        };
        ensure!(
            counted == right,
            "the journal holds {counted:?}, not {right:?}"
        );
        drop_topics(bootstrap, &format!("tenfold.{run}."));
        let tubes = self.load.tubes() as f64;
        let note = format!(
            "{tubes} samples a run: registrations decided at {:.0}/s, then racks at {:.0} samples/s; journal counted and right",
            tubes / phases.registered.as_secs_f64(),
            tubes / phases.racked.as_secs_f64(),
        );
        Ok(Took::all(&[tubes / warm, tubes / whole], note))
    }
}

/// An instance of pooling that owns all lanes of a run.
pub(super) struct Owner {
    pub(super) instance: Instance,
    log: Arc<dyn Log>,
    // Dropped last: its thread reads the log.
    _directory: Arc<Directory>,
}

impl Owner {
    /// Starts it with its cache in a folder, and waits until it owns the lanes.
    pub(super) fn start(
        bootstrap: &str,
        run: &str,
        cache: &Path,
        lanes: u32,
    ) -> anyhow::Result<Self> {
        let owner = Self::begin(bootstrap, run, cache, "bench", WORKERS)?;
        ensure!(
            owner.instance.wait_owned(lanes as usize, LANES_MAX),
            "its lanes are not owned: {:?}",
            owner.instance.status()
        );
        Ok(owner)
    }

    /// Starts it by this name, with so many threads for its lanes, and does not wait.
    pub(super) fn begin(
        bootstrap: &str,
        run: &str,
        cache: &Path,
        name: &str,
        workers: usize,
    ) -> anyhow::Result<Self> {
        let log: Arc<dyn Log> = Arc::new(run_log(bootstrap, run)?);
        let directory = Directory::start(Arc::clone(&log));
        let cache = Arc::new(SledCache::open(cache, CACHE_BYTES)?);
        let mut config = InstanceConfig::new(name, "http://127.0.0.1:1", cache);
        config.workers = workers;
        let instance = Instance::start(
            Arc::clone(&log),
            PoolingProcessor::new(),
            &directory,
            config,
        )?;
        Ok(Self {
            instance,
            log,
            _directory: directory,
        })
    }

    /// Ends it in order.
    pub(super) fn leave(self) -> Arc<dyn Log> {
        self.instance.shutdown(LANES_MAX);
        self.log
    }
}

/// Topics and inboxes of a run; not measured.
pub(super) fn prepare(bootstrap: &str, run: &str, inboxes: &[Vec<Bytes>]) -> anyhow::Result<()> {
    let log = run_log(bootstrap, run)?;
    let plan = |topic: Topic, lanes: u32, retention: Retention| TopicPlan {
        topic,
        lanes,
        retention,
    };
    let lanes = u32::try_from(inboxes.len())?;
    let mut plans: Vec<TopicPlan> = SERVICES
        .iter()
        .map(|service| plan(Topic::inbox(service), lanes, Retention::Forever))
        .collect();
    plans.push(plan(Topic::journal("pooling"), lanes, Retention::Forever));
    plans.extend(
        PUBLIC_TOPICS
            .iter()
            .map(|name| plan(Topic::named(name), 1, Retention::Forever)),
    );
    plans.push(plan(Topic::named(OWNERS), 1, Retention::Compacted));
    log.create(&plans).map_err(|error| anyhow!(error))?;
    create_lanes(&log, "pooling").map_err(|error| anyhow!(error))?;
    // One connection for all lanes: there may be hundreds.
    let inbox = Filler::to(bootstrap, &format!("tenfold.{run}.pooling.inbox"))?;
    for (lane, records) in (0_u32..).zip(inboxes) {
        for record in records {
            inbox.put(lane, record)?;
        }
    }
    inbox.done()
}
