//! Collection sites, barcode schemes, and what makes a registration plausible.

use super::{Policy, PolicyError, problem};
use crate::ids::LabId;
use serde::{Deserialize, Serialize};

/// Rules for all registrations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationPolicy {}

/// A collection site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The lab its tubes go to.
    pub lab: LabId,
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    for (id, site) in &policy.sites {
        if !policy.labs.contains_key(&site.lab) {
            problem(
                errors,
                format!("sites.{id}.lab"),
                format!("lab {:?} is not in [labs]", site.lab),
            );
        }
    }
}
