//! A rack is stated: what changed against the last statement becomes events.

use super::super::super::draft::Draft;
use super::super::super::event::What;
use super::super::super::lab::{tube_id, tube_key};
use super::super::lookup::{is_over, rack};
use super::super::relabel::relabel;
use super::super::{RackPlace, Tube, TubeHold};
use super::admit::{admit, twin};
use super::{Found, Received, Verdict, bearers, check_label, seen_again};
use crate::ids::{Barcode, LabId, TubeId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;
use crate::well::Well;
use std::collections::{BTreeMap, BTreeSet};

/// Receives a rack, position by position. A position that is not named is not spoken of.
pub(super) fn receive(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    rack_id: &Barcode,
    positions: &BTreeMap<Well, Found>,
) -> Result<Vec<Received>, Rejection> {
    let before: BTreeMap<Well, u64> = rack(draft.state(), lab, rack_id)
        .map(|(_, rack)| rack.tubes.iter().copied().collect())
        .unwrap_or_default();
    let labels: BTreeSet<&Barcode> = positions
        .values()
        .filter_map(|found| match found {
            Found::Label(label) => Some(label),
            _ => None,
        })
        .collect();
    let mut claimed = BTreeSet::new();
    let mut answers = Vec::new();
    for (position, found) in positions {
        let place = RackPlace {
            rack: rack_id.clone(),
            position: *position,
        };
        let stood = before.get(position).copied().filter(|key| {
            let tube = draft.state().get::<Tube>(key);
            tube.is_some_and(|tube| tube.place.as_ref() == Some(&place))
        });
        // A tube whose label was read elsewhere in this rack is not the one that cannot be read here.
        let unread = stood.filter(|key| {
            let tube = draft.state().get::<Tube>(key);
            tube.is_some_and(|tube| !tube.barcodes.iter().any(|label| labels.contains(label)))
        });
        let (barcode, (tube, verdict)) = match found {
            Found::Nothing => continue,
            Found::Unreadable => (None, unreadable(draft, policy, lab, place, unread, None)?),
            Found::Label(label) => {
                let answer = match check_label(label) {
                    Err(problem) => unreadable(draft, policy, lab, place, unread, Some(problem))?,
                    Ok(()) => {
                        let elsewhere = |tube: &Tube| {
                            tube.place.as_ref().is_some_and(|p| {
                                p.rack == *rack_id
                                    && p.position != *position
                                    && positions.get(&p.position) == Some(found)
                            })
                        };
                        labelled(draft, policy, lab, label, place, stood, &claimed, elsewhere)?
                    }
                };
                (Some(label.clone()), answer)
            }
        };
        if let Some(key) = tube_key(draft.state(), &tube) {
            claimed.insert(key);
        }
        answers.push(Received {
            position: Some(*position),
            barcode,
            tube: Some(tube),
            verdict,
        });
    }
    for (position, key) in before {
        let stands = draft.state().get::<Tube>(&key).and_then(|tube| tube.place);
        let still_here = stands.is_some_and(|p| p.rack == *rack_id && p.position == position);
        if still_here && positions.contains_key(&position) && !claimed.contains(&key) {
            let tube = tube_id(draft.state(), key);
            draft.emit(What::TubeMoved { tube, place: None })?;
        }
    }
    Ok(answers)
}

/// A position holds a tube whose label cannot be read: the one that stood there, else a new one.
fn unreadable(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    place: RackPlace,
    stood: Option<u64>,
    problem: Option<String>,
) -> Result<(TubeId, Verdict), Rejection> {
    let tube = match stood {
        Some(key) => tube_id(draft.state(), key),
        None => {
            let (tube, _) = admit(draft, policy, lab, None, Some(place))?;
            draft.emit(What::TubeHeld {
                tube: tube.clone(),
                hold: TubeHold::Unreadable,
            })?;
            tube
        }
    };
    let why = problem.unwrap_or_else(|| "its label cannot be read".to_owned());
    Ok((tube, Verdict::Unreadable(why)))
}

/// A position holds a tube with a label.
#[allow(clippy::too_many_arguments)]
fn labelled(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    label: &Barcode,
    place: RackPlace,
    stood: Option<u64>,
    claimed: &BTreeSet<u64>,
    elsewhere: impl Fn(&Tube) -> bool,
) -> Result<(TubeId, Verdict), Rejection> {
    let known = bearers(draft, lab, label);
    if let Some((key, tube)) = known
        .iter()
        .find(|(_, tube)| tube.place.as_ref() == Some(&place))
    {
        return Ok((tube_id(draft.state(), *key), seen_again(tube)));
    }
    let moved = known
        .iter()
        .find(|(key, tube)| !claimed.contains(key) && !elsewhere(tube));
    if let Some((key, tube)) = moved {
        let id = tube_id(draft.state(), *key);
        if !is_over(tube) {
            clear(draft, stood)?;
            draft.emit(What::TubeMoved {
                tube: id.clone(),
                place: Some(place),
            })?;
        }
        return Ok((id, seen_again(tube)));
    }
    if known.is_empty()
        && let Some(answer) = became_readable(draft, policy, lab, label, stood)?
    {
        return Ok(answer);
    }
    clear(draft, stood)?;
    match known.first() {
        Some((key, _)) => twin(draft, policy, lab, label, Some(place), *key),
        None => admit(draft, policy, lab, Some(label), Some(place)),
    }
}

/// The tube that stood there had no readable label: this is its label.
fn became_readable(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    label: &Barcode,
    stood: Option<u64>,
) -> Result<Option<(TubeId, Verdict)>, Rejection> {
    let unlabelled = |key: &u64| {
        draft
            .state()
            .get::<Tube>(key)
            .is_some_and(|tube| tube.barcodes.is_empty() && !is_over(&tube))
    };
    let Some(key) = stood.filter(unlabelled) else {
        return Ok(None);
    };
    let id = tube_id(draft.state(), key);
    let reason = "its label became readable";
    relabel(draft, policy, lab, &id.to_string(), label, reason)?;
    let verdict = match draft.state().get::<Tube>(&key) {
        Some(tube) if !tube.holds.is_empty() => seen_again(&tube),
        Some(tube) if tube.sample.is_none() => Verdict::DetailsPending,
        _ => Verdict::Known,
    };
    Ok(Some((id, verdict)))
}

/// Another tube stands where this one stood.
fn clear(draft: &mut Draft<'_>, stood: Option<u64>) -> Result<(), Rejection> {
    match stood {
        Some(key) => {
            let tube = tube_id(draft.state(), key);
            draft.emit(What::TubeMoved { tube, place: None })
        }
        None => Ok(()),
    }
}
