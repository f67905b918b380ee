//! A plate of 384 wells that was stamped from two of 96, the extraction of one of which failed; and what must never be
//! said of it.
//!
//! ```text
//! plate-1 -> first quadrant   A1 = pool 1 (tubes 1, 2)   C1 = pool 2 (tubes 3, 4)   M23 = its extraction control
//! plate-2 -> last quadrant    B2 = tube 5                                           N24 = its extraction control, failed
//! ```

use crate::day::{self, pooled, publish, received, registered};
use crate::lab::{append, before_last};
use crate::log::{Batch, Log};
use crate::words::*;
use crate::{assert_found, events, judge, messages, told as findings};
use tenfold_audit::{Report, Rule};
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

const CONTROLS_96: [(&str, Control); 3] = [
    ("H11", Control::Positive),
    ("H12", Control::Negative),
    ("G12", Control::Extraction),
];
const CONTROLS_384: [(&str, Control); 6] = [
    ("O21", Control::Positive),
    ("O23", Control::Negative),
    ("M23", Control::Extraction),
    ("P22", Control::Positive),
    ("P24", Control::Negative),
    ("N24", Control::Extraction),
];

fn standing(controls: &[(&str, Control)]) -> Vec<ControlWell> {
    let each = controls.iter();
    each.map(|(well, control)| ControlWell {
        well: (*well).to_owned(),
        control: (*control).into(),
    })
    .collect()
}

/// A plate is started, filled, pipetted and sealed; `sources` if it was stamped.
fn made(
    log: &mut Log<'_>,
    name: &str,
    size: PlateSize,
    controls: &[(&str, Control)],
    sources: &[(u32, &str)],
    wells: &[(&str, String)],
) {
    let by = |what| pooling("tech", what);
    let start = What::PlateStarted(PoolingPlateStarted {
        plate: Some(plate(name)),
        size: size.into(),
        assay: "kit".to_owned(),
        layout: "standard".to_owned(),
        seed: 1,
        controls: standing(controls),
    });
    let mut batch = Batch::default().by("tech", name).event(&by(start));
    if !sources.is_empty() {
        let sources = sources.iter().map(|(quadrant, plate)| PlateQuadrant {
            quadrant: *quadrant,
            plate: (*plate).to_owned(),
        });
        batch = batch.event(&by(What::PlateCombined(PoolingPlateCombined {
            plate: Some(plate(name)),
            order: QuadrantOrder::RowWise.into(),
            sources: sources.collect(),
        })));
    }
    let contents = wells.iter().map(|(well, content)| PlateWellContent {
        well: (*well).to_owned(),
        content: content.clone(),
    });
    let plan = What::WellsPlanned(PoolingWellsPlanned {
        plate: Some(plate(name)),
        wells: contents.collect(),
    });
    let transfer = What::WellsTransferred(PoolingWellsTransferred {
        plate: Some(plate(name)),
        wells: wells.iter().map(|(well, _)| (*well).to_owned()).collect(),
        ul: 200,
    });
    let batch = batch
        .event(&by(plan))
        .event(&by(transfer))
        .event(&by(What::PlateSealed(plate(name))));
    log.decide(name, "pooling", batch);
}

/// Results reads the plate: the pools are negative, and of the last quadrant nothing is known.
fn run_big(log: &mut Log<'_>) {
    let nothing = |well: &str| WellResult {
        well: well.to_owned(),
        ..run(1, Vec::new(), 0).wells[1].clone()
    };
    let mut big = run(1, Vec::new(), log.now + 1_000);
    big.wells = ["A1", "C1", "B2", "M23"].map(negative).to_vec();
    big.wells.extend(["O21", "P22"].map(positive));
    big.wells.extend(["O23", "P24", "N24"].map(nothing));
    big.quadrants_out = vec![3];
    big.failures = vec![ControlFailure {
        well: "N24".to_owned(),
        why: "no human material".to_owned(),
    }];
    let replate = ReplateOrder {
        lab: LAB.to_owned(),
        plate: plate_name("big"),
        wells: vec!["B2".to_owned()],
        reason: "quadrant 4".to_owned(),
    };
    let mut batch = Batch::default()
        .by("cycler", "run-1")
        .event(&found(Found::RunImported(big)))
        .event(&issued(Verdict::Negative, &[1, 2, 3, 4], 1))
        .send(
            "pooling.inbox",
            "",
            &told(Told::ReplateOrdered(replate.clone())),
        );
    for number in 1..=4 {
        batch = publish(batch, number, Verdict::Negative);
    }
    log.decide("run big", "results", batch);
    let again = pooling("results", What::ReplateOrdered(replate));
    log.decide("again", "pooling", Batch::default().event(&again));
}

/// The day, with one step written otherwise.
fn with(step: &'static str, change: impl Fn(&mut Batch)) -> Report {
    let mut found_it = false;
    let hook = |name: &str, batch: &mut Batch| {
        if name == step {
            found_it = true;
            change(batch);
        }
    };
    let mut log = Log::new(Box::new(hook));
    day::policies(&mut log);
    registered(&mut log, 5);
    received(&mut log, 5);
    pooled(&mut log);
    let small = PlateSize::PlateSize96;
    let first = [("A1", pool(1)), ("B1", pool(2))];
    made(&mut log, "plate-1", small, &CONTROLS_96, &[], &first);
    let last = [("A1", tube(5))];
    made(&mut log, "plate-2", small, &CONTROLS_96, &[], &last);
    let wells = [("A1", pool(1)), ("C1", pool(2)), ("B2", tube(5))];
    let sources = [(0, "plate-1"), (3, "plate-2")];
    let large = PlateSize::PlateSize384;
    made(&mut log, "big", large, &CONTROLS_384, &sources, &wells);
    let wells: [(&str, Option<u64>, &[u64]); 3] = [
        ("A1", Some(1), &[1, 2]),
        ("C1", Some(2), &[3, 4]),
        ("B2", None, &[5]),
    ];
    let map = LoadedPlate {
        size: large.into(),
        controls: standing(&CONTROLS_384),
        quadrants: QuadrantOrder::RowWise.into(),
        ..loaded("big", log.now + 1_000, &wells, 1)
    };
    let event = What::PlateLoaded(PoolingPlateLoaded {
        plate: Some(plate("big")),
        instrument: "i-1".to_owned(),
    });
    let batch = Batch::default()
        .by("tech", "load big")
        .event(&pooling("tech", event))
        .send("results.inbox", "", &told(Told::PlateLoaded(map.clone())));
    log.decide("load big", "pooling", batch);
    let event = Found::PlateLoaded(ResultsPlateLoaded {
        number: plate_number(1),
        plate: Some(map),
    });
    let batch = Batch::default().event(&found(event));
    log.decide("load big told", "results", batch);
    run_big(&mut log);
    let report = judge(&log.source);
    drop(log);
    assert!(step.is_empty() || found_it, "the day has no step {step:?}");
    report
}

fn run_of(batch: &mut Batch, change: impl Fn(&mut RunImported)) {
    events(batch, |event: &mut ResultsEvent| {
        if let Some(Found::RunImported(run)) = &mut event.event {
            change(run);
        }
    });
}

#[test]
fn a_plate_of_quadrants_of_which_one_failed_is_clean() {
    let report = with("", |_| {});
    assert!(report.is_clean(), "{}", findings(&report));
    assert_eq!(report.count("reports issued"), 4);
}

#[test]
fn another_quadrant_is_said_to_have_failed_or_none() {
    for out in [vec![0], vec![0, 3], vec![]] {
        let report = with("run big", |batch| {
            run_of(batch, |run| run.quadrants_out.clone_from(&out));
        });
        assert_found(
            &report,
            Rule::Result,
            "are said to have failed alone, and [3]",
        );
    }
    // An amplification control fails more than its quadrant.
    let report = with("run big", |batch| {
        run_of(batch, |run| {
            let water = run.wells.iter_mut().find(|w| w.well == "P24");
            water.expect("water").readings[0].ct = Some(39.0);
        });
    });
    assert_found(
        &report,
        Rule::Result,
        "[3] are said to have failed alone, and []",
    );
}

#[test]
fn inv_05_a_tube_of_the_failed_quadrant_is_reported_negative() {
    let report = with("run big", |batch| {
        append(batch, &issued(Verdict::Negative, &[5], 1));
    });
    assert_found(&report, Rule::Inv05, "tube lab-1/T5 is reported Negative");
}

#[test]
fn inv_04_a_content_stands_in_another_quadrant_than_its_plate() {
    let report = with("big", |batch| {
        events(batch, |event: &mut PoolingEvent| match &mut event.what {
            Some(What::WellsPlanned(plan)) => plan.wells[2].well = "A2".to_owned(),
            Some(What::WellsTransferred(done)) => done.wells[2] = "A2".to_owned(),
            _ => {}
        });
    });
    assert_found(
        &report,
        Rule::Inv04,
        "well A2 of plate big holds something else than its quadrant",
    );
}

#[test]
fn inv_04_a_control_stands_in_another_quadrant_than_its_plate() {
    let report = with("big", |batch| {
        events(batch, |event: &mut PoolingEvent| {
            if let Some(What::PlateStarted(start)) = &mut event.what {
                start.controls[5].well = "N23".to_owned();
            }
        });
    });
    assert_found(
        &report,
        Rule::Inv04,
        "plate big has other controls than the plates it was stamped from",
    );
}

#[test]
fn inv_04_a_plate_that_is_a_quadrant_is_used_again() {
    let report = with("big", |batch| {
        append(batch, &pooling("tech", What::PlateSealed(plate("plate-1"))));
    });
    assert_found(&report, Rule::Inv04, "plate plate-1 is Combined");
}

#[test]
fn results_is_told_that_quadrants_stand_otherwise() {
    let report = with("load big", |batch| {
        messages(batch, "results.inbox", |message: &mut Message| {
            if let Some(Told::PlateLoaded(plate)) = &mut message.message {
                plate.set_quadrants(QuadrantOrder::ColumnWise);
            }
        });
    });
    assert_found(
        &report,
        Rule::Result,
        "plate big: results is told that its quadrants stand otherwise",
    );
}

fn bound(to: &str) -> PoolingEvent {
    pooling(
        "tech",
        What::LotBound(PoolingLotBound {
            plate: Some(plate(to)),
            lot: "DA-1".to_owned(),
            kind: LotKind::Kit.into(),
        }),
    )
}

fn unbound(from: &str) -> PoolingEvent {
    pooling(
        "tech",
        What::LotUnbound(PoolingLotUnbound {
            plate: Some(plate(from)),
            lot: "DA-1".to_owned(),
        }),
    )
}

#[test]
fn a_lot_is_taken_off_a_plate_that_is_sealed_or_never_had_it() {
    let before_the_seal = |lots: &[PoolingEvent]| {
        with("plate-1", |batch| {
            lots.iter().for_each(|lot| before_last(batch, lot));
        })
    };
    let (on, off) = (bound("plate-1"), unbound("plate-1"));
    let report = before_the_seal(&[on.clone(), off.clone(), on.clone()]);
    assert!(report.is_clean(), "{}", findings(&report));
    let report = before_the_seal(std::slice::from_ref(&off));
    assert_found(&report, Rule::Inv04, "plate plate-1 is Open");
    let report = before_the_seal(&[on.clone(), on.clone()]);
    assert_found(&report, Rule::Inv04, "plate plate-1 is Open");
    let report = with("plate-1", |batch| {
        append(batch, &on);
        append(batch, &off);
    });
    assert_found(&report, Rule::Inv04, "plate plate-1 is Sealed");
}

#[test]
fn a_lot_is_bound_to_a_plate_that_is_loaded() {
    let report = with("big", |batch| append(batch, &bound("big")));
    assert!(report.is_clean(), "{}", findings(&report));
    let report = with("load big", |batch| append(batch, &bound("big")));
    assert_found(&report, Rule::Inv04, "plate big is Loaded");
}
