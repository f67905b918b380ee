//! Tubes come, are pooled, and go onto plates.

use crate::log::{Batch, Log};
use crate::words::*;
use tenfold_proto::v1::intake_event::Event as Registry;
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

pub fn received(log: &mut Log<'_>, tubes: u64) {
    let (mut here, mut seen) = (Batch::default().by("tech", "r-1"), Batch::default());
    let at = log.now + 1_000;
    for number in 1..=tubes {
        let event = What::TubeReceived(PoolingTubeReceived {
            tube: tube(number),
            barcode: Some(barcode(number)),
            place: None,
            clock: Some(clock()),
            volume_ul: 3_000,
            expected: true,
        });
        let told_seen = TubeSeen {
            barcode: barcode(number),
            lab: LAB.to_owned(),
            tube: tube(number),
            received_at: at,
            known_version: 0,
        };
        here = here.event(&pooling("tech", event)).send(
            "intake.inbox",
            "",
            &told(Told::TubeSeen(told_seen.clone())),
        );
        seen = seen.event(&intake(Registry::TubeReceived(told_seen)));
    }
    log.decide("received", "pooling", here);
    log.decide("seen", "intake", seen);
}

/// A member takes its slot in a pool of two.
pub fn planned(of: u64, number: u64, slot: u32) -> PoolingEvent {
    planned_of(of, number, slot, 2)
}

/// A member takes its slot.
pub fn planned_of(of: u64, number: u64, slot: u32, limit: u32) -> PoolingEvent {
    pooling(
        "tech",
        What::MemberPlanned(PoolingMemberPlanned {
            pool: pool(of),
            tube: tube(number),
            slot,
            limit,
            limit_by: PoolLimitBy::Assay.into(),
            seal_at: None,
        }),
    )
}

/// A member's liquid is in the pool.
pub fn transferred(of: u64, number: u64) -> PoolingEvent {
    pooling(
        "tech",
        What::MemberTransferred(PoolingMemberTransferred {
            pool: pool(of),
            tube: tube(number),
            ul: 100,
        }),
    )
}

/// A pool of persons' swabs.
pub fn opened(of: u64) -> PoolingEvent {
    pooling(
        "tech",
        What::PoolOpened(PoolingPoolOpened {
            pool: pool(of),
            bench: "b-1".to_owned(),
            mode: PoolingMode::Scan.into(),
            mix: Some(PoolingMix {
                kind: Kind::Person.into(),
                specimen_type: "np-swab".to_owned(),
                group: String::new(),
                stat: false,
            }),
            rack: None,
        }),
    )
}

/// Nothing joins any more.
pub fn sealed(of: u64) -> PoolingEvent {
    let seal = PoolingSeal {
        pool: pool(of),
        why: PoolSealReason::Full.into(),
    };
    pooling("tech", What::PoolSealed(seal))
}

pub fn pooled(log: &mut Log<'_>) {
    for (of, members) in [(1, [1, 2]), (2, [3, 4])] {
        let mut batch = Batch::default()
            .by("tech", &format!("pool-{of}"))
            .event(&opened(of));
        for (slot, number) in (1..).zip(members) {
            batch = batch
                .event(&planned(of, number, slot))
                .event(&transferred(of, number));
        }
        log.decide(&format!("pool {of}"), "pooling", batch.event(&sealed(of)));
    }
    let alone = What::TubeAlone(PoolingTubeAlone {
        tube: tube(5),
        bench: "b-1".to_owned(),
        why: "urgent".to_owned(),
    });
    let batch = Batch::default()
        .by("tech", "alone-5")
        .event(&pooling("tech", alone));
    log.decide("alone", "pooling", batch);
}

pub fn plated(log: &mut Log<'_>, name: &str, wells: &[(&str, String)]) {
    let start = What::PlateStarted(PoolingPlateStarted {
        plate: Some(plate(name)),
        size: PlateSize::PlateSize96.into(),
        assay: "kit".to_owned(),
        layout: "standard".to_owned(),
        seed: 1,
        controls: controls(),
    });
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
    let batch = Batch::default()
        .by("tech", name)
        .event(&pooling("tech", start))
        .event(&pooling("tech", plan))
        .event(&pooling("tech", transfer))
        .event(&pooling("tech", What::PlateSealed(plate(name))));
    log.decide(name, "pooling", batch);
}

pub fn load(
    log: &mut Log<'_>,
    step: &str,
    number: u64,
    wells: &[(&str, Option<u64>, &[u64])],
    round: u32,
) {
    let name = format!("plate-{number}");
    let map = loaded(&name, log.now + 1_000, wells, round);
    let event = What::PlateLoaded(PoolingPlateLoaded {
        plate: Some(plate(&name)),
        instrument: "i-1".to_owned(),
    });
    let batch = Batch::default()
        .by("tech", step)
        .event(&pooling("tech", event))
        .send("results.inbox", "", &told(Told::PlateLoaded(map.clone())));
    log.decide(step, "pooling", batch);
    let event = Found::PlateLoaded(ResultsPlateLoaded {
        number: plate_number(number),
        plate: Some(map),
    });
    let batch = Batch::default().event(&found(event));
    log.decide(&format!("{step} told"), "results", batch);
}
