//! Lab pools and collection pools.

use super::{Current, WellCalled, end_tests, release_negatives, review};
use crate::ids::PoolId;
use crate::message::{Message, ReplateOrder, RetestReason};
use crate::results::call::Call;
use crate::results::draft::{Draft, Outgoing};
use crate::results::event::{Event, LabNumber};
use crate::results::order::{Wanted, place, recollect};
use crate::results::report::{alert, receivers_of, retract};
use crate::results::state::{OrderKind, PoolRef, SuspectPool, number_of, pool_key, tube_id};
use crate::tables::ReadExt;

/// A lab pool.
pub(super) fn conclude(
    draft: &mut Draft<'_>,
    called: &WellCalled<'_>,
    pool: &PoolId,
    members: &[Current],
) {
    let pool = PoolRef::Lab(pool.clone());
    if already_suspect(draft, called, &pool) {
        return;
    }
    match called.call {
        Call::Negative => {
            end_tests(draft, members, called.was.is_some());
            release_negatives(draft, called, members);
        }
        Call::Positive | Call::SingleTarget | Call::Grey => {
            end_tests(draft, members, called.was.is_some());
            retract(draft, &reported(members));
            suspect(draft, called, &pool, members);
            let reason = if called.call == Call::Positive {
                RetestReason::PoolPositive
            } else {
                RetestReason::PoolSuspect
            };
            place(
                draft,
                &called.plate.lab,
                &wanted(members, reason, &OrderKind::Residual, 1),
            );
            alert(draft, &pool);
        }
        Call::Invalid => invalid(draft, called, members),
    }
}

fn invalid(draft: &mut Draft<'_>, called: &WellCalled<'_>, members: &[Current]) {
    retract(draft, &reported(members));
    if members.iter().any(|member| member.specimen.invalids > 0) {
        end_tests(draft, members, called.was.is_some());
        for member in members {
            recollect(
                draft,
                &called.plate.lab,
                member.key,
                RetestReason::PoolInvalid,
            );
        }
        return;
    }
    let orders = wanted(
        members,
        RetestReason::PoolInvalid,
        &OrderKind::Reextraction,
        0,
    );
    place(draft, &called.plate.lab, &orders);
    let order = ReplateOrder {
        lab: called.plate.lab.clone(),
        plate: called.plate.barcode.clone(),
        wells: vec![called.well.well],
        reason: format!(
            "well {} is invalid: extract its pool once more",
            called.well.well
        ),
    };
    draft.send(Outgoing::Pooling(
        called.plate.lab.clone(),
        Message::ReplateOrdered(order),
    ));
}

/// One tube with several persons in it: they can never be separated again.
pub(super) fn conclude_collection(
    draft: &mut Draft<'_>,
    called: &WellCalled<'_>,
    member: &Current,
) {
    let pool = PoolRef::Tube(tube_id(draft.state(), member.key));
    let one = std::slice::from_ref(member);
    if already_suspect(draft, called, &pool) {
        return;
    }
    match called.call {
        Call::Negative => {
            end_tests(draft, one, called.was.is_some());
            release_negatives(draft, called, one);
        }
        Call::Positive | Call::SingleTarget | Call::Grey => {
            end_tests(draft, one, called.was.is_some());
            suspect(draft, called, &pool, one);
            let reason = if called.call == Call::Positive {
                RetestReason::PoolPositive
            } else {
                RetestReason::PoolSuspect
            };
            recollect(draft, &called.plate.lab, member.key, reason);
            alert(draft, &pool);
        }
        Call::Invalid => {
            retract(draft, &reported(one));
            end_tests(draft, one, called.was.is_some());
            if member.specimen.invalids > 0 {
                recollect(
                    draft,
                    &called.plate.lab,
                    member.key,
                    RetestReason::PoolInvalid,
                );
            } else {
                let orders = wanted(one, RetestReason::Invalid, &OrderKind::Residual, 1);
                place(draft, &called.plate.lab, &orders);
            }
        }
    }
}

/// A pool that was suspect once stays so; another call of a later analysis is a matter for a person.
fn already_suspect(draft: &mut Draft<'_>, called: &WellCalled<'_>, pool: &PoolRef) -> bool {
    let known = pool_key(draft.state(), pool)
        .and_then(|key| draft.state().get::<SuspectPool>(&key))
        .is_some();
    if known && called.was.is_some() {
        review(
            draft,
            called,
            "the pool was suspect and stays so until its members' own tests end it",
        );
    }
    known
}

fn suspect(draft: &mut Draft<'_>, called: &WellCalled<'_>, pool: &PoolRef, members: &[Current]) {
    let clock = crate::policy::hours(draft.policy.clocks.pool_alert_hours);
    let sites = members.iter().map(|member| &member.registered.sample.site);
    let receivers = receivers_of(draft.policy, sites, true);
    let tubes = members
        .iter()
        .map(|member| tube_id(draft.state(), member.key))
        .collect();
    draft.emit(Event::PoolSuspected {
        pool: pool.clone(),
        plate: LabNumber::new(called.plate.lab.clone(), number_of(called.plate_key)),
        well: called.well.well,
        call: called.call,
        members: tubes,
        alert_due: draft.now.plus(clock),
        receivers,
    });
}

fn reported(members: &[Current]) -> Vec<u64> {
    members
        .iter()
        .filter(|member| member.reported())
        .map(|member| member.key)
        .collect()
}

fn wanted(members: &[Current], reason: RetestReason, kind: &OrderKind, rounds: u32) -> Vec<Wanted> {
    members
        .iter()
        .map(|member| Wanted {
            specimen: member.key,
            kind: kind.clone(),
            round: member.specimen.round.saturating_add(rounds),
            reason,
        })
        .collect()
}
