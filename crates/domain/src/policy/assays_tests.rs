//! Every kit of the default policy at every boundary of its rule.

use super::*;

use proptest::prelude::*;

fn kits() -> BTreeMap<String, Assay> {
    let policy = Policy::parse(Policy::default_text()).expect("the default policy reads");
    policy
        .assays
        .into_iter()
        .map(|(id, assay)| (id.to_string(), assay))
        .collect()
}

fn read(kit: &str, ct: f64) -> Band {
    let kits = kits();
    let assay = kits.get(kit).expect("the kit is there");
    assay
        .rule("N", Timestamp(1_767_225_600_000))
        .expect("a rule is in force")
        .band(Some(ct))
}

#[test]
fn every_kit_reads_its_boundaries_as_its_leaflet_says() {
    use Band::{Grey, Negative, Positive};
    let table: [(&str, &[(f64, Band)]); 10] = [
        (
            "default-cn",
            &[
                (36.99, Positive),
                (37.0, Grey),
                (39.99, Grey),
                (40.0, Negative),
                (40.01, Negative),
            ],
        ),
        (
            "da-an",
            &[(39.99, Positive), (40.0, Positive), (40.01, Negative)],
        ),
        (
            "sansure",
            &[(39.99, Positive), (40.0, Positive), (40.01, Negative)],
        ),
        (
            "bgi",
            &[(39.99, Positive), (40.0, Positive), (40.01, Negative)],
        ),
        (
            "biogerm",
            &[(37.99, Positive), (38.0, Positive), (38.01, Negative)],
        ),
        (
            "kinghawk",
            &[(37.99, Positive), (38.0, Grey), (40.0, Grey), (40.01, Grey)],
        ),
        (
            "ediagnosis",
            &[
                (37.99, Positive),
                (38.0, Grey),
                (39.99, Grey),
                (40.0, Negative),
            ],
        ),
        (
            "maccura",
            &[(37.99, Positive), (38.0, Positive), (38.01, Negative)],
        ),
        (
            "liferiver",
            &[(42.99, Positive), (43.0, Positive), (43.01, Negative)],
        ),
        (
            "huirui",
            &[
                (34.99, Positive),
                (35.0, Grey),
                (39.19, Grey),
                (39.2, Negative),
                (39.21, Negative),
            ],
        ),
    ];
    for (kit, rows) in table {
        for (ct, band) in rows {
            assert_eq!(read(kit, *ct), *band, "{kit} at {ct}");
        }
    }
    assert_eq!(
        kits().len(),
        table.len(),
        "every kit has a row in this table"
    );
}

#[test]
fn no_ct_is_negative_for_every_kit() {
    for (id, assay) in kits() {
        for rule in &assay.rules {
            assert_eq!(rule.band(None), Band::Negative, "{id}");
        }
    }
}

#[test]
fn targets_are_found_by_the_names_that_files_use() {
    let kits = kits();
    let assay = &kits["default-cn"];
    for (name, own) in [
        ("ORF1ab", "ORF1ab"),
        ("ORF1AB", "ORF1ab"),
        ("orf 1ab", "ORF1ab"),
        ("N gene", "N"),
        ("N-Gene", "N"),
        ("n", "N"),
        ("RNaseP", "IC"),
        ("RNAse P", "IC"),
        ("RP", "IC"),
    ] {
        assert_eq!(assay.target_named(name), Some(own), "{name}");
    }
    assert_eq!(assay.target_named("S gene"), None);
}

#[test]
fn the_rule_is_the_one_in_force_when_the_run_was_read() {
    let mut assay = kits()["default-cn"].clone();
    let mut stricter = assay.rules[0].clone();
    stricter.version += 1;
    stricter.from = "2026-02-01T00:00:00Z".to_owned();
    stricter.positive = Upper {
        ct: 35.0,
        inclusive: false,
    };
    assay.rules.push(stricter);
    let change = Timestamp(1_769_904_000_000);
    let before = assay.rule("N", Timestamp(change.0 - 1)).expect("in force");
    let after = assay.rule("N", change).expect("in force");
    assert_eq!(
        (before.band(Some(36.0)), after.band(Some(36.0))),
        (Band::Positive, Band::Grey)
    );
    assert!(
        assay.rule("N", Timestamp(0)).is_none(),
        "no rule before the first"
    );
}

#[test]
fn bounds_that_overlap_are_refused() {
    let mut errors = Vec::new();
    let mut assay = kits()["da-an"].clone();
    assay.rules[0].negative = Lower::Above {
        ct: 40.0,
        inclusive: true,
    };
    check_rules(&assay, "assays.da-an.rules", &mut errors);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].message.contains("overlaps"), "{errors:?}");
}

#[test]
fn one_name_for_two_targets_is_refused() {
    let mut errors = Vec::new();
    let mut assay = kits()["da-an"].clone();
    assay.internal_control.aliases.push("n-gene".to_owned());
    check_names(&assay, "assays.da-an.targets", &mut errors);
    assert_eq!(errors.len(), 1, "{errors:?}");
}

fn rules() -> impl Strategy<Value = CtRule> {
    (
        1.0..60.0f64,
        any::<bool>(),
        0.0..20.0f64,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(positive, closed, width, inclusive, none)| CtRule {
            name: "r".to_owned(),
            version: 1,
            from: "2020-01-01T00:00:00Z".to_owned(),
            targets: Vec::new(),
            positive: Upper {
                ct: positive,
                inclusive: closed,
            },
            negative: if none {
                Lower::None
            } else {
                Lower::Above {
                    ct: positive + width,
                    inclusive: inclusive && !(closed && width == 0.0),
                }
            },
        })
}

proptest! {
    #[test]
    fn bands_follow_the_ct_downwards(rule in rules(), a in 0.01..100.0f64, b in 0.01..100.0f64) {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        prop_assert!(rule.band(Some(low)) >= rule.band(Some(high)), "more virus, never less of a call");
    }

    #[test]
    fn a_stricter_threshold_never_turns_a_negative_positive(rule in rules(), ct in 0.01..100.0f64, less in 0.0..10.0f64) {
        let mut stricter = rule.clone();
        stricter.positive.ct -= less;
        if rule.band(Some(ct)) != Band::Positive {
            prop_assert_ne!(stricter.band(Some(ct)), Band::Positive);
        }
    }

    #[test]
    fn bounds_read_what_they_write(rule in rules()) {
        prop_assert_eq!(Upper::try_from(rule.positive.to_string()), Ok(rule.positive));
        prop_assert_eq!(Lower::try_from(rule.negative.to_string()), Ok(rule.negative));
    }
}
