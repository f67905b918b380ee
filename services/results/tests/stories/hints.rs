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
