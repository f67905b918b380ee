//! What an audit says at its end: counts, and what it found.

use crate::finding::{Finding, Findings, Rule};
use crate::lane::{Lane, Service};
use crate::ledger::Ledger;
use crate::pairs::Pairs;
use crate::public::Publics;
use crate::requests::Requests;
use crate::source::PUBLIC;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of one service's journals and inboxes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServiceCounts {
    /// Which.
    pub service: &'static str,
    /// Lanes.
    pub lanes: u32,
    /// Batches of decisions that count.
    pub batches: u64,
    /// Takings of lanes.
    pub takings: u64,
    /// Records passed over, by reason.
    pub passed_over: BTreeMap<&'static str, u64>,
    /// Inbox records consumed.
    pub inbox_records: u64,
    /// Relays that brought nothing new.
    pub duplicate_relays: u64,
    /// Relays that came before those in front of them.
    pub early_relays: u64,
}

/// Counts of messages.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct MessageCounts {
    /// Sent from lane to lane.
    pub sent: u64,
    /// Applied.
    pub applied: u64,
    /// Sent and not yet applied.
    pub in_flight: u64,
    /// Sent to public topics, different ones.
    pub published: u64,
    /// Records in public topics.
    pub public_records: u64,
}

/// Counts of requests.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RequestCounts {
    /// Answered.
    pub done: u64,
    /// Refused.
    pub refused: u64,
    /// Lines of clients' ledger files that were compared.
    pub told: u64,
}

/// A number of something.
#[derive(Clone, Debug, Serialize)]
pub struct Count {
    /// What.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// A number of findings of one rule.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RuleCount {
    /// The rule.
    pub rule: Rule,
    /// How many of its findings there are, told or not.
    pub findings: u64,
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By service.
    pub services: Vec<ServiceCounts>,
    /// Messages.
    pub messages: MessageCounts,
    /// Requests.
    pub requests: RequestCounts,
    /// Samples by where they are, and what else was counted.
    pub counted: Vec<Count>,
    /// Lanes whose end was moved back, because the log grew while its ends were taken.
    pub cut_short: Vec<String>,
    /// By rule.
    pub rules: Vec<RuleCount>,
    /// What was found; of each rule the first only.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn of(
        lanes: &[Lane],
        pairs: &Pairs,
        publics: &Publics,
        requests: &Requests,
        ledger: &Ledger,
        findings: Findings,
    ) -> Self {
        let mut messages = MessageCounts {
            published: publics.sent_count(),
            public_records: publics.read,
            ..MessageCounts::default()
        };
        for (_, pair) in pairs.all().filter(|(to, _)| !PUBLIC.contains(&&*to.topic)) {
            messages.sent = messages.sent.saturating_add(pair.sent);
            messages.applied = messages.applied.saturating_add(pair.applied);
            messages.in_flight = messages
                .in_flight
                .saturating_add(pair.in_flight().count() as u64);
        }
        Self {
            services: Service::ALL.iter().map(|s| counts(*s, lanes)).collect(),
            messages,
            requests: RequestCounts {
                done: requests.done,
                refused: requests.refused,
                told: requests.told(),
            },
            counted: ledger
                .counts()
                .into_iter()
                .map(|(what, count)| Count { what, count })
                .collect(),
            cut_short: lanes
                .iter()
                .filter_map(|lane| Some(lane.at(lane.cut_short?).to_string()))
                .collect(),
            rules: Rule::ALL
                .iter()
                .map(|rule| RuleCount {
                    rule: *rule,
                    findings: findings.of(*rule),
                })
                .collect(),
            findings: findings.told().to_vec(),
        }
    }

    /// Nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rules.iter().all(|rule| rule.findings == 0)
    }

    /// A number that was counted, by its name; 0 if there is none.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        let found = self.counted.iter().find(|count| count.what == what);
        found.map_or(0, |count| count.count)
    }

    /// Number of findings of a rule.
    #[must_use]
    pub fn of_rule(&self, rule: Rule) -> u64 {
        self.rules
            .iter()
            .find(|count| count.rule == rule)
            .map_or(0, |count| count.findings)
    }
}

fn counts(service: Service, lanes: &[Lane]) -> ServiceCounts {
    let mut counts = ServiceCounts {
        service: service.name(),
        ..ServiceCounts::default()
    };
    for lane in lanes.iter().filter(|lane| lane.service == service) {
        counts.lanes = counts.lanes.saturating_add(1);
        counts.batches = counts.batches.saturating_add(lane.seen.decisions);
        counts.takings = counts.takings.saturating_add(lane.seen.opened);
        counts.inbox_records = counts.inbox_records.saturating_add(lane.inbox.consumed());
        counts.duplicate_relays = counts.duplicate_relays.saturating_add(lane.seen.duplicates);
        counts.early_relays = counts.early_relays.saturating_add(lane.seen.early);
        for (why, count) in &lane.seen.passed {
            let sum = counts.passed_over.entry(why).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    counts
}
