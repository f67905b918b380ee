//! Labs.

use super::{Policy, PolicyError, problem};
use serde::{Deserialize, Serialize};

/// A place where tubes are physically interchangeable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// Its name, for people.
    pub name: String,
    /// Its time zone, such as `Asia/Shanghai`: times without a zone are read in it.
    #[serde(default = "utc")]
    pub zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    if policy.labs.is_empty() {
        problem(errors, "labs", "there is no lab: name at least one");
    }
    for (id, lab) in &policy.labs {
        if id.is_empty() || id.as_str().contains(['\0', '/']) {
            problem(
                errors,
                format!("labs.{id}"),
                "a lab's id has at least one character, and no '/'",
            );
        }
        if jiff::tz::TimeZone::get(&lab.zone).is_err() {
            problem(
                errors,
                format!("labs.{id}.zone"),
                format!("{:?} is not a time zone of the IANA data base", lab.zone),
            );
        }
    }
}
