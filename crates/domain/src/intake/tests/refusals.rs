//! Every refusal of a registration, by what is wrong with it.

use super::bench::{Lane, START, collection, single};
use crate::intake::registration::Registration;
use crate::sample::Kind;
use crate::time::Timestamp;

type Change = fn(&mut Registration);

#[test]
fn each_wrong_field_is_refused_with_its_reason_field_and_limit() {
    let table: &[(&str, &str, &str, Change)] = &[
        ("BARCODE_MISSING", "barcode", "empty", |r| {
            r.barcode = "".into()
        }),
        ("BARCODE_PATTERN", "barcode", "^[0-9A-Z]{8,20}$", |r| {
            r.barcode = "short".into()
        }),
        ("SITE_UNKNOWN", "site", "s-01, s-02, s-07", |r| {
            r.site = "s-99".into()
        }),
        ("LAB_UNKNOWN", "lab", "lab-1, lab-2", |r| {
            r.lab = Some("lab-9".into())
        }),
        ("KIND_MISSING", "kind", "not given", |r| r.kind = None),
        ("SPECIMEN_TYPE_UNKNOWN", "specimen_type", "np-swab", |r| {
            r.specimen_type = "blood".into()
        }),
        ("CLASS_UNKNOWN", "sampling_class", "routine", |r| {
            r.class = "vip".into()
        }),
        ("VERSION_LIMIT", "version", "1000000", |r| {
            r.version = 1_000_001
        }),
        ("COLLECTED_AT_RANGE", "collected_at", "9999", |r| {
            r.collected_at = Some(Timestamp(i64::MAX));
        }),
        ("OBSERVED_SWABS_LIMIT", "observed_swabs", "1000", |r| {
            r.observed_swabs = Some(1_001)
        }),
        ("SUBJECTS_COUNT", "subjects", "0 subjects", |r| {
            r.subjects.clear()
        }),
        ("SUBJECTS_COUNT", "subjects", "2 subjects", |r| {
            r.subjects.push("p-2".into())
        }),
        ("SUBJECT_MISSING", "subjects[0]", "empty", |r| {
            r.subjects = vec!["".into()]
        }),
        ("TEXT_TOO_LONG", "subjects[0]", "129 bytes: 128", |r| {
            r.subjects = vec!["x".repeat(129).into()];
        }),
        ("SUBJECT_TWICE", "subjects[2]", "already", |r| {
            r.collection_pool = true;
            r.subjects = vec!["a".into(), "b".into(), "a".into()];
        }),
        (
            "COLLECTION_POOL_SIZE",
            "subjects",
            "21 subjects in one collection pool: 1 to 20",
            |r| {
                *r = collection("ABCD0001", 21);
            },
        ),
        ("COLLECTION_POOL_SIZE", "subjects", "0 subjects", |r| {
            *r = collection("ABCD0001", 0)
        }),
        ("COLLECTION_POOL_KIND", "collection_pool", "persons", |r| {
            r.kind = Some(Kind::Object);
            r.collection_pool = true;
        }),
        ("SUBJECTS_COUNT", "subjects", "1 at most", |r| {
            r.kind = Some(Kind::Environment);
            r.subjects.push("place-2".into());
        }),
        ("TEXT_TOO_LONG", "round", "65 bytes: 64", |r| {
            r.round = Some("x".repeat(65))
        }),
        ("TEXT_CONTROL_CHARACTER", "transport_box", "U+0007", |r| {
            r.transport_box = Some("box\u{7}".to_owned());
        }),
        ("TEXT_TOO_LONG", "source", "65 bytes", |r| {
            r.source = "x".repeat(65)
        }),
        ("RECOLLECTION_OF_ITSELF", "recollection_of", "itself", |r| {
            r.recollection_of = Some(r.barcode.clone());
        }),
    ];
    for (reason, field, says, change) in table {
        let mut lane = Lane::new();
        let mut registration = single("ABCD0001");
        change(&mut registration);
        let refused = lane.register(registration).expect_err(reason);
        assert_eq!(
            (refused.reason.as_str(), refused.field.as_str()),
            (*reason, *field)
        );
        assert!(
            refused.message.contains(says),
            "{reason}: {}",
            refused.message
        );
        assert!(!refused.help.is_empty(), "{reason} does not say what to do");
        assert_eq!(lane.sent(), [], "{reason}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let mut wrong = single("x");
    wrong.site = "nowhere".into();
    wrong.class = "vip".into();
    wrong.subjects.clear();
    let refused = Lane::new().register(wrong).expect_err("refused");
    assert_eq!(refused.reason, "BARCODE_PATTERN");
    for part in [
        "site (SITE_UNKNOWN)",
        "sampling_class (CLASS_UNKNOWN)",
        "subjects (SUBJECTS_COUNT)",
    ] {
        assert!(refused.message.contains(part), "{}", refused.message);
    }
}

#[test]
fn without_a_policy_nothing_is_registered_amended_or_cancelled() {
    let mut lane = Lane::empty();
    for refused in [
        lane.register(single("ABCD0001")),
        lane.amend(single("ABCD0001")),
        lane.cancel("ABCD0001"),
    ] {
        assert_eq!(refused.expect_err("refused").reason, "NO_POLICY");
    }
    // A tube that arrives is taken in all the same.
    lane.seen("ABCD0001", "lab-1", 1);
    assert!(lane.entry("ABCD0001").is_some());
}

#[test]
fn what_is_unusual_but_legal_is_accepted() {
    let legal: &[Change] = &[
        |r| *r = collection("ABCD0001", 1),
        |r| *r = collection("ABCD0001", 20),
        |r| {
            r.kind = Some(Kind::Environment);
            r.subjects.clear();
        },
        |r| {
            r.kind = Some(Kind::Object);
            r.subjects = vec!["lot-4711".into()];
            r.observed_swabs = Some(1);
        },
        |r| r.collected_at = Some(START.minus(crate::time::Millis::from_hours(24 * 365 * 50))),
        |r| r.round = Some("第三轮".to_owned()),
        |r| r.collector = Some("=cmd()".to_owned()),
    ];
    for (n, change) in legal.iter().enumerate() {
        let mut registration = single("ABCD0001");
        change(&mut registration);
        let receipt = Lane::new()
            .register(registration)
            .unwrap_or_else(|e| panic!("{n}: {e}"));
        assert_eq!(receipt.hold(), None, "{n}");
    }
}
