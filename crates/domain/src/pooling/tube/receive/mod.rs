//! Receiving: tubes come one by one or by the rack, and are taken whatever is known of them.
//!
//! A rack is *stated*: which position holds which label, nothing, or a label that cannot be read. The
//! same statement again changes nothing; a difference becomes events. One bad tube never rejects the
//! other 95: the answer is a verdict a position.

mod admit;
mod label;
mod rack;

pub use label::check_label;

use super::super::draft::Draft;
use super::super::lab::tube_id;
use super::lookup::{by_barcode, expected_in};
use super::{Tube, TubeState};
use crate::ids::{Barcode, LabId, TubeId};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::well::Well;
use admit::{admit, twin};
use std::collections::BTreeMap;

/// Most tubes in one call: a rack.
pub const RECEIVE_MAX: usize = 96;

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
        Arrival::Rack {
            rack: id,
            positions,
        } => rack::receive(draft, policy, lab, id, positions),
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

/// The tubes that a label means. If it was registered anew, those withdrawn under it are not meant.
pub(super) fn bearers(draft: &Draft<'_>, lab: &LabId, label: &Barcode) -> Vec<(u64, Tube)> {
    let mut known = by_barcode(draft.state(), lab, label);
    if expected_in(draft.state(), lab, label).is_some() {
        known.retain(|(_, tube)| tube.state != TubeState::Withdrawn);
    }
    known
}

fn seen_again(tube: &Tube) -> Verdict {
    tube.holds.first().map_or(Verdict::AlreadyReceived, |hold| {
        Verdict::Held(hold.to_string())
    })
}
