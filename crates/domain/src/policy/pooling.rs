//! Pools, benches and plates.

use super::{Policy, PolicyError};
use serde::{Deserialize, Serialize};

/// Rules for pools and plates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolingPolicy {}

pub(super) fn check(_policy: &Policy, _errors: &mut Vec<PolicyError>) {}
