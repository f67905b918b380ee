//! Plates that changed places, or were put in the wrong way round: their control fingerprints tell.

use crate::lab::*;
use tenfold_domain::message::{Control, LoadedWell, Message, PlateVoided};
use tenfold_proto::v1::{ImportState, ResultsWorkKind};

/// A plate whose weak positive stands in one well, and a batch's negative in another.
fn load(lab: &mut Lab, plate: &str, weak_positive: &str, negative: &str, wells: Vec<LoadedWell>) {
    let controls = [
        ("H11", Control::Positive),
        ("H12", Control::Negative),
        (weak_positive, Control::WeakPositive),
        (negative, Control::BatchNegative),
    ];
    let loaded = lab.plate(plate, &controls, wells);
    lab.load_plate(loaded);
}

/// A run in which these wells are positive, the water has nothing, and all others are negative.
fn run(wells: &[&str], positive: &[&str], water: &str) -> String {
    let mut file = String::from("Well,Target,Ct\n");
    for name in wells {
        let cts = match *name {
            name if name == water => WATER,
            name if positive.contains(&name) => POSITIVE,
            _ => NEGATIVE,
        };
        for (target, ct) in ["ORF1ab", "N", "IC"].iter().zip(cts) {
            file.push_str(&format!("{name},{target},{ct}\n"));
        }
    }
    file
}

/// Both plates have something in the same six wells.
const WELLS: [&str; 6] = ["A1", "B1", "C1", "D1", "H11", "H12"];

fn two_plates() -> Lab {
    let mut lab = Lab::new();
    load(
        &mut lab,
        "PL-1",
        "A1",
        "B1",
        vec![pool("C1", 1, 1..=2), pool("D1", 2, 3..=4)],
    );
    load(
        &mut lab,
        "PL-2",
        "C1",
        "D1",
        vec![pool("A1", 3, 5..=6), pool("B1", 4, 7..=8)],
    );
    lab
}

#[test]
fn two_plates_that_changed_places_are_both_recognised_and_nothing_is_released() {
    let mut lab = two_plates();
    let of_2 = run(&WELLS, &["H11", "C1"], "H12");
    let of_1 = run(&WELLS, &["H11", "A1"], "H12");
    for (plate, file, looks_like) in [("PL-1", &of_2, "PL-2"), ("PL-2", &of_1, "PL-1")] {
        let answer = lab
            .import(plate, &format!("run-{plate}"), "", file)
            .expect("answered");
        assert_eq!(
            answer.state(),
            ImportState::Quarantined,
            "{:?}",
            answer.notes
        );
        let wanted = format!("this looks like plate \"{looks_like}\"");
        assert!(answer.notes[0].contains(&wanted), "{:?}", answer.notes);
    }
    assert_eq!(lab.work_kinds(), [ResultsWorkKind::Quarantined; 2]);
    assert!(
        lab.messages("pooling").is_empty(),
        "no plate is plated again"
    );
    for tube in 1..=8 {
        assert_eq!(
            (lab.verdict(tube).as_str(), lab.standing(tube).as_str()),
            ("", "loaded")
        );
    }
    // The labels are looked at, and each file is handed in for its own plate.
    for (plate, file) in [("PL-2", &of_2), ("PL-1", &of_1)] {
        let answer = lab
            .import(plate, &format!("again-{plate}"), "", file)
            .expect("answered");
        assert_eq!(answer.state(), ImportState::Released, "{:?}", answer.notes);
    }
    for tube in 1..=8 {
        assert_eq!(lab.verdict(tube), "negative");
    }
}

#[test]
fn a_person_may_say_that_it_is_this_plate_after_all() {
    let mut lab = two_plates();
    let file = run(&WELLS, &["H11", "C1"], "H12");
    let first = lab.import("PL-1", "run-1", "", &file).expect("answered");
    assert_eq!(first.state(), ImportState::Quarantined);
    let answer = lab
        .import(
            "PL-1",
            "run-1",
            "looked at the label: the weak positive failed",
            &file,
        )
        .expect("answered");
    assert_eq!(
        answer.state(),
        ImportState::OutOfControl,
        "{:?}",
        answer.notes
    );
    assert_eq!(lab.standing(1), "awaiting-replate");
}

#[test]
fn a_plate_that_was_put_in_the_wrong_way_round_is_named() {
    let mut lab = two_plates();
    let turned = ["H12", "G12", "F12", "E12", "A2", "A1"];
    let file = run(&turned, &["A2", "H12"], "A1");
    let answer = lab.import("PL-1", "run-1", "", &file).expect("answered");
    assert_eq!(answer.state(), ImportState::Quarantined);
    let note = &answer.notes[0];
    assert!(note.starts_with("PLATE_TURNED"), "{note}");
    assert!(note.contains("\"PL-1\" turned by 180 degrees"), "{note}");
    let right = run(&WELLS, &["H11", "A1"], "H12");
    let answer = lab.import("PL-1", "run-2", "", &right).expect("answered");
    assert_eq!(answer.state(), ImportState::Released, "{:?}", answer.notes);
}

#[test]
fn a_control_that_fails_on_its_own_plate_is_a_failed_control_and_no_mix_up() {
    let mut lab = two_plates();
    let file = run(&WELLS, &["H11"], "H12");
    let answer = lab.import("PL-1", "run-1", "", &file).expect("answered");
    assert_eq!(
        answer.state(),
        ImportState::OutOfControl,
        "{:?}",
        answer.notes
    );
}

#[test]
fn a_plate_that_has_its_run_is_no_longer_what_another_looks_like() {
    let mut lab = two_plates();
    let of_2 = run(&WELLS, &["H11", "C1"], "H12");
    lab.import("PL-2", "run-2", "", &of_2).expect("released");
    let like_2 = format!("{of_2}\n\n");
    let answer = lab.import("PL-1", "run-1", "", &like_2).expect("answered");
    assert_eq!(
        answer.state(),
        ImportState::OutOfControl,
        "{:?}",
        answer.notes
    );
}

#[test]
fn a_void_plate_is_not_what_another_looks_like() {
    let mut lab = two_plates();
    lab.message(Message::PlateVoided(PlateVoided {
        lab: LAB.into(),
        plate: "PL-2".into(),
        reason: "dropped".to_owned(),
    }))
    .expect("voided");
    let of_2 = run(&WELLS, &["H11", "C1"], "H12");
    let answer = lab.import("PL-1", "run-1", "", &of_2).expect("answered");
    assert_eq!(
        answer.state(),
        ImportState::OutOfControl,
        "{:?}",
        answer.notes
    );
}

#[test]
fn a_plate_does_not_look_like_itself() {
    let mut lab = two_plates();
    // Its controls are as they must be, but the file calls a specimen water.
    let file: String = run(&WELLS, &["H11", "A1"], "H12")
        .lines()
        .map(|line| match line {
            "Well,Target,Ct" => format!("{line},Task\n"),
            _ if line.starts_with("C1,") => format!("{line},NTC\n"),
            _ => format!("{line},UNKNOWN\n"),
        })
        .collect();
    let answer = lab.import("PL-1", "run-1", "", &file).expect("answered");
    assert_eq!(answer.state(), ImportState::Quarantined);
    let note = &answer.notes[0];
    assert!(note.starts_with("CONTROL_CODE_MISMATCH"), "{note}");
    assert!(!note.contains("looks like"), "{note}");
}

#[test]
fn a_run_is_held_against_the_two_hundred_newest_plates() {
    let of_2 = run(&WELLS, &["H11", "C1"], "H12");
    for (others, wanted) in [
        (198, ImportState::Quarantined),
        (199, ImportState::OutOfControl),
    ] {
        let mut lab = Lab::new();
        load(
            &mut lab,
            "PL-2",
            "C1",
            "D1",
            vec![pool("A1", 3, 5..=6), pool("B1", 4, 7..=8)],
        );
        load(
            &mut lab,
            "PL-1",
            "A1",
            "B1",
            vec![pool("C1", 1, 1..=2), pool("D1", 2, 3..=4)],
        );
        for other in 0..others {
            let wells = vec![single("F6", member(100 + other))];
            load(&mut lab, &format!("OTHER-{other}"), "E1", "E2", wells);
        }
        let answer = lab.import("PL-1", "run-1", "", &of_2).expect("answered");
        assert_eq!(
            answer.state(),
            wanted,
            "{others} others: {:?}",
            answer.notes
        );
    }
}

#[test]
fn a_new_analysis_of_a_run_is_of_the_same_plate_whatever_its_controls_look_like() {
    let mut lab = two_plates();
    let of_1 = run(&WELLS, &["H11", "A1"], "H12");
    let first = lab.import("PL-1", "run-1", "", &of_1).expect("answered");
    assert_eq!(first.state(), ImportState::Released);
    // Somebody moved the threshold: now they are as those of PL-2 would be, which waits for its run.
    let like_2 = run(&WELLS, &["H11", "C1"], "H12");
    let again = lab.import("PL-1", "run-1", "", &like_2).expect("answered");
    assert_eq!((again.state(), again.version), (ImportState::SetAside, 2));
    assert_eq!(lab.work_kinds(), [ResultsWorkKind::ReanalysisReview]);
    assert_eq!(lab.verdict(1), "negative", "what was released stands");
}
