//! Who is to be swabbed again: orders that are open, and new samples that came before their order.

use super::{next, site_of};
use crate::ids::{Barcode, OrderId};
use crate::intake::state::{Entry, OpenOrder, Replacement};
use crate::message::{Recollected, RecollectionOrder};
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
