//! A plate of 384 wells that was stamped from plates of 96: everything on them stands on it where its quadrant says.

use super::Pooling;
use super::plates::{State, named};
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::{stamped, well_name};
use tenfold_proto::v1::{Control, PoolingPlate, PoolingPlateCombined, QuadrantOrder};

/// What a plate was stamped from.
#[derive(Debug)]
pub struct Stamped {
    /// How its quadrants stand.
    pub order: QuadrantOrder,
    /// Where each content must stand, until it is loaded.
    pub places: Vec<(u16, u64)>,
}

impl Pooling {
    /// Plates are used up; what stood on them is planned for the new plate next.
    pub(super) fn combine(&mut self, book: &mut Book<'_>, event: &PoolingPlateCombined) {
        let (lab, barcode) = named(event.plate.as_ref());
        let order = event.order();
        let mut places: Vec<(u16, u64)> = Vec::new();
        let mut controls: Vec<(u16, Control)> = Vec::new();
        for source in &event.sources {
            let id = PoolingPlate {
                lab: lab.to_owned(),
                plate: source.plate.clone(),
            };
            let number = book.labs.plate(lab, &source.plate);
            if let Some(plate) = self.plates.get(&number) {
                let there = |at: u16| stamped(order, source.quadrant, at).unwrap_or(0);
                controls.extend(plate.controls.iter().map(|(at, is)| (there(*at), *is)));
                let standing = plate.wells.iter().filter(|well| !well.lost);
                places.extend(standing.map(|well| (there(well.well), well.content)));
            }
            self.lose(book, Some(&id), &[], &[State::Sealed]);
            if let Some(plate) = self.plates.get_mut(&number) {
                plate.state = State::Combined;
                plate.wells = Vec::new();
            }
        }
        let number = book.labs.plate(lab, barcode);
        let Some(plate) = self.plates.get_mut(&number) else {
            return book.wrong(Rule::Inv04, format!("plate {barcode} was never started"));
        };
        let mut own = plate.controls.clone();
        own.sort_unstable();
        controls.sort_unstable();
        plate.stamped = Some(Box::new(Stamped { order, places }));
        book.check(own == controls, Rule::Inv04, |_| {
            format!("plate {barcode} has other controls than the plates it was stamped from")
        });
    }

    /// On a plate that was stamped, a content stands where its quadrant says.
    pub(super) fn stands_where_stamped(
        &self,
        book: &mut Book<'_>,
        plate: u32,
        barcode: &str,
        at: u16,
        content: u64,
    ) {
        let stamped = self.plates.get(&plate).and_then(|p| p.stamped.as_ref());
        let right = stamped.is_none_or(|stamped| stamped.places.contains(&(at, content)));
        book.check(right, Rule::Inv04, |_| {
            format!(
                "well {} of plate {barcode} holds something else than its quadrant",
                well_name(at)
            )
        });
    }
}
