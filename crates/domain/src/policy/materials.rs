//! What a plate is made with, and what it is read in: lots with their expiry, instruments with their calibration.
//!
//! A lab that lists no lots need scan none, and one that lists no instruments may name any.

use super::{Day, Policy, PolicyError, problem};
use crate::ids::AssayId;
use crate::time::Timestamp;
use crate::well::PlateSize;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Lots and instruments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Materials {
    /// Kinds of which a plate must have a lot before it is loaded.
    pub required: BTreeSet<LotKind>,
    /// What happens if a plate is loaded into an instrument whose calibration is overdue.
    pub overdue: Overdue,
    /// Lots by what their label says.
    pub lots: BTreeMap<String, Lot>,
    /// Instruments by the name that is scanned.
    pub instruments: BTreeMap<String, Instrument>,
}

/// What a lot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotKind {
    /// A test kit.
    Kit,
    /// A reagent of its own, such as for extraction.
    Reagent,
    /// Tips, plates, seals.
    Consumable,
}

impl LotKind {
    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kit => "kit",
            Self::Reagent => "reagent",
            Self::Consumable => "consumable",
        }
    }
}

/// What was delivered together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lot {
    /// What it is of.
    pub kind: LotKind,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Last day it may be used, in the lab's zone.
    pub expires: Day,
    /// The kit it belongs to; none = any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assay: Option<AssayId>,
}

/// An overdue calibration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overdue {
    /// The plate is not loaded.
    #[default]
    Stop,
    /// It is, and the answer says so.
    Warn,
}

/// An instrument that reads plates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Its type, for people.
    #[serde(rename = "type")]
    pub kind: String,
    /// Wells of the largest plate it reads.
    pub capacity: PlateSize,
    /// Last day its calibration holds, in the lab's zone; none = not followed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_due: Option<Day>,
}

impl Day {
    /// This day is over in a time zone of the IANA data base.
    #[must_use]
    pub fn is_over(self, zone: &str, now: Timestamp) -> bool {
        let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
        jiff::Timestamp::from_millisecond(now.0).is_ok_and(|now| now.to_zoned(zone).date() > self.0)
    }
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    let named = |name: &str| !name.is_empty() && !name.chars().any(char::is_control);
    for (label, lot) in &policy.materials.lots {
        let field = format!("materials.lots.{label}");
        if !named(label) {
            problem(
                errors,
                &*field,
                "a lot has a label without control characters",
            );
        }
        if let Some(assay) = &lot.assay
            && !policy.assays.contains_key(assay)
        {
            problem(
                errors,
                format!("{field}.assay"),
                format!("assay {assay:?} is not in [assays]"),
            );
        }
    }
    for name in policy.materials.instruments.keys() {
        if !named(name) {
            problem(
                errors,
                format!("materials.instruments.{name}"),
                "an instrument has a name without control characters",
            );
        }
    }
    for kind in &policy.materials.required {
        if !policy.materials.lots.values().any(|lot| lot.kind == *kind) {
            problem(
                errors,
                "materials.required",
                format!(
                    "no lot of kind {} is listed: no plate could be loaded",
                    kind.name()
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_over_at_midnight_in_the_labs_zone() {
        let day = Day("2026-01-31".parse().expect("a day"));
        let at = |text: &str| {
            let at: jiff::Timestamp = text.parse().expect("a time");
            Timestamp(at.as_millisecond())
        };
        let shanghai = "Asia/Shanghai";
        assert!(!day.is_over(shanghai, at("2026-01-31T15:59:59Z")));
        assert!(day.is_over(shanghai, at("2026-01-31T16:00:00Z")));
        assert!(!day.is_over("UTC", at("2026-01-31T16:00:00Z")));
    }

    #[test]
    fn what_nobody_could_fulfil_is_refused() {
        let with = |section: &str| {
            let text = format!("{}\n{section}", Policy::default_text());
            Policy::parse(&text).map_err(|errors| errors[0].field.clone())
        };
        let lot = "[materials.lots.L1]\nkind = \"kit\"\nexpires = 2026-12-31\n";
        let policy = with(&format!("[materials]\nrequired = [\"kit\"]\n{lot}")).expect("valid");
        assert_eq!(Policy::parse(&policy.to_toml()), Ok(policy));
        let refused = with("[materials]\nrequired = [\"kit\"]\n");
        assert_eq!(refused, Err("materials.required".to_owned()));
        let refused = with(&format!("{lot}assay = \"nobodys\"\n"));
        assert_eq!(refused, Err("materials.lots.L1.assay".to_owned()));
    }
}
