//! Making topics as the lane protocol needs them, and checking those that are there.

mod check;
mod trim;

pub(super) use check::problems;
pub(super) use trim::trim;

use super::meta::Meta;
use super::settings::{ANSWER_WITHIN, MESSAGE_BYTES_MAX};
use crate::log::{ReadError, Retention, TopicPlan};
use futures::executor::block_on;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaErrorCode;
use std::time::{Duration, Instant};

/// Copies of a topic: enough that one broker may be down and one more may fail.
const REPLICAS: usize = 3;

/// Longest wait until new topics can be used.
const VISIBLE_WITHIN: Duration = Duration::from_secs(30);

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_WITHIN))
        .operation_timeout(Some(ANSWER_WITHIN))
}

/// Milliseconds a topic's records must be kept; -1 = for ever.
fn retention_ms(retention: Retention) -> i64 {
    match retention {
        Retention::Forever | Retention::Compacted => -1,
        Retention::Days(days) => i64::from(days).saturating_mul(86_400_000),
    }
}

fn cleanup(retention: Retention) -> &'static str {
    match retention {
        Retention::Compacted => "compact",
        Retention::Forever | Retention::Days(_) => "delete",
    }
}

/// Makes the topics that are not there, and waits until every lane of them answers.
pub(super) fn create(meta: &Meta, plans: &[TopicPlan]) -> Result<(), String> {
    let there = meta.all().map_err(|error| error.to_string())?;
    let brokers = there.brokers().len();
    let mut missing = Vec::new();
    for plan in plans {
        match lanes_of(&there, plan) {
            None => missing.push(plan),
            Some(lanes) if lanes == plan.lanes as usize => {}
            Some(lanes) => return Err(other_lanes(plan, lanes)),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|plan| plan.topic.full_name()).collect();
    let kept: Vec<String> = missing
        .iter()
        .map(|plan| retention_ms(plan.retention).to_string())
        .collect();
    let replicas = brokers.clamp(1, REPLICAS);
    let in_sync = if replicas >= REPLICAS { "2" } else { "1" };
    let largest = MESSAGE_BYTES_MAX.max(1_048_588).to_string();
    let topics: Vec<NewTopic<'_>> = missing
        .iter()
        .zip(names.iter().zip(&kept))
        .map(|(plan, (name, kept))| {
            let lanes = i32::try_from(plan.lanes).unwrap_or(i32::MAX);
            let replication = TopicReplication::Fixed(i32::try_from(replicas).unwrap_or(1));
            NewTopic::new(name, lanes, replication)
                .set("cleanup.policy", cleanup(plan.retention))
                .set("retention.ms", kept)
                .set("retention.bytes", "-1")
                .set("message.timestamp.type", "LogAppendTime")
                .set("min.insync.replicas", in_sync)
                .set("unclean.leader.election.enable", "false")
                .set("max.message.bytes", &largest)
        })
        .collect();
    let made = block_on(meta.admin.create_topics(&topics, &options()))
        .map_err(|error| format!("topics cannot be made: {error}"))?;
    for result in made {
        match result {
            // Somebody else made it just now: its lanes are compared below.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(format!("topic {name} cannot be made: {code}")),
        }
    }
    missing
        .iter()
        .try_for_each(|plan| wait_until_usable(meta, plan))
}

fn lanes_of(metadata: &Metadata, plan: &TopicPlan) -> Option<usize> {
    let name = plan.topic.full_name();
    metadata
        .topics()
        .iter()
        .find(|topic| topic.name() == name && !topic.partitions().is_empty())
        .map(|topic| topic.partitions().len())
}

fn other_lanes(plan: &TopicPlan, lanes: usize) -> String {
    format!(
        "topic {} has {lanes} lanes, {} are wanted: lanes are fixed when a topic is made",
        plan.topic, plan.lanes
    )
}

/// Asks the leader of every lane, so that whoever uses the topic next finds it.
fn wait_until_usable(meta: &Meta, plan: &TopicPlan) -> Result<(), String> {
    let until = Instant::now() + VISIBLE_WITHIN;
    let mut lane = 0;
    loop {
        if lane == plan.lanes {
            return Ok(());
        }
        match meta.lanes(&plan.topic) {
            Ok(lanes) if lanes != plan.lanes => return Err(other_lanes(plan, lanes as usize)),
            Ok(_) => match meta.extent(&plan.topic, lane) {
                Ok(_) => {
                    lane += 1;
                    continue;
                }
                Err(error) => expired(until, plan, &error)?,
            },
            Err(error) => expired(until, plan, &error)?,
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn expired(until: Instant, plan: &TopicPlan, error: &ReadError) -> Result<(), String> {
    if Instant::now() < until {
        return Ok(());
    }
    Err(format!(
        "topic {} was made, but cannot be used after {} s: {error}",
        plan.topic,
        VISIBLE_WITHIN.as_secs()
    ))
}
