//! The policy with its patterns compiled, and the judgement of one barcode.

use super::{BARCODE_BYTES_MAX, characters, damage};
use crate::ids::SiteId;
use crate::intake::check_digit::{Fault, Scheme};
use crate::policy::{ActivePolicy, BarcodeScheme, Library, Memo, Policy, no_policy, whole_pattern};
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};
use crate::time::{Millis, Timestamp};
use jiff::tz::TimeZone;
use regex::Regex;
use std::collections::HashMap;
use std::sync::Arc;

/// A scheme, ready to judge.
#[derive(Debug)]
struct Compiled {
    name: String,
    pattern: Regex,
    check: Option<Scheme>,
    /// First moment it is valid.
    from: Timestamp,
    /// First moment it is valid no more.
    until: Timestamp,
}

impl Compiled {
    /// `None` if the pattern is none; a checked policy has no such scheme.
    fn new(scheme: &BarcodeScheme, zone: &TimeZone) -> Option<Self> {
        let start = |day: jiff::civil::Date| {
            day.to_zoned(zone.clone())
                .map(|at| Timestamp(at.timestamp().as_millisecond()))
        };
        let from = scheme.from.and_then(|day| start(day.0).ok());
        let until = scheme
            .until
            .and_then(|day| day.0.tomorrow().ok())
            .and_then(|day| start(day).ok());
        Some(Self {
            name: scheme.name.clone(),
            pattern: Regex::new(&whole_pattern(&scheme.pattern)).ok()?,
            check: scheme.check,
            from: from.unwrap_or(Timestamp(i64::MIN)),
            until: until.unwrap_or(Timestamp(i64::MAX)),
        })
    }

    fn is_valid_at(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    fn fault(&self, text: &str) -> Option<Fault> {
        self.check.and_then(|check| check.verify(text).err())
    }

    fn fits(&self, text: &str, at: Timestamp) -> bool {
        self.is_valid_at(at) && self.pattern.is_match(text) && self.fault(text).is_none()
    }
}

/// A policy with its patterns compiled once.
#[derive(Debug)]
pub struct Rules {
    /// The policy.
    pub policy: Arc<Policy>,
    schemes: Vec<Compiled>,
    sites: HashMap<SiteId, Vec<Compiled>>,
}

impl Rules {
    /// Compiles a policy's patterns.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        let compile = |schemes: &[BarcodeScheme], zone: &TimeZone| -> Vec<Compiled> {
            schemes
                .iter()
                .filter_map(|scheme| Compiled::new(scheme, zone))
                .collect()
        };
        let zone = |name: &str| TimeZone::get(name).unwrap_or(TimeZone::UTC);
        let common = policy
            .labs
            .values()
            .next()
            .map_or(TimeZone::UTC, |lab| zone(&lab.zone));
        let sites = policy
            .sites
            .iter()
            .filter(|(_, site)| !site.barcodes.is_empty())
            .map(|(id, site)| {
                let lab = policy.labs.get(&site.lab);
                let zone = lab.map_or(TimeZone::UTC, |lab| zone(&lab.zone));
                (id.clone(), compile(&site.barcodes, &zone))
            })
            .collect();
        Self {
            schemes: compile(&policy.registration.barcodes, &common),
            sites,
            policy,
        }
    }

    fn schemes(&self, site: &SiteId) -> &[Compiled] {
        self.sites.get(site).unwrap_or(&self.schemes)
    }

    /// Judges a barcode that a site registers at a moment.
    ///
    /// # Errors
    /// `BARCODE_MISSING`, `BARCODE_TOO_LONG`, `BARCODE_CHARACTER`, `BARCODE_CHECK_DIGIT`,
    /// `BARCODE_SCHEME_DATES`, `BARCODE_DAMAGED`, `BARCODE_PATTERN`.
    pub fn check_barcode(&self, site: &SiteId, text: &str, at: Timestamp) -> Result<(), Rejection> {
        if text.is_empty() {
            return Err(refused(
                "BARCODE_MISSING",
                "the barcode is empty",
                "scan the tube",
            ));
        }
        if text.len() > BARCODE_BYTES_MAX {
            let message = format!(
                "the barcode has {} bytes: {BARCODE_BYTES_MAX} are allowed",
                text.len()
            );
            return Err(refused(
                "BARCODE_TOO_LONG",
                message,
                "scan one barcode into the field; check that the scanner ends each with a line end",
            ));
        }
        if let Some((place, c)) = characters::first_foreign(text) {
            return Err(refused(
                "BARCODE_CHARACTER",
                format!(
                    "barcode {text:?} has a character no barcode may have at {place}: {}",
                    characters::name(c)
                ),
                "scan the label again instead of copying text; what a scanner adds is configured in registration.scanner",
            ));
        }
        let schemes = self.schemes(site);
        if schemes.iter().any(|scheme| scheme.fits(text, at)) {
            return Ok(());
        }
        Err(why_not(schemes, site, text, at))
    }
}

fn refused(reason: &str, message: impl Into<String>, help: impl Into<String>) -> Rejection {
    Rejection::invalid(reason, "barcode", message, help)
}

/// Explains why no scheme fits; off the hot path.
fn why_not(schemes: &[Compiled], site: &SiteId, text: &str, at: Timestamp) -> Rejection {
    let fits = |t: &str| schemes.iter().any(|scheme| scheme.fits(t, at));
    let typed = || {
        if damage::typed(text, fits) {
            "; was it typed? (0 and O, 1 and I)"
        } else {
            ""
        }
    };
    if let Some((scheme, fault)) = schemes
        .iter()
        .filter(|s| s.is_valid_at(at) && s.pattern.is_match(text))
        .find_map(|s| s.fault(text).map(|fault| (s, fault)))
    {
        return refused(
            "BARCODE_CHECK_DIGIT",
            format!(
                "barcode {text:?} (scheme {}): {fault}{}",
                scheme.name,
                typed()
            ),
            "scan the label instead of typing it; if the scanner reads this, the label is wrong",
        );
    }
    if let Some(scheme) = schemes.iter().find(|s| s.pattern.is_match(text)) {
        let message = if at < scheme.from {
            format!(
                "barcode {text:?} is of scheme {}, valid from {}",
                scheme.name, scheme.from
            )
        } else {
            format!(
                "barcode {text:?} is of scheme {}, valid until {}",
                scheme.name,
                scheme.until.minus(Millis(1))
            )
        };
        return refused(
            "BARCODE_SCHEME_DATES",
            message,
            "use labels of a valid scheme, or have the scheme's dates changed in the policy",
        );
    }
    if let Some(damage) = damage::by_spreadsheet(text, fits) {
        return refused(
            "BARCODE_DAMAGED",
            format!("barcode {text:?} is damaged: {damage}"),
            "export the column as text and register the file again; nothing is completed by guess",
        );
    }
    let allowed = schemes
        .iter()
        .filter(|s| s.is_valid_at(at))
        .map(|s| inner(s.pattern.as_str()))
        .collect::<Vec<_>>()
        .join(" or ");
    let mut hint = typed();
    if damage::two_scans(text, fits) {
        hint = "; it looks like two scans in one field";
    }
    let space = text.find(' ').map_or(String::new(), |place| {
        format!(" has a space at {}", place.saturating_add(1))
    });
    let message = if space.is_empty() {
        format!("barcode {text:?} fits no scheme: site {site} allows {allowed}{hint}")
    } else {
        format!("barcode {text:?}{space}: site {site} allows {allowed}{hint}")
    };
    refused(
        "BARCODE_PATTERN",
        message,
        "scan the tube's own label; a new form of label needs a scheme in the policy",
    )
}

/// The pattern as the policy has it.
fn inner(whole: &str) -> &str {
    whole
        .strip_prefix("^(?:")
        .and_then(|p| p.strip_suffix(")$"))
        .unwrap_or(whole)
}

/// Rules by policy, compiled once.
#[derive(Debug, Default)]
pub struct Rulebook {
    library: Library,
    memo: Memo<Rules>,
}

impl Rulebook {
    /// Parsed policies.
    #[must_use]
    pub const fn library(&self) -> &Library {
        &self.library
    }

    /// The rules of the policy that is active in a lane.
    ///
    /// # Errors
    /// `NO_POLICY`.
    pub fn active(&self, state: &dyn Read) -> Result<Arc<Rules>, Rejection> {
        let active = state.get::<ActivePolicy>(&()).ok_or_else(no_policy)?;
        self.memo.get_or_make(&active.digest, || {
            self.library.active(state).map(Rules::new)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Day, Site};
    use jiff::civil::Date;
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp(1_767_240_000_000); // 2026-01-01T04:00Z, noon in Shanghai

    fn scheme(name: &str, pattern: &str, check: Option<Scheme>) -> BarcodeScheme {
        BarcodeScheme {
            name: name.to_owned(),
            pattern: pattern.to_owned(),
            check,
            from: None,
            until: None,
        }
    }

    /// `s-01` uses the default; `s-07` has an old scheme until 2025-12-31, one from 2026-01-02, and one
    /// with a check digit.
    fn rules() -> Rules {
        let mut policy = Policy::parse(Policy::default_text()).expect("valid");
        let mut old = scheme("old", "[0-9]{8}", None);
        old.until = Some(Day(Date::constant(2025, 12, 31)));
        let mut next = scheme("next", "N[0-9]{4}", None);
        next.from = Some(Day(Date::constant(2026, 1, 2)));
        let checked = scheme("checked", "^[0-9O]{11}$", Some(Scheme::Luhn));
        let site = Site {
            name: String::new(),
            lab: "lab-1".into(),
            area: String::new(),
            barcodes: vec![old, next, checked],
        };
        policy.sites.insert("s-07".into(), site);
        Rules::new(Arc::new(policy))
    }

    fn judge(site: &str, text: &str) -> Result<(), (String, String)> {
        rules()
            .check_barcode(&site.into(), text, NOON)
            .map_err(|r| (r.reason, r.message))
    }

    #[test]
    fn each_refusal_has_its_reason_and_says_what_happened() {
        let long = "A".repeat(65);
        for (site, text, reason, says) in [
            ("s-01", "", "BARCODE_MISSING", "empty"),
            ("s-01", long.as_str(), "BARCODE_TOO_LONG", "65 bytes: 64"),
            (
                "s-01",
                "ABCD１234",
                "BARCODE_CHARACTER",
                "at 5: full-width 1, U+FF11",
            ),
            (
                "s-01",
                "АBCD1234",
                "BARCODE_CHARACTER",
                "looks like A, U+0410",
            ),
            (
                "s-01",
                "ABCD 1234",
                "BARCODE_PATTERN",
                "has a space at 5: site s-01 allows ^[0-9A-Z]{8,20}$",
            ),
            ("s-01", "`ABCD1234`", "BARCODE_PATTERN", "fits no scheme"),
            ("s-01", "12345", "BARCODE_DAMAGED", "leading zeros"),
            ("s-01", "1.23457E+15", "BARCODE_DAMAGED", "scientific"),
            ("s-01", "1-Mar", "BARCODE_DAMAGED", "date"),
            ("s-07", "79927398714", "BARCODE_CHECK_DIGIT", "does not fit"),
            (
                "s-07",
                "7O92739871O",
                "BARCODE_CHECK_DIGIT",
                "does not know 'O'",
            ),
            (
                "s-07",
                "12345678",
                "BARCODE_SCHEME_DATES",
                "scheme old, valid until 2025-12-31T15:59:59.999Z",
            ),
            (
                "s-07",
                "N1234",
                "BARCODE_SCHEME_DATES",
                "scheme next, valid from 2026-01-01T16:00",
            ),
            (
                "s-07",
                "7992739871379927398713",
                "BARCODE_PATTERN",
                "two scans",
            ),
            (
                "s-07",
                "7992739871I",
                "BARCODE_PATTERN",
                "allows ^[0-9O]{11}$",
            ),
        ] {
            let (found, message) = judge(site, text).expect_err(text);
            assert_eq!(found, reason, "{text:?}: {message}");
            assert!(message.contains(says), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_good_barcode_of_any_valid_scheme_is_accepted() {
        assert_eq!(judge("s-01", "ABCD1234"), Ok(()));
        assert_eq!(judge("s-07", "79927398713"), Ok(()));
        assert_eq!(judge("unknown-site", "ABCD1234"), Ok(()));
    }

    #[test]
    fn a_zero_typed_as_o_is_guessed_where_the_check_digit_finds_it() {
        // 10 in its middle makes a good number; the O is what a person typed.
        let good = format!(
            "1079273987{}",
            Scheme::Luhn.compute("1079273987").expect("digits")
        );
        assert_eq!(judge("s-07", &good), Ok(()));
        let (reason, message) = judge("s-07", &good.replacen('0', "O", 1)).expect_err("typed");
        assert_eq!(reason, "BARCODE_CHECK_DIGIT");
        assert!(message.contains("was it typed?"), "{message}");
    }

    #[test]
    fn unicode_classes_in_a_pattern_do_not_let_foreign_digits_in() {
        let mut policy = Policy::parse(Policy::default_text()).expect("valid");
        policy.registration.barcodes = vec![scheme("any", r"\d{4}", None)];
        let rules = Rules::new(Arc::new(policy));
        assert!(rules.check_barcode(&"s-01".into(), "1234", NOON).is_ok());
        assert!(
            rules
                .check_barcode(&"s-01".into(), "１２３４", NOON)
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in "\\PC{0,80}", control in "[\\x00-\\x20]{0,3}") {
            let rules = rules();
            let _ = rules.check_barcode(&"s-01".into(), &text, NOON);
            let _ = rules.check_barcode(&"s-07".into(), &format!("{text}{control}"), NOON);
        }
    }
}
