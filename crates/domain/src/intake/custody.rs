//! The directory of tubes: a lab says it has one, or is done with it, or has filed it, or knows it no more.
//!
//! The first lab that says so has it, and the registration follows the tube. A second one is told of a
//! conflict, for a person to decide: there is no silent winner.

use super::decide::{Context, Decision, Outgoing, Service};
use super::event::Event;
use super::recollection;
use super::register::goes_elsewhere;
use super::state::{Closed, Entry, Holder, Life, Open};
use crate::ids::TubeId;
use crate::message::{
    CardDropped, CustodyConflict, MemberAmended, Message, SampleClosed, SampleWithdrawn,
    SamplesFiled, TubeSeen,
};
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
    match entry.holder() {
        None => taken_in(&entry, seen),
        Some(holder) => seen_again(&entry, &holder, &seen),
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

/// The lab that has the tube knows its registration as it is.
fn knows(open: &Open, seen: &TubeSeen) -> bool {
    open.sample.lab == seen.lab && seen.known_version == Some(open.sample.version)
}

/// What the lab that has the tube is told about it; nothing if there is nothing yet.
fn told(entry: &Entry, seen: &TubeSeen) -> Option<Outgoing> {
    let message = match &entry.life {
        // A card knows who has the tube: it is never taken in anew.
        Life::Seen(_) | Life::Filed(_) => return None,
        Life::Open(open) if knows(open, seen) => return None,
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
fn seen_again(entry: &Entry, holder: &Holder, seen: &TubeSeen) -> Decision {
    let held_by = &holder.tube.lab;
    let same_tube = holder.tube == seen.tube;
    let closed = matches!(entry.life, Life::Closed(_) | Life::Filed(_));
    if same_tube && closed {
        return Decision::nothing(());
    }
    if *held_by == seen.lab && !closed {
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
            conflict(seen, held_by, holder.epoch),
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
        // Results tells it once more after a correction that it does not follow.
        Some(Life::Filed(_)) => Ok(Decision::nothing(())),
        Some(_) => Ok(Decision {
            messages: recollection::tell(context, &closing.barcode, closing.result),
            events: vec![Event::Closed(closing)],
            answer: (),
        }),
    }
}

/// Results has filed a sample: a card is left. What is not closed stays as it is, and so does a barcode of which another
/// tube is held to be the right one: a person has not decided yet, or it was tested against the directory.
#[must_use]
pub fn filed(context: Context<'_>, message: &SamplesFiled) -> Decision {
    let mut decision = Decision::nothing(());
    for sample in &message.samples {
        let Some((_, entry)) = context.entry(&sample.barcode) else {
            continue;
        };
        let Life::Closed(closed) = &entry.life else {
            continue;
        };
        let tube = TubeId::new(message.lab.clone(), sample.tube);
        if entry.holder().is_some_and(|holder| holder.tube != tube) {
            continue;
        }
        if closed.version > sample.version {
            let only = SamplesFiled {
                lab: message.lab.clone(),
                samples: vec![sample.clone()],
            };
            decision.messages.push(crossed(closed, tube.clone(), only));
        }
        decision.events.push(Event::Filed {
            barcode: sample.barcode.clone(),
            tube,
        });
    }
    decision
}

/// Results knows a filed sample no more: its card goes here, too. Of another tube, or one that is not filed here,
/// nothing goes: a person has not decided yet which is the right one.
#[must_use]
pub fn dropped(context: Context<'_>, message: &CardDropped) -> Decision {
    let mut decision = Decision::nothing(());
    let entry = context.entry(&message.barcode).map(|(_, entry)| entry);
    if let Some(Life::Filed(card)) = entry.map(|entry| entry.life)
        && card.lab == message.tube.lab
        && card.tube == message.tube.number
    {
        decision.events.push(Event::CardDropped {
            barcode: message.barcode.clone(),
            tube: message.tube.clone(),
        });
    }
    decision
}

/// A newer version was stated before results filed an older one, and pooling may have had the tube no more when it
/// heard of it. Pooling is told once more behind it, and tells results; a cancellation results is told from here.
fn crossed(closed: &Closed, tube: TubeId, filed: SamplesFiled) -> Outgoing {
    if closed.is_cancelled() {
        return Outgoing {
            service: Service::Results,
            key: tube.lab.to_string(),
            message: Message::MemberAmended(MemberAmended {
                tube,
                sample: None,
                withdrawn: true,
            }),
        };
    }
    Outgoing::to_pooling(&tube.lab, Message::SamplesFiled(filed))
}
