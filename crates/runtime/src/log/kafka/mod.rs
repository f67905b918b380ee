//! The log of a lab with more than one machine: Apache Kafka.
//!
//! Knows brokers, partitions and groups; must not know what a record says. Read in this order:
//! `settings` (every client setting, with its reason), `producers` (appends and their outcomes),
//! `fetch` (readers), `group` (who should own which lanes), `topics` (making and checking topics).

mod errors;
mod fetch;
mod group;
mod meta;
mod positions;
mod producers;
mod quiet;
mod settings;
mod topics;
mod worker;

use super::{
    Class, Done, Extent, Log, Membership, NewRecord, ReadError, Reader, Suggest, Topic, TopicPlan,
    Wake,
};
use fetch::FetchPool;
use meta::Meta;
use positions::Positions;
use producers::Producers;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How to reach Kafka.
#[derive(Clone, Debug)]
pub struct KafkaOptions {
    /// Brokers to start from: `host:port,host:port`.
    pub bootstrap: String,
    /// What brokers call this process in their logs and metrics.
    pub client_id: String,
    /// Producers for [`Class::Commit`]; lanes are spread over them. One for all would serialise the
    /// lanes: 32 lanes at 267 appends a second on three brokers took 88 ms (p50) with 1 producer
    /// and 27 ms with 8.
    pub commit_producers: usize,
    /// Producers for [`Class::Relay`].
    pub relay_producers: usize,
    /// Most bytes a reader holds that nobody has taken yet; above it its partition is paused.
    pub reader_bytes_max: usize,
    /// Further settings for every client, by their librdkafka names (TLS, SASL). They cannot
    /// change the settings the lane protocol depends on.
    pub client_settings: BTreeMap<String, String>,
}

impl KafkaOptions {
    /// Everything at its default.
    #[must_use]
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            client_id: "tenfold".into(),
            commit_producers: 4,
            relay_producers: 2,
            reader_bytes_max: 2 << 20,
            client_settings: BTreeMap::new(),
        }
    }
}

/// Why Kafka cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A setting is not accepted.
    #[error("kafka settings: {0}")]
    Settings(String),
    /// No broker answers.
    #[error(
        "kafka at {bootstrap} does not answer: {reason}: is it running, and reachable from here?"
    )]
    Unreachable {
        /// The brokers asked.
        bootstrap: String,
        /// What librdkafka said.
        reason: String,
    },
}

/// Apache Kafka as a log.
pub struct KafkaLog {
    options: KafkaOptions,
    meta: Arc<Meta>,
    producers: Producers,
    fetch: Arc<FetchPool>,
    positions: Positions,
}

impl KafkaLog {
    /// Connects; may block for seconds.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub fn connect(options: KafkaOptions) -> Result<Self, ConnectError> {
        let meta = Arc::new(Meta::connect(&options)?);
        let producers = Producers::start(&options).map_err(ConnectError::Settings)?;
        let fetch = FetchPool::start(&options, meta.clone()).map_err(ConnectError::Settings)?;
        Ok(Self {
            positions: Positions::new(options.clone()),
            options,
            meta,
            producers,
            fetch,
        })
    }
}

impl Log for KafkaLog {
    fn append(&self, class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done) {
        let known = self.meta.known_lanes(topic);
        self.producers
            .append(class, topic, lane, known, record, done);
    }

    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError> {
        Ok(Box::new(self.fetch.reader(topic, lane, from, wake)?))
    }

    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        self.meta.extent(topic, lane)
    }

    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError> {
        topics::trim(&self.meta, topic, lane, below)
    }

    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        self.meta.lanes(topic)
    }

    fn create(&self, plans: &[TopicPlan]) -> Result<(), String> {
        topics::create(&self.meta, plans)
    }

    fn settings_problems(&self, plans: &[TopicPlan]) -> Vec<String> {
        topics::problems(&self.meta, plans)
    }

    fn join(
        &self,
        group: &str,
        instance: &str,
        topic: &Topic,
        suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        let member = group::Member::join(&self.options, group, instance, topic, suggest)?;
        Ok(Box::new(member))
    }

    fn position(&self, group: &str, topic: &Topic, lane: u32) -> Result<Option<u64>, ReadError> {
        self.positions.get(group, topic, lane)
    }

    fn store_position(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError> {
        self.positions.store(group, topic, lane, next)
    }
}
