//! What a lab may decide for itself, as data in the log: one TOML text, validated, activated in every
//! lane, and named by its version in each decision that it made.
//!
//! One file a section: `labs` and `sites` (intake), `classes` (turnaround), `pooling`, `assays` and
//! `receivers` (results); and `library`, which keeps the active one in a lane's state.

mod assays;
mod classes;
mod labs;
mod library;
mod pooling;
mod receivers;
mod sites;

pub use assays::*;
pub use classes::*;
pub use labs::*;
pub use library::*;
pub use pooling::*;
pub use receivers::*;
pub(crate) use sites::whole_pattern;
pub use sites::*;

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
        receivers::check(self, &mut errors);
        errors
    }
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
