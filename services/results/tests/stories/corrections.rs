//! Corrected reports: a new analysis or a changed registration after the report.

use crate::lab::*;
use tenfold_domain::message::{MemberAmended, Message};
use tenfold_domain::sample::Sample;
use tenfold_proto::v1;

#[test]
fn a_new_analysis_that_flips_a_single_makes_a_corrected_report() {
    let mut lab = Lab::new();
    lab.load(
        "PL-1",
        vec![single("A1", member(1)), single("B1", member(2))],
    );
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    let again = lab.analyse_again("PL-1", &[("A1", POSITIVE)]);
    assert_eq!(again.version, 2);
    assert!(
        again
            .notes
            .iter()
            .any(|n| n.contains("well A1: negative before, positive now")),
        "{:?}",
        again.notes
    );
    let report = lab.result(1).report.expect("reported");
    assert_eq!(
        (report.verdict(), report.version, report.replaces),
        (v1::Verdict::Positive, 2, Some(1))
    );
    assert_eq!(
        lab.result(2).report.expect("reported").version,
        1,
        "nothing changed for it"
    );
    let pending = lab.pending(RECEIVER, 0).deliveries;
    assert_eq!(pending.len(), 1, "whoever had the old one gets the new one");
    lab.accept_all(RECEIVER);
    assert_eq!(lab.standing(1), "closed");
}

#[test]
fn a_correction_reaches_a_receiver_that_the_policy_no_longer_names() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    let other = tenfold_domain::policy::Policy::default_text()
        .replace("[receivers.cdc]", "[receivers.other]")
        .replace("\nversion = 1\n\n# ---", "\nversion = 2\n\n# ---");
    lab.apply(&other, 2).expect("applied");
    lab.analyse_again("PL-1", &[("A1", POSITIVE)]);
    let receivers: Vec<String> = lab
        .result(1)
        .receivers
        .into_iter()
        .map(|r| r.receiver)
        .collect();
    assert!(
        receivers.contains(&RECEIVER.to_owned()) && receivers.contains(&"other".to_owned()),
        "{receivers:?}"
    );
}

#[test]
fn a_new_analysis_that_makes_a_negative_pool_suspect_takes_the_negatives_back() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    lab.analyse_again("PL-1", &[("A1", POSITIVE)]);
    assert_eq!(lab.verdict(1), "retracted");
    assert_eq!(lab.standing(1), "pending-confirmation");
    let retests = lab.retests();
    lab.load_retests("PL-2", &retests);
    lab.run("PL-2", &[("A1", POSITIVE)]);
    let report = lab.result(1).report.expect("reported");
    assert_eq!(
        (report.verdict(), report.version, report.replaces),
        (v1::Verdict::Positive, 3, Some(2))
    );
    assert_eq!(lab.verdict(2), "negative");
}

#[test]
fn a_pool_once_suspect_stays_so_whatever_a_new_analysis_says() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[("A1", POSITIVE)]);
    lab.analyse_again("PL-1", &[]);
    assert_eq!(
        (lab.verdict(1).as_str(), lab.standing(1).as_str()),
        ("", "pending-confirmation")
    );
    assert_eq!(lab.orders().len(), 2);
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::ReanalysisReview]);
}

#[test]
fn a_new_analysis_out_of_control_after_the_report_is_for_a_person() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    let again = lab.analyse_again("PL-1", &[("A12", WATER)]);
    assert_eq!(again.state(), v1::ImportState::SetAside);
    assert_eq!(lab.verdict(1), "negative");
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::ReanalysisReview]);
}

#[test]
fn an_inconclusive_single_that_a_new_analysis_clears_needs_no_repeat() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[("A1", GREY)]);
    assert_eq!(lab.orders().len(), 1);
    lab.analyse_again("PL-1", &[]);
    assert_eq!(lab.verdict(1), "negative");
    assert!(lab.orders().is_empty());
}

#[test]
fn a_registration_changed_after_the_report_makes_a_corrected_report() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    let amended = MemberAmended {
        tube: tube(1),
        sample: Some(Sample {
            version: 2,
            subjects: vec!["person-x".into()],
            ..sample(1)
        }),
        withdrawn: false,
    };
    lab.message(Message::MemberAmended(amended.clone()))
        .expect("taken");
    let report = lab.result(1).report.expect("reported");
    assert_eq!(report.verdict(), v1::Verdict::Negative);
    assert_eq!((report.version, report.replaces), (2, Some(1)));
    assert_eq!(report.subjects, ["person-x"]);
    lab.message(Message::MemberAmended(amended)).expect("taken");
    assert_eq!(
        lab.result(1).report.expect("reported").version,
        2,
        "the same again is nothing"
    );
}

#[test]
fn a_registration_cancelled_after_the_report_makes_a_report_that_says_so() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    let amended = MemberAmended {
        tube: tube(1),
        sample: Some(Sample {
            version: 2,
            ..sample(1)
        }),
        withdrawn: true,
    };
    lab.message(Message::MemberAmended(amended)).expect("taken");
    assert_eq!(lab.verdict(1), "withdrawn");
    lab.accept_all(RECEIVER);
    assert_eq!(lab.standing(1), "closed");
}

#[test]
fn a_cancellation_that_crossed_the_closing_makes_a_report_that_says_so() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    lab.accept_all(RECEIVER);
    assert_eq!(lab.standing(1), "closed");
    let amended = MemberAmended {
        tube: tube(1),
        sample: None,
        withdrawn: true,
    };
    lab.message(Message::MemberAmended(amended.clone()))
        .expect("taken");
    let report = lab.result(1).report.expect("reported");
    assert_eq!(report.verdict(), v1::Verdict::Withdrawn);
    assert_eq!((report.version, report.replaces), (2, Some(1)));
    lab.message(Message::MemberAmended(amended)).expect("taken");
    assert_eq!(lab.result(1).report.expect("reported").version, 2);
}

#[test]
fn a_registration_cancelled_while_its_retest_runs_ends_with_a_report_that_says_so() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[]);
    lab.analyse_again("PL-1", &[("A1", POSITIVE)]);
    let withdrawn = |version, withdrawn| {
        Message::MemberAmended(MemberAmended {
            tube: tube(1),
            sample: Some(Sample {
                version,
                ..sample(1)
            }),
            withdrawn,
        })
    };
    lab.message(withdrawn(2, true)).expect("taken");
    assert_eq!(
        lab.standing(1),
        "pending-confirmation",
        "it is tested all the same"
    );
    let retests = lab.retests();
    lab.load_retests("PL-2", &retests);
    lab.run("PL-2", &[]);
    assert_eq!(lab.verdict(1), "withdrawn");
    assert_eq!(lab.explain(1).pool_end, "unconfirmed pool positive");
    lab.message(withdrawn(3, false)).expect("taken");
    assert_eq!(lab.verdict(1), "negative", "registered again");
}

#[test]
fn a_cancelled_registration_that_is_registered_again_gets_its_held_back_report() {
    let mut lab = Lab::new();
    let mut cancelled = member(1);
    cancelled.withdrawn = true;
    lab.load("PL-1", vec![single("A1", cancelled)]);
    lab.run("PL-1", &[]);
    assert_eq!(lab.verdict(1), "");
    let again = MemberAmended {
        tube: tube(1),
        sample: Some(Sample {
            version: 2,
            ..sample(1)
        }),
        withdrawn: false,
    };
    lab.message(Message::MemberAmended(again)).expect("taken");
    assert_eq!(lab.verdict(1), "negative");
}

#[test]
fn a_version_that_is_sent_again_after_a_correction_says_what_it_said() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![single("A1", member(1))]);
    lab.run("PL-1", &[]);
    let report = |lab: &Lab, version: u32| {
        lab.pending(RECEIVER, 0)
            .deliveries
            .into_iter()
            .filter_map(|pending| match pending.delivery?.cargo? {
                v1::results_delivery::Cargo::Report(report) => Some(report),
                v1::results_delivery::Cargo::Alert(_) => None,
            })
            .find(|report| report.version == version)
            .expect("it waits for its receiver")
    };
    let first = report(&lab, 1);
    let before = member(1).sample;
    let amended = MemberAmended {
        tube: member(1).tube,
        sample: Some(Sample {
            version: before.version + 1,
            class: "voluntary".into(),
            ..before
        }),
        withdrawn: false,
    };
    lab.message(Message::MemberAmended(amended))
        .expect("it is amended");
    assert_eq!(report(&lab, 1), first, "a version is told in one way only");
    let second = report(&lab, 2);
    assert_eq!(
        (second.sampling_class.as_str(), second.replaces),
        ("voluntary", Some(1))
    );
}
