//! Reporting systems: who gets which reports, and how long we try.

use super::{Policy, PolicyError, problem};
use crate::ids::SiteId;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Longest interval between two attempts: a day, because a report that waits longer is late anyway.
const RESEND_SECONDS_MAX: u32 = 86_400;

/// Most reports on their way to one receiver without an answer.
const WINDOW_MAX: u32 = 10_000;

/// A system that receives reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// Gets the reports of every site.
    #[serde(default)]
    pub all: bool,
    /// Gets the reports of these sites.
    #[serde(default)]
    pub sites: Vec<SiteId>,
    /// Gets the reports of sites in these areas.
    #[serde(default)]
    pub areas: Vec<String>,
    /// Gets pool alerts too.
    #[serde(default = "yes")]
    pub alerts: bool,
    /// Seconds without an answer after which a report is sent again.
    #[serde(default = "default_resend")]
    pub resend_after_seconds: u32,
    /// Attempts after which a report is given up and becomes a work item.
    #[serde(default = "default_attempts")]
    pub give_up_after: u32,
    /// Most reports on their way without an answer; the rest waits in the queue.
    #[serde(default = "default_window")]
    pub window: u32,
}

const fn yes() -> bool {
    true
}

const fn default_resend() -> u32 {
    30
}

const fn default_attempts() -> u32 {
    100
}

const fn default_window() -> u32 {
    500
}

impl Receiver {
    /// Whether it gets the reports of a site; a site the policy no longer names is in no area.
    #[must_use]
    pub fn takes(&self, policy: &Policy, site: &SiteId) -> bool {
        let area = policy.sites.get(site).map_or("", |site| site.area.as_str());
        self.all
            || self.sites.contains(site)
            || (!area.is_empty() && self.areas.iter().any(|own| own == area))
    }

    /// Time without an answer after which a report is sent again.
    #[must_use]
    pub fn resend_after(&self) -> Millis {
        Millis::from_secs(i64::from(self.resend_after_seconds))
    }
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    for (id, receiver) in &policy.receivers {
        let at = |field: &str| format!("receivers.{id}.{field}");
        if id.is_empty() || id.as_str().contains(['\0', '/']) {
            problem(
                errors,
                format!("receivers.{id}"),
                "a receiver's id has at least one character, and no '/'",
            );
        }
        if !receiver.all && receiver.sites.is_empty() && receiver.areas.is_empty() {
            problem(
                errors,
                at("all"),
                "it gets nothing: set all = true, or name sites or areas",
            );
        }
        for site in &receiver.sites {
            if !policy.sites.contains_key(site) {
                problem(errors, at("sites"), format!("{site:?} is not in [sites]"));
            }
        }
        for area in &receiver.areas {
            if area.is_empty() || !policy.sites.values().any(|site| site.area == *area) {
                problem(errors, at("areas"), format!("no site is in area {area:?}"));
            }
        }
        for (field, value, most) in [
            (
                "resend_after_seconds",
                receiver.resend_after_seconds,
                RESEND_SECONDS_MAX,
            ),
            ("give_up_after", receiver.give_up_after, u32::from(u16::MAX)),
            ("window", receiver.window, WINDOW_MAX),
        ] {
            if value == 0 || value > most {
                problem(errors, at(field), format!("{value} is not 1 to {most}"));
            }
        }
    }
}
