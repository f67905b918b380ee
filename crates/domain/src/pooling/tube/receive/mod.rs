//! Receiving: tubes come one by one or by the rack, and are taken whatever is known of them.
//!
//! A rack is *stated*: which position holds which label, nothing, or a label that cannot be read. The
//! same statement again changes nothing; a difference becomes events. One bad tube never rejects the
//! other 95: the answer is a verdict a position.

use super::super::board::deadline::{clock, pending_clock};
use super::super::draft::{Draft, To};
use super::super::event::What;
use super::super::lab::tube_id;
use super::super::pool::scan::plan_on_arrival;
use super::lookup::{by_barcode, expected, expected_in, is_over, next_tube, rack};
use super::{RackPlace, Tube, TubeHold, TubeState};
use crate::ids::{Barcode, LabId, TubeId};
use crate::message::{Message, TubeSeen};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::tables::ReadExt;
use crate::well::Well;
use std::collections::{BTreeMap, BTreeSet};

/// Most tubes in one call: a rack.
pub const RECEIVE_MAX: usize = 96;

/// Longest label taken.
const BARCODE_MAX: usize = 64;

/// What is in a position of a rack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No tube.
    Nothing,
    /// A tube whose label cannot be read.
    Unreadable,
    /// A tube with this label.
    Label(Barcode),
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Tubes scanned one by one.
    Tubes {
        /// Their labels.
        labels: Vec<Barcode>,
        /// A person says that these are other tubes than those received under the same labels.
        another: bool,
    },
    /// A rack.
    Rack {
        /// Its barcode.
        rack: Barcode,
        /// What is where. Positions that are not named are not spoken of.
        positions: BTreeMap<Well, Found>,
    },
}

/// How it stands with a tube that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its registration is known.
    Known,
    /// It is not known yet: the tube waits for it.
    DetailsPending,
    /// It was registered for another lab.
    BelongsElsewhere(LabId),
    /// Another tube bears the same label: both are held.
    Conflict(TubeId),
    /// It is held.
    Held(String),
    /// It was received before; nothing changed but perhaps its place.
    AlreadyReceived,
    /// Its label cannot be read, or is none.
    Unreadable(String),
}

/// The answer for one tube.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its position, in a rack.
    pub position: Option<Well>,
    /// Its label.
    pub barcode: Option<Barcode>,
    /// Its id; `None` if no tube was made.
    pub tube: Option<TubeId>,
    /// How it stands.
    pub verdict: Verdict,
}

/// Receives tubes.
///
/// # Errors
/// More than [`RECEIVE_MAX`] at once; never because of one tube.
pub fn receive(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    arrival: &Arrival,
) -> Result<Vec<Received>, Rejection> {
    let count = match arrival {
        Arrival::Tubes { labels, .. } => labels.len(),
        Arrival::Rack { positions, .. } => positions.len(),
    };
    if count > RECEIVE_MAX {
        return Err(Rejection::invalid(
            "TOO_MANY_TUBES",
            "tubes",
            format!("{count} tubes are more than {RECEIVE_MAX}"),
            "receive a rack at a time",
        ));
    }
    match arrival {
        Arrival::Tubes { labels, another } => labels
            .iter()
            .map(|label| single(draft, policy, lab, label, *another))
            .collect(),
        Arrival::Rack { rack, positions } => whole_rack(draft, policy, lab, rack, positions),
    }
}

fn single(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    label: &Barcode,
    another: bool,
) -> Result<Received, Rejection> {
    if let Err(problem) = check_label(label) {
        return Ok(Received {
            position: None,
            barcode: Some(label.clone()),
            tube: None,
            verdict: Verdict::Unreadable(problem),
        });
    }
    let known = bearers(draft, lab, label);
    let (tube, verdict) = match known.last() {
        Some((key, tube)) if !another => {
            let verdict = seen_again(tube);
            (tube_id(draft.state(), *key), verdict)
        }
        Some((key, _)) => twin(draft, policy, lab, label, None, *key)?,
        None => admit(draft, policy, lab, Some(label), None)?,
    };
    Ok(Received {
        position: None,
        barcode: Some(label.clone()),
        tube: Some(tube),
        verdict,
    })
}

fn whole_rack(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    rack_id: &Barcode,
    positions: &BTreeMap<Well, Found>,
) -> Result<Vec<Received>, Rejection> {
    let before: BTreeMap<Well, u64> = rack(draft.state(), lab, rack_id)
        .map(|(_, rack)| rack.tubes.into_iter().collect())
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
        if let Some(key) = super::super::lab::tube_key(draft.state(), &tube) {
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

/// The tubes that a label means. If it was registered anew, those withdrawn under it are not meant.
pub(super) fn bearers(draft: &Draft<'_>, lab: &LabId, label: &Barcode) -> Vec<(u64, Tube)> {
    let mut known = by_barcode(draft.state(), lab, label);
    if expected_in(draft.state(), lab, label).is_some() {
        known.retain(|(_, tube)| tube.state != TubeState::Withdrawn);
    }
    known
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
    super::relabel::relabel(draft, policy, lab, &id.to_string(), label, reason)?;
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

/// A second tube with the label of one that is here: both are held.
fn twin(
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
    super::hold::stop(
        draft,
        first,
        TubeHold::DuplicateBarcode {
            other: tube.clone(),
        },
    )?;
    Ok((tube, Verdict::Conflict(first_id)))
}

/// A tube that was never here before.
fn admit(
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
        };
        draft.send(To::Intake(label.clone()), Message::TubeSeen(seen));
    }
    let verdict = match known {
        Some((_, e)) => match super::details::hold_of(&e.sample) {
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
                Verdict::BelongsElsewhere(e.sample.lab)
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
    clock: super::super::event::Clock,
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

fn seen_again(tube: &Tube) -> Verdict {
    tube.holds.first().map_or(Verdict::AlreadyReceived, |hold| {
        Verdict::Held(hold.to_string())
    })
}

/// What no label has, whatever a lab's patterns say: intake checks those.
///
/// # Errors
/// What is wrong, in words.
pub fn check_label(label: &Barcode) -> Result<(), String> {
    let text = label.as_str();
    if text.is_empty() {
        return Err("the label is empty".to_owned());
    }
    if text.len() > BARCODE_MAX {
        return Err(format!(
            "the label has {} characters, more than {BARCODE_MAX}",
            text.len()
        ));
    }
    match text.chars().position(|c| !c.is_ascii_graphic()) {
        Some(at) => {
            let code = text.chars().nth(at).map_or(0, u32::from);
            Err(format!(
                "the label has U+{code:04X} at {}: only visible ASCII is a label",
                at + 1
            ))
        }
        None => Ok(()),
    }
}
