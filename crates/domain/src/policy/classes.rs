//! Sampling classes: their deadline and how they may be pooled.

use super::{Policy, PolicyError, problem};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// From which stage a class's hours count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockStart {
    /// From `collected_at`; if the site gave none, from registration.
    Collected,
    /// From receipt in the lab; until then an estimate from registration.
    Received,
}

/// A sampling class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Hours until the report.
    pub hours: f64,
    /// From which stage they count.
    pub from: ClockStart,
    /// Most members of a lab pool; 1 = tested singly.
    pub pool: u8,
    /// STAT: goes before routine everywhere.
    #[serde(default)]
    pub stat: bool,
}

impl Class {
    /// The hours as a length of time.
    #[must_use]
    pub fn length(&self) -> Millis {
        hours(self.hours)
    }
}

/// Clocks that do not belong to a class, and the shares of the stages in a class's hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clocks {
    /// Hours from ordering a retest to its report.
    pub retest_hours: f64,
    /// Hours from interpreting a positive pool to its delivered alert.
    pub pool_alert_hours: f64,
    /// Hours from a confirmed case to its delivered direct report.
    pub case_report_hours: f64,
    /// Hours from a delivered report through the levels of review.
    pub review_hours: f64,
    /// Hours from a confirmed case to the closed hand-over for contact tracing.
    pub tracing_hours: f64,
    /// Shares of a class's hours by stage; a stage's budget ends at the sum so far. They add up to 1.
    pub budget: Budget,
}

/// Shares of the mandated hours by stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Collection to receipt.
    pub transport: f64,
    /// Receipt to pool or well assigned.
    pub pooling: f64,
    /// Assigned to plate loaded.
    pub plating: f64,
    /// Loaded to read.
    pub run: f64,
    /// Read to reported.
    pub report: f64,
    /// Reported to accepted.
    pub delivery: f64,
}

impl Budget {
    /// The shares in the order of the stages.
    #[must_use]
    pub const fn shares(&self) -> [f64; 6] {
        [
            self.transport,
            self.pooling,
            self.plating,
            self.run,
            self.report,
            self.delivery,
        ]
    }
}

/// Hours as a length of time; 1,000 hours at most.
#[must_use]
pub fn hours(hours: f64) -> Millis {
    Millis((hours.clamp(0.0, 1_000.0) * 3_600_000.0).round() as i64)
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    let in_range = |h: f64| h > 0.0 && h <= 1_000.0;
    for (id, class) in &policy.classes {
        if !in_range(class.hours) {
            problem(
                errors,
                format!("classes.{id}.hours"),
                format!("{} is not above 0 and at most 1000", class.hours),
            );
        }
        if class.pool == 0 {
            problem(
                errors,
                format!("classes.{id}.pool"),
                "0 members is no pool: 1 = tested singly",
            );
        }
    }
    for (name, h) in [
        ("retest_hours", policy.clocks.retest_hours),
        ("pool_alert_hours", policy.clocks.pool_alert_hours),
        ("case_report_hours", policy.clocks.case_report_hours),
        ("review_hours", policy.clocks.review_hours),
        ("tracing_hours", policy.clocks.tracing_hours),
    ] {
        if !in_range(h) {
            problem(
                errors,
                format!("clocks.{name}"),
                format!("{h} is not above 0 and at most 1000"),
            );
        }
    }
    let shares = policy.clocks.budget.shares();
    let sum: f64 = shares.iter().sum();
    if shares.iter().any(|s| !(0.0..=1.0).contains(s)) || (sum - 1.0).abs() > 0.001 {
        problem(
            errors,
            "clocks.budget",
            format!("the shares must be 0 to 1 and add up to 1, not {sum}"),
        );
    }
}
