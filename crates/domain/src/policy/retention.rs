//! How long a sample that is final stays at hand before it is filed, and how long its card stays after that.

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
    /// Days from the moment at which a sample was filed. Then its card is dropped, too: nothing at hand knows the
    /// sample any more, and its barcode may be registered anew. The journal keeps it.
    pub card_days: f64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            final_days: 14.0,
            card_days: 400.0,
        }
    }
}

impl Retention {
    /// From the last acceptance to filing.
    #[must_use]
    pub fn length(&self) -> Millis {
        millis(self.final_days)
    }

    /// From filing to the drop of the card.
    #[must_use]
    pub fn card_length(&self) -> Millis {
        millis(self.card_days)
    }
}

fn millis(days: f64) -> Millis {
    Millis((days.clamp(0.0, DAYS_MAX) * DAY_MS).round() as i64)
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    let Retention {
        final_days,
        card_days,
    } = policy.retention;
    for (field, days) in [
        ("retention.final_days", final_days),
        ("retention.card_days", card_days),
    ] {
        if !(days > 0.0 && days <= DAYS_MAX) {
            problem(
                errors,
                field,
                format!("{days} is not above 0 and at most {DAYS_MAX}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(key: &str, days: &str) -> Result<Retention, Vec<PolicyError>> {
        let shipped = match key {
            "final_days" => "final_days = 14.0",
            _ => "card_days = 400.0",
        };
        let text = Policy::default_text().replacen(shipped, &format!("{key} = {days}"), 1);
        Policy::parse(&text).map(|policy| policy.retention)
    }

    #[test]
    fn a_retention_that_means_nothing_is_refused() {
        for key in ["final_days", "card_days"] {
            for days in ["0.0", "-1.0", "4000.0", "nan"] {
                let errors = with(key, days).expect_err(days);
                assert_eq!(errors[0].field, format!("retention.{key}"));
            }
        }
        let half = with("final_days", "0.5").expect("valid");
        assert_eq!(half.length(), Millis::from_hours(12));
        let week = with("card_days", "7.0").expect("valid");
        assert_eq!(week.card_length(), Millis::from_hours(7 * 24));
    }

    #[test]
    fn a_policy_from_before_keeps_final_samples_for_fourteen_days() {
        let text = Policy::default_text();
        let (before, rest) = text.split_once("[retention]").expect("the section");
        let (_, after) = rest.split_once("\n[").expect("another section");
        let policy = Policy::parse(&format!("{before}\n[{after}")).expect("valid");
        assert_eq!(policy.retention, Retention::default());
        assert_eq!(policy.retention.length(), Millis::from_hours(14 * 24));
        assert_eq!(policy.retention.card_length(), Millis::from_hours(400 * 24));
        let text = text.replacen("card_days = 400.0\n", "", 1);
        let policy = Policy::parse(&text).expect("one of before cards were dropped");
        assert_eq!(policy.retention, Retention::default());
    }
}
