//! The lab pools by robot: two pool tubes from two racks, then a plate with a pool, a tube of its own and a control.
//! What each robot is told stands in `golden/`, as a person at that robot would read it.

mod golden;

use golden::same;
use tenfold_domain::well::{PlateSize, Well};
use tenfold_worklists::robots::{Hamilton, Opentrons, Robot, Tecan};
use tenfold_worklists::{Grid, Labware, Place, Step, Worklist, WorklistError};

fn place(name: &str, size: Grid, at: &str) -> Place {
    Place {
        labware: Labware {
            name: name.to_owned(),
            size,
        },
        at: Well::parse(PlateSize::P384, at).expect("a place"),
    }
}

fn step(what: &str, from: Place, into: &str, to: Place, ul: u32) -> Step {
    Step {
        from,
        what: what.to_owned(),
        to,
        into: into.to_owned(),
        ul,
    }
}

fn pooling() -> Worklist {
    let tube = |rack: &str, at: &str| place(rack, Grid::Of96, at);
    let pool = |at: &str| place("POOLS", Grid::Rack24, at);
    let steps = vec![
        step(
            "AB12345601",
            tube("R-1", "A1"),
            "lab-1/P17",
            pool("A1"),
            100,
        ),
        step(
            "AB12345602",
            tube("R-1", "H12"),
            "lab-1/P17",
            pool("A1"),
            100,
        ),
        step(
            "AB12345603",
            tube("R-2", "B1"),
            "lab-1/P18",
            pool("D6"),
            100,
        ),
    ];
    Worklist::new("pools P17, P18 of lab-1", steps).expect("a worklist")
}

fn plating() -> Worklist {
    let well = |at: &str| place("PL-1", Grid::Of384, at);
    let steps = vec![
        step(
            "lab-1/P17",
            place("POOLS", Grid::Of96, "A1"),
            "",
            well("A1"),
            20,
        ),
        step(
            "AB12345699",
            place("R-9", Grid::Of96, "C5"),
            "",
            well("P24"),
            20,
        ),
        step(
            "NC",
            place("CONTROLS", Grid::Rack24, "B1"),
            "",
            well("B3"),
            20,
        ),
    ];
    Worklist::new("plate PL-1 of lab-1", steps).expect("a worklist")
}

fn robots() -> [(&'static str, Box<dyn Robot>); 3] {
    let tecan = Tecan {
        liquid_class: "Swab medium".to_owned(),
    };
    [
        ("tecan", Box::new(tecan)),
        ("hamilton", Box::new(Hamilton)),
        ("opentrons", Box::new(Opentrons::default())),
    ]
}

#[test]
fn each_robot_is_told_the_same_in_its_own_words() {
    for (name, robot) in robots() {
        let end = robot.extension();
        same(
            &format!("pooling.{name}.{end}"),
            &robot.write(&pooling()).expect("text"),
        );
        same(
            &format!("plating.{name}.{end}"),
            &robot.write(&plating()).expect("text"),
        );
    }
}

#[test]
fn a_person_is_told_what_to_put_where() {
    let pooling = pooling();
    let told: Vec<String> = pooling
        .loading()
        .iter()
        .map(|(labware, at, what)| format!("{labware} {at} {what}"))
        .collect();
    assert_eq!(
        told,
        [
            "R-1 A1 AB12345601",
            "POOLS A1 lab-1/P17",
            "R-1 H12 AB12345602",
            "R-2 B1 AB12345603",
            "POOLS D6 lab-1/P18",
        ]
    );
}

#[test]
fn names_cannot_become_commands_of_a_robot() {
    let evil = "x\";import os\r\nA;y;z\n\"\"\"@TIPS@\"";
    let steps = vec![step(
        evil,
        place(evil, Grid::Of96, "A1"),
        evil,
        place("POOLS", Grid::Rack24, "A1"),
        50,
    )];
    let worklist = Worklist::new(evil, steps).expect("a worklist");
    let tecan = Tecan::default().write(&worklist).expect("text");
    assert_eq!(tecan.lines().count(), 4, "{tecan}");
    for line in tecan.lines().skip(1).take(2) {
        assert_eq!(line.matches(';').count(), 10, "{line}");
    }
    let hamilton = Hamilton.write(&worklist).expect("text");
    let mut reader = csv::Reader::from_reader(hamilton.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!((rows.len(), rows[0].len()), (1, 8), "{hamilton}");
    let python = Opentrons::default().write(&worklist).expect("text");
    assert!(
        !python
            .lines()
            .any(|line| line.trim_start().starts_with("import")),
        "{python}"
    );
    let normal = Opentrons::default().write(&pooling()).expect("text");
    assert_eq!(
        python.lines().count() + 2,
        normal.lines().count(),
        "two transfers less: {python}"
    );
}

#[test]
fn a_worklist_that_contradicts_itself_is_refused() {
    let from = |at: &str| place("R-1", Grid::Of96, at);
    let to = || place("POOLS", Grid::Rack24, "A1");
    let new = |steps: Vec<Step>| Worklist::new("w", steps).expect_err("refused");
    assert_eq!(new(vec![]), WorklistError::Nothing);
    let none = step("a", from("A1"), "p", to(), 0);
    assert!(matches!(new(vec![none]), WorklistError::NoVolume { .. }));
    let outside = step("a", from("I1"), "p", to(), 9);
    assert!(matches!(new(vec![outside]), WorklistError::NoPlace { .. }));
    let twins = vec![
        step("a", from("A1"), "p", to(), 9),
        step("b", from("A1"), "p", to(), 9),
    ];
    assert!(matches!(new(twins), WorklistError::TwoThings { .. }));
    let two_pools = vec![
        step("a", from("A1"), "p", to(), 9),
        step("b", from("B1"), "q", to(), 9),
    ];
    assert!(matches!(new(two_pools), WorklistError::TwoThings { .. }));
    let many = (0..385)
        .map(|_| step("a", from("A1"), "p", to(), 9))
        .collect();
    assert!(matches!(new(many), WorklistError::TooMany { steps: 385 }));
}

#[test]
fn a_robot_says_what_its_deck_and_pipettes_cannot_do() {
    let steps = |volumes: &[u32]| {
        let all = volumes.iter().zip(1..).map(|(ul, number)| {
            let from = place(&format!("R-{number}"), Grid::Of96, "A1");
            step(
                &format!("t{number}"),
                from,
                "p",
                place("POOLS", Grid::Rack24, "A1"),
                *ul,
            )
        });
        Worklist::new("w", all.collect()).expect("a worklist")
    };
    let write = |volumes: &[u32]| Opentrons::default().write(&steps(volumes));
    assert!(
        write(&[100; 9])
            .expect("9 racks, pools, tips")
            .contains("p300_single_gen2")
    );
    let full = write(&[100; 10])
        .expect_err("one slot too many")
        .to_string();
    assert!(full.contains("12 slots; the deck has 11"), "{full}");
    let both = write(&[5, 500]).expect_err("no such pipette").to_string();
    assert!(both.contains("both 5 and 500 ul"), "{both}");
    assert!(write(&[5, 20]).expect("small").contains("p20_single_gen2"));
    assert!(
        write(&[150, 500])
            .expect("large")
            .contains("p1000_single_gen2")
    );
}

#[test]
fn places_are_counted_down_the_columns() {
    for (grid, number, at) in [
        (Grid::Of96, 1, "A1"),
        (Grid::Of96, 9, "A2"),
        (Grid::Of96, 96, "H12"),
        (Grid::Rack24, 5, "A2"),
        (Grid::Rack24, 24, "D6"),
        (Grid::Of384, 384, "P24"),
    ] {
        let place = grid.nth(number).expect("a place");
        assert_eq!(place.to_string(), at);
        assert_eq!(grid.number(place), Some(number));
    }
    assert_eq!(Grid::Rack24.nth(25), None);
    assert_eq!(Grid::Of96.nth(0), None);
}
