use super::*;
use crate::intake::check_digit::Scheme;
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
