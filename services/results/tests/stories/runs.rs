//! Runs: identity, controls, and files that do not fit.

use crate::lab::*;
use tenfold_domain::message::{Message, PlateVoided};
use tenfold_proto::v1;
use tenfold_proto::v1::ImportState;

#[test]
fn nothing_is_decided_before_a_policy_is_active_and_no_message_is_lost() {
    let mut lab = Lab::without_policy();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let file = lab.file("PL-1", &[]);
    let refused = lab
        .import("PL-1", "run-1", "", &file)
        .expect_err("no policy");
    assert_eq!(refused.reason, "NO_POLICY");
    lab.apply(tenfold_domain::policy::Policy::default_text(), 1)
        .expect("applied");
    lab.import("PL-1", "run-1", "", &file).expect("imported");
    assert_eq!(lab.verdict(1), "negative");
}

#[test]
fn a_failed_control_releases_nothing_and_names_the_well() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let run = lab.run("PL-1", &[("H12", ["39.9", "", ""])]);
    assert_eq!(run.state(), ImportState::OutOfControl);
    assert!(run.notes[0].contains("H12"), "{:?}", run.notes);
    assert_eq!(
        (lab.verdict(1).as_str(), lab.standing(1).as_str()),
        ("", "awaiting-replate")
    );
    let messages = lab.messages("pooling");
    let [Message::ReplateOrdered(order)] = messages.as_slice() else {
        panic!("{messages:?}")
    };
    assert!(order.wells.is_empty(), "the whole plate");
    assert!(order.reason.contains("H12"));
    lab.load("PL-2", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-2", &[]);
    assert_eq!(lab.verdict(1), "negative");
}

#[test]
fn an_analysis_after_failed_controls_is_kept_and_releases_nothing() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[("A12", WATER)]);
    let again = lab.analyse_again("PL-1", &[]);
    assert_eq!((again.state(), again.version), (ImportState::SetAside, 2));
    assert_eq!(lab.verdict(1), "");
}

#[test]
fn the_same_file_again_is_answered_with_the_first_outcome() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let first = lab.run("PL-1", &[("A1", GREY)]);
    let events = lab.driver.events().len();
    let file = lab.file("PL-1", &[("A1", GREY)]);
    let again = lab
        .import("PL-1", "another-name", "", &file)
        .expect("answered");
    assert!(again.same_file && !first.same_file);
    assert_eq!(
        (again.run, again.version, again.grey),
        (first.run, first.version, first.grey)
    );
    assert_eq!(lab.driver.events().len(), events, "nothing happened");
}

#[test]
fn the_same_file_for_another_plate_is_refused() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.load("PL-2", vec![pool("A1", 2, 3..=4)]);
    let file = lab.file("PL-1", &[]).replace("# Plate: PL-1\n", "");
    lab.import("PL-1", "run-1", "", &file).expect("imported");
    let refused = lab
        .import("PL-2", "run-2", "", &file)
        .expect_err("two runs never give the same file");
    assert_eq!(refused.reason, "FILE_OF_OTHER_PLATE");
    assert_eq!(lab.standing(3), "loaded");
}

#[test]
fn a_second_run_of_a_plate_needs_a_reason() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.run("PL-1", &[]);
    let file = lab.file("PL-1", &[("A1", ["", "", "26"])]);
    let refused = lab
        .import("PL-1", "run-b", "", &file)
        .expect_err("no reason");
    assert_eq!(refused.reason, "SECOND_RUN_REASON");
    let second = lab
        .import("PL-1", "run-b", "lamp was replaced", &file)
        .expect("imported");
    assert_eq!((second.run, second.version), (2, 1));
}

#[test]
fn a_run_that_comes_before_its_plate_waits_for_it() {
    let mut lab = Lab::new();
    let mut other = Lab::new();
    other.load("PL-9", vec![pool("A1", 1, 1..=2)]);
    let file = other.file("PL-9", &[]);
    let parked = lab.import("PL-9", "run-9", "", &file).expect("parked");
    assert_eq!(parked.state(), ImportState::Parked);
    assert_eq!(lab.work().parked.len(), 1);
    assert!(
        lab.import("PL-9", "run-9", "", &file)
            .expect("parked")
            .same_file
    );
    lab.load("PL-9", vec![pool("A1", 1, 1..=2)]);
    assert_eq!(lab.verdict(1), "negative");
    assert!(lab.work().parked.is_empty());
}

#[test]
fn a_parked_run_that_does_not_fit_becomes_work() {
    let mut lab = Lab::new();
    lab.import("PL-9", "run-9", "", "well,target,ct\nA1,N,20\n")
        .expect("parked");
    lab.load("PL-9", vec![pool("A1", 1, 1..=2)]);
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::Quarantined]);
    assert_eq!(lab.standing(1), "loaded", "its plate still waits for a run");
}

#[test]
fn a_file_of_another_plate_is_quarantined() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let file = format!("# Plate: PL-2\n{}", lab.file("PL-1", &[]));
    let run = lab.import("PL-1", "run-1", "", &file).expect("answered");
    assert_eq!(run.state(), ImportState::Quarantined);
    lab.import("PL-1", "run-1", "", &file).expect("answered");
    assert_eq!(lab.work().items.len(), 1, "told once");
    assert_eq!(lab.standing(1), "loaded");
}

#[test]
fn water_where_the_map_has_a_specimen_is_quarantined() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let file = lab
        .file("PL-1", &[])
        .lines()
        .map(|line| match line {
            "Well,Target,Ct" => format!("{line},Task\n"),
            _ if line.starts_with('#') => format!("{line}\n"),
            _ if line.starts_with("A1,") => format!("{line},NTC\n"),
            _ => format!("{line},UNKNOWN\n"),
        })
        .collect::<String>();
    let run = lab.import("PL-1", "run-1", "", &file).expect("answered");
    assert_eq!(run.state(), ImportState::Quarantined);
    assert!(
        run.notes[0].contains("CONTROL_CODE_MISMATCH"),
        "{:?}",
        run.notes
    );
}

#[test]
fn a_file_with_faults_is_refused_whole_with_line_and_reason() {
    let good = {
        let mut lab = Lab::new();
        lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
        lab.file("PL-1", &[])
    };
    let without = |word: &str| -> String {
        good.lines()
            .filter(|line| !line.starts_with(word))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let table: Vec<(String, &str, &str)> = vec![
        (format!("{good}A1,N,30\n"), "DUPLICATE_REACTION", "line 12"),
        (
            format!("{good}B7,N,30\n"),
            "WELL_NOT_ON_PLATE_MAP",
            "line 12",
        ),
        (format!("{good}A1,S gene,30\n"), "UNKNOWN_TARGET", "line 12"),
        (format!("{good}A13,N,30\n"), "BAD_WELL", "line 12"),
        (format!("{good}HH0,N,30\n"), "BAD_WELL", "line 12"),
        (without("H12"), "CONTROL_MISSING", "H12"),
        (without("A1,"), "WELL_WITHOUT_CT", "A1"),
        (without("A1,N"), "WELL_WITHOUT_CT", "target N"),
        (good.replace("A1,N,", "A1,N,27.5*"), "BAD_NUMBER", "27.5*"),
        (good.replace("A1,N,", "A1,N,0"), "BAD_NUMBER", "not above 0"),
    ];
    for (file, reason, words) in table {
        let mut lab = Lab::new();
        lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
        let events = lab.driver.events().len();
        let refused = lab.import("PL-1", "run-1", "", &file).expect_err(reason);
        assert_eq!(refused.reason, reason, "{refused}");
        assert!(refused.message.contains(words), "{refused}");
        assert_eq!(
            lab.driver.events().len(),
            events,
            "nothing is imported by halves"
        );
    }
}

#[test]
fn unused_wells_that_are_listed_are_passed_over() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let file = format!("{}B7,N,\nB8,,\n", lab.file("PL-1", &[]));
    let run = lab.import("PL-1", "run-1", "", &file).expect("imported");
    assert_eq!(run.state(), ImportState::Released);
    assert!(
        run.notes
            .iter()
            .any(|note| note.contains("1 rows without Ct")),
        "{:?}",
        run.notes
    );
}

#[test]
fn a_well_that_was_dropped_may_have_a_ct_and_stops_nobody() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let file = format!("{}G11,N,31.2\nG11,IC,27.5\n", lab.file("PL-1", &[]));
    let run = lab.import("PL-1", "run-1", "", &file).expect("imported");
    assert_eq!(run.state(), ImportState::Released);
    assert_eq!((run.negative, run.positive), (1, 0));
    assert!(
        run.notes.iter().any(|note| note.contains("G11")),
        "{:?}",
        run.notes
    );
}

#[test]
fn a_voided_plates_run_is_refused_and_its_tubes_wait_for_another() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    lab.message(Message::PlateVoided(PlateVoided {
        lab: LAB.into(),
        plate: "PL-1".into(),
        reason: "dropped".to_owned(),
    }))
    .expect("voided");
    assert_eq!(lab.standing(1), "awaiting-replate");
    let file = lab.file("PL-1", &[]);
    assert_eq!(
        lab.import("PL-1", "run-1", "", &file)
            .expect_err("void")
            .reason,
        "PLATE_VOIDED"
    );
}

#[test]
fn a_plate_of_ninety_pools_is_concluded_in_steps_that_fit_a_record() {
    let mut lab = Lab::new();
    let wells = (0..90_u64)
        .map(|i| {
            let name = format!(
                "{}{}",
                char::from(b'A' + u8::try_from(i % 8).expect("row")),
                i / 8 + 1
            );
            let i = if name == "A12" || name == "H12" {
                94
            } else {
                i
            };
            let name = if i == 94 { "G12".to_owned() } else { name };
            pool(&name, i + 1, (i * 20 + 1)..=(i * 20 + 20))
        })
        .collect();
    lab.load("PL-1", wells);
    lab.run("PL-1", &[]);
    let reported = lab.board().verdicts[0];
    assert!(reported > 900 && reported < 1_800, "{reported} at once");
    lab.advance(tenfold_domain::time::Millis(0));
    assert_eq!(lab.board().verdicts[0], 1_800);
    assert_eq!(lab.board().count[3], 1_800);
}

#[test]
fn a_reaction_taken_out_at_the_instrument_makes_its_well_invalid_and_never_negative() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let file = lab.file("PL-1", &[]);
    let with = |taken_out: &str| -> String {
        file.lines()
            .map(|line| match line {
                "Well,Target,Ct" => "Well,Target,Ct,Omit\n".to_owned(),
                line if line.starts_with('#') => format!("{line}\n"),
                line => format!("{line},{}\n", line.starts_with(taken_out)),
            })
            .collect()
    };
    let refused = lab
        .import("PL-1", "run-1", "", &with("H12,N,"))
        .expect_err("a control");
    assert_eq!(refused.reason, "CONTROL_OMITTED", "{refused}");
    let run = lab
        .import("PL-1", "run-1", "", &with("A1,N,"))
        .expect("imported");
    assert_eq!((run.negative, run.invalid), (0, 1));
    assert!(
        run.notes.iter().any(|note| note.contains("taken out")),
        "{:?}",
        run.notes
    );
}
