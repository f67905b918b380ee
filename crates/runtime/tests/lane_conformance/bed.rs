//! The test bed: nodes of a service on one log, and what a user may ask of them.

use crate::faulty::FaultyLog;
use crate::ledger::Ledger;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::gateway::CallError;
use tenfold_runtime::instance::{Directory, Instance, InstanceConfig};
use tenfold_runtime::lane::init::create_lanes;
use tenfold_runtime::limits::Limits;
use tenfold_runtime::log::{Class, Log, NewRecord, Retention, Topic, TopicPlan};
use tenfold_runtime::snapshot::Snapshots;

/// How long anything may take before a test fails: brokers in CI are slow.
pub const PATIENCE: Duration = Duration::from_secs(60);

static NEXT: AtomicU32 = AtomicU32::new(1);

/// Topics of its own on a log, most often with one lane a service.
pub struct Bed {
    pub log: Arc<dyn Log>,
    pub prefix: String,
    pub runtime: tokio::runtime::Runtime,
}

/// One instance, with its own connection to the log and its own cache.
pub struct Node {
    pub name: String,
    pub log: Arc<FaultyLog>,
    pub instance: Instance,
}

pub fn limits() -> Limits {
    Limits {
        retry_min: Duration::from_millis(10),
        retry_max: Duration::from_millis(200),
        open_timeout: Duration::from_secs(2),
        session_timeout: Duration::from_secs(5),
        resend_after: Duration::from_millis(300),
        marks_after: Duration::from_millis(20),
        // Records of the scenarios are small, and many are to be in flight.
        small_record_bytes: 0,
        // And their rows soon in the cache.
        gather: Duration::from_millis(20),
        ..Limits::default()
    }
}

impl Bed {
    /// With lanes created.
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self::of(log, 1)
    }

    /// With so many lanes a service, created.
    pub fn of(log: Arc<dyn Log>, lanes: u32) -> Self {
        let bed = Self::bare(log, lanes);
        let log = FaultyLog::new(Arc::clone(&bed.log), &bed.prefix);
        for service in ["intake", "pooling"] {
            create_lanes(log.as_ref(), service).expect("lanes are created");
        }
        bed
    }

    /// Topics only: no lane was ever created.
    pub fn bare(log: Arc<dyn Log>, lanes: u32) -> Self {
        let prefix = format!(
            "t{}-{}.",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let plan = |name: &str| TopicPlan {
            topic: Topic::named(&format!("{prefix}{name}")),
            lanes,
            retention: Retention::Forever,
        };
        let names = [
            "intake.inbox",
            "intake.journal",
            "pooling.inbox",
            "pooling.journal",
            "results.inbox",
            "reports",
            "dead-letters",
        ];
        log.create(&names.map(plan)).expect("topics are created");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        Self {
            log,
            prefix,
            runtime,
        }
    }

    /// Starts a node that nobody has given a lane yet.
    pub fn node(&self, name: &str) -> Node {
        self.node_of("intake", name, MemoryCache::default())
    }

    pub fn node_of(&self, service: &'static str, name: &str, cache: MemoryCache) -> Node {
        self.node_on(service, name, Arc::new(cache))
    }

    pub fn node_on(&self, service: &'static str, name: &str, shared: Arc<dyn Cache>) -> Node {
        self.node_with(service, name, shared, None)
    }

    pub fn node_with(
        &self,
        service: &'static str,
        name: &str,
        shared: Arc<dyn Cache>,
        snapshots: Option<Snapshots>,
    ) -> Node {
        self.node_as(service, name, shared, |config| config.snapshots = snapshots)
    }

    /// Starts a node with settings of its own.
    pub fn node_as(
        &self,
        service: &'static str,
        name: &str,
        shared: Arc<dyn Cache>,
        set: impl FnOnce(&mut InstanceConfig),
    ) -> Node {
        let log = FaultyLog::new(Arc::clone(&self.log), &self.prefix);
        let port: Arc<dyn Log> = Arc::clone(&log) as _;
        let mut config = InstanceConfig::new(name, "", shared);
        config.limits = limits();
        config.call_timeout = PATIENCE;
        set(&mut config);
        let directory = Directory::start(Arc::clone(&port));
        let instance =
            Instance::start(port, Ledger(service), &directory, config).expect("the node starts");
        Node {
            name: name.to_owned(),
            log,
            instance,
        }
    }

    /// Starts a node and waits until it owns the lane.
    pub fn owner(&self, name: &str) -> Node {
        let node = self.node(name);
        node.take();
        node
    }

    pub fn command(&self, node: &Node, id: &str, text: &str) -> Result<String, CallError> {
        self.command_to("k", node, id, text)
    }

    /// A command to the lane of a key.
    pub fn command_to(
        &self,
        key: &str,
        node: &Node,
        id: &str,
        text: &str,
    ) -> Result<String, CallError> {
        let body = Bytes::copy_from_slice(text.as_bytes());
        let gateway = node.instance.gateway();
        let answered = self
            .runtime
            .block_on(gateway.command(key, "tester", id, body))?;
        Ok(String::from_utf8(answered.body.to_vec()).unwrap())
    }

    /// Sends a command without waiting for its answer.
    pub fn send(
        &self,
        node: &Node,
        id: &str,
        text: &str,
    ) -> tokio::task::JoinHandle<Result<String, CallError>> {
        let body = Bytes::copy_from_slice(text.as_bytes());
        let (gateway, id) = (node.instance.gateway(), id.to_owned());
        self.runtime.spawn(async move {
            let answered = gateway.command("k", "tester", &id, body).await?;
            Ok(String::from_utf8(answered.body.to_vec()).unwrap())
        })
    }

    pub fn ask(&self, node: &Node, query: &str) -> String {
        let body = Bytes::copy_from_slice(query.as_bytes());
        let gateway = node.instance.gateway();
        let answered = self.runtime.block_on(gateway.query("k", body));
        let answered = answered.unwrap_or_else(|error| {
            panic!(
                "{} does not answer: {error}; {:?}",
                node.name,
                node.instance.status()
            )
        });
        String::from_utf8(answered.body.to_vec()).unwrap()
    }

    /// Appends a record that no owner wrote.
    pub fn stray(&self, topic: &Topic, value: impl Into<Bytes>) {
        let (send, ended) = std::sync::mpsc::channel();
        let topic = Topic::named(&format!("{}{topic}", self.prefix));
        self.log.append(
            Class::Relay,
            &topic,
            0,
            NewRecord::of(value.into()),
            Box::new(move |result| send.send(result).unwrap()),
        );
        ended.recv_timeout(PATIENCE).unwrap().unwrap();
    }

    /// Whoever folds the journal from nothing sees the same as this node.
    pub fn agrees(&self, node: &Node) {
        let (sum, notes) = (self.ask(node, "sum"), self.ask(node, "notes"));
        let reader = self.node_of(node.instance.service(), "reader", MemoryCache::default());
        reader.take();
        assert_eq!(
            self.ask(&reader, "sum"),
            sum,
            "a fresh fold sees another sum"
        );
        assert_eq!(
            self.ask(&reader, "notes"),
            notes,
            "a fresh fold sees other notes"
        );
    }
}

impl Node {
    /// The group suggests the lane to it; waits until it owns it.
    pub fn take(&self) {
        self.log.suggest(&[0]);
        assert!(
            self.instance.wait_owned(1, PATIENCE),
            "{} does not own the lane: {:?}",
            self.name,
            self.instance.status()
        );
    }

    /// The group gives the lane to another: it must not be taken back when that one is silent.
    pub fn give_up(&self) {
        self.log.suggest(&[]);
        self.wait_phase("idle");
    }

    pub fn phase(&self) -> &'static str {
        self.instance.status().get(&0).map_or("none", |s| s.phase)
    }

    pub fn wait_phase(&self, phase: &str) {
        eventually(&format!("{} is {phase}", self.name), || {
            self.phase() == phase
        });
    }

    pub fn epoch(&self) -> u64 {
        self.instance.status().get(&0).map_or(0, |s| s.epoch)
    }
}

/// Waits until something holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "in vain for {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
