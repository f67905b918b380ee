//! Checking topics and brokers against what the lane protocol needs.

use super::{REPLICAS, cleanup, lanes_of, options, other_lanes, retention_ms};
use crate::log::kafka::meta::Meta;
use crate::log::kafka::settings::MESSAGE_BYTES_MAX;
use crate::log::{Retention, TopicPlan};
use futures::executor::block_on;
use rdkafka::admin::{ConfigResource, OwnedResourceSpecifier, ResourceSpecifier};
use rdkafka::metadata::Metadata;
use std::collections::HashMap;

/// Bounds for `replica.lag.time.max.ms`: below, brokers drop out for a hiccup; above, one that
/// hangs stalls every append.
const REPLICA_LAG_MS: std::ops::RangeInclusive<i64> = 5_000..=10_000;

/// Most for `broker.session.timeout.ms`: how long a hung broker stays leader.
const BROKER_SESSION_MS_MAX: i64 = 6_000;

/// What in the settings of topics and brokers breaks the lane protocol's promises.
pub(in crate::log::kafka) fn problems(meta: &Meta, plans: &[TopicPlan]) -> Vec<String> {
    let there = match meta.all() {
        Ok(there) => there,
        Err(error) => return vec![format!("kafka cannot be asked for its settings: {error}")],
    };
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for plan in plans {
        match lanes_of(&there, plan) {
            None => problems.push(format!(
                "topic {} does not exist: create it with {} partitions",
                plan.topic.full_name(),
                plan.lanes
            )),
            Some(lanes) => {
                if lanes != plan.lanes as usize {
                    problems.push(other_lanes(plan, lanes));
                }
                problems.extend(replication_problem(&there, plan));
                found.push(plan);
            }
        }
    }
    let names: Vec<String> = found.iter().map(|plan| plan.topic.full_name()).collect();
    let mut asked: Vec<ResourceSpecifier<'_>> = names
        .iter()
        .map(|name| ResourceSpecifier::Topic(name))
        .collect();
    if !asked.is_empty() {
        match describe(meta, &asked) {
            Ok(configs) => {
                for plan in &found {
                    problems.extend(topic_problems(plan, &configs));
                }
            }
            Err(error) => problems.push(error),
        }
    }
    for broker in there.brokers() {
        // Each broker has to be asked itself, so one by one.
        asked = vec![ResourceSpecifier::Broker(broker.id())];
        match describe(meta, &asked) {
            Ok(configs) => problems.extend(broker_problems(broker.id(), &configs)),
            Err(error) => problems.push(error),
        }
    }
    problems
}

fn replication_problem(metadata: &Metadata, plan: &TopicPlan) -> Option<String> {
    let name = plan.topic.full_name();
    let topic = metadata
        .topics()
        .iter()
        .find(|topic| topic.name() == name)?;
    let fewest = topic
        .partitions()
        .iter()
        .map(|lane| lane.replicas().len())
        .min()?;
    (fewest < REPLICAS).then(|| {
        format!("topic {name} has replication factor {fewest}: set {REPLICAS}, on at least {REPLICAS} brokers")
    })
}

type Settings = HashMap<String, String>;

fn describe(meta: &Meta, asked: &[ResourceSpecifier<'_>]) -> Result<Vec<ConfigResource>, String> {
    let failed = |reason: String| format!("settings cannot be read ({asked:?}): {reason}");
    block_on(meta.admin.describe_configs(asked, &options()))
        .map_err(|error| failed(error.to_string()))?
        .into_iter()
        .map(|result| result.map_err(|code| failed(code.to_string())))
        .collect()
}

fn settings_of(configs: &[ConfigResource], wanted: &OwnedResourceSpecifier) -> Settings {
    configs
        .iter()
        .filter(|config| config.specifier == *wanted)
        .flat_map(|config| &config.entries)
        .filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?)))
        .collect()
}

fn topic_problems(plan: &TopicPlan, configs: &[ConfigResource]) -> Vec<String> {
    let name = plan.topic.full_name();
    let settings = settings_of(configs, &OwnedResourceSpecifier::Topic(name.clone()));
    let kept = retention_ms(plan.retention);
    let number = |name: &str| {
        settings
            .get(name)
            .and_then(|value| value.parse::<i64>().ok())
    };
    let checks = [
        ("cleanup.policy", cleanup(plan.retention).to_owned(), None),
        ("message.timestamp.type", "LogAppendTime".to_owned(), None),
        ("unclean.leader.election.enable", "false".to_owned(), None),
        ("retention.bytes", "-1".to_owned(), None),
        (
            "retention.ms",
            match plan.retention {
                Retention::Days(_) => format!("at least {kept}, or -1"),
                _ => "-1".to_owned(),
            },
            // Compaction alone keeps the newest of each key, whatever its age.
            Some(
                plan.retention == Retention::Compacted
                    || number("retention.ms")
                        .is_some_and(|ms| ms == -1 || (kept != -1 && ms >= kept)),
            ),
        ),
        (
            "min.insync.replicas",
            "2".to_owned(),
            Some(number("min.insync.replicas").is_some_and(|count| count >= 2)),
        ),
        (
            "max.message.bytes",
            format!("at least {MESSAGE_BYTES_MAX}"),
            Some(
                number("max.message.bytes").is_some_and(|bytes| bytes >= MESSAGE_BYTES_MAX as i64),
            ),
        ),
    ];
    wrong(&format!("topic {name}"), &settings, checks)
}

fn broker_problems(id: i32, configs: &[ConfigResource]) -> Vec<String> {
    let settings = settings_of(configs, &OwnedResourceSpecifier::Broker(id));
    let number = |name: &str| {
        settings
            .get(name)
            .and_then(|value| value.parse::<i64>().ok())
    };
    let checks = [
        ("auto.create.topics.enable", "false".to_owned(), None),
        (
            "replica.lag.time.max.ms",
            format!("{} to {}", REPLICA_LAG_MS.start(), REPLICA_LAG_MS.end()),
            Some(number("replica.lag.time.max.ms").is_some_and(|ms| REPLICA_LAG_MS.contains(&ms))),
        ),
        (
            "broker.session.timeout.ms",
            BROKER_SESSION_MS_MAX.to_string(),
            Some(number("broker.session.timeout.ms").is_some_and(|ms| ms <= BROKER_SESSION_MS_MAX)),
        ),
    ];
    wrong(&format!("broker {id}"), &settings, checks)
}

/// One sentence for each setting that is not as wanted; without a verdict, equality decides.
fn wrong<const N: usize>(
    what: &str,
    settings: &Settings,
    checks: [(&str, String, Option<bool>); N],
) -> Vec<String> {
    checks
        .into_iter()
        .filter_map(|(name, wanted, verdict)| {
            let is = settings.get(name).map_or("unset", String::as_str);
            let good = verdict.unwrap_or_else(|| is == wanted);
            (!good).then(|| format!("{what}: {name} is {is}: set {wanted}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Topic;
    use rdkafka::admin::{ConfigEntry, ConfigSource};

    fn config(specifier: OwnedResourceSpecifier, values: &[(&str, &str)]) -> ConfigResource {
        let entry = |(name, value): &(&str, &str)| ConfigEntry {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
            source: ConfigSource::StaticBroker,
            is_read_only: false,
            is_default: false,
            is_sensitive: false,
        };
        ConfigResource {
            specifier,
            entries: values.iter().map(entry).collect(),
        }
    }

    const GOOD: [(&str, &str); 7] = [
        ("cleanup.policy", "delete"),
        ("message.timestamp.type", "LogAppendTime"),
        ("unclean.leader.election.enable", "false"),
        ("retention.bytes", "-1"),
        ("retention.ms", "-1"),
        ("min.insync.replicas", "2"),
        ("max.message.bytes", "1048588"),
    ];

    fn problems_with(name: &str, value: &str, retention: Retention) -> Vec<String> {
        let mut values = GOOD;
        for entry in &mut values {
            if entry.0 == name {
                entry.1 = value;
            }
        }
        let plan = TopicPlan {
            topic: Topic::named("t"),
            lanes: 1,
            retention,
        };
        let specifier = OwnedResourceSpecifier::Topic("tenfold.t".into());
        topic_problems(&plan, &[config(specifier, &values)])
    }

    #[test]
    fn good_topic_settings_are_no_problem() {
        assert_eq!(problems_with("", "", Retention::Forever), [""; 0]);
        assert_eq!(
            problems_with("retention.ms", "2592000000", Retention::Days(30)),
            [""; 0]
        );
        assert_eq!(
            problems_with("cleanup.policy", "compact", Retention::Compacted),
            [""; 0]
        );
    }

    #[test]
    fn each_wrong_topic_setting_is_named_with_what_to_set() {
        for (name, value, wanted) in [
            ("cleanup.policy", "compact", "delete"),
            ("message.timestamp.type", "CreateTime", "LogAppendTime"),
            ("unclean.leader.election.enable", "true", "false"),
            ("retention.bytes", "1000", "-1"),
            ("retention.ms", "604800000", "-1"),
            ("min.insync.replicas", "1", "2"),
            ("max.message.bytes", "1000", "at least 1004096"),
        ] {
            let problems = problems_with(name, value, Retention::Forever);
            assert_eq!(
                problems,
                [format!("topic tenfold.t: {name} is {value}: set {wanted}")]
            );
        }
        assert_eq!(
            problems_with("retention.ms", "86400000", Retention::Days(30)).len(),
            1
        );
    }

    #[test]
    fn each_wrong_broker_setting_is_named_with_what_to_set() {
        let values = [
            ("auto.create.topics.enable", "true"),
            ("replica.lag.time.max.ms", "30000"),
            ("broker.session.timeout.ms", "9000"),
        ];
        let config = config(OwnedResourceSpecifier::Broker(1), &values);
        assert_eq!(
            broker_problems(1, &[config]),
            [
                "broker 1: auto.create.topics.enable is true: set false",
                "broker 1: replica.lag.time.max.ms is 30000: set 5000 to 10000",
                "broker 1: broker.session.timeout.ms is 9000: set 6000",
            ]
        );
    }
}
