//! A bench: somebody scans tubes one by one and pipettes each where the answer says.

use super::Person;
use crate::faults::Fault;
use crate::shared::{MS, SECOND};
use tenfold_domain::Rejection;
use tenfold_proto::v1;
use v1::pooling_command::Command;
use v1::tube_placement::Placement;

/// A transfer that hands made and the system does not know of yet.
#[derive(Clone, Debug)]
struct UnderWay {
    pool: String,
    tube: String,
}

/// Scans until the day is over.
pub async fn work(person: Person, bench: &str) {
    let mut under_way: Option<UnderWay> = None;
    let mut idle = 0;
    while !person.is_over() {
        let now = person.now();
        let label = person.desk(|desk| {
            let at = desk.to_scan.iter().position(|(at, _)| *at <= now)?;
            desk.to_scan.remove(at).map(|(_, label)| label)
        });
        let Some(label) = label else {
            idle += 1;
            if under_way.is_some() && idle > 2 {
                confirm(&person, bench, &mut under_way, None).await;
            }
            person.hand.pause(2 * SECOND..12 * SECOND).await;
            continue;
        };
        idle = 0;
        scan(&person, bench, &label, &mut under_way).await;
        if under_way.is_some() && person.hand.strikes(Fault::WalkedAway) {
            person.hand.pause(60 * SECOND..400 * SECOND).await;
            // Somebody else finds the bench as it was left.
            confirm(&person, bench, &mut under_way, None).await;
        }
        person.hand.pause(200 * MS..3 * SECOND).await;
    }
}

async fn ask(person: &Person, bench: &str, label: &str) -> Result<v1::ScanResponse, Rejection> {
    let request = v1::ScanRequest {
        lab: person.lab.clone(),
        bench: bench.to_owned(),
        barcode: label.to_owned(),
        ..Default::default()
    };
    person.pooling(Command::Scan(request)).await
}

async fn scan(person: &Person, bench: &str, label: &str, under_way: &mut Option<UnderWay>) {
    let scanned = match ask(person, bench, label).await {
        Ok(scanned) => scanned,
        Err(refused) => return put_aside(person, label, &refused),
    };
    if let Some(before) = under_way.take() {
        let recorded_now = scanned
            .transferred
            .as_ref()
            .is_some_and(|done| done.pool == before.pool && done.tube == before.tube);
        if !recorded_now && scanned.tube != before.tube {
            // Its tube left the pool while its liquid went there: nobody may trust that pool.
            spill(person, &before.pool).await;
        }
        if recorded_now {
            recorded(person, &before.pool, &before.tube);
        }
    } else if let Some(done) = &scanned.transferred {
        person.hand.shared().problem(format!(
            "bench {bench} of {}: a transfer was recorded that nobody made: {done:?}",
            person.lab
        ));
    }
    let Some(Placement::Pool(mut seat)) = scanned.placement.and_then(|p| p.placement) else {
        return;
    };
    if person.hand.strikes(Fault::ScannedTwice) {
        match ask(person, bench, label).await {
            Ok(again) => {
                if again.transferred.is_some() {
                    person.hand.shared().problem(format!(
                        "{label} was given {seat:?}, and scanned again {again:?}"
                    ));
                }
                // The last answer counts. Another seat: the first was only planned, and its pool was sealed or
                // voided, or the registration corrected. That it is in one pool only, the invariants say.
                match again.placement.and_then(|placed| placed.placement) {
                    Some(Placement::Pool(now)) => seat = now,
                    _ => return,
                }
            }
            Err(refused) if refused.reason == "INTERNAL" => {
                person.unexpected("scanning again", &refused);
            }
            // It was held or cancelled in between.
            Err(_) => return,
        }
    }
    if person.hand.strikes(Fault::WrongTube) {
        return undo(person, &scanned.tube, label).await;
    }
    taken(person, &seat, &scanned.tube);
    if person.hand.strikes(Fault::TransferFailed) {
        let mut failed = Some(UnderWay {
            pool: seat.pool,
            tube: scanned.tube,
        });
        confirm(person, bench, &mut failed, Some("clogged tip")).await;
        return person.scan_later(label, 5 * SECOND);
    }
    pipette(person, &seat.pool, &scanned.tube);
    if person.hand.strikes(Fault::Spilled) {
        return spill(person, &seat.pool).await;
    }
    *under_way = Some(UnderWay {
        pool: seat.pool,
        tube: scanned.tube,
    });
}

/// A seat was acknowledged: nobody else may have been given it.
fn taken(person: &Person, seat: &v1::PoolSeat, tube: &str) {
    let mut ledger = person.ledger();
    let liquid = ledger.lab(&person.lab);
    let key = (seat.pool.clone(), seat.slot);
    // A seat may be given again if its tube left before its liquid was recorded.
    let known = liquid.seats.insert(key, tube.to_owned()).filter(|other| {
        let there = (seat.pool.clone(), other.clone());
        other != tube && liquid.recorded.contains(&there)
    });
    drop(ledger);
    if seat.slot > seat.limit || seat.members > seat.limit {
        person
            .hand
            .shared()
            .problem(format!("{tube} was given {seat:?}, beyond the limit"));
    }
    if known.is_some() {
        person
            .hand
            .shared()
            .problem(format!("{tube} was given the seat of another: {seat:?}"));
    }
}

/// The record of a transfer was acknowledged.
fn recorded(person: &Person, pool: &str, tube: &str) {
    let mut ledger = person.ledger();
    let recorded = &mut ledger.lab(&person.lab).recorded;
    recorded.insert((pool.to_owned(), tube.to_owned()));
}

/// Liquid of a tube goes into a pool.
pub fn pipette(person: &Person, pool: &str, tube: &str) {
    let mut ledger = person.ledger();
    let pools = &mut ledger.lab(&person.lab).pools;
    let pool = pools.entry(pool.to_owned()).or_default();
    pool.insert(tube.to_owned());
}

async fn confirm(
    person: &Person,
    bench: &str,
    under_way: &mut Option<UnderWay>,
    failed: Option<&str>,
) {
    let Some(transfer) = under_way.take() else {
        return;
    };
    let request = v1::ConfirmTransferRequest {
        lab: person.lab.clone(),
        bench: bench.to_owned(),
        failed: failed.map(str::to_owned),
        ..Default::default()
    };
    match person
        .pooling::<v1::ConfirmTransferResponse>(Command::ConfirmTransfer(request))
        .await
    {
        Ok(response) => {
            let told = response.transfer.unwrap_or_default();
            if told.pool != transfer.pool || told.tube != transfer.tube {
                person.hand.shared().problem(format!(
                    "hands moved {transfer:?}, and {told:?} was recorded"
                ));
            } else if failed.is_none() {
                recorded(person, &transfer.pool, &transfer.tube);
            }
        }
        Err(refused) if refused.reason == "NOTHING_TO_CONFIRM" => {
            // The tube was held or cancelled, or the pool closed, in between.
            if failed.is_none() {
                spill(person, &transfer.pool).await;
            }
        }
        Err(refused) => person.unexpected("confirming a transfer", &refused),
    }
}

async fn undo(person: &Person, tube: &str, label: &str) {
    let request = v1::UndoScanRequest {
        lab: person.lab.clone(),
        tube: tube.to_owned(),
        reason: "the wrong tube".to_owned(),
        ..Default::default()
    };
    match person
        .pooling::<v1::UndoScanResponse>(Command::UndoScan(request))
        .await
    {
        Ok(_) => {}
        Err(refused)
            if ["NOTHING_TO_UNDO", "TUBE_OVER", "TUBE_FILED"]
                .contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected("undoing a scan", &refused),
    }
    person.scan_later(label, 10 * SECOND);
}

/// A pool is lost; its tubes are scanned again.
pub async fn spill(person: &Person, pool: &str) {
    let request = v1::VoidPoolRequest {
        lab: person.lab.clone(),
        pool: pool.to_owned(),
        reason: "spilled".to_owned(),
        ..Default::default()
    };
    match person
        .pooling::<v1::VoidPoolResponse>(Command::VoidPool(request))
        .await
    {
        Ok(voided) => {
            person
                .ledger()
                .lab(&person.lab)
                .spilled
                .insert(pool.to_owned());
            for tube in voided.tubes {
                person.scan_later(&tube, 5 * SECOND);
            }
        }
        // It went onto a plate, was voided, or was even filed in the meantime.
        Err(refused)
            if ["POOL_PLATED", "POOL_VOID", "POOL_UNKNOWN"].contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected(&format!("voiding {pool}"), &refused),
    }
}

/// A tube that cannot be pooled now.
pub fn put_aside(person: &Person, label: &str, refused: &Rejection) {
    match refused.reason.as_str() {
        "DETAILS_PENDING" | "TUBE_HELD" | "BENCH_FULL" | "NO_POLICY" => {
            person.scan_later(label, 30 * SECOND);
        }
        // A person looks after it, or nothing more happens to it here.
        "TUBE_OVER" | "ALREADY_POOLED" | "TUBE_PLATED" | "VOLUME_LOW" | "BARCODE_AMBIGUOUS"
        | "POOL_VOID" | "TUBE_UNKNOWN" | "TUBE_FILED" => {}
        _ => person.unexpected(&format!("scanning {label}"), refused),
    }
}
