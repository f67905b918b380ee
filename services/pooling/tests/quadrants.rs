//! Stories of plates of 384 wells that are stamped from plates of 96.

mod lab;

use lab::{LAB, Lab, reason};
use tenfold_domain::Rejection;
use tenfold_domain::message::Message;
use tenfold_domain::well::{PlateSize, QuadrantOrder, Well};
use tenfold_proto::v1;
use v1::pooling_command::Command;

/// A sealed plate of 96 wells with these tubes, each in a well of its own.
fn sealed(lab: &mut Lab, plate: &str, tubes: &[&str]) -> v1::PlateView {
    lab.alone(tubes);
    lab.start_plate(plate).expect("a plate");
    lab.fill(plate).expect("filled");
    lab.confirm_plate(plate, &[]).expect("confirmed");
    lab.seal_plate(plate).expect("sealed");
    lab.plate_view(plate)
}

fn combine(lab: &mut Lab, plate: &str, sources: &[&str]) -> Result<v1::PlateView, Rejection> {
    lab.command(Command::CombinePlates(v1::CombinePlatesRequest {
        lab: LAB.to_owned(),
        plate: plate.to_owned(),
        layout: "quadrants".to_owned(),
        sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        ..Default::default()
    }))
}

/// Where a well of a plate in a quadrant must be.
fn there(quadrant: u8, well: &str) -> String {
    let well = Well::parse(PlateSize::P96, well).expect("a well");
    let to = QuadrantOrder::RowWise.to_384(quadrant, well);
    to.expect("a quadrant").to_string()
}

#[test]
fn two_plates_of_96_wells_become_quadrants_and_bring_tubes_and_controls() {
    let mut lab = Lab::new();
    let first = sealed(&mut lab, "PL-1", &["T01", "T02"]);
    let third = sealed(&mut lab, "PL-3", &["T03"]);
    let volume = lab.tube("T01").volume_ul;
    let whole = combine(&mut lab, "BIG-1", &["PL-1", "", "PL-3"]).expect("combined");
    assert_eq!(
        lab.tube("T01").volume_ul,
        volume,
        "the liquid is the small plate's"
    );
    assert_eq!(
        (whole.state.as_str(), whole.size()),
        ("sealed", v1::PlateSize::PlateSize384)
    );
    assert_eq!(whole.quadrants(), v1::QuadrantOrder::RowWise);
    assert_eq!(whole.wells.len(), first.wells.len() + third.wells.len());
    for (quadrant, source) in [(0, &first), (2, &third)] {
        for well in &source.wells {
            let at = there(quadrant, &well.well);
            let found = whole
                .wells
                .iter()
                .find(|one| one.well == at)
                .expect("a well");
            assert_eq!(
                (found.control, &found.content),
                (well.control, &well.content),
                "{at}"
            );
            assert_eq!(found.ul, if well.content.is_some() { 10 } else { 0 });
        }
    }
    assert_eq!(lab.plate_view("PL-1").combined_into, "BIG-1");
    assert_eq!(lab.tube("T01").plate.as_deref(), Some("BIG-1"));
    lab.sent();
    lab.load("BIG-1").expect("loaded");
    let (_, Message::PlateLoaded(told)) = lab.sent().remove(0) else {
        panic!("results hears of another thing");
    };
    assert_eq!(told.quadrants, Some(QuadrantOrder::RowWise));
    assert_eq!((told.wells.len(), told.controls.len()), (3, 12));
}

#[test]
fn a_plate_that_is_a_quadrant_goes_nowhere_else() {
    let mut lab = Lab::new();
    sealed(&mut lab, "PL-1", &["T01"]);
    combine(&mut lab, "BIG-1", &["PL-1"]).expect("combined");
    assert_eq!(reason(lab.load("PL-1")), "PLATE_COMBINED");
    assert_eq!(reason(lab.void_plate("PL-1")), "PLATE_COMBINED");
    assert_eq!(reason(combine(&mut lab, "BIG-2", &["PL-1"])), "SOURCE_USED");
    // What is void gives its tubes back to plating, from the tubes themselves.
    lab.void_plate("BIG-1").expect("void");
    lab.start_plate("PL-2").expect("a plate");
    assert_eq!(lab.fill("PL-2").expect("filled").wells.len(), 1);
}

#[test]
fn what_cannot_be_combined_is_refused_with_its_reason() {
    let mut lab = Lab::new();
    sealed(&mut lab, "PL-1", &["T01"]);
    lab.start_plate("PL-2").expect("a plate");
    for (plate, sources, expected) in [
        ("BIG-1", vec!["PL-1", "PL-2"], "PLATE_NOT_SEALED"),
        ("BIG-1", vec!["PL-1", "PL-1"], "SOURCE_TWICE"),
        ("BIG-1", vec!["PL-1", "PL-9"], "PLATE_UNKNOWN"),
        ("BIG-1", vec!["", ""], "SOURCES_MISSING"),
        ("BIG-1", vec!["PL-1", "", "", "", ""], "QUADRANTS_TOO_MANY"),
        ("PL-2", vec!["PL-1"], "PLATE_REUSED"),
    ] {
        assert_eq!(
            reason(combine(&mut lab, plate, &sources)),
            expected,
            "{sources:?}"
        );
    }
    let start = |lab: &mut Lab, plate: &str, assay: &str, layout: &str| {
        lab.command::<v1::PlateView>(Command::StartPlate(v1::StartPlateRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            assay: assay.to_owned(),
            layout: layout.to_owned(),
            ..Default::default()
        }))
    };
    let wrong = start(&mut lab, "BIG-1", lab::ASSAY, "quadrants");
    assert_eq!(reason(wrong), "LAYOUT_OF_QUADRANTS");
    // One run is read by one kit.
    lab.alone(&["T02"]);
    start(&mut lab, "PL-3", "maccura", "").expect("a plate");
    lab.fill("PL-3").expect("filled");
    lab.confirm_plate("PL-3", &[]).expect("confirmed");
    lab.seal_plate("PL-3").expect("sealed");
    let wrong = combine(&mut lab, "BIG-1", &["PL-1", "PL-3"]);
    assert_eq!(reason(wrong), "SOURCES_OF_TWO_KITS");
    combine(&mut lab, "BIG-1", &["PL-1"]).expect("nothing of the refused ones was done");
    let again = combine(&mut lab, "BIG-2", &["BIG-1"]);
    assert_eq!(reason(again), "SOURCE_NOT_96");
}

#[test]
fn a_well_that_was_lost_before_is_told_as_dropped_where_it_stands_now() {
    let mut lab = Lab::new();
    lab.alone(&["T01", "T02"]);
    lab.start_plate("PL-1").expect("a plate");
    let filled = lab.fill("PL-1").expect("filled");
    let lost = filled.wells[0].well.clone();
    lab.confirm_plate("PL-1", &[(&lost, "clot")])
        .expect("confirmed");
    lab.seal_plate("PL-1").expect("sealed");
    combine(&mut lab, "BIG-1", &["", "PL-1"]).expect("combined");
    lab.sent();
    lab.load("BIG-1").expect("loaded");
    let (_, Message::PlateLoaded(told)) = lab.sent().remove(0) else {
        panic!("results hears of another thing");
    };
    let dropped: Vec<String> = told.dropped.iter().map(ToString::to_string).collect();
    assert_eq!(dropped, [there(1, &lost)]);
}
