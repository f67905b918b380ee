//! Kits: targets, Ct rules by effective date, controls.

use super::{Policy, PolicyError};
use serde::{Deserialize, Serialize};

/// A kit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assay {}

pub(super) fn check(_policy: &Policy, _errors: &mut Vec<PolicyError>) {}
