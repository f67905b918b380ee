//! The fold: events into tables. Pure, the same at every replay; an event that contradicts the state is
//! an error, never a panic.

mod clocks;
mod filing;
mod orders;
mod plates;
mod pools;
mod reports;

use super::event;
use super::event::Event;
use super::state::{
    Board, Lab, Specimen, Standing, Work, ensure_lab, ensure_receiver, key_of, lab_no, lab_no_of,
    tube_key,
};
use crate::ids::TubeId;
use crate::policy::fold_activation;
use crate::tables::{Read, ReadExt, Write, WriteExt};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Folds one event.
///
/// # Errors
/// What in the event contradicts the state.
pub fn evolve(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), String> {
    match event {
        Event::PolicyActivated { version, content } => {
            fold_activation(state, content, *version);
            Ok(())
        }
        Event::PlateLoaded { number, plate } => plates::loaded(state, *number, plate, at),
        Event::PlateVoided { plate, .. } => plates::voided(state, plate),
        Event::MemberAmended {
            tube,
            sample,
            withdrawn,
        } => plates::amended(state, tube, sample, *withdrawn),
        Event::RunImported { .. } => plates::imported(state, event, at),
        Event::RunParked { number, submission } => plates::parked(state, *number, submission),
        Event::RunUnparked { parked } => plates::unparked(state, parked),
        Event::ReleasePaused { run, version, next } => {
            clocks::paused(state, run, *version, *next, at)
        }
        Event::PoolSuspected { .. } => pools::suspected(state, event, at),
        Event::PoolClosed { pool, end } => pools::closed(state, pool, *end, at),
        Event::OrdersPlaced { lab, orders } => orders::placed(state, lab, orders, at),
        Event::OrdersEnded { orders, end } => orders::ended(state, orders, *end, at),
        Event::RecollectionRegistered { order, barcode } => {
            orders::registered(state, order, barcode, at)
        }
        Event::RecollectionFound {
            order,
            barcode,
            finding,
        } => orders::found(state, order, barcode, *finding, at),
        Event::ReleaseSuppressed { tubes, finding } => {
            let mut boards = Boards::default();
            let mut keys = Vec::with_capacity(tubes.len());
            for tube in tubes {
                let (key, _) = change(state, &mut boards, tube, |specimen| {
                    specimen.finding = Some(*finding);
                    specimen.standing = Standing::Closed;
                    specimen.closed_at = Some(at);
                })?;
                keys.push(key);
            }
            boards.store(state);
            filing::queue(state, at, &keys);
            Ok(())
        }
        Event::ReportsIssued {
            verdict,
            receivers,
            reports,
        } => reports::issued(state, *verdict, receivers, reports, at),
        Event::DeliveriesSent { receiver, cargo } => reports::sent(state, receiver, cargo, at),
        Event::DeliveriesAccepted { receiver, cargo } => reports::accepted(state, receiver, cargo),
        Event::DeliveryStuck {
            receiver,
            cargo,
            why,
        } => reports::stuck(state, receiver, cargo, Some(why)),
        Event::DeliveryRequeued { receiver, cargo } => reports::stuck(state, receiver, cargo, None),
        Event::SpecimensClosed { tubes } => reports::closed(state, tubes, at),
        Event::SpecimensFiled { tubes, kept } => filing::filed(state, tubes, kept, at),
        Event::CardsDropped { tubes } => filing::dropped(state, tubes),
        Event::WorkOpened { .. } => opened(state, event, at),
        Event::WorkResolved { work, .. } => {
            let no = known_lab(state, work)?;
            state.delete::<Work>(&key_of(no, work.number));
            Ok(())
        }
        Event::CheckAdded {
            check,
            plate,
            at,
            tubes,
        } => clocks::check_added(state, *check, plate, *at, tubes),
        Event::AtRisk { tubes } => clocks::at_risk(state, tubes),
        Event::Late { tubes } => clocks::late(state, tubes),
        Event::OrderLate { order } => orders::late(state, order),
        Event::AlertLate { pool } => pools::alert_late(state, pool),
        Event::TimerDone { due, timer } => clocks::done(state, *due, timer),
    }
}

fn opened(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), String> {
    let Event::WorkOpened {
        work,
        kind,
        about,
        detail,
        delivery,
    } = event
    else {
        return Ok(());
    };
    let no = ensure_lab(state, &work.lab);
    let mut lab: Lab = state.get(&no).unwrap_or_default();
    lab.works = lab.works.max(work.number);
    state.put(&no, &lab);
    let delivery = match delivery {
        None => None,
        Some((receiver, cargo)) => {
            let (no, _) = ensure_receiver(state, receiver);
            reports::number_of(state, no, cargo)?.map(|number| (no, number))
        }
    };
    let item = Work {
        kind: kind.clone(),
        about: about.clone(),
        detail: detail.clone(),
        at,
        delivery,
    };
    state.put(&key_of(no, work.number), &item);
    Ok(())
}

fn known_lab(state: &dyn Read, of: &event::LabNumber) -> Result<u64, String> {
    lab_no(state, &of.lab).ok_or_else(|| format!("lab {:?} is unknown", of.lab))
}

/// Boards of the labs that an event touches, each read and written once.
#[derive(Default)]
struct Boards(BTreeMap<u64, Board>);

impl Boards {
    fn of(&mut self, state: &dyn Read, key: u64) -> &mut Board {
        let no = lab_no_of(key);
        self.0
            .entry(no)
            .or_insert_with(|| state.get(&no).unwrap_or_default())
    }

    fn store(self, state: &mut dyn Write) {
        for (no, board) in self.0 {
            state.put(&no, &board);
        }
    }
}

/// Changes a tube, and moves it on its board.
fn change(
    state: &mut dyn Write,
    boards: &mut Boards,
    tube: &TubeId,
    with: impl FnOnce(&mut Specimen),
) -> Result<(u64, Specimen), String> {
    let key = tube_key(state, tube).ok_or_else(|| format!("tube {tube} is unknown"))?;
    change_key(state, boards, key, with)
}

fn change_key(
    state: &mut dyn Write,
    boards: &mut Boards,
    key: u64,
    with: impl FnOnce(&mut Specimen),
) -> Result<(u64, Specimen), String> {
    let mut specimen: Specimen = state
        .get(&key)
        .ok_or_else(|| format!("tube {key} was never loaded"))?;
    let board = boards.of(state, key);
    board.leave(&specimen);
    with(&mut specimen);
    board.enter(&specimen);
    state.put(&key, &specimen);
    Ok((key, specimen))
}
