//! The supervisor of a lab: whatever waits for a person is decided, and whatever was forgotten is found.

use super::{Person, RESULTS, reception, wire};
use crate::shared::SECOND;
use crate::task::read;
use tenfold_proto::v1;
use v1::pooling_command::Command;
use v1::pooling_query::Query;

/// Looks around until the day is over.
pub async fn work(person: Person) {
    while !person.is_over() {
        person.hand.pause(15 * SECOND..60 * SECOND).await;
        for item in list(&person, "held").await {
            held(&person, &item).await;
        }
        for item in list(&person, "waiting").await {
            let label = item.what.clone();
            let lies_in_a_rack = person.desk(|desk| {
                item.rack
                    .as_ref()
                    .is_some_and(|rack| desk.racks.contains(rack))
            });
            if !lies_in_a_rack {
                person.scan_later(&label, 20 * SECOND);
            }
        }
        if person.world().healed {
            for item in list(&person, "open").await {
                close(&person, &item.what).await;
            }
        }
        results(&person).await;
    }
}

async fn list(person: &Person, queue: &str) -> Vec<v1::WorkItem> {
    let query = v1::ListWorkRequest {
        lab: person.lab.clone(),
        queue: queue.to_owned(),
        most: 200,
    };
    match person.ask::<v1::ListWorkResponse>(Query::Work(query)).await {
        Ok(work) => work.items,
        Err(refused) => {
            person.unexpected(&format!("listing {queue}"), &refused);
            Vec::new()
        }
    }
}

async fn held(person: &Person, item: &v1::WorkItem) {
    if item.what.contains("/P") {
        release(person, &item.what).await;
    } else if item.barcode.is_none() {
        if let Some(barcode) = person.barcode_of(&item.what) {
            reception::relabel(person, &item.what, &barcode).await;
        }
    } else if item.why.contains("held by lab") || item.why.contains("custody") {
        discard(person, &item.what).await;
    } else {
        release(person, &item.what).await;
    }
}

/// Another lab has it: it is not ours.
pub async fn discard(person: &Person, tube: &str) {
    let request = v1::DiscardTubeRequest {
        lab: person.lab.clone(),
        tube: tube.to_owned(),
        reason: "another laboratory has it".to_owned(),
        ..Default::default()
    };
    match person
        .pooling::<v1::TubeResponse>(Command::DiscardTube(request))
        .await
    {
        Ok(_) => {}
        // Its liquid is on its way: the test goes on.
        Err(refused) if ["TUBE_IN_POOL", "TUBE_PLATED"].contains(&refused.reason.as_str()) => {
            release(person, tube).await;
        }
        Err(refused) if ["TUBE_OVER", "TUBE_FILED"].contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected(&format!("throwing {tube} away"), &refused),
    }
}

async fn release(person: &Person, what: &str) {
    let request = v1::ReleaseHoldRequest {
        lab: person.lab.clone(),
        what: what.to_owned(),
        reason: "looked at".to_owned(),
        ..Default::default()
    };
    match person
        .pooling::<v1::ReleaseHoldResponse>(Command::ReleaseHold(request))
        .await
    {
        Ok(_) => {}
        Err(refused)
            if [
                "NOT_HELD",
                "TUBE_OVER",
                "TUBE_FILED",
                "POOL_VOID",
                "POOL_UNKNOWN",
                "POOL_NOT_HELD",
                "LABEL_MISSING",
            ]
            .contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected(&format!("releasing {what}"), &refused),
    }
}

/// At the end of the day nothing stays open.
async fn close(person: &Person, pool: &str) {
    let query = v1::GetPoolRequest {
        lab: person.lab.clone(),
        pool: pool.to_owned(),
    };
    let Ok(view) = person.ask::<v1::PoolView>(Query::Pool(query)).await else {
        return;
    };
    let missing = view.members.iter().any(|m| m.transferred_at.is_none());
    if view.state != "open" || missing {
        // Whoever moves liquid there will say so.
        return;
    }
    let request = v1::ClosePoolRequest {
        lab: person.lab.clone(),
        pool: pool.to_owned(),
        ..Default::default()
    };
    match person
        .pooling::<v1::ClosePoolResponse>(Command::ClosePool(request))
        .await
    {
        Ok(_) => {}
        Err(refused)
            if [
                "POOL_NOT_OPEN",
                "POOL_UNKNOWN",
                "POOL_EMPTY",
                "TRANSFERS_MISSING",
                "POOL_HELD",
            ]
            .contains(&refused.reason.as_str()) => {}
        Err(refused) => person.unexpected(&format!("closing {pool}"), &refused),
    }
}

/// What results wants a person to look at.
async fn results(person: &Person) {
    let query = v1::ListResultsWorkRequest {
        lab: person.lab.clone(),
        limit: 100,
    };
    let query = wire::results_query(v1::results_query::Query::Work(query));
    let lane = tenfold_runtime::lane_of(&person.lab, person.hand.outside.lanes[RESULTS]);
    let answer = person.hand.query(RESULTS, lane, query).await;
    let Ok(work) = read::<v1::ListResultsWorkReply>(answer) else {
        return;
    };
    for item in work.items {
        let Some(number) = item.work.clone() else {
            continue;
        };
        if number.lab != person.lab {
            continue;
        }
        let how = match item.kind() {
            v1::ResultsWorkKind::DeliveryRejected | v1::ResultsWorkKind::DeliveryGivenUp => {
                if person.hand.likely(0.7) {
                    v1::WorkResolution::Redeliver
                } else {
                    v1::WorkResolution::Acknowledged
                }
            }
            _ => v1::WorkResolution::Done,
        };
        let request = v1::ResolveWorkRequest {
            lab: person.lab.clone(),
            number: number.number,
            how: how.into(),
            note: "done".to_owned(),
            ..Default::default()
        };
        let body = wire::results(v1::results_command::Command::ResolveWork(request));
        let answer = person.hand.command(RESULTS, &person.lab, body).await;
        match read::<v1::ResultsReply>(answer) {
            Ok(_) if how == v1::WorkResolution::Acknowledged => by_telephone(person, &item.about),
            Ok(_) => {}
            Err(refused) if refused.reason == "WORK_UNKNOWN" => {}
            Err(refused) => person.unexpected("resolving work", &refused),
        }
    }
}

/// The receiver said in another way that it has a report.
fn by_telephone(person: &Person, about: &str) {
    let named = about
        .split_once(" version ")
        .and_then(|(barcode, version)| Some((barcode.to_owned(), version.parse().ok()?)));
    if let Some(key) = named
        && let Some(told) = person.ledger().reports.get_mut(&key)
    {
        told.accepted = true;
    }
}
