//! How long a sample that is final stays at hand before it is filed.

use super::{Policy, PolicyError, problem};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Most days: ten years.
const DAYS_MAX: f64 = 3_653.0;

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// How long what is done with stays at hand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days from the moment at which a sample's last report was accepted by everybody who gets it. Then it is filed:
    /// its rows leave the state, and its timeline is read from the journal.
    pub final_days: f64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { final_days: 14.0 }
    }
}

impl Retention {
    /// The days as a length of time.
    #[must_use]
    pub fn length(&self) -> Millis {
        Millis((self.final_days.clamp(0.0, DAYS_MAX) * DAY_MS).round() as i64)
    }
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    let days = policy.retention.final_days;
    if !(days > 0.0 && days <= DAYS_MAX) {
        problem(
            errors,
            "retention.final_days",
            format!("{days} is not above 0 and at most {DAYS_MAX}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(days: &str) -> Result<Retention, Vec<PolicyError>> {
        let text = Policy::default_text().replacen("final_days = 14.0", days, 1);
        Policy::parse(&text).map(|policy| policy.retention)
    }

    #[test]
    fn a_retention_that_means_nothing_is_refused() {
        for days in [
            "final_days = 0.0",
            "final_days = -1.0",
            "final_days = 4000.0",
        ] {
            let errors = with(days).expect_err(days);
            assert_eq!(errors[0].field, "retention.final_days");
        }
        let half = with("final_days = 0.5").expect("valid");
        assert_eq!(half.length(), Millis::from_hours(12));
    }

    #[test]
    fn a_policy_from_before_keeps_final_samples_for_fourteen_days() {
        let text = Policy::default_text();
        let (before, rest) = text.split_once("[retention]").expect("the section");
        let (_, after) = rest.split_once("\n[").expect("another section");
        let policy = Policy::parse(&format!("{before}\n[{after}")).expect("valid");
        assert_eq!(policy.retention, Retention::default());
        assert_eq!(policy.retention.length(), Millis::from_hours(14 * 24));
    }
}
