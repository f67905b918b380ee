//! Reporting systems.

use super::{Policy, PolicyError};
use serde::{Deserialize, Serialize};

/// A system that receives reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {}

pub(super) fn check(_policy: &Policy, _errors: &mut Vec<PolicyError>) {}
