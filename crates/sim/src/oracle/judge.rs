//! The ledger against what the system says: of every tube, pool, report and dead letter.

use super::fold::{Follower, Followers};
use crate::ledger::{Ledger, Tube};
use crate::shared::Shared;
use crate::world::plan::expected;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use tenfold_domain::Barcode;
use tenfold_domain::ids::TubeId;
use tenfold_domain::intake::query;
use tenfold_domain::intake::state::{Entry, Life};
use tenfold_domain::message::FinalResult;
use tenfold_domain::pooling::lab::{pool_id, tube_id};
use tenfold_domain::pooling::pool::{Pool, PoolState};
use tenfold_domain::pooling::tube::{Tube as LabTube, TubeState};
use tenfold_domain::results::state::{
    Order, OrderState, PoolRef, Registered, Specimen, SuspectPool,
};
use tenfold_domain::tables::ReadExt as _;
use tenfold_proto::lane::DeadLetter;
use tenfold_proto::v1;
use tenfold_runtime::log::Topic;

/// Everything that must be so at the end of a day, and is not.
pub fn day(shared: &Shared, ledger: &Ledger, followers: &Followers) {
    for (barcode, tube) in &ledger.tubes {
        for words in one(ledger, followers, barcode, tube) {
            shared.problem(format!("{barcode}: {words}"));
        }
    }
    for (barcode, _) in ledger.reports.keys() {
        if !ledger.tubes.contains_key(barcode) {
            shared.problem(format!("{barcode} was reported, and nobody knows it"));
        }
    }
    for follower in followers.0.iter().filter(|f| f.service == 1) {
        liquid(shared, ledger, follower);
    }
    for follower in followers.0.iter().filter(|f| f.service == 2) {
        for words in cards(followers, follower) {
            shared.problem(words);
        }
        for words in collections(followers, follower) {
            shared.problem(words);
        }
    }
    dead_letters(shared, ledger);
    published(shared, ledger);
}

/// Cards that intake keeps, although results has dropped its own: they would stay for ever.
fn cards(followers: &Followers, results: &Follower) -> Vec<String> {
    let kept = |(barcode, tube): &&(Barcode, TubeId)| {
        matches!(
            entry(followers, barcode.as_str()).map(|entry| entry.life),
            Some(Life::Filed(card)) if card.lab == tube.lab && card.tube == tube.number
        )
    };
    let kept = results.dropped_by_results.iter().filter(kept);
    kept.map(|(barcode, tube)| {
        format!("INV-01: results has dropped the card of {barcode}, tube {tube}, and intake keeps its own")
    })
    .collect()
}

/// Tubes of several persons that are still suspect, although each person's new sample has its result, from this lane
/// or from another lab's.
fn collections(followers: &Followers, results: &Follower) -> Vec<String> {
    let state = &results.state;
    let is_known = |order: &Order| match &order.state {
        OrderState::Registered { barcode, .. } => is_closed(followers, barcode.as_str()),
        OrderState::Open => false,
    };
    let mut open = Vec::new();
    for (_, pool) in state.all::<SuspectPool>() {
        let (PoolRef::Tube(tube), None) = (&pool.pool, &pool.end) else {
            continue;
        };
        let specimen = pool
            .members
            .first()
            .and_then(|key| state.get::<Specimen>(key));
        let orders: Vec<Order> = specimen
            .iter()
            .flat_map(|specimen| &specimen.orders)
            .filter_map(|order| state.get(order))
            .collect();
        if !orders.is_empty() && orders.iter().all(is_known) {
            open.push(format!(
                "collection pool {tube} is open, and all its persons have new results"
            ));
        }
    }
    open
}

/// Nothing more has to happen to a tube.
#[must_use]
pub fn is_settled(ledger: &Ledger, barcode: &str, tube: &Tube) -> bool {
    if tube.acknowledged.is_none() || !tube.received {
        return false;
    }
    let told = ledger.newest(barcode);
    let wanted = expected(tube.truth, tube.registration.collection_pool);
    let right = told.is_some_and(|told| told.accepted && told.report.verdict() == wanted);
    right || tube.cancelling
}

/// The receiver was told a result, and it was not withdrawn since.
#[must_use]
pub fn is_reported(ledger: &Ledger, barcode: &str) -> bool {
    let newest = ledger.newest(barcode).map(|told| told.report.verdict());
    !matches!(newest, None | Some(v1::Verdict::Withdrawn))
}

/// What the services have of a barcode, for people.
#[must_use]
pub fn where_is(followers: &Followers, barcode: &str) -> Vec<String> {
    let mut told = Vec::new();
    let code = Barcode::new(barcode.to_owned());
    for follower in &followers.0 {
        let state = &follower.state;
        match follower.service {
            0 => told.extend(query::entry(state, &code).map(|entry| format!("intake: {entry:?}"))),
            1 => {
                for (key, tube) in state.find_all::<LabTube>(barcode) {
                    told.push(format!("pooling: {} {tube:?}", tube_id(state, key)));
                    if let TubeState::Pooled { pool } = tube.state {
                        told.push(format!(
                            "pooling: {} {:?}",
                            pool_id(state, pool),
                            state.get::<Pool>(&pool)
                        ));
                    }
                }
            }
            _ => told.extend(
                state
                    .find_all::<Registered>(barcode)
                    .into_iter()
                    .map(|(key, _)| format!("results: {:?}", state.get::<Specimen>(&key))),
            ),
        }
    }
    told
}

/// Intake has closed a barcode: no correction of it is on its way to a report any more.
#[must_use]
pub fn is_closed(followers: &Followers, barcode: &str) -> bool {
    how_closed(followers, barcode).is_some()
}

/// The version of the registration that intake has closed, at hand, on a card, or on one that was dropped, and the
/// result. A barcode without a card is free: whoever comes that late with the same registration makes another sample
/// of it, of which no tube will come.
fn how_closed(followers: &Followers, barcode: &str) -> Option<(u32, FinalResult)> {
    match entry(followers, barcode).map(|entry| entry.life) {
        Some(Life::Closed(closed)) => Some((closed.version, closed.result)),
        Some(Life::Filed(card)) => Some((card.version, card.result)),
        Some(Life::Seen(_) | Life::Open(_) | Life::Withdrawn(_)) | None => {
            dropped(followers, barcode)
        }
    }
}

fn dropped(followers: &Followers, barcode: &str) -> Option<(u32, FinalResult)> {
    let lanes = followers.0.iter();
    lanes
        .filter_map(|lane| lane.dropped.get(barcode).copied())
        .next()
}

fn entry(followers: &Followers, barcode: &str) -> Option<Entry> {
    let lanes = followers.0.iter().filter(|f| f.service == 0).count();
    let lane = tenfold_runtime::lane_of(barcode, u32::try_from(lanes).unwrap_or(1));
    let lane = followers.of(0, lane)?;
    query::entry(&lane.state, &Barcode::new(barcode.to_owned()))
}

fn one(ledger: &Ledger, followers: &Followers, barcode: &str, tube: &Tube) -> Vec<String> {
    let mut wrong = Vec::new();
    let entry = entry(followers, barcode);
    if entry.is_none() && dropped(followers, barcode).is_none() {
        return vec!["it was acknowledged, and intake does not know it".to_owned()];
    }
    let told: Vec<&v1::Report> = ledger
        .reports
        .range((barcode.to_owned(), 0)..=(barcode.to_owned(), u32::MAX))
        .map(|(_, told)| &told.report)
        .collect();
    for (number, report) in (1..).zip(&told) {
        if report.version != number {
            wrong.push(format!("INV-06: its reports are not 1, 2, 3: {report:?}"));
        }
        if report.replaces != (number > 1).then(|| number - 1) {
            wrong.push(format!(
                "INV-06: version {number} names {:?} as the version it replaces",
                report.replaces
            ));
        }
    }
    let newest = told.last().map(|report| report.verdict());
    let wanted = expected(tube.truth, tube.registration.collection_pool);
    match newest {
        Some(verdict) if verdict == wanted => {}
        Some(v1::Verdict::Withdrawn) | None if tube.cancelling => {}
        other => wrong.push(format!(
            "it is {:?}, and was reported as {other:?}",
            tube.truth
        )),
    }
    if tube.cancelling && !is_reported(ledger, barcode) {
        return wrong;
    }
    // A cancellation that crossed the report on its way came too late: then intake knows of the report.
    match how_closed(followers, barcode) {
        Some((version, result)) => {
            let anew = entry.is_some() && dropped(followers, barcode).is_some();
            if version < tube.acknowledged.unwrap_or(0) && !anew {
                wrong.push(format!(
                    "version {:?} was acknowledged, intake closed version {version}",
                    tube.acknowledged
                ));
            }
            let result = match result {
                FinalResult::Negative => v1::Verdict::Negative,
                FinalResult::Positive => v1::Verdict::Positive,
                FinalResult::Inconclusive => v1::Verdict::Inconclusive,
                FinalResult::Recollect => v1::Verdict::Recollect,
                FinalResult::Withdrawn => v1::Verdict::Withdrawn,
            };
            if newest != Some(result) {
                wrong.push(format!(
                    "intake closed it as {result:?}, the last report says {newest:?}"
                ));
            }
        }
        None => wrong.push(format!(
            "it was reported, and intake has it as {:?}",
            entry.map(|entry| entry.life)
        )),
    }
    wrong
}

/// What pooling says of liquid is what hands did.
fn liquid(shared: &Shared, ledger: &Ledger, follower: &Follower) {
    let state = &follower.state;
    state.scan::<LabTube>(&0, |key, _| {
        let id = tube_id(state, key);
        let known = ledger
            .liquid
            .get(id.lab.as_str())
            .is_some_and(|lab| lab.tubes.contains_key(&id.to_string()));
        if !known {
            shared.problem(format!("tube {id} exists, and nobody received it"));
        }
        ControlFlow::Continue(())
    });
    state.scan::<Pool>(&0, |key, pool| {
        let id = pool_id(state, key);
        let Some(lab) = ledger.liquid.get(id.lab.as_str()) else {
            shared.problem(format!("pool {id} is of an unknown lab"));
            return ControlFlow::Continue(());
        };
        let there = lab.pools.get(&id.to_string());
        let mut slots = BTreeSet::new();
        for member in &pool.members {
            let tube = tube_id(state, member.tube).to_string();
            let moved = there.is_some_and(|there| there.contains(&tube));
            if member.transfer.is_some() && !moved {
                shared.problem(format!(
                    "INV-05: {tube} is recorded in pool {id}, and nobody moved its liquid there"
                ));
            }
            if !slots.insert(member.slot) || member.slot == 0 || member.slot > pool.limit {
                shared.problem(format!(
                    "INV-02: slot {} of pool {id} is taken twice, or none",
                    member.slot
                ));
            }
        }
        if matches!(pool.state, PoolState::Open) && !pool.members.is_empty() {
            shared.problem(format!("pool {id} was left open: {pool:?}"));
        }
        ControlFlow::Continue(())
    });
}

/// A dead letter is rubbish that somebody sent, and all rubbish that was taken is there.
fn dead_letters(shared: &Shared, ledger: &Ledger) {
    let log = shared.log();
    let mut found = BTreeSet::new();
    let mut problems = Vec::new();
    if let Some(lane) = log.lane(&Topic::named("dead-letters"), 0) {
        for record in &lane.records {
            match DeadLetter::decode(record.value.clone()) {
                Ok(letter) => {
                    if !ledger.rubbish.contains(&letter.content) {
                        problems.push(format!(
                            "{} was put into the dead letters: {}",
                            letter.origin, letter.reason
                        ));
                    }
                    found.insert(letter.content);
                }
                Err(error) => problems.push(format!("a dead letter cannot be read: {error}")),
            }
        }
    }
    let lost = ledger.rubbish.difference(&found).count();
    drop(log);
    for words in problems {
        shared.problem(words);
    }
    if lost > 0 {
        shared.problem(format!(
            "{lost} unreadable records are not in the dead letters"
        ));
    }
}

/// The public topic says what the receivers were told.
fn published(shared: &Shared, ledger: &Ledger) {
    let mut known: BTreeMap<(String, u32), v1::Report> = BTreeMap::new();
    let mut problems = Vec::new();
    {
        let log = shared.log();
        let reports = Topic::named("reports");
        let lanes = log.topics.get(&reports).copied().unwrap_or(0);
        for lane in (0..lanes).filter_map(|lane| log.lane(&reports, lane)) {
            for record in &lane.records {
                let Ok(published) = v1::PublishedReport::decode(record.value.clone()) else {
                    problems.push("a published report cannot be read".to_owned());
                    continue;
                };
                if let Some(v1::published_report::Cargo::Report(report)) = published.cargo {
                    let key = (report.barcode.clone(), report.version);
                    if let Some(other) = known.insert(key, report.clone())
                        && other != report
                    {
                        problems.push(format!(
                            "INV-06: version {} of {} was published as {other:?} and as {report:?}",
                            report.version, report.barcode
                        ));
                    }
                }
            }
        }
    }
    for (key, told) in &ledger.reports {
        match known.get(key) {
            Some(report) if *report == told.report => {}
            other => problems.push(format!(
                "{key:?} was delivered as {:?}, published as {other:?}",
                told.report
            )),
        }
    }
    for words in problems {
        shared.problem(words);
    }
}
