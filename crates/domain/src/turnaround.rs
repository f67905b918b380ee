//! Deadlines: derived from event times and the policy in force then, never from a clock (INV-09).

use crate::ids::ClassId;
use crate::policy::{ClockStart, Policy, hours};
use crate::sample::Sample;
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// Used for a class that the policy no longer names: the default of the field for routine samples.
const UNKNOWN_CLASS_HOURS: f64 = 24.0;

/// Stages a sample passes, in order; each has its own timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Stage {
    Collected,
    Registered,
    Received,
    Pooled,
    Plated,
    Loaded,
    Read,
    Interpreted,
    Reported,
    Delivered,
    Acknowledged,
}

/// When a report is due, and what that was derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// The moment the class's clock started.
    pub from: Timestamp,
    /// When the report is due.
    pub due: Timestamp,
    /// Policy version that said so.
    pub policy: u32,
}

impl Deadline {
    /// The deadline of a sample. A clock that starts at receipt runs from registration until the tube
    /// is received; a clock that starts at collection uses a stated time only if it is not in the
    /// future of registration (a skewed clock must not lengthen the hours).
    #[must_use]
    pub fn of(policy: &Policy, sample: &Sample, received_at: Option<Timestamp>) -> Self {
        let (start, length) = clock(policy, &sample.class);
        let from = match start {
            ClockStart::Collected => sample
                .collected_at
                .filter(|at| *at <= sample.registered_at)
                .unwrap_or(sample.registered_at),
            ClockStart::Received => received_at.unwrap_or(sample.registered_at),
        };
        Self {
            from,
            due: from.plus(length),
            policy: policy.version,
        }
    }

    /// When the budget of the first `stages` stages (transport, pooling, plating, run, report,
    /// delivery) is used up: a sample that has not passed them by then is *at risk*.
    #[must_use]
    pub fn at_risk_after(&self, policy: &Policy, stages: usize) -> Timestamp {
        let share: f64 = policy.clocks.budget.shares().iter().take(stages).sum();
        let whole = self.due.since(self.from).0 as f64;
        self.from.plus(Millis((whole * share).round() as i64))
    }
}

fn clock(policy: &Policy, class: &ClassId) -> (ClockStart, Millis) {
    policy.classes.get(class).map_or_else(
        || (ClockStart::Collected, hours(UNKNOWN_CLASS_HOURS)),
        |class| (class.from, class.length()),
    )
}
