//! Runs are read, orders placed, reports delivered and accepted.

use crate::log::{Batch, Log};
use crate::words::*;
use tenfold_proto::v1::intake_event::Event as Registry;
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

pub(super) fn first_run(log: &mut Log<'_>) {
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

pub(super) fn second_run(log: &mut Log<'_>) {
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
