//! Every setting of every Kafka client, with its reason. Those of the lane protocol come last, so
//! that no configuration can change them.

use super::KafkaOptions;
use crate::log::RECORD_BYTES_MAX;
use rdkafka::ClientConfig;
use std::time::Duration;

/// Longest wait for an answer to a question about topics, offsets and groups.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Bytes a message may have on the wire above [`RECORD_BYTES_MAX`]: framing of record and batch.
const FRAMING_BYTES: usize = 4_096;

/// Largest message a topic must take (`max.message.bytes`).
pub(super) const MESSAGE_BYTES_MAX: usize = RECORD_BYTES_MAX + FRAMING_BYTES;

fn client(options: &KafkaOptions) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in &options.client_settings {
        config.set(name, value);
    }
    config
        .set("bootstrap.servers", &options.bootstrap)
        .set("client.id", &options.client_id)
        // With the default of 60 s, a leader that hangs (measured: paused) froze lanes for 20 s.
        .set("socket.timeout.ms", "3000")
        .set("socket.nagle.disable", "true")
        // Histograms for a collector behind the brokers: 0.4 MiB for each broker and client.
        .set("enable.metrics.push", "false")
        // Finds a broker that came back quickly, and a new leader at once.
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("topic.metadata.refresh.fast.interval.ms", "100");
    config
}

/// A producer.
pub(super) fn producer(options: &KafkaOptions) -> ClientConfig {
    let mut config = client(options);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // Someone waits for every append; batching happens in the lane.
        .set("linger.ms", "0")
        // The most an idempotent producer may have.
        .set("max.in.flight.requests.per.connection", "5")
        // After this the outcome is unknown and the lane is taken again.
        .set("message.timeout.ms", "20000")
        // `enable.gapless.guarantee` stays at its default, off: a gap is no reason to stop the producer,
        // the lane protocol numbers its records itself. (Setting it makes librdkafka warn each time.)
        // Nearly as long, before a topic that brokers do not know (yet) is refused for good. Not as long: on a busy machine
        // either came first, and what does not exist is to be refused, not unknown.
        .set("topic.metadata.propagation.max.ms", "18000")
        .set("retry.backoff.ms", "50")
        .set("retry.backoff.max.ms", "500")
        .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
        .set("compression.type", "none")
        // Bounds memory for each producer; above it an append is not sent.
        .set("queue.buffering.max.kbytes", "65536");
    config
}

/// A consumer that reads lanes by `assign`. Its group id is never used with a broker, but
/// librdkafka asks for one.
pub(super) fn reader(options: &KafkaOptions) -> ClientConfig {
    let mut config = client(options);
    config
        .set("group.id", "tenfold-readers")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // A position outside the log is an error for the lane to decide about, never a jump.
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "false")
        // What then seems missing is asked for again before a reader ends.
        .set("topic.metadata.propagation.max.ms", "5000")
        .set("allow.auto.create.topics", "false")
        .set("check.crcs", "true")
        // A partition added while a fetch waits at the broker is fetched only after it: short.
        .set("fetch.wait.max.ms", "20")
        .set("fetch.min.bytes", "1")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.error.backoff.ms", "100")
        // Bounds memory: of each partition in a fetch, of a fetch, and of what waits here.
        .set("fetch.message.max.bytes", "1048576")
        .set("fetch.max.bytes", "8388608")
        .set("queued.max.messages.kbytes", "16384");
    config
}

/// A member of a group that is told which lanes to own, and fetches nothing.
pub(super) fn member(options: &KafkaOptions, group: &str, instance: &str) -> ClientConfig {
    let mut config = client(options);
    config
        .set("client.id", format!("{}-{instance}", options.client_id))
        .set("group.id", format!("{group}.members"))
        .set("group.protocol", "classic")
        .set("partition.assignment.strategy", "cooperative-sticky")
        // Static: a process that starts again within its session has its lanes back at once. How a
        // static member leaves all the same: docs/decisions/0402-kafka-group-membership.md.
        .set("group.instance.id", instance)
        .set("session.timeout.ms", "6000")
        // Members learn of a change with a heartbeat: this is how long lanes take to move.
        .set("heartbeat.interval.ms", "300")
        .set("max.poll.interval.ms", "10000")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "latest")
        .set("allow.auto.create.topics", "false");
    config
}

/// A client that keeps a group's positions, without being a member of it.
pub(super) fn positions(options: &KafkaOptions, group: &str) -> ClientConfig {
    let mut config = client(options);
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("allow.auto.create.topics", "false");
    config
}

/// A client for questions and for making topics.
pub(super) fn questions(options: &KafkaOptions) -> ClientConfig {
    let mut config = client(options);
    config.set("allow.auto.create.topics", "false");
    config
}
