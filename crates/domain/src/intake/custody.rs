//! The directory of tubes: a lab says it has one, or is done with it.
//!
//! The first lab that says so has it, and the registration follows the tube. A second one is told of a
//! conflict, for a person to decide: there is no silent winner.

use super::decide::{Context, Decision, Outgoing};
use super::event::Event;
use super::recollection;
use super::register::goes_elsewhere;
use super::state::{Custody, Entry, Life};
use crate::message::{CustodyConflict, Message, SampleClosed, SampleWithdrawn, TubeSeen};
use crate::rejection::Rejection;

/// A lab has received a tube. Never refused: what does not fit is a conflict told to that lab.
#[must_use]
pub fn seen(context: Context<'_>, seen: TubeSeen) -> Decision {
    let Some((_, entry)) = context.entry(&seen.barcode) else {
        return Decision {
            events: vec![Event::TubeReceived(seen)],
            messages: Vec::new(),
            answer: (),
        };
    };
    match &entry.custody {
        None => taken_in(&entry, seen),
        Some(custody) => seen_again(&entry, custody, &seen),
    }
}

/// The first lab says it has the tube.
fn taken_in(entry: &Entry, seen: TubeSeen) -> Decision {
    let mut messages = Vec::new();
    if let Life::Open(open) = &entry.life
        && open.sample.lab != seen.lab
    {
        messages.push(goes_elsewhere(&open.sample, &seen.lab, open.sample.version));
    }
    messages.extend(told(entry, &seen));
    Decision {
        events: vec![Event::TubeReceived(seen)],
        messages,
        answer: (),
    }
}

/// What the lab that has the tube is told about it; nothing if there is nothing yet.
fn told(entry: &Entry, seen: &TubeSeen) -> Option<Outgoing> {
    let message = match &entry.life {
        Life::Seen(_) => return None,
        Life::Open(open) => {
            let mut sample = open.sample.clone();
            sample.lab = seen.lab.clone();
            Message::SampleDetails(sample)
        }
        Life::Withdrawn(withdrawn) => Message::SampleWithdrawn(SampleWithdrawn {
            lab: seen.lab.clone(),
            barcode: withdrawn.barcode.clone(),
            version: withdrawn.version,
            reason: withdrawn.reason.clone(),
        }),
        // Reported already, without this tube: the label was used again.
        Life::Closed(closed) => conflict(seen, &closed.lab, 0),
    };
    Some(Outgoing::to_pooling(&seen.lab, message))
}

fn conflict(seen: &TubeSeen, holder: &crate::ids::LabId, epoch: u32) -> Message {
    Message::CustodyConflict(CustodyConflict {
        barcode: seen.barcode.clone(),
        holder: holder.clone(),
        epoch,
    })
}

/// The barcode is held already: by the same lab (another word about the same tube, or two tubes with one
/// label, which pooling sees itself), or by another.
fn seen_again(entry: &Entry, custody: &Custody, seen: &TubeSeen) -> Decision {
    let same_tube = custody.lab == seen.lab && custody.tube == seen.tube.number;
    let closed = matches!(entry.life, Life::Closed(_));
    if same_tube && closed {
        return Decision::nothing(());
    }
    if custody.lab == seen.lab && !closed {
        return Decision {
            events: Vec::new(),
            messages: told(entry, seen).into_iter().collect(),
            answer: (),
        };
    }
    Decision {
        events: vec![Event::CustodyDisputed {
            barcode: seen.barcode.clone(),
            claimant: seen.lab.clone(),
        }],
        messages: vec![Outgoing::to_pooling(
            &seen.lab,
            conflict(seen, &custody.lab, custody.epoch),
        )],
        answer: (),
    }
}

/// Results is done with a sample.
///
/// # Errors
/// `SAMPLE_UNKNOWN`: no sample with this barcode was ever registered here.
pub fn closed(context: Context<'_>, closing: SampleClosed) -> Result<Decision, Rejection> {
    let entry = context.entry(&closing.barcode).map(|(_, entry)| entry);
    match entry.as_ref().map(|entry| &entry.life) {
        None | Some(Life::Seen(_)) => Err(Rejection::not_found(
            "SAMPLE_UNKNOWN",
            "barcode",
            format!("barcode {:?} is not registered", closing.barcode),
            "",
        )),
        Some(Life::Closed(closed)) if closed.report_version >= closing.report_version => {
            Ok(Decision::nothing(()))
        }
        Some(_) => Ok(Decision {
            messages: recollection::tell(context, &closing.barcode, closing.result),
            events: vec![Event::Closed(closing)],
            answer: (),
        }),
    }
}
