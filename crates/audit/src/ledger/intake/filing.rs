//! Filed samples in intake: a card is left of what results has filed, and goes when results drops its own.

use super::{Intake, Life};
use crate::about::name;
use crate::finding::Rule;
use crate::ledger::book::Book;
use tenfold_proto::v1::{IntakeCardDropped, IntakeFiled};

impl Intake {
    /// Only a card is left of a closed sample that results has filed.
    pub(super) fn file(&mut self, book: &mut Book<'_>, filed: &IntakeFiled) {
        let barcode = name(&filed.barcode);
        let closed = self.closed.has(barcode)
            || self
                .known
                .get(&barcode)
                .is_some_and(|known| known.life == Life::Closed);
        let tube = book.labs.tube(&filed.tube);
        let of_results = tube.and_then(|tube| book.tubes.ends.of(tube));
        let why = if !closed {
            Some("it is not closed")
        } else if !of_results.is_some_and(|end| end.filed) {
            Some("results has not filed its tube")
        } else if !tube.is_some_and(|tube| self.filed.insert(tube)) {
            Some("it was filed before")
        } else {
            None
        };
        if let Some(why) = why {
            let text = format!("{} leaves intake: {why}", filed.barcode);
            book.wrong(Rule::Inv01, text);
        }
    }

    /// Nothing is left of a filed sample whose card results has dropped: its barcode may be registered anew.
    pub(super) fn drop_card(&mut self, book: &mut Book<'_>, dropped: &IntakeCardDropped) {
        let barcode = name(&dropped.barcode);
        let tube = book.labs.tube(&dropped.tube);
        let of_results = tube.and_then(|tube| book.tubes.ends.of(tube));
        let why = if !tube.is_some_and(|tube| self.filed.has(tube)) {
            Some("its tube is not filed")
        } else if !of_results.is_some_and(|end| end.dropped) {
            Some("results has its card")
        } else if !tube.is_some_and(|tube| self.dropped.insert(tube)) {
            Some("it was dropped before")
        } else if !self.closed.remove(barcode) {
            Some("it is not closed")
        } else {
            None
        };
        self.freed.insert(barcode);
        if let Some(why) = why {
            let text = format!("the card of {} is dropped: {why}", dropped.barcode);
            book.wrong(Rule::Inv01, text);
        }
    }
}
