//! Orders: the work that a result without an end makes. Each names one tube (or one subject) and has a
//! clock of its own.

use super::draft::{Draft, Outgoing};
use super::event::{Event, PlacedOrder};
use super::outcome::{close_pools, finalize};
use super::state::{Order, OrderKind, OrderState, Registered, order_key, tube_id};
use crate::ids::{LabId, OrderId, Subject};
use crate::message::{
    FinalResult, Message, RecollectionFound, RecollectionOrder, RecollectionRegistered,
    RetestOrder, RetestReason,
};
use crate::policy::hours;
use crate::rejection::Rejection;
use crate::results::state::Specimen;
use crate::tables::ReadExt;

/// An order to place.
pub struct Wanted {
    /// Key of the tube.
    pub specimen: u64,
    /// What it asks for.
    pub kind: OrderKind,
    /// The round the test will be.
    pub round: u32,
    /// Why.
    pub reason: RetestReason,
}

/// Places orders and tells who must carry them out.
pub fn place(draft: &mut Draft<'_>, lab: &LabId, wanted: &[Wanted]) {
    if wanted.is_empty() {
        return;
    }
    let due = draft.now.plus(hours(draft.policy.clocks.retest_hours));
    let first = draft.next(lab, |lab| lab.orders);
    let orders: Vec<PlacedOrder> = (first..)
        .zip(wanted)
        .map(|(number, wanted)| PlacedOrder {
            number,
            kind: wanted.kind.clone(),
            tube: tube_id(draft.state(), wanted.specimen),
            round: wanted.round,
            reason: wanted.reason,
            due,
        })
        .collect();
    draft.emit(Event::OrdersPlaced {
        lab: lab.clone(),
        orders: orders.clone(),
    });
    for (order, wanted) in orders.into_iter().zip(wanted) {
        let id = OrderId::new(lab.clone(), order.number);
        match order.kind {
            OrderKind::Residual => {
                let retest = RetestOrder {
                    order: id,
                    tube: order.tube,
                    round: order.round,
                    reason: order.reason,
                    due,
                };
                draft.send(Outgoing::Pooling(
                    lab.clone(),
                    Message::RetestOrdered(retest),
                ));
            }
            // The well is plated again as a whole: one message for all its members.
            OrderKind::Reextraction => {}
            OrderKind::Recollection { subject } => {
                let Some(registered) = draft.state().get::<Registered>(&wanted.specimen) else {
                    continue;
                };
                let barcode = registered.sample.barcode;
                let order = RecollectionOrder {
                    order: id,
                    barcode: barcode.clone(),
                    subject,
                    reason: words(order.reason).to_owned(),
                    ordered_at: draft.now,
                    due,
                };
                draft.send(Outgoing::Intake(
                    barcode,
                    Message::RecollectionOrdered(order),
                ));
            }
        }
    }
}

/// Orders a new swab of each subject of a tube; the tube's own report says so.
pub fn recollect(draft: &mut Draft<'_>, lab: &LabId, key: u64, reason: RetestReason) {
    let state = draft.state();
    let (Some(registered), Some(specimen)) =
        (state.get::<Registered>(&key), state.get::<Specimen>(&key))
    else {
        return;
    };
    let mut subjects = registered.sample.subjects;
    if subjects.is_empty() {
        subjects.push(Subject::default());
    }
    let wanted: Vec<Wanted> = subjects
        .into_iter()
        .map(|subject| Wanted {
            specimen: key,
            kind: OrderKind::Recollection { subject },
            round: specimen.round,
            reason,
        })
        .collect();
    place(draft, lab, &wanted);
    finalize(draft, &[key], FinalResult::Recollect);
}

/// The new sample of a re-collection exists: the order is carried out.
///
/// # Errors
/// `ORDER_UNKNOWN`: this lane never gave it.
pub fn registered(draft: &mut Draft<'_>, message: RecollectionRegistered) -> Result<(), Rejection> {
    let order = given(draft, &message.order)?;
    if order.open() {
        draft.emit(Event::RecollectionRegistered {
            order: message.order,
            barcode: message.barcode,
        });
        close_pools(draft, &[order.specimen]);
    }
    Ok(())
}

/// The new sample of a re-collection has its result. It may be told before the sample is: both come from different
/// lanes.
///
/// # Errors
/// `ORDER_UNKNOWN`: this lane never gave it.
pub fn found(draft: &mut Draft<'_>, message: RecollectionFound) -> Result<(), Rejection> {
    let order = given(draft, &message.order)?;
    let first = match &order.state {
        OrderState::Open | OrderState::Registered { finding: None, .. } => true,
        OrderState::Registered { .. } => false,
    };
    if first {
        draft.emit(Event::RecollectionFound {
            order: message.order,
            barcode: message.barcode,
            finding: message.finding,
        });
        close_pools(draft, &[order.specimen]);
    }
    Ok(())
}

fn given(draft: &Draft<'_>, id: &OrderId) -> Result<Order, Rejection> {
    let state = draft.state();
    order_key(state, id)
        .and_then(|key| state.get::<Order>(&key))
        .ok_or_else(|| {
            Rejection::not_found(
                "ORDER_UNKNOWN",
                "order",
                format!("order {id} was not given here"),
                "check the order's number",
            )
        })
}

/// Why, in words.
#[must_use]
pub const fn words(reason: RetestReason) -> &'static str {
    match reason {
        RetestReason::PoolPositive => "its pool was positive",
        RetestReason::PoolSuspect => "its pool was in the grey zone or positive on one target",
        RetestReason::PoolInvalid => "its pool was invalid twice",
        RetestReason::Inconclusive => "its result was inconclusive",
        RetestReason::Invalid => "its result was invalid twice",
    }
}
