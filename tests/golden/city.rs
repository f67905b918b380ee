//! All three services on a log in memory, one lane each, spoken to as their doors do.

use bytes::Bytes;
use prost::Message;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenfold_domain::Rejection;
use tenfold_intake::IntakeProcessor;
use tenfold_pooling::PoolingProcessor;
use tenfold_proto::v1;
use tenfold_results::ResultsProcessor;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::gateway::CallError;
use tenfold_runtime::instance::{Directory, Instance, InstanceConfig, OWNERS};
use tenfold_runtime::lane::init::create_lanes;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{Log, Retention, Topic, TopicPlan};
use tenfold_runtime::processor::Processor;

/// How long any step may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two tries of a step.
const PAUSE: Duration = Duration::from_millis(50);

/// The services.
pub const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

/// Everything that runs.
pub struct City {
    log: MemoryLog,
    instances: Vec<Instance>,
    runtime: tokio::runtime::Runtime,
    requests: u32,
}

impl City {
    /// Starts it.
    pub fn new() -> Self {
        let log = MemoryLog::new();
        let clock = tenfold_runtime::clock::SystemClock::default();
        log.set_now(tenfold_runtime::clock::Clock::wall(&clock));
        let inboxes = SERVICES.iter().map(|s| format!("{s}.inbox"));
        let journals = SERVICES.iter().map(|s| format!("{s}.journal"));
        let others = ["reports", "dead-letters", OWNERS].map(str::to_owned);
        let plans: Vec<TopicPlan> = inboxes
            .chain(journals)
            .chain(others)
            .map(|name| TopicPlan {
                topic: Topic::named(&name),
                lanes: 1,
                retention: Retention::Forever,
            })
            .collect();
        log.create(&plans).expect("topics");
        for service in SERVICES {
            create_lanes(&log, service).expect("lanes");
        }
        let mut city = Self {
            log,
            instances: Vec::new(),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            requests: 0,
        };
        city.start(IntakeProcessor::new());
        city.start(PoolingProcessor::new());
        city.start(ResultsProcessor::new());
        city
    }

    fn start<P: Processor>(&mut self, processor: P) {
        let log: Arc<dyn Log> = Arc::new(self.log.clone());
        let directory = Directory::start(Arc::clone(&log));
        let config = InstanceConfig::new("a", "", Arc::new(MemoryCache::default()));
        let instance = Instance::start(log, processor, &directory, config).expect("it starts");
        assert!(instance.wait_owned(1, PATIENCE), "{:?}", instance.status());
        self.instances.push(instance);
    }

    fn service(&self, service: &str) -> &Instance {
        let found = self.instances.iter().find(|i| i.service() == service);
        found.expect("a service of this city")
    }

    /// Decides a command; the same again, under a new id, until it is taken: news of other services may
    /// still be on their way.
    pub fn insist<R: Message + Default>(&mut self, service: &str, command: &impl Message) -> R {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.command(service, command) {
                Ok(reply) => return reply,
                Err(error) if Instant::now() > until => panic!("{service}: {error}"),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Decides a command.
    pub fn command<R: Message + Default>(
        &mut self,
        service: &str,
        command: &impl Message,
    ) -> Result<R, Rejection> {
        self.requests += 1;
        let id = format!("request-{}", self.requests);
        let gateway = self.service(service).gateway();
        let body = command.encode_to_vec().into();
        let answered = self
            .runtime
            .block_on(gateway.command("lab-1", "tech-1", &id, body));
        match answered {
            Ok(answered) => Ok(R::decode(answered.body).expect("a reply")),
            Err(CallError::Rejected(rejection)) => Err(rejection),
            Err(error) => panic!("{service}: {error}"),
        }
    }

    /// Asks, until the answer is as wanted.
    pub fn wait_for<R: Message + Default + std::fmt::Debug>(
        &self,
        service: &str,
        question: &impl Message,
        wanted: impl Fn(&R) -> bool,
    ) -> R {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.ask(service, question) {
                Some(answer) if wanted(&answer) => return answer,
                other => assert!(Instant::now() < until, "{service}: {other:?}"),
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Asks once.
    pub fn ask<R: Message + Default>(&self, service: &str, question: &impl Message) -> Option<R> {
        let gateway = self.service(service).gateway();
        let body = Bytes::from(question.encode_to_vec());
        let answered = self.runtime.block_on(gateway.query("lab-1", body));
        answered.ok().and_then(|a| R::decode(a.body).ok())
    }

    /// Something from outside.
    pub fn post(&self, service: &str, items: Vec<Vec<u8>>) {
        let items = items.into_iter().map(Bytes::from).collect();
        let gateway = self.service(service).gateway();
        let posted = gateway.post(service, 0, "the story", items);
        self.runtime.block_on(posted).expect("posted");
    }

    /// The policy, to every service.
    pub fn apply(&self, content: String, version: u32) {
        let policy = v1::PolicyActivated { content, version };
        let input = v1::ExternalInput {
            input: Some(v1::external_input::Input::Policy(policy)),
        };
        for service in SERVICES {
            self.post(service, vec![input.encode_to_vec()]);
        }
    }

    /// Ends it; the journals.
    pub fn end(self) -> Vec<(&'static str, Vec<Bytes>)> {
        for instance in self.instances {
            instance.shutdown(Duration::from_secs(5));
        }
        SERVICES
            .into_iter()
            .map(|service| {
                let records = self.log.records(&Topic::journal(service), 0);
                (service, records.into_iter().map(|r| r.value).collect())
            })
            .collect()
    }
}
