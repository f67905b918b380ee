//! Deliveries: one a receiver and report (or alert), from queued to accepted. "Sent" is not
//! "accepted"; a refusal is a work item and blocks nobody else.

use super::draft::Draft;
use super::event::{CargoRef, Event};
use super::outcome::tell_closed;
use super::state::{
    Cargo, Delivery, Receiver, Registered, Specimen, Standing, Stuck, SuspectPool, WorkKind,
    lab_id, lab_no_of, tube_id,
};
use super::work::NewWork;
use crate::ids::{LabId, ReceiverId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};
use crate::time::Timestamp;
use std::ops::ControlFlow;

/// Most deliveries in one command: their messages make a record of some 200 KiB.
pub const DELIVERIES_PER_COMMAND_MAX: usize = 1_000;

/// Most rows a look for deliveries visits: those on their way already are passed over.
const VISITED_MAX: usize = 20_000;

/// A receiver's answer to one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The delivery's number.
    pub number: u64,
    /// Why it was refused; `None` = accepted.
    pub refused: Option<String>,
}

/// Whether a delivery must be sent (again) now.
#[must_use]
pub fn wanted(delivery: &Delivery, policy: &Policy, receiver: &ReceiverId, now: Timestamp) -> bool {
    let again = policy
        .receivers
        .get(receiver)
        .map(crate::policy::Receiver::resend_after);
    delivery.stuck.is_none()
        && (delivery.attempts == 0
            || again.is_some_and(|again| delivery.sent_at.plus(again) <= now))
}

/// Deliveries of a receiver to send now, from after a number, `most` at most.
#[must_use]
pub fn pending(
    state: &dyn Read,
    policy: &Policy,
    receiver: &ReceiverId,
    after: u64,
    most: usize,
    now: Timestamp,
) -> Vec<(u64, Delivery)> {
    let Some((no, _)) = state.find::<Receiver>(receiver.as_str()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut visited = 0;
    let from = (no, after.saturating_add(1));
    state.scan_range::<Delivery>(&from, &(no + 1, 0), |(_, number), delivery| {
        visited += 1;
        if wanted(&delivery, policy, receiver, now) {
            found.push((number, delivery));
        }
        if found.len() < most && visited < VISITED_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    found
}

/// Deliveries are about to be sent. Those whose attempts are used up are given up instead. Answers
/// with the numbers that may be sent.
///
/// # Errors
/// `RECEIVER_UNKNOWN`, `TOO_MANY`.
pub fn sent(
    draft: &mut Draft<'_>,
    receiver: &ReceiverId,
    numbers: &[u64],
) -> Result<Vec<u64>, Rejection> {
    let no = known(draft, receiver, numbers.len())?;
    let limit = draft
        .policy
        .receivers
        .get(receiver)
        .map_or(0, |r| r.give_up_after);
    let mut go = Vec::new();
    let mut cargo = Vec::new();
    for number in numbers {
        let Some(delivery) = draft.state().get::<Delivery>(&(no, *number)) else {
            continue;
        };
        if !wanted(&delivery, draft.policy, receiver, draft.now) {
            continue;
        }
        if u32::from(delivery.attempts) >= limit {
            let detail = format!("no answer after {} attempts", delivery.attempts);
            stuck(
                draft,
                receiver,
                (no, *number),
                &delivery,
                Stuck::GivenUp,
                detail,
            );
        } else {
            go.push(*number);
            cargo.extend(cargo_ref(draft.state(), &delivery.cargo));
        }
    }
    if !cargo.is_empty() {
        draft.emit(Event::DeliveriesSent {
            receiver: receiver.clone(),
            cargo,
        });
    }
    Ok(go)
}

/// A receiver's answers. An answer to what is accepted already, or unknown, changes nothing.
///
/// # Errors
/// `RECEIVER_UNKNOWN`, `TOO_MANY`.
pub fn acknowledge(
    draft: &mut Draft<'_>,
    receiver: &ReceiverId,
    answers: &[Acknowledgement],
) -> Result<(), Rejection> {
    let no = known(draft, receiver, answers.len())?;
    let accepted: Vec<u64> = answers
        .iter()
        .filter(|answer| answer.refused.is_none())
        .map(|answer| answer.number)
        .collect();
    accept(draft, no, &accepted);
    for answer in answers {
        let Some(why) = &answer.refused else { continue };
        let delivery = draft.state().get::<Delivery>(&(no, answer.number));
        if let Some(delivery) = delivery.filter(|delivery| delivery.stuck.is_none()) {
            stuck(
                draft,
                receiver,
                (no, answer.number),
                &delivery,
                Stuck::Rejected,
                why.clone(),
            );
        }
    }
    Ok(())
}

/// Takes deliveries as accepted, and closes the samples that wait for nobody else.
pub fn accept(draft: &mut Draft<'_>, no: u64, numbers: &[u64]) {
    let state = draft.state();
    let Some(receiver) = state.get::<Receiver>(&no) else {
        return;
    };
    let deliveries: Vec<Delivery> = numbers
        .iter()
        .filter_map(|number| state.get::<Delivery>(&(no, *number)))
        .collect();
    let cargo: Vec<CargoRef> = deliveries
        .iter()
        .filter_map(|delivery| cargo_ref(state, &delivery.cargo))
        .collect();
    if cargo.is_empty() {
        return;
    }
    draft.emit(Event::DeliveriesAccepted {
        receiver: receiver.id,
        cargo,
    });
    let mut done = Vec::new();
    for delivery in &deliveries {
        if let Cargo::Report { specimen, .. } = delivery.cargo
            && let Some(found) = draft.state().get::<Specimen>(&specimen)
            && found.standing == Standing::Final
            && found.accepted_by_all()
            && !done.contains(&specimen)
        {
            done.push(specimen);
        }
    }
    close(draft, &done);
}

fn close(draft: &mut Draft<'_>, keys: &[u64]) {
    if keys.is_empty() {
        return;
    }
    let tubes = keys
        .iter()
        .map(|key| tube_id(draft.state(), *key))
        .collect();
    draft.emit(Event::SpecimensClosed { tubes });
    for key in keys {
        let last = draft
            .state()
            .get::<Specimen>(key)
            .and_then(|s| s.report().cloned());
        if let Some(report) = last
            && let Some(result) = report.verdict.result()
        {
            tell_closed(draft, *key, report.version, result);
        }
    }
}

/// Has a stuck delivery sent again, with all its attempts.
pub fn requeue(draft: &mut Draft<'_>, no: u64, number: u64) {
    let state = draft.state();
    let (Some(receiver), Some(delivery)) = (
        state.get::<Receiver>(&no),
        state.get::<Delivery>(&(no, number)),
    ) else {
        return;
    };
    if let Some(cargo) = cargo_ref(state, &delivery.cargo) {
        draft.emit(Event::DeliveryRequeued {
            receiver: receiver.id,
            cargo,
        });
    }
}

fn known(draft: &Draft<'_>, receiver: &ReceiverId, count: usize) -> Result<u64, Rejection> {
    if count > DELIVERIES_PER_COMMAND_MAX {
        return Err(Rejection::invalid(
            "TOO_MANY",
            "numbers",
            format!("{count} deliveries are more than {DELIVERIES_PER_COMMAND_MAX}"),
            "split them",
        ));
    }
    draft
        .state()
        .find::<Receiver>(receiver.as_str())
        .map(|(no, _)| no)
        .ok_or_else(|| {
            Rejection::not_found(
                "RECEIVER_UNKNOWN",
                "receiver",
                format!("nothing was ever queued for receiver {receiver:?} here"),
                "check the receiver's id in [receivers] of the policy",
            )
        })
}

fn stuck(
    draft: &mut Draft<'_>,
    receiver: &ReceiverId,
    key: (u64, u64),
    delivery: &Delivery,
    why: Stuck,
    detail: String,
) {
    let state = draft.state();
    let Some(cargo) = cargo_ref(state, &delivery.cargo) else {
        return;
    };
    let (lab, about) = place_of(state, &delivery.cargo);
    let kind = match why {
        Stuck::Rejected => WorkKind::DeliveryRejected,
        Stuck::GivenUp => WorkKind::DeliveryGivenUp,
    };
    debug_assert!(state.get::<Delivery>(&key).is_some());
    let detail = format!("receiver {receiver}: {detail}");
    let item = NewWork {
        kind,
        about,
        detail,
        delivery: Some((receiver.clone(), cargo.clone())),
    };
    draft.emit(Event::DeliveryStuck {
        receiver: receiver.clone(),
        cargo,
        why,
    });
    draft.open_work(&lab, item);
}

fn place_of(state: &dyn Read, cargo: &Cargo) -> (LabId, String) {
    match cargo {
        Cargo::Report { specimen, version } => {
            let lab = state
                .get::<Specimen>(specimen)
                .map(|found| super::outcome::lab_of(state, *specimen, &found))
                .unwrap_or_default();
            let barcode = state
                .get::<Registered>(specimen)
                .map(|r| r.sample.barcode)
                .unwrap_or_default();
            (lab, format!("{barcode} version {version}"))
        }
        Cargo::Alert { pool } => state
            .get::<SuspectPool>(pool)
            .map(|pool| (lab_id(state, lab_no_of(pool.plate)), pool.pool.to_string()))
            .unwrap_or_default(),
    }
}

/// The cargo's name outside.
#[must_use]
pub fn cargo_ref(state: &dyn Read, cargo: &Cargo) -> Option<CargoRef> {
    match cargo {
        Cargo::Report { specimen, version } => Some(CargoRef::Report {
            tube: tube_id(state, *specimen),
            version: *version,
        }),
        Cargo::Alert { pool } => state
            .get::<SuspectPool>(pool)
            .map(|pool| CargoRef::Alert(pool.pool)),
    }
}
