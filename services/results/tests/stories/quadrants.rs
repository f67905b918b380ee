//! A plate of 384 wells that was stamped from plates of 96: each of them is an extraction of its own.

use crate::lab::*;
use tenfold_domain::message::{Control, LoadedPlate};
use tenfold_domain::well::{PlateSize, QuadrantOrder, Well};
use tenfold_proto::v1;
use tenfold_proto::v1::ImportState;

fn big(name: &str) -> Well {
    Well::parse(PlateSize::P384, name).expect("a well")
}

/// Row-wise, A1 and C1 are wells of the first quadrant, B2 and D2 of the last.
fn loaded(lab: &mut Lab) {
    let mut wells = vec![pool("A1", 1, 1..=2), pool("B2", 2, 3..=4)];
    wells.sort_by_key(|well| well.well);
    let plate = LoadedPlate {
        size: PlateSize::P384,
        controls: vec![
            (big("C1"), Control::Extraction),
            (big("D2"), Control::Extraction),
            (big("O23"), Control::Positive),
            (big("P24"), Control::Negative),
        ],
        quadrants: Some(QuadrantOrder::RowWise),
        ..lab.plate("BIG-1", &[], wells)
    };
    lab.load_plate(plate);
}

fn file(wells: &[(&str, Cts)]) -> String {
    let normal = [
        ("A1", NEGATIVE),
        ("B2", NEGATIVE),
        ("C1", NEGATIVE),
        ("D2", NEGATIVE),
        ("O23", POSITIVE),
        ("P24", WATER),
    ];
    let mut file = String::from("Well,Target,Ct\n");
    for (well, cts) in normal {
        let cts = wells
            .iter()
            .find(|(name, _)| *name == well)
            .map_or(cts, |(_, cts)| *cts);
        for (target, ct) in ["ORF1ab", "N", "IC"].iter().zip(cts) {
            file.push_str(&format!("{well},{target},{ct}\n"));
        }
    }
    file
}

#[test]
fn an_extraction_control_fails_its_quadrant_and_no_other() {
    let mut lab = Lab::new();
    loaded(&mut lab);
    let run = lab
        .import("BIG-1", "run-1", "", &file(&[("D2", INVALID)]))
        .expect("imported");
    assert_eq!(run.state(), ImportState::Released, "{:?}", run.notes);
    assert!(
        run.notes.iter().any(|note| note.contains("quadrant 4")),
        "{:?}",
        run.notes
    );
    assert_eq!(
        (lab.verdict(1).as_str(), lab.verdict(3).as_str()),
        ("negative", "")
    );
    assert_eq!(lab.standing(3), "awaiting-replate");
    let replated: Vec<_> = lab
        .replates()
        .into_iter()
        .map(|order| order.wells)
        .collect();
    assert_eq!(replated, [vec![big("B2")]]);
    assert_eq!(lab.explain(1).tests[0].controls, "in-control");
    assert_eq!(lab.explain(3).tests[0].controls, "out-of-control");
    // It is extracted again, on a plate of its own.
    lab.load("PL-2", vec![pool("A1", 2, 3..=4)]);
    lab.run("PL-2", &[]);
    assert_eq!(lab.verdict(3), "negative");
}

#[test]
fn an_amplification_control_fails_the_whole_plate() {
    let mut lab = Lab::new();
    loaded(&mut lab);
    let file = file(&[("D2", INVALID), ("P24", ["39.9", "", ""])]);
    let run = lab.import("BIG-1", "run-1", "", &file).expect("imported");
    assert_eq!(run.state(), ImportState::OutOfControl, "{:?}", run.notes);
    assert_eq!(
        (lab.verdict(1).as_str(), lab.standing(1).as_str()),
        ("", "awaiting-replate")
    );
}

#[test]
fn a_new_analysis_of_a_plate_with_a_failed_quadrant_waits_for_a_person() {
    let mut lab = Lab::new();
    loaded(&mut lab);
    lab.import("BIG-1", "run-1", "", &file(&[("D2", INVALID)]))
        .expect("imported");
    let again = lab
        .import("BIG-1", "run-1", "", &file(&[]))
        .expect("imported");
    assert_eq!((again.state(), again.version), (ImportState::SetAside, 2));
    assert_eq!(lab.verdict(3), "", "its pool is extracted again");
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::ReanalysisReview]);
}

#[test]
fn a_quadrant_that_a_new_analysis_fails_is_not_taken_back_by_itself() {
    let mut lab = Lab::new();
    loaded(&mut lab);
    let first = lab.import("BIG-1", "run-1", "", &file(&[]));
    assert_eq!(first.expect("imported").state(), ImportState::Released);
    let again = lab
        .import("BIG-1", "run-1", "", &file(&[("D2", INVALID)]))
        .expect("imported");
    assert_eq!((again.state(), again.version), (ImportState::SetAside, 2));
    assert_eq!(lab.verdict(3), "negative", "what was released stands");
    assert!(lab.replates().is_empty(), "nothing is plated again unasked");
    assert_eq!(lab.work_kinds(), [v1::ResultsWorkKind::ReanalysisReview]);
}
