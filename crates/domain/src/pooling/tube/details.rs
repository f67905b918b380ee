//! What intake says of a barcode: its registration, its cancellation, a conflict of custody.
//!
//! Before mixing, it is applied or the tube is withdrawn. After mixing the composition stands: a
//! cancelled sample is tested and its release suppressed; a change that makes the mix illegal puts the
//! pool on hold; results hears of both.

use super::super::board::deadline::clock;
use super::super::draft::{Draft, To};
use super::super::event::{Content, PlateRef, What};
use super::super::lab::{id_in, pool_id, tube_id};
use super::super::plate::{Plate, PlateState};
use super::super::pool::assign::{Wish, wish};
use super::super::pool::seating::plan_on_arrival;
use super::super::pool::{Pool, PoolState};
use super::super::step::StepKind;
use super::lookup::{by_barcode, expected_in, is_over};
use super::{Tube, TubeHold, TubeState, Vessel};
use crate::message::{CustodyConflict, MemberAmended, Message, SampleWithdrawn};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::sample::{Hold, Sample};
use crate::tables::ReadExt;
use std::sync::Arc;

/// The hold that a registration asks for.
#[must_use]
pub fn hold_of(sample: &Sample) -> Option<TubeHold> {
    sample.hold.as_ref().map(|hold| match *hold {
        Hold::CountMismatch {
            registered,
            observed,
        } => TubeHold::CountMismatch {
            registered,
            observed,
        },
    })
}

/// A registration, at its newest version: expected, or of a tube that is here.
///
/// # Errors
/// A bug of ours.
pub fn details(draft: &mut Draft<'_>, policy: &Policy, sample: &Sample) -> Result<(), Rejection> {
    let found = by_barcode(draft.state(), &sample.lab, &sample.barcode);
    if let Some((key, tube)) = found
        .iter()
        .find(|(_, tube)| !is_over(tube) && !is_twin(tube))
    {
        return detail(draft, policy, *key, tube, sample);
    }
    if let Some(key) = closed_one(&found) {
        amend_closed(draft, key, Some(sample.clone()), false);
        return Ok(());
    }
    let known = expected_in(draft.state(), &sample.lab, &sample.barcode);
    if known.is_some_and(|(_, e)| e.sample.version >= sample.version) {
        return Ok(());
    }
    draft.emit(What::SampleExpected {
        sample: Arc::new(sample.clone()),
        clock: clock(policy, sample, None),
    })
}

/// The newest tube that results is done with, if there is one.
fn closed_one(found: &[(u64, Tube)]) -> Option<u64> {
    found
        .iter()
        .rev()
        .find(|(_, tube)| matches!(tube.state, TubeState::Closed(_)))
        .map(|(key, _)| *key)
}

/// Intake took a change before it heard that the tube is closed: what was reported must follow it.
fn amend_closed(draft: &mut Draft<'_>, key: u64, sample: Option<Sample>, withdrawn: bool) {
    let lab = id_in(draft.state(), key);
    let amended = MemberAmended {
        tube: tube_id(draft.state(), key),
        sample,
        withdrawn,
    };
    draft.send(To::Results(lab), Message::MemberAmended(amended));
}

/// A second tube with this label, that no registration belongs to.
fn is_twin(tube: &Tube) -> bool {
    tube.sample.is_none()
        && tube
            .holds
            .iter()
            .any(|hold| matches!(hold, TubeHold::DuplicateBarcode { .. }))
}

fn detail(
    draft: &mut Draft<'_>,
    policy: &Policy,
    key: u64,
    tube: &Tube,
    sample: &Sample,
) -> Result<(), Rejection> {
    if tube
        .sample
        .as_ref()
        .is_some_and(|old| old.version >= sample.version)
    {
        return Ok(());
    }
    let id = tube_id(draft.state(), key);
    let legal = stays_legal(draft, policy, key, tube, sample);
    if !legal && !is_mixed(draft, key, tube) {
        leave(draft, key, "its registration changed")?;
    }
    draft.emit(What::TubeDetailed {
        tube: id.clone(),
        sample: Arc::new(sample.clone()),
        clock: clock(policy, sample, Some(tube.received_at)),
    })?;
    if !legal
        && is_mixed(draft, key, tube)
        && let TubeState::Pooled { pool } = tube.state
    {
        let why = format!("tube {id} must not be in this mix since its registration changed");
        hold_pool(draft, pool, why)?;
    }
    if let Some(hold) = hold_of(sample) {
        super::hold::stop(draft, key, hold)?;
    }
    tell_results(draft, key)?;
    if tube.sample.is_none() {
        plan_on_arrival(draft, policy, &id)?;
    }
    Ok(())
}

/// The tube may be where it is with this registration too.
fn stays_legal(draft: &Draft<'_>, policy: &Policy, key: u64, tube: &Tube, sample: &Sample) -> bool {
    let TubeState::Pooled { pool } = tube.state else {
        return true;
    };
    let Some(pool) = draft.state().get::<Pool>(&pool) else {
        return true;
    };
    let lab = id_in(draft.state(), key);
    match wish(policy, &lab, &pool.bench, sample, &tube.deadline) {
        Wish::Alone { .. } => false,
        Wish::Pool(wish) => {
            wish.mix.kind == pool.mix.kind
                && wish.mix.specimen_type == pool.mix.specimen_type
                && wish.mix.group == pool.mix.group
                && pool.members.len() <= usize::from(wish.limit)
        }
    }
}

/// Its liquid is in a pool or in a well already.
fn is_mixed(draft: &Draft<'_>, key: u64, tube: &Tube) -> bool {
    match tube.state {
        TubeState::Pooled { pool } => draft
            .state()
            .get::<Pool>(&pool)
            .is_some_and(|pool| pool.member(key).is_some_and(|m| m.transfer.is_some())),
        TubeState::Alone(Vessel::Loaded { .. }) => true,
        TubeState::Alone(Vessel::Plated { plate, well }) => draft
            .state()
            .get::<Plate>(&plate)
            .is_some_and(|plate| plate.at(well).is_some_and(|w| w.transfer.is_some())),
        TubeState::Alone(Vessel::Ready) => tube.order.is_some(),
        _ => false,
    }
}

/// Results needs the tube no more where it is. If it is only planned for a pool, it leaves; if it stands
/// on a plate that still changes, its well is lost. Mixed liquid stays where it is, and a sealed plate does
/// not change: its loading passes such a well over.
pub(crate) fn let_go(draft: &mut Draft<'_>, key: u64, reason: &str) -> Result<(), Rejection> {
    let Some(tube) = draft.state().get::<Tube>(&key) else {
        return Ok(());
    };
    let leaves = match tube.state {
        TubeState::Pooled { .. } => !is_mixed(draft, key, &tube),
        TubeState::Alone(Vessel::Plated { plate, .. }) => draft
            .state()
            .get::<Plate>(&plate)
            .is_some_and(|plate| plate.state == PlateState::Open),
        _ => false,
    };
    if leaves {
        leave(draft, key, reason)?;
    }
    Ok(())
}

/// The tube leaves the pool or well that it was only planned for.
pub(super) fn leave(draft: &mut Draft<'_>, key: u64, reason: &str) -> Result<(), Rejection> {
    let Some(tube) = draft.state().get::<Tube>(&key) else {
        return Ok(());
    };
    let id = tube_id(draft.state(), key);
    match tube.state {
        TubeState::Pooled { pool } => draft.emit(What::MemberLeft {
            pool: pool_id(draft.state(), pool),
            tube: id,
            reason: reason.to_owned(),
        }),
        TubeState::Alone(Vessel::Plated { plate, well }) => {
            let Some(plate) = draft.state().get::<Plate>(&plate) else {
                return Ok(());
            };
            let lab = id_in(draft.state(), key);
            draft.emit(What::WellFailed {
                plate: PlateRef {
                    lab,
                    barcode: plate.barcode,
                },
                well,
                reason: format!("{}: {reason}", Content::Tube(id)),
            })
        }
        _ => Ok(()),
    }
}

/// Puts a pool on hold. One that is in an instrument too: results decides on its result, and it must not
/// be plated again before a person decides.
pub(super) fn hold_pool(draft: &mut Draft<'_>, pool: u64, why: String) -> Result<(), Rejection> {
    let Some(record) = draft.state().get::<Pool>(&pool) else {
        return Ok(());
    };
    if record.hold.is_some() || matches!(record.state, PoolState::Void { .. }) {
        return Ok(());
    }
    draft.emit(What::PoolHeld {
        pool: pool_id(draft.state(), pool),
        reason: why,
    })
}

/// Results hears of the registration if it knows the tube: it was in an instrument.
fn tell_results(draft: &mut Draft<'_>, key: u64) -> Result<(), Rejection> {
    let Some(tube) = draft.state().get::<Tube>(&key) else {
        return Ok(());
    };
    let loaded = |steps: &super::Steps| {
        steps
            .as_slice()
            .iter()
            .any(|step| step.kind == StepKind::Loaded)
    };
    let was_loaded = loaded(&tube.steps)
        || tube.order.is_some()
        || matches!(tube.state, TubeState::Pooled { pool } if draft
            .state().get::<Pool>(&pool).is_some_and(|pool| loaded(&pool.steps)));
    if let Some(sample) = tube.sample
        && was_loaded
    {
        let lab = id_in(draft.state(), key);
        let amended = MemberAmended {
            tube: tube_id(draft.state(), key),
            sample: Some(Arc::unwrap_or_clone(sample)),
            withdrawn: tube.withdrawn,
        };
        draft.send(To::Results(lab), Message::MemberAmended(amended));
    }
    Ok(())
}

/// A registration was cancelled.
///
/// # Errors
/// A bug of ours.
pub fn withdrawn(draft: &mut Draft<'_>, message: &SampleWithdrawn) -> Result<(), Rejection> {
    let found = by_barcode(draft.state(), &message.lab, &message.barcode);
    let closed = closed_one(&found);
    let here = found
        .into_iter()
        .find(|(_, tube)| !is_over(tube) && !is_twin(tube));
    let expected = expected_in(draft.state(), &message.lab, &message.barcode);
    match (here, expected) {
        (Some((key, tube)), _) => withdraw(draft, key, &tube, message),
        (None, Some((key, e))) if e.sample.version <= message.version => {
            let lab = id_in(draft.state(), key);
            draft.emit(What::ExpectedWithdrawn {
                lab,
                barcode: message.barcode.clone(),
                version: message.version,
                reason: message.reason.clone(),
            })
        }
        (None, None) => {
            if let Some(key) = closed {
                amend_closed(draft, key, None, true);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn withdraw(
    draft: &mut Draft<'_>,
    key: u64,
    tube: &Tube,
    message: &SampleWithdrawn,
) -> Result<(), Rejection> {
    let newer = tube
        .sample
        .as_ref()
        .is_some_and(|sample| sample.version > message.version);
    if newer || tube.withdrawn {
        return Ok(());
    }
    if !is_mixed(draft, key, tube) {
        leave(draft, key, "its registration was cancelled")?;
    }
    draft.emit(What::TubeWithdrawn {
        tube: tube_id(draft.state(), key),
        version: message.version,
        reason: message.reason.clone(),
    })?;
    tell_results(draft, key)
}

/// Another lab is held to have a tube that is here: a person must decide.
///
/// # Errors
/// A bug of ours.
pub fn custody(draft: &mut Draft<'_>, message: &CustodyConflict) -> Result<(), Rejection> {
    let found = draft.state().find_all::<Tube>(message.barcode.as_str());
    let is_there = |key: u64| id_in(draft.state(), key) == message.holder;
    let (there, elsewhere): (Vec<_>, Vec<_>) = found
        .into_iter()
        .filter(|(_, tube)| !is_over(tube))
        .partition(|(key, _)| is_there(*key));
    // No tube of another lab of this lane: it is this lab's own label, used again.
    let disputed = if elsewhere.is_empty() {
        there
    } else {
        elsewhere
    };
    for (key, tube) in disputed {
        let known = tube.holds.iter().any(|hold| {
            matches!(hold, TubeHold::CustodyConflict { epoch, .. } if *epoch >= message.epoch)
        });
        if known {
            continue;
        }
        let hold = TubeHold::CustodyConflict {
            holder: message.holder.clone(),
            epoch: message.epoch,
        };
        super::hold::stop(draft, key, hold)?;
    }
    Ok(())
}
