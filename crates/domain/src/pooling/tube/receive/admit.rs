//! A tube that was never here before becomes one of the lab's.

use super::super::super::board::deadline::{clock, pending_clock};
use super::super::super::draft::{Draft, To};
use super::super::super::event::{Clock, What};
use super::super::super::lab::tube_id;
use super::super::super::pool::seating::plan_on_arrival;
use super::super::details::hold_of;
use super::super::hold::stop;
use super::super::lookup::{expected, expected_in, next_tube};
use super::super::{RackPlace, TubeHold};
use super::Verdict;
use crate::ids::{Barcode, LabId, TubeId};
use crate::message::{Message, TubeSeen};
use crate::policy::Policy;
use crate::rejection::Rejection;

/// A second tube with the label of one that is here: both are held.
pub(super) fn twin(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    label: &Barcode,
    place: Option<RackPlace>,
    first: u64,
) -> Result<(TubeId, Verdict), Rejection> {
    let first_id = tube_id(draft.state(), first);
    let clock = pending_clock(policy, draft.now);
    let tube = make(draft, policy, lab, Some(label), place, clock, false)?;
    draft.emit(What::TubeHeld {
        tube: tube.clone(),
        hold: TubeHold::DuplicateBarcode {
            other: first_id.clone(),
        },
    })?;
    stop(
        draft,
        first,
        TubeHold::DuplicateBarcode {
            other: tube.clone(),
        },
    )?;
    Ok((tube, Verdict::Conflict(first_id)))
}

/// A tube that was never here before.
pub(super) fn admit(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    label: Option<&Barcode>,
    place: Option<RackPlace>,
) -> Result<(TubeId, Verdict), Rejection> {
    let now = draft.now;
    let known = label.and_then(|label| expected_in(draft.state(), lab, label));
    let clock = known.as_ref().map_or_else(
        || pending_clock(policy, now),
        |(_, e)| clock(policy, &e.sample, Some(now)),
    );
    let tube = make(draft, policy, lab, label, place, clock, known.is_some())?;
    if let Some(label) = label {
        let seen = TubeSeen {
            barcode: label.clone(),
            lab: lab.clone(),
            tube: tube.clone(),
            received_at: now,
            known_version: known.as_ref().map(|(_, e)| e.sample.version),
        };
        draft.send(To::Intake(label.clone()), Message::TubeSeen(seen));
    }
    let verdict = match known {
        Some((_, e)) => match hold_of(&e.sample) {
            Some(hold) => {
                let why = hold.to_string();
                draft.emit(What::TubeHeld {
                    tube: tube.clone(),
                    hold,
                })?;
                Verdict::Held(why)
            }
            None => {
                plan_on_arrival(draft, policy, &tube)?;
                Verdict::Known
            }
        },
        None => label
            .and_then(|label| expected(draft.state(), label))
            .map_or(Verdict::DetailsPending, |(_, e)| {
                Verdict::BelongsElsewhere(e.sample.lab.clone())
            }),
    };
    Ok((tube, verdict))
}

fn make(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    label: Option<&Barcode>,
    place: Option<RackPlace>,
    clock: Clock,
    expected: bool,
) -> Result<TubeId, Rejection> {
    let tube = next_tube(draft.state(), lab);
    draft.emit(What::TubeReceived {
        tube: tube.clone(),
        barcode: label.cloned(),
        place,
        clock,
        volume_ul: policy.pooling.tube_volume_ul,
        expected,
    })?;
    Ok(tube)
}
