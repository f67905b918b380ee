//! Plates: a well holds one thing, controls stand where they were put, what is sealed does not change,
//! and what is loaded is what results is told.

use super::Pooling;
use super::combine::Stamped;
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::{COLLECTION, well, well_name};
use crate::ledger::tubes::{Stage, Vessel};
use prost::Message as _;
use std::collections::HashSet;
use tenfold_proto::v1::message::Message as Kind;
use tenfold_proto::v1::pooling_event::What;
use tenfold_proto::v1::{
    Control, ControlWell, LoadedPlate, Message, PlateWellContent, PoolingPlate, QuadrantOrder,
};

/// How far a plate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Sealed,
    Loaded,
    Void,
    /// A quadrant of another plate.
    Combined,
}

/// A well with something in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Well {
    pub(super) well: u16,
    /// A pool, or a tube with the bit set that says so.
    pub(super) content: u64,
    transferred: bool,
    pub(super) lost: bool,
}

/// A plate.
#[derive(Debug)]
pub struct Plate {
    pub(super) state: State,
    pub(super) controls: Vec<(u16, Control)>,
    pub(super) wells: Vec<Well>,
    started: u64,
    /// Lots that were scanned for it.
    lots: Vec<Box<str>>,
    /// If it was stamped from plates of 96 wells.
    pub(super) stamped: Option<Box<Stamped>>,
}

pub(super) fn named(plate: Option<&PoolingPlate>) -> (&str, &str) {
    plate.map_or(("", ""), |plate| (&plate.lab, &plate.plate))
}

impl Pooling {
    /// Takes an event about a plate.
    pub(super) fn plate_event(&mut self, book: &mut Book<'_>, what: &What) {
        match what {
            What::PlateStarted(event) => {
                let (lab, barcode) = named(event.plate.as_ref());
                let number = book.labs.plate(lab, barcode);
                let controls = controls_of(&event.controls);
                let wells: HashSet<u16> = controls.iter().map(|(at, _)| *at).collect();
                let fits = wells.len() == controls.len() && !wells.contains(&0);
                let plate = Plate {
                    state: State::Open,
                    controls,
                    wells: Vec::new(),
                    started: book.offset(),
                    lots: Vec::new(),
                    stamped: None,
                };
                let new = self.plates.insert(number, plate).is_none();
                book.check(new && fits, Rule::Inv04, |_| {
                    format!("plate {barcode} is started twice, or two controls share a well")
                });
            }
            What::PlateCombined(event) => self.combine(book, event),
            What::WellsPlanned(event) => {
                for content in &event.wells {
                    self.well_planned(book, event.plate.as_ref(), content);
                }
            }
            What::WellsTransferred(event) => {
                let wells: HashSet<u16> = event.wells.iter().map(|w| well(w)).collect();
                self.on_plate(book, event.plate.as_ref(), &[State::Open], |plate| {
                    // What was dropped meanwhile may be pipetted all the same.
                    let mut done = 0;
                    for well in &mut plate.wells {
                        if wells.contains(&well.well) {
                            well.transferred |= !well.lost;
                            done += 1;
                        }
                    }
                    done == wells.len()
                });
            }
            What::LotBound(event) => {
                let unread = [State::Open, State::Sealed];
                self.on_plate(book, event.plate.as_ref(), &unread, |plate| {
                    let new = !plate.lots.iter().any(|lot| **lot == event.lot);
                    plate.lots.push(event.lot.as_str().into());
                    new
                });
            }
            What::LotUnbound(event) => {
                self.on_plate(book, event.plate.as_ref(), &[State::Open], |plate| {
                    let bound = plate.lots.len();
                    plate.lots.retain(|lot| **lot != event.lot);
                    plate.lots.len() + 1 == bound
                });
            }
            What::WellFailed(event) => {
                let failed = [well(&event.well)];
                self.lose(book, event.plate.as_ref(), &failed, &[State::Open]);
            }
            What::PlateSealed(event) => {
                self.on_plate(book, Some(event), &[State::Open], |plate| {
                    plate.state = State::Sealed;
                    plate.wells.iter().all(|w| w.lost || w.transferred)
                });
            }
            What::PlateVoided(event) => {
                let plate = PoolingPlate {
                    lab: event.lab.clone(),
                    plate: event.plate.clone(),
                };
                let any = [State::Open, State::Sealed, State::Loaded];
                self.lose(book, Some(&plate), &[], &any);
                let number = book.labs.plate(&event.lab, &event.plate);
                if let Some(plate) = self.plates.get_mut(&number) {
                    plate.state = State::Void;
                    plate.wells = Vec::new();
                }
            }
            What::PlateLoaded(event) => self.load(book, event.plate.as_ref()),
            What::ReplateOrdered(order) => {
                let plate = PoolingPlate {
                    lab: order.lab.clone(),
                    plate: order.plate.clone(),
                };
                let wells: Vec<u16> = order.wells.iter().map(|w| well(w)).collect();
                self.lose(book, Some(&plate), &wells, &[State::Loaded, State::Void]);
            }
            _ => book.wrong(Rule::Unexplained, "an event that this audit does not know"),
        }
    }

    fn on_plate(
        &mut self,
        book: &mut Book<'_>,
        id: Option<&PoolingPlate>,
        states: &[State],
        how: impl FnOnce(&mut Plate) -> bool,
    ) {
        let (lab, barcode) = named(id);
        let number = book.labs.plate(lab, barcode);
        let Some(plate) = self.plates.get_mut(&number) else {
            return book.wrong(Rule::Inv04, format!("plate {barcode} was never started"));
        };
        let (was, started) = (plate.state, plate.started);
        let fits = how(plate);
        if !states.contains(&was) || !fits {
            let text = format!("plate {barcode} is {was:?} and cannot change so");
            book.wrong_since(Rule::Inv04, started, text);
        }
    }

    fn well_planned(
        &mut self,
        book: &mut Book<'_>,
        id: Option<&PoolingPlate>,
        planned: &PlateWellContent,
    ) {
        let (lab, barcode) = named(id);
        let number = book.labs.plate(lab, barcode);
        let at = well(&planned.well);
        let Some(content) = book.labs.pool_or_tube(&planned.content) else {
            return book.wrong(Rule::Inv04, format!("{:?} is no content", planned.content));
        };
        let stands = self.vessel(book, content);
        let free = self.plates.get(&number).is_some_and(|plate| {
            at != 0
                && !plate.controls.iter().any(|(control, _)| *control == at)
                && !plate.wells.iter().any(|w| w.well == at)
        });
        book.check(free, Rule::Inv04, |_| {
            format!(
                "well {} of plate {barcode} holds something already",
                planned.well
            )
        });
        book.check(stands == Some(Vessel::Ready), Rule::Inv04, |_| {
            format!(
                "{} is planned for well {} of plate {barcode}, and is {stands:?}",
                planned.content, planned.well
            )
        });
        self.stands_where_stamped(book, number, barcode, at, content);
        self.set_vessel(book, content, Vessel::In(number, at, false));
        self.on_plate(book, id, &[State::Open], |plate| {
            plate.wells.push(Well {
                well: at,
                content,
                transferred: false,
                lost: false,
            });
            true
        });
    }

    fn vessel(&self, book: &mut Book<'_>, content: u64) -> Option<Vessel> {
        if content & COLLECTION == 0 {
            return self.pools.get(&content)?.vessel;
        }
        match book.tubes.get(content & !COLLECTION)?.stage {
            Stage::Alone(vessel) => Some(vessel),
            _ => None,
        }
    }

    fn set_vessel(&mut self, book: &mut Book<'_>, content: u64, vessel: Vessel) {
        if content & COLLECTION == 0 {
            if let Some(pool) = self.pools.get_mut(&content) {
                pool.vessel = Some(vessel);
            }
        } else if let Some(tube) = book.tubes.get(content & !COLLECTION)
            && matches!(tube.stage, Stage::Alone(_))
        {
            tube.stage = Stage::Alone(vessel);
        }
    }

    fn stands_on(&self, book: &mut Book<'_>, content: u64, number: u32) -> bool {
        // A closed tube is not taken out of the short ones for a look.
        if content & COLLECTION != 0 && book.tubes.is_cold(content & !COLLECTION) {
            return false;
        }
        matches!(self.vessel(book, content), Some(Vessel::In(plate, _, _)) if plate == number)
    }

    /// The contents of wells (none = all) wait again.
    pub(super) fn lose(
        &mut self,
        book: &mut Book<'_>,
        id: Option<&PoolingPlate>,
        wells: &[u16],
        states: &[State],
    ) {
        let (lab, barcode) = named(id);
        let number = book.labs.plate(lab, barcode);
        let Some(plate) = self.plates.get_mut(&number) else {
            return book.wrong(Rule::Inv04, format!("plate {barcode} was never started"));
        };
        let (was, started) = (plate.state, plate.started);
        let mut lost = Vec::new();
        for well in plate.wells.iter_mut().filter(|w| !w.lost) {
            if wells.is_empty() || wells.contains(&well.well) {
                well.lost = true;
                lost.push(well.content);
            }
        }
        if !states.contains(&was) {
            let text = format!("plate {barcode} is {was:?}, and wells of it are lost");
            book.wrong_since(Rule::Inv04, started, text);
        }
        for content in lost {
            if self.stands_on(book, content, number) {
                self.set_vessel(book, content, Vessel::Ready);
            }
        }
    }

    /// What results is told of a loaded plate is what stands on it, with recorded transfers all the way.
    fn load(&mut self, book: &mut Book<'_>, id: Option<&PoolingPlate>) {
        self.loaded = self.loaded.saturating_add(1);
        self.on_plate(book, id, &[State::Sealed], |plate| {
            plate.state = State::Loaded;
            // Nothing comes to it any more, and it is kept for ever.
            if let Some(stamped) = &mut plate.stamped {
                stamped.places = Vec::new();
            }
            plate.wells.shrink_to_fit();
            plate.controls.shrink_to_fit();
            true
        });
        let (lab, barcode) = named(id);
        let number = book.labs.plate(lab, barcode);
        let Some(told) = told(book, lab, barcode) else {
            let text = format!("plate {barcode} is loaded, and results is not told");
            return book.wrong(Rule::Result, text);
        };
        let Some(plate) = self.plates.get(&number) else {
            return;
        };
        let mut controls = controls_of(&told.controls);
        let mut own = plate.controls.clone();
        controls.sort_unstable();
        own.sort_unstable();
        book.check(controls == own, Rule::Result, |_| {
            format!("plate {barcode}: results is told of other controls")
        });
        let quadrants = plate
            .stamped
            .as_ref()
            .map_or(QuadrantOrder::Unspecified, |stamped| stamped.order);
        book.check(told.quadrants() == quadrants, Rule::Result, |_| {
            format!("plate {barcode}: results is told that its quadrants stand otherwise")
        });
        let standing: Vec<(u16, u64, bool)> = plate
            .wells
            .iter()
            .filter(|w| !w.lost)
            .map(|w| (w.well, w.content, w.transferred))
            .collect();
        for (at, content, transferred) in standing {
            if !self.stands_on(book, content, number) {
                continue;
            }
            self.set_vessel(book, content, Vessel::In(number, at, true));
            let members = if content & COLLECTION == 0 {
                let Some(pool) = self.pools.get(&content) else {
                    continue;
                };
                let whole = pool.members.iter().all(|m| m.transferred);
                let with_it = pool.members.iter().filter(|m| m.with_it);
                (whole, with_it.map(|m| m.tube).collect::<HashSet<_>>())
            } else {
                (true, HashSet::from([content & !COLLECTION]))
            };
            let says = told.wells.iter().find(|w| well(&w.well) == at);
            let told_members: HashSet<u64> = says
                .iter()
                .flat_map(|w| &w.members)
                .filter_map(|m| book.labs.tube(&m.tube))
                .collect();
            let right = says.is_some() && transferred && members.0 && told_members == members.1;
            book.check(right, Rule::Result, |labs| {
                let content = if content & COLLECTION == 0 {
                    labs.pool_id(content)
                } else {
                    labs.tube_id(content & !COLLECTION)
                };
                format!(
                    "plate {barcode}, well {}: results is told of other tubes than were \
                     transferred with {content}",
                    well_name(at)
                )
            });
            if content & COLLECTION == 0 && members.1.is_empty() {
                self.pools.remove(&content);
            }
        }
    }
}

/// Where each control is.
fn controls_of(controls: &[ControlWell]) -> Vec<(u16, Control)> {
    let each = controls.iter();
    each.map(|c| (well(&c.well), c.control())).collect()
}

/// The message about a plate in the same batch.
fn told(book: &Book<'_>, lab: &str, barcode: &str) -> Option<LoadedPlate> {
    book.batch.decisions.messages.iter().find_map(|message| {
        match Message::decode(message.body.clone()).ok()?.message? {
            Kind::PlateLoaded(plate) if plate.lab == lab && plate.plate == barcode => Some(plate),
            _ => None,
        }
    })
}
