//! Stories of racks, plates, and what results orders.

mod lab;

use lab::{Lab, placement, reason};
use std::collections::BTreeSet;
use tenfold_domain::message::{Control, Message};
use tenfold_proto::v1;
use tenfold_proto::v1::{PoolSealReason, PoolingStage};
use tenfold_runtime::processor::Destination;

fn planned(plan: &v1::PlanRackResponse) -> Vec<(String, String)> {
    plan.tubes
        .iter()
        .map(|tube| {
            let what = match tube.planned.as_ref().expect("planned or refused") {
                v1::planned_tube::Planned::Placement(at) => placement(at),
                v1::planned_tube::Planned::Refused(why) => why.reason.clone(),
            };
            (tube.position.clone(), what)
        })
        .collect()
}

#[test]
fn a_rack_is_planned_at_once_and_a_bad_tube_stops_nobody() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01", "T02"]);
    lab.registered("fever-clinic", &["T03"]);
    lab.receive_rack(
        "R1",
        &[
            ("A1", "T01"),
            ("A2", "T02"),
            ("A3", "T03"),
            ("A4", "T04"),
            ("A5", "?"),
        ],
    );
    let plan = lab.plan_rack("R1").unwrap();
    let text = |p: &str, w: &str| (p.to_owned(), w.to_owned());
    assert_eq!(
        planned(&plan),
        [
            text("A3", "alone"),
            text("A1", "P1/1"),
            text("A2", "P1/2"),
            text("A4", "DETAILS_PENDING"),
            text("A5", "TUBE_HELD"),
        ],
        "STAT first"
    );
    let again = lab.plan_rack("R1").unwrap();
    assert_eq!(planned(&again), planned(&plan), "the same plan again");
    assert_eq!(reason(lab.close(1)), "TRANSFERS_MISSING");
}

#[test]
fn a_rack_is_planned_down_its_columns_as_liquid_handlers_go() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01", "T02", "T03", "T04"]);
    let rack = [("A1", "T01"), ("A2", "T02"), ("B1", "T03"), ("H1", "T04")];
    lab.receive_rack("R1", &rack);
    let plan = planned(&lab.plan_rack("R1").unwrap());
    let wells: Vec<&str> = plan.iter().map(|(well, _)| well.as_str()).collect();
    assert_eq!(wells, ["A1", "B1", "H1", "A2"]);
}

#[test]
fn a_confirmed_rack_seals_its_pools_and_a_failed_tube_leaves() {
    let mut lab = Lab::new();
    let names: Vec<String> = (1..=12).map(|n| format!("T{n:02}")).collect();
    let tubes: Vec<&str> = names.iter().map(String::as_str).collect();
    lab.registered("routine", &tubes);
    let wells: Vec<String> = (1..=12).map(|n| format!("A{n}")).collect();
    let rack: Vec<(&str, &str)> = wells.iter().map(String::as_str).zip(tubes).collect();
    lab.receive_rack("R1", &rack);
    lab.plan_rack("R1").unwrap();
    let partial = lab.confirm_rack("R1", &[("T02", "clot")], false).unwrap();
    assert_eq!((partial.missing.len(), partial.sealed.len()), (11, 0));
    let done = lab.confirm_rack("R1", &[], true).unwrap();
    assert_eq!((done.transferred, done.missing.len()), (11, 0));
    let why: Vec<PoolSealReason> = done.sealed.iter().map(v1::PoolSealedTold::reason).collect();
    assert_eq!(why, [PoolSealReason::RackDone, PoolSealReason::RackDone]);
    assert_eq!(lab.pool_view(1).left[0].reason, "clot");
    assert_eq!(lab.stage("T02"), PoolingStage::Waiting);
    assert_eq!(
        reason(lab.confirm_rack("R1", &[], true)),
        "NOTHING_TO_CONFIRM"
    );
}

#[test]
fn a_plate_is_filled_stat_first_then_by_deadline_around_its_controls() {
    let mut lab = Lab::new();
    lab.here("patient", &["T01"]);
    lab.pool(&["T01"]);
    lab.close(1).unwrap();
    lab.here("routine", &["T02"]);
    lab.pool(&["T02"]);
    lab.close(2).unwrap();
    lab.here("emergency", &["T03"]);
    lab.scan("T03").unwrap();
    let plate = lab.start_plate("PL1").unwrap();
    assert_eq!((plate.wells.len(), plate.free), (6, 90));
    let filled = lab.fill("PL1").unwrap();
    let contents: Vec<&str> = filled.wells.iter().map(|w| w.content.as_str()).collect();
    assert_eq!(contents, ["lab-1/T3", "lab-1/P1", "lab-1/P2"]);
    assert_eq!(filled.free, 87);
    assert_eq!(lab.stage("T03"), PoolingStage::Plated);
    assert_eq!(reason(lab.seal_plate("PL1")), "TRANSFERS_MISSING");
}

#[test]
fn results_hears_of_a_loaded_plate_with_every_member_and_transfer() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.pool(&["T01", "T02"]);
    let mixed_at = lab.now();
    lab.close(1).unwrap();
    lab.wait(5);
    lab.start_plate("PL1").unwrap();
    assert_eq!(reason(lab.load("PL1")), "PLATE_NOT_SEALED");
    lab.fill("PL1").unwrap();
    lab.confirm_plate("PL1", &[]).unwrap();
    let plated_at = lab.now();
    lab.seal_plate("PL1").unwrap();
    lab.sent();
    let loaded = lab.load("PL1").unwrap();
    assert_eq!((loaded.wells, loaded.tubes), (1, 2));
    let (to, message) = lab.sent().remove(0);
    let key = "lab-1".to_owned();
    assert_eq!(
        to,
        Destination::Lane {
            service: "results",
            key
        }
    );
    let Message::PlateLoaded(plate) = message else {
        panic!("{message:?}");
    };
    assert_eq!(plate.controls.len(), 6);
    assert_eq!(
        plate
            .controls
            .iter()
            .filter(|(_, c)| *c == Control::BatchNegative)
            .count(),
        3
    );
    let well = &plate.wells[0];
    assert_eq!(
        (well.plated_at, well.pool.as_ref().unwrap().number),
        (plated_at, 1)
    );
    assert_eq!(well.members.len(), 2);
    assert_eq!(well.members[0].transferred_at, mixed_at);
    assert_eq!(well.members[0].sample.barcode.as_str(), "T01");
    assert_eq!(well.members[0].round, 1);
    assert_eq!(reason(lab.load("PL1")), "PLATE_LOADED");
    assert_eq!(lab.stage("T01"), PoolingStage::Loaded);
}

#[test]
fn wells_take_one_thing_and_only_what_is_ready() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01", "T02"]);
    lab.here("emergency", &["T03"]);
    lab.start_plate("PL1").unwrap();
    lab.scan("T01").unwrap();
    assert_eq!(
        reason(lab.place("PL1", "A1", "lab-1/P1")),
        "POOL_NOT_SEALED"
    );
    lab.close(1).unwrap();
    assert_eq!(reason(lab.place("PL1", "A13", "lab-1/P1")), "WELL_UNKNOWN");
    assert_eq!(reason(lab.place("PL1", "A00", "lab-1/P1")), "WELL_UNKNOWN");
    assert_eq!(
        reason(lab.place("PL1", "H12", "lab-1/P1")),
        "WELL_IS_CONTROL"
    );
    assert_eq!(reason(lab.place("PL1", "A1", "T02")), "NOT_SINGLE");
    assert_eq!(
        lab.place("PL1", "A01", "lab-1/P1")
            .unwrap()
            .well
            .unwrap()
            .well,
        "A1"
    );
    let events = lab.driver.events().len();
    lab.place("PL1", "A1", "lab-1/P1").unwrap();
    assert_eq!(
        lab.driver.events().len(),
        events,
        "the same again is a no-op"
    );
    assert_eq!(reason(lab.place("PL1", "A1", "T03")), "WELL_TAKEN");
    assert_eq!(reason(lab.place("PL1", "A2", "lab-1/P1")), "BACKWARDS");
    lab.place("PL1", "A2", "T03").unwrap();
    lab.seal_plate("PL1").unwrap();
    assert_eq!(reason(lab.place("PL1", "A3", "T02")), "PLATE_NOT_OPEN");
    assert_eq!(reason(lab.scan("T03")), "TUBE_PLATED");
    assert_eq!(reason(lab.start_plate("PL1")), "PLATE_REUSED");
}

#[test]
fn a_failed_well_is_lost_and_its_content_waits_again() {
    let mut lab = Lab::new();
    lab.here("emergency", &["T01", "T02"]);
    lab.scan("T01").unwrap();
    lab.scan("T02").unwrap();
    lab.start_plate("PL1").unwrap();
    let filled = lab.fill("PL1").unwrap();
    let (lost, kept) = (filled.wells[0].well.clone(), filled.wells[1].well.clone());
    let told = lab.confirm_plate("PL1", &[(&lost, "bubble")]).unwrap();
    assert_eq!(
        (told.transferred, told.failed),
        (vec![kept], vec![lost.clone()])
    );
    assert_eq!(lab.work("ready").len(), 1);
    assert_eq!(reason(lab.place("PL1", &lost, "T01")), "WELL_TAKEN");
}

#[test]
fn the_contents_of_a_voided_plate_wait_for_another() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.here("emergency", &["T02"]);
    lab.pool(&["T01"]);
    lab.close(1).unwrap();
    lab.scan("T02").unwrap();
    lab.run_plate("PL1");
    lab.void_plate("PL1").unwrap();
    assert!(matches!(&lab.sent()[0].1, Message::PlateVoided(p) if p.plate.as_str() == "PL1"));
    assert_eq!(reason(lab.void_plate("PL1")), "PLATE_VOID");
    let again = lab.run_plate("PL2");
    assert_eq!(again.wells.len(), 2);
    assert!(again.wells.iter().all(|w| w.members[0].round == 1));
}

#[test]
fn a_pool_that_came_back_from_a_voided_plate_may_be_voided_too() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.pool(&["T01"]);
    lab.close(1).unwrap();
    lab.start_plate("PL1").unwrap();
    lab.fill("PL1").unwrap();
    assert_eq!(reason(lab.void(1)), "POOL_PLATED");
    lab.void_plate("PL1").unwrap();
    lab.void(1).unwrap();
    assert_eq!(lab.tube("T01").round, 2);
}

#[test]
fn a_retest_goes_alone_and_first_and_names_where_the_tube_stands() {
    let mut lab = Lab::new();
    lab.registered("routine", &["T01", "T02"]);
    lab.receive_rack("R1", &[("B3", "T01"), ("B4", "T02")]);
    lab.pool(&["T01", "T02"]);
    lab.close(1).unwrap();
    lab.run_plate("PL1");
    lab.order_retest(1, 41, 2).unwrap();
    let events = lab.driver.events().len();
    lab.order_retest(1, 41, 2).unwrap();
    assert_eq!(lab.driver.events().len(), events, "an order comes once");
    assert_eq!(lab.stage("T01"), PoolingStage::AwaitingRetest);
    assert_eq!(lab.stage("T02"), PoolingStage::Loaded);
    let work = lab.work("");
    assert_eq!(work[0].what, "lab-1/T1");
    assert_eq!(
        (work[0].rack.as_deref(), work[0].position.as_deref()),
        (Some("R1"), Some("B3"))
    );
    assert_eq!(
        (work[0].order.as_deref(), work[0].round),
        (Some("lab-1/O41"), 2)
    );
    lab.here("emergency", &["T03"]);
    lab.scan("T03").unwrap();
    let plate = lab.run_plate("PL2");
    let retest = plate
        .wells
        .iter()
        .find(|w| w.members[0].tube.number == 1)
        .expect("the retest");
    assert_eq!(retest.pool, None);
    assert_eq!(retest.members[0].round, 2);
    assert_eq!(retest.members[0].order.as_ref().map(|o| o.number), Some(41));
}

#[test]
fn a_retest_of_a_tube_that_is_gone_is_refused() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.discard("T01").unwrap();
    assert_eq!(reason(lab.order_retest(1, 41, 2)), "TUBE_OVER");
    assert_eq!(reason(lab.order_retest(9, 42, 2)), "TUBE_UNKNOWN");
}

#[test]
fn wells_to_be_plated_again_wait_for_a_plate() {
    let mut lab = Lab::new();
    lab.here("routine", &["T01"]);
    lab.here("emergency", &["T02"]);
    lab.pool(&["T01"]);
    lab.close(1).unwrap();
    lab.scan("T02").unwrap();
    let first = lab.run_plate("PL1");
    let well = first
        .wells
        .iter()
        .find(|w| w.pool.is_some())
        .expect("the pool")
        .well
        .to_string();
    lab.order_replate("PL1", &[&well]).unwrap();
    let events = lab.driver.events().len();
    lab.order_replate("PL1", &[&well]).unwrap();
    assert_eq!(lab.driver.events().len(), events);
    let second = lab.run_plate("PL2");
    assert_eq!(second.wells.len(), 1);
    assert_eq!(second.wells[0].members[0].round, 1);
}

#[test]
fn plates_of_one_time_have_their_weak_positives_in_different_wells() {
    let mut lab = Lab::new();
    let weak = |plate: &v1::PlateView| -> Vec<String> {
        let wells = plate.wells.iter();
        let weak = wells.filter(|well| well.control == Some(v1::Control::WeakPositive.into()));
        weak.map(|well| well.well.clone()).collect()
    };
    // All ask for the same draw.
    let plates: Vec<v1::PlateView> = (1..=21)
        .map(|number| lab.start_plate(&format!("PL{number}")).unwrap())
        .collect();
    let wells: BTreeSet<Vec<String>> = plates.iter().map(weak).collect();
    assert_eq!(wells.len(), 21);
    assert_eq!(plates[0].seed, 7, "the first may stand where it likes");
    // The seed that was drawn from in the end is the plate's: who draws from it again draws the same.
    let layout = tenfold_domain::policy::Layout::default();
    for plate in &plates {
        let again = tenfold_domain::pooling::plate::layout::controls(&layout, plate.seed);
        let told = plate.wells.iter().filter(|well| well.control.is_some());
        assert_eq!(again.len(), told.clone().count());
        for (well, _) in again {
            assert!(
                told.clone().any(|one| one.well == well.to_string()),
                "{well}"
            );
        }
    }
}
