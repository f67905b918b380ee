//! Labels that are printed before there is anything to stick them on.

mod lab;

use lab::{Lab, reason, seat_of};

fn seat_at(lab: &mut Lab, bench: &str, tube: &str) -> String {
    seat_of(&lab.scan_at(bench, tube).expect("a seat"))
}

#[test]
fn a_bench_opens_its_pools_under_its_roll_and_others_go_on_behind_it() {
    let mut lab = Lab::with(|policy| policy.pooling.pool_max = 2);
    let tubes = ["T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08"];
    lab.here("routine", &tubes);
    assert_eq!(
        seat_at(&mut lab, "b2", "T01"),
        "P1/1",
        "before anybody prints"
    );
    assert_eq!(seat_at(&mut lab, "b2", "T02"), "P1/2");
    let roll = lab.reserve(Some("b1"), 2).expect("a roll");
    assert_eq!((roll.first, roll.last), (2, 3));
    assert_eq!(roll.codes, ["lab-1/P2", "lab-1/P3"]);
    assert_eq!(seat_at(&mut lab, "b2", "T03"), "P4/1", "2 and 3 are b1's");
    let seats = ["T04", "T05", "T06", "T07", "T08"].map(|tube| seat_at(&mut lab, "b1", tube));
    assert_eq!(
        seats,
        ["P2/1", "P2/2", "P3/1", "P3/2", "P5/1"],
        "then the roll is used up"
    );
}

#[test]
fn two_batches_never_overlap() {
    let mut lab = Lab::new();
    let mut seen = std::collections::BTreeSet::new();
    for bench in ["b1", "b2", "b1"] {
        let roll = lab.reserve(Some(bench), 200).expect("a roll");
        assert_eq!(roll.codes.len(), 200);
        for code in roll.codes {
            assert!(seen.insert(code.clone()), "{code} is printed twice");
        }
    }
    lab.here("routine", &["T01"]);
    assert_eq!(seat_at(&mut lab, "b2", "T01"), "P201/1");
}

#[test]
fn a_plate_is_started_under_a_reserved_barcode_once() {
    let mut lab = Lab::new();
    lab.start_plate("lab-1-PL2")
        .expect("somebody wrote it by hand");
    let roll = lab.reserve(None, 3).expect("a roll");
    assert_eq!(
        roll.codes,
        ["lab-1-PL3", "lab-1-PL4", "lab-1-PL5"],
        "what was used by hand is passed over, with what lies before it"
    );
    assert_eq!(lab.reserve(None, 1).expect("one more").codes, ["lab-1-PL6"]);
    lab.start_plate("lab-1-PL4")
        .expect("any of them, in any order");
    assert_eq!(reason(lab.start_plate("lab-1-PL4")), "PLATE_REUSED");
}

#[test]
fn no_labels_too_many_labels_and_forgotten_rolls_are_refused() {
    let mut lab = Lab::new();
    assert_eq!(reason(lab.reserve(Some("b1"), 0)), "COUNT");
    assert_eq!(reason(lab.reserve(Some("b1"), 2_001)), "COUNT");
    assert_eq!(reason(lab.reserve(Some(""), 1)), "BENCH_MISSING");
    for _ in 0..8 {
        lab.reserve(Some("b1"), 1).expect("a roll");
    }
    assert_eq!(reason(lab.reserve(Some("b1"), 1)), "BATCHES_FULL");
    lab.reserve(Some("b2"), 1).expect("another bench");
}
