//! What a lab may decide for itself, as data in the log: one TOML text, validated, activated in every
//! lane, and named by its version in each decision that it made.
//!
//! One file a section: `labs` and `sites` (intake), `classes` (turnaround), `pooling`, `assays`,
//! `contamination`, `materials`, `receivers`, `retention` and `tables` (results); and `library`, which keeps the active one in a lane's state.

mod assays;
mod classes;
mod contamination;
mod labs;
mod library;
mod materials;
mod pooling;
mod receivers;
mod retention;
mod sites;
mod tables;

pub use assays::*;
pub use classes::*;
pub use contamination::*;
pub use labs::*;
pub use library::*;
pub use materials::*;
pub use pooling::*;
pub use receivers::*;
pub use retention::*;
pub(crate) use sites::whole_pattern;
pub use sites::*;
pub use tables::*;

use crate::ids::{AssayId, ClassId, LabId, ReceiverId, SiteId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole policy. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Grows by one with every change; stored with each decision.
    pub version: u32,
    /// Labs by id.
    pub labs: BTreeMap<LabId, Lab>,
    /// Barcode schemes, plausibility of times, and sites.
    pub registration: RegistrationPolicy,
    /// Collection sites by id.
    pub sites: BTreeMap<SiteId, Site>,
    /// Sampling classes by id.
    pub classes: BTreeMap<ClassId, Class>,
    /// Hours of the clocks that do not belong to a class.
    pub clocks: Clocks,
    /// Pools, benches and plates.
    pub pooling: PoolingPolicy,
    /// Kits with their Ct rules by id.
    pub assays: BTreeMap<AssayId, Assay>,
    /// Reporting systems by id.
    pub receivers: BTreeMap<ReceiverId, Receiver>,
    /// Patterns of a plate that are pointed out.
    #[serde(default)]
    pub contamination: Contamination,
    /// How long final samples stay at hand.
    #[serde(default)]
    pub retention: Retention,
    /// Lots and instruments.
    #[serde(default, skip_serializing_if = "is_none")]
    pub materials: Materials,
    /// Tables of the lab's own in result files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableMapping>,
}

/// One thing wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Where, such as `sites.s-07.lab`.
    pub field: String,
    /// What is wrong, with the value and the limit.
    pub message: String,
}

impl Policy {
    /// Reads and validates a policy.
    ///
    /// # Errors
    /// Everything that is wrong with it, not only the first thing; a text that cannot be read is one error.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyError>> {
        let policy: Self = toml::from_str(text).map_err(|error| {
            vec![PolicyError {
                field: String::new(),
                message: error.to_string(),
            }]
        })?;
        let errors = policy.problems();
        if errors.is_empty() {
            Ok(policy)
        } else {
            Err(errors)
        }
    }

    /// The policy of a lab that starts today, fully commented.
    #[must_use]
    pub const fn default_text() -> &'static str {
        include_str!("default.toml")
    }

    /// The text [`Policy::parse`] reads.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    fn problems(&self) -> Vec<PolicyError> {
        let mut errors = Vec::new();
        labs::check(self, &mut errors);
        sites::check(self, &mut errors);
        classes::check(self, &mut errors);
        pooling::check(self, &mut errors);
        assays::check(self, &mut errors);
        contamination::check(self, &mut errors);
        retention::check(self, &mut errors);
        materials::check(self, &mut errors);
        receivers::check(self, &mut errors);
        tables::check(self, &mut errors);
        errors
    }
}

fn is_none(materials: &Materials) -> bool {
    *materials == Materials::default()
}

fn problem(errors: &mut Vec<PolicyError>, field: impl Into<String>, message: impl Into<String>) {
    errors.push(PolicyError {
        field: field.into(),
        message: message.into(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The default policy with one value replaced: the `n`th, in reading order.
    fn with_value(n: usize, value: &str) -> String {
        let lines: Vec<&str> = Policy::default_text().lines().collect();
        let is_value = |line: &&str| line.contains(" = ") && !line.starts_with('#');
        let count = lines.iter().filter(|line| is_value(line)).count();
        let mut left = n % count;
        let changed = lines.iter().map(|line| match line.split_once(" = ") {
            Some((key, _)) if is_value(line) => {
                let mine = left == 0;
                left = left.wrapping_sub(1);
                if mine {
                    format!("{key} = {value}")
                } else {
                    (*line).to_owned()
                }
            }
            _ => (*line).to_owned(),
        });
        changed.collect::<Vec<_>>().join("\n")
    }

    proptest! {
        #[test]
        fn any_text_is_a_policy_or_refused(text in "[a-z0-9_.=\\[\\]{}\"'#, \n-]{0,200}") {
            let _ = Policy::parse(&text);
        }

        #[test]
        fn a_policy_with_any_value_anywhere_is_taken_or_refused(
            n in any::<usize>(),
            value in prop_oneof![
                Just("0".to_owned()), Just("-1".to_owned()), Just("nan".to_owned()), Just("-inf".to_owned()),
                Just("9223372036854775807".to_owned()), Just("4294967295".to_owned()), Just("[]".to_owned()),
                Just("{}".to_owned()), Just("\"\"".to_owned()), Just("1979-05-27".to_owned()),
                any::<i64>().prop_map(|n| n.to_string()), any::<f64>().prop_map(|n| format!("{n:?}")),
                "\"[ -!#-\\[\\]-~é]{0,30}\"",
            ],
        ) {
            if let Ok(policy) = Policy::parse(&with_value(n, &value)) {
                prop_assert_eq!(Policy::parse(&policy.to_toml()), Ok(policy));
            }
        }
    }

    #[test]
    fn a_policy_nested_without_end_is_refused() {
        for open in ["[", "{ a = ", "[{ a = "] {
            let text = format!("labs = {}", open.repeat(100_000));
            assert!(Policy::parse(&text).is_err());
        }
        let dotted = format!("{}b = 1", "a.".repeat(100_000));
        assert!(Policy::parse(&dotted).is_err());
    }

    #[test]
    fn the_default_policy_is_valid_and_survives_being_written() {
        let policy = Policy::parse(Policy::default_text()).expect("valid");
        assert_eq!(Policy::parse(&policy.to_toml()), Ok(policy));
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let text = format!("colour = \"red\"\n{}", Policy::default_text());
        let errors = Policy::parse(&text).expect_err("refused");
        assert!(errors[0].message.contains("colour"), "{errors:?}");
    }
}
