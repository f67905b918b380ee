//! Plates in words, and what a run of them is taken for.

use super::*;
use crate::message::Control;
use crate::policy::Policy;
use crate::results::run::{Reading, Row};
use crate::results::state::PlateWell;
use crate::well::PlateSize;

const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// `PL-1: H11 PC, H12 NC, C5 WP, D9 BN; A1, B1`: controls, and wells with specimens.
fn plate(text: &str) -> Plate {
    let (barcode, rest) = text.split_once(": ").expect("a barcode");
    let (controls, wells) = rest.split_once("; ").expect("controls; wells");
    let well = |name: &str| Well::parse(PlateSize::P96, name).expect("a well");
    let control = |words: &str| {
        let (name, kind) = words.split_once(' ').expect("well and control");
        let kind = match kind {
            "PC" => Control::Positive,
            "NC" => Control::Negative,
            "WP" => Control::WeakPositive,
            _ => Control::BatchNegative,
        };
        (well(name), kind)
    };
    Plate {
        lab: "lab-1".into(),
        barcode: barcode.into(),
        size: PlateSize::P96,
        assay: "default-cn".into(),
        instrument: "cycler-1".to_owned(),
        loaded_at: NOW,
        told_at: NOW,
        controls: controls.split(", ").map(control).collect(),
        wells: wells
            .split(", ")
            .map(|name| PlateWell {
                well: well(name),
                pool: None,
                members: Vec::new(),
            })
            .collect(),
        dropped: Vec::new(),
        quadrants: None,
        state: PlateState::Loaded,
        current: None,
        runs: Vec::new(),
        filed: false,
    }
}

/// A run of these wells: all negative but those that are named positive. The kit's water has no Ct at all.
fn run(wells: &str, positive: &str) -> RunTable {
    let row = |well: &str, target: &str, text: &str| Row {
        line: 1,
        well: well.to_owned(),
        target: target.to_owned(),
        reading: Reading {
            text: text.to_owned(),
            ct: text.parse().ok(),
        },
        // The instrument was told of another plate: that must not matter.
        task: "NTC".to_owned(),
        omitted: false,
        curve: None,
    };
    let positive: Vec<&str> = positive.split(' ').collect();
    let of = |well: &str| {
        let ct = if positive.contains(&well) { "30" } else { "" };
        [
            row(well, "ORF1ab", ct),
            row(well, "N", ct),
            row(well, "IC", "27"),
        ]
    };
    RunTable {
        rows: wells.split(' ').flat_map(of).collect(),
        ..RunTable::default()
    }
}

#[test]
fn a_run_is_taken_for_the_plate_whose_fingerprint_it_shows() {
    let own = "PL-1: H11 PC, H12 NC, C5 WP, D9 BN; A1, B1, E4";
    let other = "PL-2: H11 PC, H12 NC, E4 WP, A1 BN; B1, C5, D9";
    let smaller = "PL-3: H11 PC, H12 NC, E4 WP, A1 BN; B1";
    // PL-2 as it is seen when it was put in the wrong way round.
    let turned = "PL-4: A2 PC, A1 NC, D9 WP, H12 BN; G12, F8, E4";
    let all = "A1 B1 C5 D9 E4 H11 H12";
    let table = [
        (all, "H11 E4", vec![other, smaller], "PL-2"),
        (all, "H11 E4", vec![smaller], ""),
        ("A1 B1 E4 H11 H12", "H11 E4", vec![other, smaller], "PL-3"),
        // Turned: A1 is seen in H12, H11 in A2, and so on.
        (
            "H12 G12 F8 E4 D9 A2 A1",
            "A2 F8",
            vec![other],
            "PL-1 turned",
        ),
        (
            "H12 G12 F8 E4 D9 A2 A1",
            "A2 D9",
            vec![other],
            "PL-2 turned",
        ),
        // It fits one plate as it is and another one turned: nobody need have turned anything.
        (all, "H11 E4", vec![turned, other], "PL-2"),
        (all, "H11 E4", vec![turned], "PL-4 turned"),
        // The weak positive failed, and nobody else's fingerprint explains it.
        (all, "H11", vec![other, smaller], ""),
        (all, "H11 B1", vec![other, smaller], ""),
        // The kit's positive control failed: that is no other plate either.
        (all, "E4", vec![other, smaller], ""),
    ];
    let policy = Policy::parse(Policy::default_text()).expect("the default policy");
    for (wells, positive, others, expected) in table {
        let others: Vec<Plate> = others.into_iter().map(plate).collect();
        let found = lookalikes(&policy, &plate(own), &others, &run(wells, positive), NOW);
        let told: Vec<String> = found
            .iter()
            .map(|one| format!("{}{}", one.plate, if one.turned { " turned" } else { "" }))
            .collect();
        assert_eq!(told.join(", "), expected, "{wells}: {positive}");
    }
}

#[test]
fn a_run_that_may_be_either_of_two_plates_names_both() {
    let policy = Policy::parse(Policy::default_text()).expect("the default policy");
    let own = plate("PL-1: H11 PC, H12 NC, C5 WP, D9 BN; A1");
    let twin = |name: &str| plate(&format!("{name}: H11 PC, H12 NC, A1 WP, C5 BN; D9"));
    let others = [twin("PL-2"), twin("PL-3")];
    let table = run("A1 C5 D9 H11 H12", "H11 A1");
    let found = lookalikes(&policy, &own, &others, &table, NOW);
    let names: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["plate \"PL-2\"", "plate \"PL-3\""]);
}

#[test]
fn three_plates_are_named_and_the_others_counted() {
    let told = |many: u32| {
        let found: Vec<Lookalike> = (1..=many)
            .map(|n| Lookalike {
                plate: format!("PL-{n}").as_str().into(),
                turned: n == 2,
            })
            .collect();
        named(&found)
    };
    assert_eq!(told(1), "plate \"PL-1\"");
    let three = "plate \"PL-1\", or plate \"PL-2\" turned by 180 degrees, or plate \"PL-3\"";
    assert_eq!(told(3), three);
    assert_eq!(told(4), format!("{three}, or one of 1 more"));
}
