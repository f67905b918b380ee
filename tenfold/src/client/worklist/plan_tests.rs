use super::*;
use tenfold_proto::v1::PoolMemberView;

fn standing(barcode: &str, position: &str) -> Standing {
    Standing {
        barcode: barcode.to_owned(),
        rack: Some("R-1".to_owned()),
        position: Some(position.to_owned()),
    }
}

fn pool(state: &str, done: bool) -> PoolView {
    let member = |tube: &str, transferred_at| PoolMemberView {
        tube: tube.to_owned(),
        transferred_at,
        ..PoolMemberView::default()
    };
    PoolView {
        pool: "lab-1/P3".to_owned(),
        state: state.to_owned(),
        members: vec![
            member("lab-1/T1", Some(5)),
            member("lab-1/T2", done.then_some(6)),
        ],
        ..PoolView::default()
    }
}

#[test]
fn only_tubes_that_are_not_in_their_pool_yet_are_pipetted() {
    let stand = BTreeMap::from([("lab-1/T2".to_owned(), standing("AB2", "B1"))]);
    let to = rack_of_pools("POOLS", 2).expect("a place");
    let steps = pool_steps(&pool("open", false), &stand, &to, 100).expect("steps");
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].what, "AB2");
    assert_eq!(steps[0].into, "lab-1/P3");
    assert_eq!(steps[0].from.at.to_string(), "B1");
    assert_eq!(steps[0].to.at.to_string(), "B1", "the second pool tube");
    let none = pool_steps(&pool("open", true), &stand, &to, 100).expect("no steps");
    assert!(none.is_empty());
}

#[test]
fn a_sealed_pool_and_a_tube_that_stands_nowhere_are_refused() {
    let to = rack_of_pools("POOLS", 1).expect("a place");
    let told = |pool: &PoolView| {
        let refused = pool_steps(pool, &BTreeMap::new(), &to, 100);
        refused.expect_err("refused").to_string()
    };
    assert!(told(&pool("sealed", false)).contains("is sealed"));
    assert!(told(&pool("open", false)).contains("receive its rack first"));
    assert!(rack_of_pools("POOLS", 97).is_err());
}

fn plate() -> PlateView {
    let well = |well: &str, content: Option<&str>, control: Option<Control>| PlateWellView {
        well: well.to_owned(),
        content: content.map(str::to_owned),
        control: control.map(Into::into),
        ..PlateWellView::default()
    };
    PlateView {
        plate: "PL-1".to_owned(),
        size: tenfold_proto::v1::PlateSize::PlateSize96.into(),
        state: "open".to_owned(),
        wells: vec![
            well("A1", Some("lab-1/P7"), None),
            well("A2", Some("lab-1/T9"), None),
            well("B1", Some("lab-1/P8"), None),
            PlateWellView {
                lost: Some("bubble".to_owned()),
                ..well("C1", Some("lab-1/P9"), None)
            },
            PlateWellView {
                transferred_at: Some(7),
                ..well("D1", Some("lab-1/P10"), None)
            },
            well("H12", None, Some(Control::Negative)),
        ],
        ..PlateView::default()
    }
}

#[test]
fn a_plate_is_filled_down_its_columns_and_what_is_done_or_lost_is_left_alone() {
    let stand = BTreeMap::from([("lab-1/T9".to_owned(), standing("AB9", "C5"))]);
    let steps = |controls| well_steps(&plate(), &stand, "POOLS", controls, 20).expect("steps");
    let told: Vec<String> = steps(false)
        .iter()
        .map(|s| {
            format!(
                "{} {} {} -> {}",
                s.what, s.from.labware.name, s.from.at, s.to.at
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "lab-1/P7 POOLS A1 -> A1",
            "lab-1/P8 POOLS B1 -> B1",
            "AB9 R-1 C5 -> A2"
        ]
    );
    let controls = steps(true);
    let last = controls.last().expect("the control");
    assert_eq!(
        (last.what.as_str(), last.from.at.to_string()),
        ("NC", "B1".to_owned())
    );
}

#[test]
fn pool_tubes_keep_their_places_when_the_robot_stopped_in_the_middle() {
    let mut plate = plate();
    plate.wells[0].transferred_at = Some(7);
    // A well before all others was planned by hand later: its tube stands behind them.
    plate.wells.push(PlateWellView {
        well: "A3".to_owned(),
        content: Some("lab-1/P2".to_owned()),
        planned_at: Some(9),
        ..PlateWellView::default()
    });
    plate.wells.swap_remove(1);
    for well in &mut plate.wells {
        well.planned_at = well.planned_at.or(Some(5));
    }
    plate.wells.rotate_right(1);
    let steps = well_steps(&plate, &BTreeMap::new(), "POOLS", false, 20).expect("steps");
    let told: Vec<String> = steps
        .iter()
        .map(|s| format!("{} {} -> {}", s.what, s.from.at, s.to.at))
        .collect();
    assert_eq!(told, ["lab-1/P8 B1 -> B1", "lab-1/P2 E1 -> A3"]);
}
