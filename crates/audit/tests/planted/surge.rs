//! A day of 900 tubes: 90 pools of ten on one plate, of which one is positive; its ten tubes are tested
//! alone, and the first of them is positive.

use crate::day;
use crate::log::{Batch, Log};
use crate::words::*;
use tenfold_proto::v1::message::Message as Told;
use tenfold_proto::v1::results_event::Event as Found;
use tenfold_proto::v1::*;

/// How much a day has.
pub const SIZES: Sizes = Sizes {
    tubes: 900,
    pools: 90,
    orders: 10,
    plates: 2,
};
/// Number of the pool that is positive, and its first tube.
const POSITIVE: (u64, u64) = (90, 891);

/// Where the pools, and then the tubes alone, stand.
fn wells(count: usize) -> Vec<String> {
    let rows = ('A'..='G').flat_map(|row| (1..=13).map(move |column| format!("{row}{column}")));
    rows.take(count).collect()
}

/// A day of 900 tubes.
pub fn surge(log: &mut Log<'_>) {
    day::registered(log, SIZES.tubes);
    day::received(log, SIZES.tubes);
    for of in 1..=SIZES.pools {
        let id = format!("pool-{of}");
        let mut batch = Batch::default().by("tech", &id).event(&day::opened(of));
        for slot in 1..=10 {
            let number = (of - 1) * 10 + slot;
            batch = batch
                .event(&day::planned_of(of, number, slot as u32, 10))
                .event(&day::transferred(of, number));
        }
        log.decide(&id, "pooling", batch.event(&day::sealed(of)));
    }
    let names = wells(90);
    let contents: Vec<(&str, String)> = (1..)
        .zip(&names)
        .map(|(of, w)| (w.as_str(), pool(of)))
        .collect();
    day::plated(log, "plate-1", &contents);
    let members: Vec<Vec<u64>> = (0..90)
        .map(|of| (of * 10 + 1..=of * 10 + 10).collect())
        .collect();
    let map: Vec<(&str, Option<u64>, &[u64])> = (1..)
        .zip(&names)
        .zip(&members)
        .map(|((of, well), tubes)| (well.as_str(), Some(of), tubes.as_slice()))
        .collect();
    day::load(log, "load 1", 1, &map, 1);
    surge_run(log, &names, POSITIVE);
    let negative: Vec<(u64, Verdict)> = (1..POSITIVE.1).map(|n| (n, Verdict::Negative)).collect();
    let alone: Vec<u64> = (POSITIVE.1..=SIZES.tubes).collect();
    day::delivered(log, "delivered 1", &negative, &alone);
    let names = wells(10);
    let contents: Vec<(&str, String)> = alone
        .iter()
        .zip(&names)
        .map(|(n, w)| (w.as_str(), tube(*n)))
        .collect();
    day::plated(log, "plate-2", &contents);
    let map: Vec<(&str, Option<u64>, &[u64])> = alone
        .iter()
        .zip(&names)
        .map(|(n, well)| (well.as_str(), None, std::slice::from_ref(n)))
        .collect();
    day::load(log, "load 2", 2, &map, 2);
    let verdicts = surge_retests(log, &names, POSITIVE);
    day::delivered(log, "delivered 2", &verdicts, &[]);
    log.arrived("results", "reports", log.sent("results", "reports"));
}

/// The run of a plate of pools, of which one is positive: its tubes are tested alone.
fn surge_run(log: &mut Log<'_>, names: &[String], (of, first): (u64, u64)) {
    let at = log.now + 1_000;
    let numbers: Vec<u64> = (1..first).collect();
    let alone: Vec<u64> = (first..first + 10).collect();
    let mut wells: Vec<WellResult> = names.iter().map(|name| negative(name)).collect();
    let last = names.last().map_or("", String::as_str);
    wells.pop();
    wells.push(positive(last));
    let suspect = Found::PoolSuspected(PoolSuspected {
        pool: pool(of),
        plate: Some(lab_number(1)),
        well: last.to_owned(),
        call: WellCall::Positive.into(),
        members: tubes(&alone),
        alert_due: at + 2 * HOUR,
        receivers: Vec::new(),
    });
    let orders = (1..).zip(&alone).map(|(number, of)| PlacedOrder {
        number: order_number(number),
        kind: ResultsOrderKind::Residual.into(),
        subject: String::new(),
        tube: tube(*of),
        round: 2,
        reason: RetestReason::PoolPositive.into(),
        due: at + 6 * HOUR,
    });
    let orders = Found::OrdersPlaced(OrdersPlaced {
        lab: LAB.to_owned(),
        orders: orders.collect(),
    });
    let mut batch = Batch::default()
        .by("cycler", "run-1")
        .event(&found(Found::RunImported(run(1, wells, at))))
        .event(&issued(Verdict::Negative, &numbers, 1))
        .event(&found(suspect))
        .event(&found(orders));
    for number in numbers {
        batch = day::publish(batch, number, Verdict::Negative);
    }
    for (number, of) in (1..).zip(alone) {
        let retest = day::retest(number, of, at + 6 * HOUR);
        batch = batch.send("pooling.inbox", "", &told(Told::RetestOrdered(retest)));
    }
    log.decide("run 1", "results", batch);
}

/// Their own tests: the first is positive, the others are not.
fn surge_retests(
    log: &mut Log<'_>,
    names: &[String],
    (of, first): (u64, u64),
) -> Vec<(u64, Verdict)> {
    let at = log.now + 1_000;
    let mut wells: Vec<WellResult> = names.iter().map(|name| negative(name)).collect();
    if let (Some(well), Some(name)) = (wells.first_mut(), names.first()) {
        *well = positive(name);
    }
    let mut batch = Batch::default()
        .by("cycler", "run-2")
        .event(&found(Found::RunImported(run(2, wells, at))));
    let mut verdicts = Vec::new();
    for (number, tube) in (1..=10).zip(first..) {
        let verdict = if number == 1 {
            Verdict::Positive
        } else {
            Verdict::Negative
        };
        let ended = Found::OrdersEnded(OrdersEnded {
            orders: vec![order(number)],
            end: OrderEnd::Fulfilled.into(),
        });
        batch = batch
            .event(&found(ended))
            .event(&issued(verdict, &[tube], 1));
        batch = day::publish(batch, tube, verdict);
        verdicts.push((tube, verdict));
    }
    let closed = Found::PoolClosed(SuspectPoolClosed {
        pool: pool(of),
        end: SuspectPoolEnd::Confirmed.into(),
    });
    log.decide("run 2", "results", batch.event(&found(closed)));
    verdicts
}
