//! Reports and their deliveries.

use super::{Boards, change, filing};
use crate::ids::{ReceiverId, TubeId};
use crate::message::FinalResult;
use crate::results::event::{CargoRef, Issued};
use crate::results::report::Verdict;
use crate::results::state::{
    Analysis, Cargo, Delivery, Plate, Receiver, ReportMade, SentTo, SpanKind, Specimen, Standing,
    Stuck, SuspectPool, ensure_receiver, pool_key, tube_key,
};
use crate::tables::{Read, ReadExt, Write, WriteExt};
use crate::time::Timestamp;

pub(super) fn issued(
    state: &mut dyn Write,
    verdict: Verdict,
    receivers: &[ReceiverId],
    reports: &[Issued],
    at: Timestamp,
) -> Result<(), String> {
    let mut queues: Vec<(u64, Receiver)> = receivers
        .iter()
        .map(|id| ensure_receiver(state, id))
        .collect();
    let mut boards = Boards::default();
    let mut read_at: Option<(u64, Option<Timestamp>)> = None;
    for report in reports {
        let mut sent = Vec::with_capacity(queues.len());
        for (no, queue) in &mut queues {
            queue.last += 1;
            queue.open += 1;
            sent.push(SentTo {
                receiver: *no,
                version: report.version,
                number: queue.last,
                accepted: false,
            });
        }
        let (key, specimen) = change(state, &mut boards, &report.tube, |specimen| {
            add_report(specimen, verdict, report, at);
            specimen.sent_to.retain(|old| {
                !old.accepted || !sent.iter().any(|new| new.receiver == old.receiver)
            });
            specimen.sent_to.extend(sent.iter().cloned());
        })?;
        for to in &sent {
            let delivery = Delivery {
                cargo: Cargo::Report {
                    specimen: key,
                    version: report.version,
                },
                attempts: 0,
                sent_at: Timestamp(0),
                stuck: None,
            };
            state.put(&(to.receiver, to.number), &delivery);
        }
        let plate = specimen.test().map_or(0, |test| test.plate);
        if read_at.as_ref().is_none_or(|(known, _)| *known != plate) {
            read_at = Some((plate, imported_at(state, plate)));
        }
        let board = boards.of(state, key);
        if let Some(count) = board.verdicts.get_mut(verdict.index()) {
            *count = count.saturating_add(1);
        }
        if let Some((_, Some(read))) = read_at
            && report.replaces.is_none()
        {
            board.span(SpanKind::Report, at.since(read));
        }
    }
    boards.store(state);
    for (no, queue) in queues {
        state.put(&no, &queue);
    }
    Ok(())
}

fn add_report(specimen: &mut Specimen, verdict: Verdict, report: &Issued, at: Timestamp) {
    specimen.reports.push(ReportMade {
        version: report.version,
        verdict,
        replaces: report.replaces,
        at,
        pooled: false,
        registered: None,
    });
    match verdict.result() {
        Some(result) => {
            specimen.standing = Standing::Final;
            specimen.closed_at = None;
            if verdict != Verdict::Withdrawn {
                specimen.finding = Some(result);
            }
        }
        // Until the order that follows says where it stands.
        None => {
            specimen.standing = Standing::AwaitingRepeat;
            specimen.closed_at = None;
            specimen.finding = None;
        }
    }
    let alone = specimen.finding == Some(FinalResult::Recollect)
        || specimen.test().is_none_or(|test| !test.pooled);
    if let Some(made) = specimen.reports.last_mut() {
        made.pooled = !alone;
    }
}

fn imported_at(state: &dyn Read, plate: u64) -> Option<Timestamp> {
    let (run, version) = state.get::<Plate>(&plate)?.current?;
    state
        .get::<Analysis>(&(run, u64::from(version)))
        .map(|analysis| analysis.imported_at)
}

/// The number of a delivery; `None` if it is accepted already.
pub(super) fn number_of(
    state: &dyn Read,
    receiver: u64,
    cargo: &CargoRef,
) -> Result<Option<u64>, String> {
    match cargo {
        CargoRef::Report { tube, version } => {
            let key = tube_key(state, tube).ok_or_else(|| format!("tube {tube} is unknown"))?;
            let specimen: Specimen = state
                .get(&key)
                .ok_or_else(|| format!("tube {tube} was never loaded"))?;
            Ok(specimen
                .sent_to
                .iter()
                .find(|sent| {
                    sent.receiver == receiver && sent.version == *version && !sent.accepted
                })
                .map(|sent| sent.number))
        }
        CargoRef::Alert(pool) => {
            let key = pool_key(state, pool).ok_or_else(|| format!("pool {pool} is unknown"))?;
            let pool: SuspectPool = state.get(&key).ok_or("the pool was never suspect")?;
            Ok(pool
                .alerts
                .iter()
                .find(|(no, _)| *no == receiver)
                .map(|(_, number)| *number))
        }
    }
}

fn receiver_no(state: &dyn Read, id: &ReceiverId) -> Result<(u64, Receiver), String> {
    state
        .find::<Receiver>(id.as_str())
        .ok_or_else(|| format!("nothing was ever queued for receiver {id}"))
}

pub(super) fn sent(
    state: &mut dyn Write,
    receiver: &ReceiverId,
    cargo: &[CargoRef],
    at: Timestamp,
) -> Result<(), String> {
    let (no, _) = receiver_no(state, receiver)?;
    for cargo in cargo {
        let Some(number) = number_of(state, no, cargo)? else {
            continue;
        };
        if let Some(mut delivery) = state.get::<Delivery>(&(no, number)) {
            delivery.attempts = delivery.attempts.saturating_add(1);
            delivery.sent_at = at;
            state.put(&(no, number), &delivery);
        }
    }
    Ok(())
}

pub(super) fn accepted(
    state: &mut dyn Write,
    id: &ReceiverId,
    cargo: &[CargoRef],
) -> Result<(), String> {
    let (no, mut receiver) = receiver_no(state, id)?;
    for cargo in cargo {
        let Some(number) = number_of(state, no, cargo)? else {
            continue;
        };
        if state
            .get::<Delivery>(&(no, number))
            .is_some_and(|d| d.stuck.is_none())
        {
            receiver.open = receiver.open.saturating_sub(1);
        }
        state.delete::<Delivery>(&(no, number));
        match cargo {
            CargoRef::Report { tube, version } => accepted_report(state, tube, *version, no)?,
            CargoRef::Alert(pool) => {
                let key = pool_key(state, pool).ok_or("the pool is unknown")?;
                let mut record: SuspectPool =
                    state.get(&key).ok_or("the pool was never suspect")?;
                record.alerts.retain(|(receiver, _)| *receiver != no);
                state.put(&key, &record);
            }
        }
    }
    state.put(&no, &receiver);
    Ok(())
}

fn accepted_report(
    state: &mut dyn Write,
    tube: &TubeId,
    version: u32,
    no: u64,
) -> Result<(), String> {
    let key = tube_key(state, tube).ok_or_else(|| format!("tube {tube} is unknown"))?;
    let mut specimen: Specimen = state
        .get(&key)
        .ok_or_else(|| format!("tube {tube} was never loaded"))?;
    let newest = specimen.report().map_or(0, |report| report.version);
    for sent in &mut specimen.sent_to {
        if sent.receiver == no && sent.version == version {
            sent.accepted = true;
        }
    }
    let newer_there = version < newest
        && specimen
            .sent_to
            .iter()
            .any(|sent| sent.receiver == no && sent.version > version);
    if newer_there {
        specimen
            .sent_to
            .retain(|sent| !(sent.receiver == no && sent.version == version));
    }
    state.put(&key, &specimen);
    Ok(())
}

/// Waits for a person, or no more.
pub(super) fn stuck(
    state: &mut dyn Write,
    id: &ReceiverId,
    cargo: &CargoRef,
    why: Option<&Stuck>,
) -> Result<(), String> {
    let (no, mut receiver) = receiver_no(state, id)?;
    let Some(number) = number_of(state, no, cargo)? else {
        return Ok(());
    };
    let Some(mut delivery) = state.get::<Delivery>(&(no, number)) else {
        return Ok(());
    };
    match (&delivery.stuck, why) {
        (None, Some(_)) => receiver.open = receiver.open.saturating_sub(1),
        (Some(_), None) => {
            receiver.open = receiver.open.saturating_add(1);
            delivery.attempts = 0;
        }
        _ => {}
    }
    delivery.stuck = why.cloned();
    state.put(&(no, number), &delivery);
    state.put(&no, &receiver);
    Ok(())
}

pub(super) fn closed(state: &mut dyn Write, tubes: &[TubeId], at: Timestamp) -> Result<(), String> {
    let mut boards = Boards::default();
    let mut keys = Vec::with_capacity(tubes.len());
    for tube in tubes {
        let (key, specimen) = change(state, &mut boards, tube, |specimen| {
            specimen.standing = Standing::Closed;
            specimen.closed_at = Some(at);
        })?;
        keys.push(key);
        if let Some(report) = specimen.report() {
            let length = at.since(report.at);
            boards.of(state, key).span(SpanKind::Delivery, length);
        }
    }
    boards.store(state);
    filing::queue(state, at, &keys);
    Ok(())
}
