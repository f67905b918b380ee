//! Who is to be swabbed again: orders that are open, new samples that came before their order, and whose results are
//! awaited.

use super::{next, site_of};
use crate::ids::{Barcode, OrderId};
use crate::intake::state::{Awaited, Entry, Life, OpenOrder, Replacement};
use crate::message::{Recollected, RecollectionOrder, RecollectionRegistered};
use crate::tables::{ReadExt, Write, WriteExt};

pub(super) fn ordered(state: &mut dyn Write, order: &RecollectionOrder) {
    let number = next(state, |counters| &mut counters.order);
    let site = state
        .find::<Entry>(order.barcode.as_str())
        .and_then(|(_, entry)| site_of(&entry));
    let row = OpenOrder {
        order: order.order.clone(),
        barcode: order.barcode.clone(),
        site,
        subject: order.subject.clone(),
        reason: order.reason.clone(),
        ordered_at: order.ordered_at,
        due: order.due,
    };
    state.put(&number, &row);
}

pub(super) fn noted(state: &mut dyn Write, noted: &Recollected) {
    let number = next(state, |counters| &mut counters.replacement);
    let row = Replacement {
        old: noted.old.clone(),
        new: noted.new.clone(),
        subjects: noted.subjects.clone(),
    };
    state.put(&number, &row);
}

pub(super) fn fulfilled(state: &mut dyn Write, order: &OrderId, old: &Barcode, new: &Barcode) {
    for (number, row) in state.find_all::<OpenOrder>(old.as_str()) {
        if row.order == *order {
            state.delete::<OpenOrder>(&number);
        }
    }
    for (number, row) in state.find_all::<Replacement>(old.as_str()) {
        if row.new == *new {
            state.delete::<Replacement>(&number);
        }
    }
}

pub(super) fn awaited(state: &mut dyn Write, awaited: &RecollectionRegistered) {
    let done = state
        .find::<Entry>(awaited.barcode.as_str())
        .is_some_and(|(_, entry)| matches!(entry.life, Life::Closed(_) | Life::Filed(_)));
    if done {
        // Its result was sent with this very event.
        return;
    }
    let number = next(state, |counters| &mut counters.awaited);
    let row = Awaited {
        barcode: awaited.barcode.clone(),
        order: awaited.order.clone(),
    };
    state.put(&number, &row);
}

/// The sample has its result: nobody awaits it any more.
pub(super) fn closed(state: &mut dyn Write, barcode: &Barcode) {
    for (number, _) in state.find_all::<Awaited>(barcode.as_str()) {
        state.delete::<Awaited>(&number);
    }
}
