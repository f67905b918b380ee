//! What a plate shows that a person should look at. It changes no call.

use crate::lab::*;
use tenfold_domain::policy::Policy;
use tenfold_proto::v1;
use tenfold_proto::v1::ContaminationKind as Kind;

const STRONG: Cts = ["16.2", "15.9", "30"];
const WEAK: Cts = ["31.5", "32.0", "27"];

fn hints(lab: &Lab, run: u64) -> Vec<v1::ContaminationHint> {
    let query = v1::GetRunRequest {
        lab: LAB.to_owned(),
        run,
        version: 0,
    };
    let view: v1::RunView = lab.query(v1::results_query::Query::Run(query));
    view.hints
}

#[test]
fn a_weak_well_beside_a_very_strong_one_is_pointed_out_and_called_all_the_same() {
    let mut lab = Lab::new();
    lab.load(
        "PL-1",
        vec![
            single("A1", member(1)),
            single("B2", member(2)),
            single("D4", member(3)),
        ],
    );
    let run = lab.run("PL-1", &[("A1", STRONG), ("B2", WEAK), ("D4", WEAK)]);
    assert_eq!((run.state(), run.positive), (v1::ImportState::Released, 3));
    assert!(
        run.notes
            .iter()
            .any(|note| note.starts_with("B2 (Ct 31.5) stands next to A1 (Ct 15.9)")),
        "{:?}",
        run.notes
    );
    let found = hints(&lab, run.run);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].kind(), found[0].wells.as_slice()),
        (Kind::StrongNeighbour, ["B2".to_owned()].as_slice())
    );
    assert_eq!(
        (
            found[0].neighbour.as_str(),
            found[0].neighbour_ct,
            found[0].ct
        ),
        ("A1", Some(15.9), Some(31.5))
    );
    assert_eq!(lab.explain(2).tests[0].hints, found);
    assert!(lab.explain(1).tests[0].hints.is_empty() && lab.explain(3).tests[0].hints.is_empty());
    assert!(
        (1..=3).all(|tube| lab.verdict(tube) == "positive"),
        "a hint is no call"
    );
}

#[test]
fn a_row_of_suspect_pools_is_pointed_out_as_the_policy_says() {
    let mut lab = Lab::new();
    let wells = ["C1", "C2", "C3"];
    let pools = wells
        .iter()
        .zip(1..)
        .map(|(well, n)| pool(well, n, n * 2..n * 2 + 2));
    lab.load("PL-1", pools.collect());
    let run = lab.run("PL-1", &wells.map(|well| (well, WEAK)));
    assert!(hints(&lab, run.run).is_empty(), "three are not four");
    let text = Policy::default_text()
        .replace("line_wells = 4", "line_wells = 3")
        .replace("version = 1\n\n# ---", "version = 2\n\n# ---");
    lab.apply(&text, 2).expect("applied");
    let found = hints(&lab, run.run);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].kind(), found[0].wells.join(" ")),
        (Kind::Row, "C1 C2 C3".to_owned())
    );
}

#[test]
fn a_pool_whose_members_were_all_negative_is_pointed_out_on_its_plate() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    let run = lab.run("PL-1", &[("A1", GREY)]);
    assert!(hints(&lab, run.run).is_empty());
    lab.retests_are_negative("PL-2");
    let found = hints(&lab, run.run);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].kind(), found[0].wells.join(" ")),
        (Kind::UnconfirmedPool, "A1".to_owned())
    );
    assert_eq!(lab.explain(1).tests[0].hints, found);
    assert!(
        lab.explain(1).tests[1].hints.is_empty(),
        "its own test was as it must be"
    );
}

#[test]
fn an_unconfirmed_pool_is_pointed_out_on_the_plate_it_was_suspect_on_alone() {
    let mut lab = Lab::new();
    lab.load("PL-1", vec![pool("A1", 1, 1..=2)]);
    // Its positive control failed: the pool is plated again.
    let first = lab.run("PL-1", &[("A12", NEGATIVE)]);
    assert_eq!(first.state(), v1::ImportState::OutOfControl);
    lab.load("PL-2", vec![pool("B1", 1, 1..=2)]);
    let second = lab.run("PL-2", &[("B1", GREY)]);
    lab.retests_are_negative("PL-3");
    assert_eq!(hints(&lab, second.run).len(), 1);
    assert!(hints(&lab, first.run).is_empty());
}

/// The same table as a QuantStudio writes it, with curves of these wells: (well, target, which curve).
fn with_curves(csv: &str, plate: &str, curves: &[(&str, &str, u16)]) -> String {
    let mut file = format!(
        "* Block Type = 96-Well 0.2-mL Block\n* Instrument Type = QuantStudio(TM) 5\n* Experiment Barcode = {plate}\n\n\
         [Results]\nWell Position\tOmit\tSample Name\tTarget Name\tTask\tReporter\tQuencher\tCT\n"
    );
    for line in csv.lines().skip(2) {
        let field: Vec<&str> = line.split(',').collect();
        let (well, target, ct) = (field[0], field[1], field[2]);
        file += &format!("{well}\tfalse\tS\t{target}\tUNKNOWN\tFAM\tNFQ-MGB\t{ct}\n");
    }
    file += "\n[Amplification Data]\nWell Position\tCycle\tTarget Name\tRn\tDelta Rn\n";
    for (well, target, which) in curves {
        for cycle in 1..=40_u16 {
            // A flat line is the curve 0.
            let delta = f64::from(which * cycle) / 100.0;
            file += &format!("{well}\t{cycle}\t{target}\t1.5\t{delta:.3}\n");
        }
    }
    file
}

#[test]
fn wells_with_the_very_same_curve_are_pointed_out_once_and_flat_lines_are_not() {
    let mut lab = Lab::new();
    let wells = vec![
        single("A1", member(1)),
        single("C5", member(2)),
        single("E9", member(3)),
    ];
    lab.load("PL-1", wells);
    let csv = lab.file("PL-1", &[("A1", WEAK), ("C5", WEAK)]);
    let curves = [
        ("A1", "ORF1ab", 3),
        ("A1", "N", 4),
        ("C5", "ORF1ab", 3),
        ("C5", "N", 4),
        ("E9", "ORF1ab", 5),
        // No signal at all looks alike everywhere.
        ("E9", "N", 0),
        ("H12", "N", 0),
    ];
    let file = with_curves(&csv, "PL-1", &curves);
    let run = lab.import("PL-1", "run-1", "", &file).expect("imported");
    assert_eq!((run.state(), run.positive), (v1::ImportState::Released, 2));
    let found = hints(&lab, run.run);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].kind(), found[0].wells.join(" ")),
        (Kind::SameCurve, "A1 C5".to_owned())
    );
    assert!(
        run.notes
            .iter()
            .any(|note| note.contains("A1, C5 are the very same")),
        "{:?}",
        run.notes
    );
    assert_eq!(lab.explain(1).tests[0].hints, found);
    assert!(lab.explain(3).tests[0].hints.is_empty());
    let text = Policy::default_text()
        .replace("same_curves = true", "same_curves = false")
        .replace("version = 1\n\n# ---", "version = 2\n\n# ---");
    lab.apply(&text, 2).expect("applied");
    assert!(hints(&lab, run.run).is_empty(), "the policy says so");
}
