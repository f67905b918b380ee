//! Stories of what a plate is made with, and of the instrument that it is put into.

mod lab;

use lab::{LAB, Lab, reason};
use tenfold_domain::Rejection;
use tenfold_domain::policy::{Materials, Policy};
use tenfold_domain::pooling::plate::lot::LOTS_MAX;
use tenfold_domain::time::Millis;
use tenfold_proto::v1;
use v1::pooling_command::Command;

/// The policy's materials, as a lab writes them.
fn materials(text: &str) -> impl FnOnce(&mut Policy) {
    let materials: Materials = toml_of(text);
    move |policy| policy.materials = materials
}

fn toml_of(text: &str) -> Materials {
    let text = format!("{}\n[materials]\n{text}", Policy::default_text());
    Policy::parse(&text).expect("a policy").materials
}

const LOTS: &str = "\
required = [\"kit\"]
lots.K1 = { kind = \"kit\", expires = 2999-12-31 }
lots.K2 = { kind = \"kit\", expires = 2999-12-31, assay = \"maccura\" }
lots.OLD = { kind = \"reagent\", expires = 2001-12-31 }
lots.TIPS = { kind = \"consumable\", expires = 2999-12-31 }
";

fn bind(lab: &mut Lab, plate: &str, lot: &str) -> Result<v1::PlateView, Rejection> {
    lab.command(Command::BindLot(v1::BindLotRequest {
        lab: LAB.to_owned(),
        plate: plate.to_owned(),
        lot: lot.to_owned(),
        ..Default::default()
    }))
}

/// A plate with one tube, sealed.
fn sealed(lab: &mut Lab, plate: &str, tube: &str) {
    lab.alone(&[tube]);
    lab.start_plate(plate).expect("a plate");
    lab.fill(plate).expect("filled");
    lab.confirm_plate(plate, &[]).expect("confirmed");
    lab.seal_plate(plate).expect("sealed");
}

#[test]
fn a_lot_is_bound_by_scan_and_shown_with_the_plate() {
    let mut lab = Lab::with(materials(LOTS));
    sealed(&mut lab, "PL-1", "T01");
    assert_eq!(reason(lab.load("PL-1")), "LOT_MISSING");
    bind(&mut lab, "PL-1", "K1").expect("bound");
    bind(&mut lab, "PL-1", "TIPS").expect("bound");
    let again = bind(&mut lab, "PL-1", "K1").expect("the same again");
    let lots: Vec<(&str, v1::LotKind)> = again
        .lots
        .iter()
        .map(|lot| (lot.lot.as_str(), lot.kind()))
        .collect();
    assert_eq!(
        lots,
        [("K1", v1::LotKind::Kit), ("TIPS", v1::LotKind::Consumable)]
    );
    lab.load("PL-1").expect("loaded");
    assert_eq!(reason(bind(&mut lab, "PL-1", "TIPS")), "PLATE_NOT_OPEN");
}

fn unbind(lab: &mut Lab, plate: &str, lot: &str) -> Result<v1::PlateView, Rejection> {
    lab.command(Command::UnbindLot(v1::UnbindLotRequest {
        lab: LAB.to_owned(),
        plate: plate.to_owned(),
        lot: lot.to_owned(),
        ..Default::default()
    }))
}

#[test]
fn a_lot_scanned_by_mistake_comes_off_until_the_plate_is_sealed() {
    let mut lab = Lab::with(materials(LOTS));
    lab.alone(&["T01"]);
    lab.start_plate("PL-1").expect("a plate");
    bind(&mut lab, "PL-1", "K1").expect("bound");
    bind(&mut lab, "PL-1", "TIPS").expect("bound");
    let left = unbind(&mut lab, "PL-1", "K1").expect("taken off");
    let left: Vec<&str> = left.lots.iter().map(|lot| lot.lot.as_str()).collect();
    assert_eq!(left, ["TIPS"], "the other stays");
    assert_eq!(reason(unbind(&mut lab, "PL-1", "K1")), "LOT_NOT_BOUND");
    assert_eq!(reason(unbind(&mut lab, "PL-9", "K1")), "PLATE_UNKNOWN");
    // What came off is missing again, and may be scanned again.
    lab.fill("PL-1").expect("filled");
    lab.confirm_plate("PL-1", &[]).expect("confirmed");
    lab.seal_plate("PL-1").expect("sealed");
    assert_eq!(reason(lab.load("PL-1")), "LOT_MISSING");
    bind(&mut lab, "PL-1", "K1").expect("bound again");
    assert_eq!(reason(unbind(&mut lab, "PL-1", "K1")), "PLATE_NOT_OPEN");
    lab.load("PL-1").expect("loaded");
}

#[test]
fn an_expired_unknown_or_wrong_lot_stops_with_its_reason() {
    let mut lab = Lab::with(materials(LOTS));
    lab.start_plate("PL-1").expect("a plate");
    for (lot, expected) in [
        ("OLD", "LOT_EXPIRED"),
        ("K9", "LOT_UNKNOWN"),
        ("K2", "LOT_OF_OTHER_KIT"),
    ] {
        assert_eq!(reason(bind(&mut lab, "PL-1", lot)), expected);
    }
    assert!(lab.plate_view("PL-1").lots.is_empty());
    assert_eq!(reason(bind(&mut lab, "PL-9", "K1")), "PLATE_UNKNOWN");
}

#[test]
fn a_lot_that_expires_before_the_plate_is_loaded_stops_it() {
    let mut lab = Lab::new();
    // The driver's clock begins at midnight in UTC: the same day in Shanghai.
    let today = lab.now().to_string()[..10].to_owned();
    lab.apply(
        2,
        materials(&format!(
            "lots.K1 = {{ kind = \"kit\", expires = {today} }}\n"
        )),
    );
    sealed(&mut lab, "PL-1", "T01");
    bind(&mut lab, "PL-1", "K1").expect("it may be used today");
    lab.driver.advance(Millis::from_hours(24));
    assert_eq!(reason(lab.load("PL-1")), "LOT_EXPIRED");
}

#[test]
fn an_instrument_is_known_large_enough_and_calibrated() {
    let due = |day: &str, overdue: &str| {
        format!(
            "overdue = \"{overdue}\"\ninstruments.cycler-1 = {{ type = \"QuantStudio 5\", capacity = \"96\", calibration_due = {day} }}\n"
        )
    };
    let mut lab = Lab::with(materials(&due("2001-01-31", "stop")));
    sealed(&mut lab, "PL-1", "T01");
    assert_eq!(reason(lab.load("PL-1")), "CALIBRATION_OVERDUE");
    lab.apply(
        2,
        materials("instruments.cycler-9 = { type = \"CFX\", capacity = \"96\" }\n"),
    );
    assert_eq!(reason(lab.load("PL-1")), "INSTRUMENT_UNKNOWN");
    lab.apply(3, materials(&due("2001-01-31", "warn")));
    let loaded = lab.load("PL-1").expect("loaded");
    assert_eq!(
        loaded.warnings,
        ["instrument \"cycler-1\" was to be calibrated by 2001-01-31"]
    );
    lab.apply(4, materials(&due("2999-01-31", "stop")));
    sealed(&mut lab, "PL-2", "T02");
    assert!(lab.load("PL-2").expect("loaded").warnings.is_empty());
    sealed(&mut lab, "PL-3", "T03");
    let big = Command::CombinePlates(v1::CombinePlatesRequest {
        lab: LAB.to_owned(),
        plate: "BIG-1".to_owned(),
        layout: "quadrants".to_owned(),
        sources: vec!["PL-3".to_owned()],
        ..Default::default()
    });
    lab.command::<v1::PlateView>(big).expect("combined");
    assert_eq!(reason(lab.load("BIG-1")), "INSTRUMENT_TOO_SMALL");
}

#[test]
fn a_plate_has_at_most_so_many_lots() {
    let lots: String = (0..=LOTS_MAX)
        .map(|n| format!("lots.B{n} = {{ kind = \"consumable\", expires = 2999-12-31 }}\n"))
        .collect();
    let mut lab = Lab::with(materials(&lots));
    lab.start_plate("PL-1").expect("a plate");
    for n in 0..LOTS_MAX {
        bind(&mut lab, "PL-1", &format!("B{n}")).expect("bound");
    }
    let more = format!("B{LOTS_MAX}");
    assert_eq!(reason(bind(&mut lab, "PL-1", &more)), "LOTS_TOO_MANY");
    bind(&mut lab, "PL-1", "B0").expect("the same again changes nothing");
    assert_eq!(lab.plate_view("PL-1").lots.len(), LOTS_MAX);
}

#[test]
fn a_plate_without_its_lot_does_not_hide_behind_another_in_one_of_384_wells() {
    let mut lab = Lab::with(materials(LOTS));
    sealed(&mut lab, "PL-1", "T01");
    sealed(&mut lab, "PL-2", "T02");
    bind(&mut lab, "PL-1", "K1").expect("bound");
    let combine = |lab: &mut Lab, plate: &str, sources: &[&str]| {
        lab.command::<v1::PlateView>(Command::CombinePlates(v1::CombinePlatesRequest {
            lab: LAB.to_owned(),
            plate: plate.to_owned(),
            layout: "quadrants".to_owned(),
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            ..Default::default()
        }))
    };
    let refused = combine(&mut lab, "BIG-1", &["PL-1", "PL-2"]);
    assert_eq!(reason(refused), "LOT_MISSING");
    bind(&mut lab, "PL-2", "K1").expect("a sealed plate too");
    combine(&mut lab, "BIG-1", &["PL-1", "PL-2"]).expect("combined");
    lab.load("BIG-1").expect("loaded");
    // If no plate has one, it is scanned for the plate that they become.
    sealed(&mut lab, "PL-3", "T03");
    combine(&mut lab, "BIG-2", &["PL-3"]).expect("combined");
    assert_eq!(reason(lab.load("BIG-2")), "LOT_MISSING");
    bind(&mut lab, "BIG-2", "K1").expect("bound");
    lab.load("BIG-2").expect("loaded");
}
