//! A good day, small enough to be read: five tubes, two pools of two, one tube alone. Pool 1 is negative;
//! pool 2 is positive, and of its two members one is positive; the tube alone is positive.
//!
//! ```text
//! plate 1   A1 = pool 1 (tubes 1, 2)   B1 = pool 2 (tubes 3, 4)   C1 = tube 5
//! plate 2   A1 = tube 3                B1 = tube 4
//! ```

use crate::log::{Batch, Hook, Log};
use crate::words::*;
use tenfold_proto::v1::intake_event::Event as Registry;
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

/// The day, with each batch shown to the hook before it is written; step by step by its name.
pub fn day<'h>(hook: impl FnMut(&str, &mut Batch) + 'h) -> Log<'h> {
    let hook: Hook<'h> = Box::new(hook);
    let mut log = Log::new(hook);
    policies(&mut log);
    one_more(&mut log);
    log
}

/// The day's work, once the policy is active.
pub fn one_more(log: &mut Log<'_>) {
    registered(log, 5);
    received(log, 5);
    pooled(log);
    plated(
        log,
        "plate-1",
        &[("A1", pool(1)), ("B1", pool(2)), ("C1", tube(5))],
    );
    let wells: [(&str, Option<u64>, &[u64]); 3] = [
        ("A1", Some(1), &[1, 2]),
        ("B1", Some(2), &[3, 4]),
        ("C1", None, &[5]),
    ];
    load(log, "load 1", 1, &wells, 1);
    first_run(log);
    delivered(
        log,
        "delivered 1",
        &[
            (1, Verdict::Negative),
            (2, Verdict::Negative),
            (5, Verdict::Positive),
        ],
        &[3, 4],
    );
    plated(log, "plate-2", &[("A1", tube(3)), ("B1", tube(4))]);
    load(
        log,
        "load 2",
        2,
        &[("A1", None, &[3]), ("B1", None, &[4])],
        2,
    );
    second_run(log);
    delivered(
        log,
        "delivered 2",
        &[(3, Verdict::Negative), (4, Verdict::Positive)],
        &[],
    );
}

pub fn policies(log: &mut Log<'_>) {
    for service in ["intake", "pooling", "results"] {
        log.outside(service, &[policy_input()]);
    }
    let active = Batch::default().event(&intake(Registry::PolicyActivated(policy())));
    log.decide("policy intake", "intake", active);
    let active = Batch::default().event(&pooling("policy", What::PolicyActivated(policy())));
    log.decide("policy pooling", "pooling", active);
    let active = Batch::default().event(&found(Found::PolicyActivated(policy())));
    log.decide("policy results", "results", active);
}

pub fn registered(log: &mut Log<'_>, tubes: u64) {
    let inputs: Vec<ExternalInput> = (1..=tubes).map(registration_input).collect();
    log.outside("intake", &inputs);
    let (mut there, mut expected) = (Batch::default(), Batch::default());
    for number in 1..=tubes {
        there = there
            .event(&intake(Registry::Registered(stated(number))))
            .send(
                "pooling.inbox",
                "",
                &told(Told::SampleDetails(sample(number))),
            );
        let event = What::SampleExpected(PoolingSampleExpected {
            sample: Some(sample(number)),
            clock: Some(clock()),
        });
        expected = expected.event(&pooling("intake", event));
    }
    log.decide("registered", "intake", there);
    log.decide("expected", "pooling", expected);
}

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

fn pooled(log: &mut Log<'_>) {
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

fn first_run(log: &mut Log<'_>) {
    let at = log.now + 1_000;
    let wells = vec![negative("A1"), positive("B1"), positive("C1")];
    let suspect = Found::PoolSuspected(PoolSuspected {
        pool: pool(2),
        plate: Some(lab_number(1)),
        well: "B1".to_owned(),
        call: WellCall::Positive.into(),
        members: tubes(&[3, 4]),
        alert_due: at + 2 * HOUR,
        receivers: Vec::new(),
    });
    let placed = |number: u64, of: u64| PlacedOrder {
        number: order_number(number),
        kind: ResultsOrderKind::Residual.into(),
        subject: String::new(),
        tube: tube(of),
        round: 2,
        reason: RetestReason::PoolPositive.into(),
        due: at + 6 * HOUR,
    };
    let orders = Found::OrdersPlaced(OrdersPlaced {
        lab: LAB.to_owned(),
        orders: vec![placed(1, 3), placed(2, 4)],
    });
    let mut batch = Batch::default()
        .by("cycler", "run-1")
        .event(&found(Found::RunImported(run(1, wells, at))))
        .event(&issued(Verdict::Negative, &[1, 2], 1))
        .event(&found(suspect))
        .event(&found(orders))
        .event(&issued(Verdict::Positive, &[5], 1));
    for (number, verdict) in [
        (1, Verdict::Negative),
        (2, Verdict::Negative),
        (5, Verdict::Positive),
    ] {
        batch = publish(batch, number, verdict);
    }
    for (number, of) in [(1, 3), (2, 4)] {
        let retest = retest(number, of, at + 6 * HOUR);
        batch = batch.send("pooling.inbox", "", &told(Told::RetestOrdered(retest)));
    }
    log.decide("run 1", "results", batch);
}

pub fn publish(batch: Batch, number: u64, verdict: Verdict) -> Batch {
    let key = format!("cdc/{}/1", barcode(number));
    batch.send("reports", &key, &published(number, 1, verdict))
}

pub fn retest(number: u64, of: u64, due: i64) -> RetestOrder {
    RetestOrder {
        order: order(number),
        tube: tube(of),
        round: 2,
        reason: RetestReason::PoolPositive.into(),
        due,
    }
}

fn second_run(log: &mut Log<'_>) {
    let at = log.now + 1_000;
    let wells = vec![negative("A1"), positive("B1")];
    let ended = |number: u64| {
        found(Found::OrdersEnded(OrdersEnded {
            orders: vec![order(number)],
            end: OrderEnd::Fulfilled.into(),
        }))
    };
    let closed = Found::PoolClosed(SuspectPoolClosed {
        pool: pool(2),
        end: SuspectPoolEnd::Confirmed.into(),
    });
    let batch = Batch::default()
        .by("cycler", "run-2")
        .event(&found(Found::RunImported(run(2, wells, at))))
        .event(&ended(1))
        .event(&issued(Verdict::Negative, &[3], 1))
        .event(&ended(2))
        .event(&issued(Verdict::Positive, &[4], 1))
        .event(&found(closed));
    let batch = publish(batch, 3, Verdict::Negative);
    log.decide("run 2", "results", publish(batch, 4, Verdict::Positive));
}

/// Reports are accepted; their samples are closed everywhere. Retests that were ordered are taken.
pub fn delivered(log: &mut Log<'_>, step: &str, closing: &[(u64, Verdict)], retests: &[u64]) {
    let ordered_at = log.now;
    let numbers: Vec<u64> = closing.iter().map(|(number, _)| *number).collect();
    let moved = || DeliveriesMoved {
        receiver: "cdc".to_owned(),
        cargo: Some(Cargo {
            reports: reports(&numbers, 1),
            alerts: Vec::new(),
        }),
    };
    let groups = TubeGroups {
        groups: tubes(&numbers),
    };
    let mut accepted = Batch::default()
        .by("cdc", step)
        .event(&found(Found::DeliveriesSent(moved())))
        .event(&found(Found::DeliveriesAccepted(moved())))
        .event(&found(Found::SpecimensClosed(groups)));
    let (mut over, mut closed) = (Batch::default(), Batch::default());
    for (number, of) in (1..).zip(retests) {
        let due = ordered_at + 6 * HOUR;
        let now = log.now + 2_000;
        let event = What::RetestOrdered(PoolingRetestOrdered {
            order: Some(retest(number, *of, due)),
            clock: Some(clock_between(now, due)),
        });
        over = over.event(&pooling("results", event));
    }
    for (number, verdict) in closing {
        let message = SampleClosed {
            barcode: barcode(*number),
            tube: tube(*number),
            report_version: 1,
            // Verdicts and final results have the same numbers.
            result: *verdict as i32,
            reported_at: ordered_at,
        };
        accepted = accepted
            .send(
                "pooling.inbox",
                "",
                &told(Told::SampleClosed(message.clone())),
            )
            .send(
                "intake.inbox",
                "",
                &told(Told::SampleClosed(message.clone())),
            );
        over = over.event(&pooling("results", What::SampleClosed(message.clone())));
        closed = closed.event(&intake(Registry::Closed(message)));
    }
    log.decide(step, "results", accepted);
    log.decide(&format!("{step} pooling"), "pooling", over);
    log.decide(&format!("{step} intake"), "intake", closed);
}
