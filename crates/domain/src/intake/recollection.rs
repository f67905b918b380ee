//! Re-collections: an order waits until a registration names the old sample. Order and registration
//! come in any order, because they come from different senders. The new sample may be another lab's, which knows
//! nothing of the order: so the lane of the new barcode tells the lab that gave it what was found.
//!
//! Only `recollection_of` fulfils an order: the lane of the old barcode does not see other tubes of the
//! same person, so finding them by the person would work for some barcodes and not for others.

use super::decide::{Context, Decision, Outgoing, Service};
use super::event::Event;
use super::state::{Awaited, Life, OpenOrder, Replacement};
use crate::ids::{Barcode, OrderId, Subject};
use crate::message::{
    FinalResult, Message, Recollected, RecollectionFound, RecollectionOrder, RecollectionRegistered,
};
use crate::rejection::Rejection;
use crate::tables::ReadExt;

/// Results orders a new swab.
#[must_use]
pub fn ordered(context: Context<'_>, order: RecollectionOrder) -> Decision {
    let name = order.barcode.as_str();
    let open = context.state.find_all::<OpenOrder>(name);
    if open.iter().any(|(_, row)| row.order == order.order) {
        return Decision::nothing(());
    }
    let waiting = context.state.find_all::<Replacement>(name);
    let replaced = waiting
        .into_iter()
        .find(|(_, row)| concerns(&order.subject, &row.subjects));
    let (id, old) = (order.order.clone(), order.barcode.clone());
    let mut decision = Decision {
        events: vec![Event::RecollectionOrdered(order)],
        messages: Vec::new(),
        answer: (),
    };
    if let Some((_, row)) = replaced {
        fulfil(&mut decision, id, old, row.new);
    }
    decision
}

/// A new sample that names an old one was registered.
#[must_use]
pub fn replaced(context: Context<'_>, new: Recollected) -> Decision {
    let open = context.state.find_all::<OpenOrder>(new.old.as_str());
    let mut decision = Decision::nothing(());
    for (_, row) in open {
        if concerns(&row.subject, &new.subjects) {
            fulfil(&mut decision, row.order, row.barcode, new.new.clone());
        }
    }
    let noted = context.state.find_all::<Replacement>(new.old.as_str());
    if decision.events.is_empty() && noted.iter().all(|(_, row)| row.new != new.new) {
        decision.events.push(Event::ReplacementNoted(new));
    }
    decision
}

/// Whether an order for a subject is fulfilled by a tube of these; objects have no subject.
fn concerns(ordered: &Subject, swabbed: &[Subject]) -> bool {
    ordered.is_empty() || swabbed.contains(ordered)
}

fn fulfil(decision: &mut Decision, order: OrderId, old: Barcode, new: Barcode) {
    let message = Message::RecollectionRegistered(RecollectionRegistered {
        order: order.clone(),
        barcode: new.clone(),
    });
    decision.messages.push(Outgoing {
        service: Service::Results,
        key: order.lab.to_string(),
        message: message.clone(),
    });
    decision.messages.push(Outgoing {
        service: Service::Intake,
        key: new.to_string(),
        message,
    });
    decision
        .events
        .push(Event::RecollectionFulfilled { order, old, new });
}

/// An order waits for the result of a sample of this lane.
///
/// # Errors
/// `SAMPLE_UNKNOWN`: no sample with this barcode was ever registered here.
pub fn awaited(
    context: Context<'_>,
    awaited: RecollectionRegistered,
) -> Result<Decision, Rejection> {
    let RecollectionRegistered { order, barcode } = &awaited;
    let entry = context.entry(barcode).map(|(_, entry)| entry);
    let messages = match entry.as_ref().map(|entry| &entry.life) {
        None | Some(Life::Seen(_)) => {
            return Err(Rejection::not_found(
                "SAMPLE_UNKNOWN",
                "barcode",
                format!("barcode {barcode:?} is not registered"),
                "",
            ));
        }
        Some(Life::Closed(closed)) => vec![found(order.clone(), barcode.clone(), closed.result)],
        Some(Life::Filed(card)) => vec![found(order.clone(), barcode.clone(), card.result)],
        Some(Life::Open(_) | Life::Withdrawn(_)) => Vec::new(),
    };
    let rows = context.state.find_all::<Awaited>(barcode.as_str());
    if rows.iter().any(|(_, row)| row.order == *order) {
        return Ok(Decision::nothing(()));
    }
    Ok(Decision {
        events: vec![Event::ResultAwaited(awaited)],
        messages,
        answer: (),
    })
}

/// What the labs that await a sample's result are told.
pub(super) fn tell(context: Context<'_>, barcode: &Barcode, finding: FinalResult) -> Vec<Outgoing> {
    let rows = context.state.find_all::<Awaited>(barcode.as_str());
    rows.into_iter()
        .map(|(_, row)| found(row.order, row.barcode, finding))
        .collect()
}

fn found(order: OrderId, barcode: Barcode, finding: FinalResult) -> Outgoing {
    Outgoing {
        service: Service::Results,
        key: order.lab.to_string(),
        message: Message::RecollectionFound(RecollectionFound {
            order,
            barcode,
            finding,
        }),
    }
}
