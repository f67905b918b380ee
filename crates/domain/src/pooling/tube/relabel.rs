//! A new label for a tube: its old one cannot be read, or another tube bears it too.

use super::super::board::deadline::clock;
use super::super::draft::{Draft, To};
use super::super::event::What;
use super::super::lab::tube_id;
use super::super::pool::seating::plan_on_arrival;
use super::TubeHold;
use super::hold::{needs_reason, not_over};
use super::lookup::{by_barcode, expected_in, is_over, the_tube};
use super::receive::{bearers, check_label};
use crate::ids::{Barcode, LabId, TubeId};
use crate::message::{Message, TubeSeen};
use crate::policy::Policy;
use crate::rejection::{Code, Rejection};

/// Gives a tube a new label. Old labels stay aliases of it, unless another tube bears them too.
///
/// # Errors
/// The tube is not there or over; another tube bears the new label; the new label is none; no reason.
pub fn relabel(
    draft: &mut Draft<'_>,
    policy: &Policy,
    lab: &LabId,
    tube: &str,
    barcode: &Barcode,
    reason: &str,
) -> Result<TubeId, Rejection> {
    needs_reason(reason)?;
    check_label(barcode).map_err(|problem| {
        Rejection::invalid(
            "BARCODE_MALFORMED",
            "new_barcode",
            problem,
            "scan the new label again",
        )
    })?;
    let (key, record) = the_tube(draft.state(), lab, tube)?;
    not_over(&record)?;
    let id = tube_id(draft.state(), key);
    if record.barcodes.contains(barcode) {
        return Ok(id);
    }
    if let Some((other, _)) = bearers(draft, lab, barcode).first() {
        return Err(Rejection::new(
            Code::AlreadyExists,
            "BARCODE_TAKEN",
            "new_barcode",
            format!(
                "tube {} bears {barcode:?} already",
                tube_id(draft.state(), *other)
            ),
            "use a label that was never used",
        ));
    }
    let dropped = record
        .barcodes
        .iter()
        .find(|old| {
            by_barcode(draft.state(), lab, old)
                .iter()
                .any(|(other, tube)| *other != key && !is_over(tube))
        })
        .cloned();
    let expected = expected_in(draft.state(), lab, barcode)
        .filter(|_| record.sample.is_none())
        .map(|(_, e)| clock(policy, &e.sample, Some(record.received_at)));
    draft.emit(What::TubeRelabelled {
        tube: id.clone(),
        barcode: barcode.clone(),
        dropped,
        reason: reason.to_owned(),
        expected,
    })?;
    release_twins(draft, lab, &record, &id)?;
    if record.sample.is_none() {
        let seen = TubeSeen {
            barcode: barcode.clone(),
            lab: lab.clone(),
            tube: id.clone(),
            received_at: record.received_at,
            known_version: None,
        };
        draft.send(To::Intake(barcode.clone()), Message::TubeSeen(seen));
    }
    plan_on_arrival(draft, policy, &id)?;
    Ok(id)
}

/// The tube that shared a label with this one may go on: the person who relabelled this one said which
/// is which. Other holds of it stay.
fn release_twins(
    draft: &mut Draft<'_>,
    lab: &LabId,
    old: &super::Tube,
    id: &TubeId,
) -> Result<(), Rejection> {
    for barcode in &old.barcodes {
        for (key, tube) in by_barcode(draft.state(), lab, barcode) {
            let only_twin = !tube.holds.is_empty()
                && tube.holds.iter().all(
                    |hold| matches!(hold, TubeHold::DuplicateBarcode { other } if other == id),
                );
            if only_twin {
                let tube = tube_id(draft.state(), key);
                draft.emit(What::TubeReleased {
                    tube,
                    reason: format!("tube {id}, which bore the same label, was relabelled"),
                })?;
            }
        }
    }
    Ok(())
}
