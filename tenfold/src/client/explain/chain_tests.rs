use super::*;
use tenfold_proto::v1::{
    ContaminationHint, CtReading, Custody, EarlierAnalysis, ExplainedTarget, FinalResult,
    IssuedVersion, PoolingStep, ReceiverState, Sample, Verdict,
};

/// 2026-01-31 08:00 UTC and so many minutes.
fn at(minutes: i64) -> i64 {
    1_769_846_400_000 + minutes * 60_000
}

fn step(kind: &str, minutes: i64, by: &str, of: &str, note: &str) -> PoolingStep {
    PoolingStep {
        kind: kind.to_owned(),
        at: at(minutes),
        by: by.to_owned(),
        note: note.to_owned(),
        of: of.to_owned(),
    }
}

fn target(
    name: &str,
    text: &str,
    ct: Option<f64>,
    rule: &str,
    rule_version: u32,
) -> ExplainedTarget {
    ExplainedTarget {
        target: name.to_owned(),
        reading: Some(CtReading {
            text: text.to_owned(),
            ct,
        }),
        rule: rule.to_owned(),
        rule_version,
    }
}

/// A tube whose pool was positive, and which was negative by itself.
fn cleared() -> Chain {
    let pool = PoolView {
        pool: "lab-1/P3".to_owned(),
        members: vec![PoolMemberView {
            tube: "lab-1/T17".to_owned(),
            slot: 4,
            transferred_at: Some(at(20)),
            transferred_by: Some("tech-7".to_owned()),
            ul: 100,
            ..PoolMemberView::default()
        }],
        timeline: vec![step("sealed", 30, "tech-7", "lab-1/P3", "it is full")],
        ..PoolView::default()
    };
    let well = |name: &str, minutes, ul| PlateWellView {
        well: name.to_owned(),
        transferred_at: Some(at(minutes)),
        transferred_by: Some("robot-1".to_owned()),
        ul,
        ..PlateWellView::default()
    };
    let plate = |wells| PlateView {
        wells,
        ..PlateView::default()
    };
    let first = ExplainedTest {
        plate: "PL-1".to_owned(),
        well: "B3".to_owned(),
        round: 1,
        pool: "lab-1/P3".to_owned(),
        members: 10,
        instrument: "cycler-2".to_owned(),
        loaded_at: at(50),
        run: "SN-7/run-1".to_owned(),
        version: 2,
        file_hash: "ab12cd34ef56aa".to_owned(),
        file_name: "run-1.xls".to_owned(),
        read_at: at(130),
        imported_at: at(140),
        imported_by: "tech-9".to_owned(),
        policy: 3,
        targets: vec![
            target("N", "29.31", Some(29.31), "default-cn", 1),
            target("ORF1ab", "28.1", Some(28.1), "default-cn", 1),
            target("IC", "Undetermined", None, "internal control", 0),
        ],
        call: WellCall::Positive.into(),
        controls: "in-control".to_owned(),
        hints: vec![ContaminationHint {
            text: "B3 (Ct 28.1) stands next to B4 (Ct 15.2), which is much stronger: it may be a drop of that".to_owned(),
            ..ContaminationHint::default()
        }],
        earlier: vec![EarlierAnalysis {
            version: 1,
            file_hash: "99887766554433".to_owned(),
            file_name: "run-1a.xls".to_owned(),
            imported_at: at(135),
            imported_by: "tech-9".to_owned(),
            call: Some(WellCall::Grey.into()),
            set_aside: String::new(),
        }],
        ..ExplainedTest::default()
    };
    let own = ExplainedTest {
        plate: "PL-2".to_owned(),
        well: "A1".to_owned(),
        round: 2,
        members: 1,
        instrument: "cycler-2".to_owned(),
        loaded_at: at(200),
        controls: "not-run".to_owned(),
        ..ExplainedTest::default()
    };
    Chain {
        barcode: "AB12345678".to_owned(),
        lab: "lab-1".to_owned(),
        sample: Some(IntakeSample {
            sample: Some(Sample {
                registered_at: at(0),
                version: 1,
                site: "s-07".to_owned(),
                ..Sample::default()
            }),
            ..IntakeSample::default()
        }),
        tube: Some(TubeView {
            tube: Some("lab-1/T17".to_owned()),
            timeline: vec![
                step("received", 10, "tech-7", "lab-1/T17", "rack R-1 A4"),
                step("opened", 11, "tech-7", "lab-1/P3", ""),
            ],
            ..TubeView::default()
        }),
        result: Some(ResultExplanation {
            tube: "lab-1/T17".to_owned(),
            tests: vec![first, own],
            standing: "final".to_owned(),
            clock: "in-time".to_owned(),
            due: at(1440),
            suspect: Some(ExplainedPool {
                pool: "lab-1/P3".to_owned(),
                plate: "PL-1".to_owned(),
                well: "B3".to_owned(),
                call: WellCall::Positive.into(),
                since: at(140),
                members: 10,
                alert_due: at(260),
                alert_late: false,
                end: "open".to_owned(),
            }),
            reports: vec![IssuedVersion {
                version: 1,
                verdict: Verdict::Negative.into(),
                replaces: 0,
                at: at(300),
                pooled: false,
            }],
            receivers: vec![ReceiverState {
                receiver: "cdc".to_owned(),
                version: 1,
                state: "sent".to_owned(),
                attempts: 2,
            }],
            ..ResultExplanation::default()
        }),
        pools: BTreeMap::from([("lab-1/P3".to_owned(), pool)]),
        plates: BTreeMap::from([
            (
                "PL-1".to_owned(),
                plate(vec![well("A3", 1, 1), well("B3", 40, 200)]),
            ),
            ("PL-2".to_owned(), plate(vec![well("A1", 190, 200)])),
        ]),
    }
}

#[test]
fn a_retest_reads_from_the_rack_to_the_report() {
    let expected = include_str!("retest.txt");
    assert_eq!(cleared().words(), expected.trim_end());
}

#[test]
fn a_step_that_nobody_recorded_is_said_to_be_missing() {
    let mut chain = cleared();
    if let Some(plate) = chain.plates.get_mut("PL-2") {
        plate.wells[0].transferred_at = None;
    }
    let words = chain.words();
    assert!(words.contains("into well  not recorded"), "{words}");
}

#[test]
fn a_tube_that_is_not_on_a_plate_has_no_result() {
    let chain = Chain {
        result: None,
        ..cleared()
    };
    let words = chain.words();
    assert!(words.ends_with("there is no result."), "{words}");
}

#[test]
fn a_closed_tube_keeps_no_steps_and_still_says_when_it_came() {
    let mut chain = cleared();
    chain.sample = None;
    if let Some(tube) = &mut chain.tube {
        tube.timeline.clear();
        tube.received_at = Some(at(10));
    }
    let words = chain.words();
    assert!(words.contains("received  2026-01-31T08:10:00Z"), "{words}");
}

fn card(missing: &str) -> FiledSample {
    FiledSample {
        lab: "lab-1".to_owned(),
        tube: "lab-1/T17".to_owned(),
        version: 1,
        report_version: 1,
        result: FinalResult::Negative.into(),
        reported_at: at(300),
        from: at(50),
        until: at(310),
        missing: missing.to_owned(),
    }
}

#[test]
fn a_filed_sample_of_which_the_journal_is_gone_says_what_cannot_be_told() {
    let chain = Chain {
        result: Some(ResultExplanation {
            tube: "lab-1/T17".to_owned(),
            standing: "filed".to_owned(),
            filed: Some(card("the log begins after it")),
            ..ResultExplanation::default()
        }),
        ..cleared()
    };
    assert_eq!(chain.words(), include_str!("filed.txt").trim_end());
}

#[test]
fn a_filed_sample_that_the_journal_tells_of_is_told_as_ever() {
    let mut chain = cleared();
    if let Some(result) = &mut chain.result {
        result.filed = Some(card(""));
    }
    let words = chain.words();
    let filed =
        "\nFiled by lab lab-1: its records are of 2026-01-31T08:50:00Z to 2026-01-31T13:10:00Z\n";
    assert_eq!(words.replacen(filed, "", 1), cleared().words());
    assert_ne!(words, cleared().words());
}

#[test]
fn a_filed_sample_that_pooling_has_nothing_of_is_told_without_its_arrival() {
    let mut chain = cleared();
    chain.tube = None;
    chain.pools.clear();
    chain.plates.clear();
    chain.sample = Some(IntakeSample {
        filed: true,
        custody: Some(Custody {
            lab: "lab-1".to_owned(),
            tube: "lab-1/T17".to_owned(),
            epoch: 1,
            ..Custody::default()
        }),
        ..IntakeSample::default()
    });
    if let Some(result) = &mut chain.result {
        result.filed = Some(card(""));
    }
    let words = chain.words();
    assert!(!words.contains("not recorded"), "{words}");
    assert!(!words.contains("Arrival"), "{words}");
    assert!(words.contains("Reports\n"), "{words}");
}
