//! Collection sites, barcode schemes, and what makes a registration plausible.

use super::{Policy, PolicyError, problem};
use crate::ids::LabId;
use crate::intake::check_digit::Scheme;
use jiff::civil::Date;
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Largest collection pool a policy may allow: above it, re-collecting n persons for one result is
/// worse than testing them singly at any prevalence the field works at.
const COLLECTION_POOL_MAX: u8 = 50;
/// Most hours a plausibility bound may say.
const HOURS_MAX: u32 = 24 * 366;
/// Longest regular expression, in bytes.
const PATTERN_BYTES_MAX: usize = 500;
/// Most barcode schemes of one site: each barcode may be tried against all of them.
const SCHEMES_MAX: usize = 16;
/// Most affixes of one kind that a scanner may add.
const AFFIXES_MAX: usize = 16;

/// Rules for all registrations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationPolicy {
    /// Kinds of swab and medium there are.
    pub specimen_types: BTreeSet<String>,
    /// Sizes of collection pools; a tube may hold fewer persons than the largest, never more.
    pub collection_pool_sizes: Vec<u8>,
    /// `collected_at` further ahead than this is flagged, in minutes.
    pub future_tolerance_minutes: u32,
    /// `collected_at` further back than this is flagged as a late entry, in hours.
    pub late_entry_hours: u32,
    /// What scanners add to a barcode.
    #[serde(default)]
    pub scanner: Scanner,
    /// Barcode schemes of the sites that have none of their own.
    pub barcodes: Vec<BarcodeScheme>,
}

impl RegistrationPolicy {
    /// Most persons in one collection pool.
    #[must_use]
    pub fn collection_pool_max(&self) -> u8 {
        self.collection_pool_sizes
            .iter()
            .copied()
            .max()
            .unwrap_or(1)
    }
}

/// What scanners put around a barcode; it is taken off where a scan enters the system, before the
/// barcode decides on its lane, and nothing else is ever cleaned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scanner {
    /// Symbology identifiers and the like, such as `]C1`; one is taken off.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Keys a scanner presses after the barcode, such as a line end; all at the end are taken off.
    #[serde(default)]
    pub terminators: Vec<String>,
}

impl Scanner {
    /// The barcode without what the scanner added.
    #[must_use]
    pub fn strip<'a>(&self, scan: &'a str) -> &'a str {
        let mut text = self
            .prefixes
            .iter()
            .find_map(|prefix| scan.strip_prefix(prefix.as_str()))
            .unwrap_or(scan);
        // An empty terminator is refused by the check; the length test ends the loop all the same.
        while let Some(shorter) = self
            .terminators
            .iter()
            .find_map(|end| text.strip_suffix(end.as_str()))
            .filter(|shorter| shorter.len() < text.len())
        {
            text = shorter;
        }
        text
    }
}

/// One form that barcodes may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarcodeScheme {
    /// Its name, for messages.
    pub name: String,
    /// A regular expression for the whole barcode.
    pub pattern: String,
    /// The check digit at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Scheme>,
    /// First day it is valid, in the lab's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// Last day it is valid, in the lab's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// A calendar day. In TOML a date (`2026-01-31`) or the same as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub Date);

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.to_string())
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Toml(toml::value::Datetime),
            Text(String),
        }
        let text = match Form::deserialize(from)? {
            Form::Toml(date) => date.to_string(),
            Form::Text(text) => text,
        };
        text.parse()
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is no day such as 2026-01-31")))
    }
}

/// A collection site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The lab its tubes go to.
    pub lab: LabId,
    /// The area (district, jurisdiction) it is in; reports can be filtered by it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub area: String,
    /// Its own barcode schemes; none = those of `registration.barcodes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barcodes: Vec<BarcodeScheme>,
}

pub(super) fn check(policy: &Policy, errors: &mut Vec<PolicyError>) {
    check_registration(&policy.registration, errors);
    for (id, site) in &policy.sites {
        if id.is_empty() || id.as_str().chars().any(char::is_control) {
            problem(
                errors,
                format!("sites.{id}"),
                "a site's id has at least one character, and no control characters",
            );
        }
        if !policy.labs.contains_key(&site.lab) {
            problem(
                errors,
                format!("sites.{id}.lab"),
                format!("lab {:?} is not in [labs]", site.lab),
            );
        }
        check_schemes(&format!("sites.{id}.barcodes"), &site.barcodes, errors);
    }
}

fn check_registration(rules: &RegistrationPolicy, errors: &mut Vec<PolicyError>) {
    if rules.specimen_types.is_empty() || rules.specimen_types.contains("") {
        problem(
            errors,
            "registration.specimen_types",
            "name at least one type, and none that is empty",
        );
    }
    for size in &rules.collection_pool_sizes {
        if !(2..=COLLECTION_POOL_MAX).contains(size) {
            problem(
                errors,
                "registration.collection_pool_sizes",
                format!("{size} is not 2 to {COLLECTION_POOL_MAX}"),
            );
        }
    }
    if rules.future_tolerance_minutes > HOURS_MAX.saturating_mul(60) {
        problem(
            errors,
            "registration.future_tolerance_minutes",
            format!("{} is more than a year", rules.future_tolerance_minutes),
        );
    }
    if rules.late_entry_hours > HOURS_MAX {
        problem(
            errors,
            "registration.late_entry_hours",
            format!("{} is more than a year", rules.late_entry_hours),
        );
    }
    for (name, affixes) in [
        ("prefixes", &rules.scanner.prefixes),
        ("terminators", &rules.scanner.terminators),
    ] {
        if affixes.len() > AFFIXES_MAX || affixes.iter().any(String::is_empty) {
            problem(
                errors,
                format!("registration.scanner.{name}"),
                format!("at most {AFFIXES_MAX}, and none empty"),
            );
        }
    }
    if rules.barcodes.is_empty() {
        problem(
            errors,
            "registration.barcodes",
            "there is no barcode scheme: name at least one",
        );
    }
    check_schemes("registration.barcodes", &rules.barcodes, errors);
}

fn check_schemes(field: &str, schemes: &[BarcodeScheme], errors: &mut Vec<PolicyError>) {
    if schemes.len() > SCHEMES_MAX {
        problem(
            errors,
            field,
            format!("{} schemes: {SCHEMES_MAX} are allowed", schemes.len()),
        );
    }
    for (n, scheme) in schemes.iter().enumerate() {
        if scheme.pattern.len() > PATTERN_BYTES_MAX {
            problem(
                errors,
                format!("{field}[{n}].pattern"),
                format!("longer than {PATTERN_BYTES_MAX} bytes"),
            );
        } else if let Err(error) = Regex::new(&whole_pattern(&scheme.pattern)) {
            problem(errors, format!("{field}[{n}].pattern"), error.to_string());
        }
        if let (Some(from), Some(until)) = (scheme.from, scheme.until)
            && from > until
        {
            problem(
                errors,
                format!("{field}[{n}].until"),
                format!("{} is before its first day {}", until.0, from.0),
            );
        }
    }
}

/// A pattern that must fit the whole barcode, whether or not it says so itself.
pub(crate) fn whole_pattern(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: impl FnOnce(&mut Policy)) -> Vec<String> {
        let mut policy = Policy::parse(Policy::default_text()).expect("valid");
        change(&mut policy);
        policy.problems().into_iter().map(|e| e.field).collect()
    }

    fn scheme(pattern: &str) -> BarcodeScheme {
        BarcodeScheme {
            name: "test".to_owned(),
            pattern: pattern.to_owned(),
            check: None,
            from: None,
            until: None,
        }
    }

    #[test]
    fn every_problem_is_named_by_its_field() {
        let found = problems(|p| {
            p.registration.specimen_types.clear();
            p.registration.collection_pool_sizes.push(1);
            p.registration.scanner.terminators.push(String::new());
            p.registration.barcodes = vec![scheme("[")];
            if let Some(site) = p.sites.get_mut("s-01") {
                site.lab = "nowhere".into();
                let mut backwards = scheme("^A$");
                backwards.from = Some(Day(Date::constant(2026, 2, 1)));
                backwards.until = Some(Day(Date::constant(2026, 1, 1)));
                site.barcodes = vec![backwards];
            }
        });
        assert_eq!(
            found,
            [
                "registration.specimen_types",
                "registration.collection_pool_sizes",
                "registration.scanner.terminators",
                "registration.barcodes[0].pattern",
                "sites.s-01.lab",
                "sites.s-01.barcodes[0].until",
            ]
        );
    }

    #[test]
    fn a_scanner_loses_its_own_prefix_and_terminators_and_nothing_else() {
        let scanner = Scanner {
            prefixes: vec!["]C1".to_owned()],
            terminators: vec!["\r".to_owned(), "\n".to_owned()],
        };
        for (scan, barcode) in [
            ("]C1AB1234\r\n", "AB1234"),
            ("AB1234", "AB1234"),
            (" AB1234", " AB1234"),
            ("`AB1234`\n", "`AB1234`"),
            ("]C1]C1AB", "]C1AB"),
            ("\r\n", ""),
        ] {
            assert_eq!(scanner.strip(scan), barcode, "{scan:?}");
        }
    }

    #[test]
    fn a_day_is_read_as_a_date_and_as_text() {
        #[derive(Deserialize)]
        struct Days {
            a: Day,
            b: Day,
        }
        let days: Days = toml::from_str("a = 2026-01-31\nb = \"2026-01-31\"").expect("days");
        assert_eq!(days.a, days.b);
        assert!(toml::from_str::<Days>("a = 2026-01-31\nb = \"31/01/2026\"").is_err());
    }
}
