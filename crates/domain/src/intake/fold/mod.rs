//! What an event does to the tables. Total: an event that contradicts the state is an error, never a panic.
//!
//! [`registration`] folds what a site says of a sample, [`tube`] what labs say of the tube, [`recollection`] who is
//! to be swabbed again, and [`watch`] the clock of samples that did not arrive.

mod recollection;
mod registration;
mod tube;
mod watch;

use super::board::Gauge;
use super::event::Event;
use super::state::{Counters, Entry, Life, OUTCOMES_MAX, Outcome, Verdict};
use crate::ids::{Barcode, LabId};
use crate::policy::fold_activation;
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;

/// Folds one event.
///
/// # Errors
/// The event contradicts the state; the text says how.
pub fn evolve(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), String> {
    match event {
        Event::PolicyActivated { content, version } => fold_activation(state, content, *version),
        Event::Registered(stated) => registration::registered(state, stated, at)?,
        Event::Amended(stated) => registration::amended(state, stated, at)?,
        Event::Withdrawn {
            barcode,
            version,
            reason,
        } => registration::withdrawn(state, barcode, *version, reason, at)?,
        Event::TubeReceived(seen) => tube::received(state, seen)?,
        Event::CustodyDisputed { barcode, claimant } => tube::disputed(state, barcode, claimant)?,
        Event::Closed(closing) => {
            tube::closed(state, closing)?;
            recollection::closed(state, &closing.barcode);
        }
        Event::Filed { barcode, tube } => tube::filed(state, barcode, tube)?,
        Event::CardDropped { barcode, .. } => tube::dropped(state, barcode)?,
        Event::RecollectionOrdered(order) => recollection::ordered(state, order),
        Event::ReplacementNoted(noted) => recollection::noted(state, noted),
        Event::RecollectionFulfilled { order, old, new } => {
            recollection::fulfilled(state, order, old, new);
        }
        Event::ResultAwaited(awaited) => recollection::awaited(state, awaited),
        Event::WatchChecked { due, at_risk, late } => {
            watch::checked(state, *due, at_risk, late);
        }
        Event::Refused {
            source,
            sequence,
            barcode,
            rejection,
        } => outcome(
            state,
            Outcome {
                source: source.clone(),
                sequence: *sequence,
                barcode: barcode.clone(),
                verdict: Verdict::Refused(rejection.clone()),
                at,
            },
        ),
    }
    Ok(())
}

/// Takes the next number of a table, from 1.
fn next(state: &mut dyn Write, of: impl FnOnce(&mut Counters) -> &mut u64) -> u64 {
    let mut counters = state.get::<Counters>(&()).unwrap_or_default();
    let counter = of(&mut counters);
    *counter = counter.saturating_add(1);
    let number = *counter;
    state.put(&(), &counters);
    number
}

fn find(state: &dyn Write, barcode: &Barcode) -> Result<(u64, Entry), String> {
    state
        .find::<Entry>(barcode.as_str())
        .ok_or_else(|| format!("there is no entry for barcode {barcode}"))
}

fn site_of(entry: &Entry) -> Option<crate::ids::SiteId> {
    match &entry.life {
        // Results orders nothing more for what it has filed.
        Life::Seen(_) | Life::Filed(_) => None,
        Life::Open(open) => Some(open.sample.site.clone()),
        Life::Withdrawn(withdrawn) => Some(withdrawn.site.clone()),
        Life::Closed(closed) => Some(closed.site.clone()),
    }
}

fn place(entry: &Entry) -> Option<(LabId, Gauge)> {
    Some((entry.lab()?.clone(), Gauge::of(entry)))
}

fn outcome(state: &mut dyn Write, outcome: Outcome) {
    let number = next(state, |counters| &mut counters.outcome);
    state.put(&number, &outcome);
    if let Some(oldest) = number.checked_sub(OUTCOMES_MAX) {
        state.delete::<Outcome>(&oldest);
    }
}
