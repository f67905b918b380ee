//! What an event does to the tables. Total: an event that contradicts the state is an error, never a panic.

use super::board::{self, Gauge};
use super::event::{Event, Stated};
use super::registration::digest;
use super::state::{
    CLAIMS_MAX, Closed, Counters, Custody, Entry, Life, OUTCOMES_MAX, Open, OpenOrder, Outcome,
    Replacement, Standing, Verdict, WATCH_CHUNK, Watch, Withdrawn,
};
use crate::ids::{Barcode, LabId};
use crate::message::{SampleClosed, TubeSeen};
use crate::policy::fold_activation;
use crate::sample::Flag;
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;

/// One minute, the width of a watch.
const MINUTE_MS: i64 = 60_000;

/// Folds one event.
///
/// # Errors
/// The event contradicts the state; the text says how.
pub fn evolve(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), String> {
    match event {
        Event::PolicyActivated { content, version } => fold_activation(state, content, *version),
        Event::Registered(stated) => registered(state, stated, at)?,
        Event::Amended(stated) => amended(state, stated, at)?,
        Event::Withdrawn {
            barcode,
            version,
            reason,
        } => withdrawn(state, barcode, *version, reason, at)?,
        Event::TubeReceived(seen) => received(state, seen)?,
        Event::CustodyDisputed { barcode, claimant } => disputed(state, barcode, claimant)?,
        Event::Closed(closing) => closed(state, closing)?,
        Event::RecollectionOrdered(order) => {
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
        Event::ReplacementNoted(noted) => {
            let number = next(state, |counters| &mut counters.replacement);
            let row = Replacement {
                old: noted.old.clone(),
                new: noted.new.clone(),
                subjects: noted.subjects.clone(),
            };
            state.put(&number, &row);
        }
        Event::RecollectionFulfilled { order, old, new } => {
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
        Event::WatchChecked { due, at_risk, late } => {
            checked(state, *due, at_risk, late);
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
        Life::Seen(_) => None,
        Life::Open(open) => Some(open.sample.site.clone()),
        Life::Withdrawn(withdrawn) => Some(withdrawn.site.clone()),
        Life::Closed(closed) => Some(closed.site.clone()),
    }
}

fn place(entry: &Entry) -> Option<(LabId, Gauge)> {
    Some((entry.lab()?.clone(), Gauge::of(entry)))
}

fn registered(state: &mut dyn Write, stated: &Stated, at: Timestamp) -> Result<(), String> {
    let sample = &stated.sample;
    // Only a tube that a lab had already can have an entry, so others are spared the search.
    let known = if sample.flags.contains(&Flag::RegisteredAfterReceipt) {
        let (number, entry) = find(state, &sample.barcode)?;
        (Some(number), place(&entry), entry.custody)
    } else {
        (None, None, None)
    };
    let (number, before, custody) = known;
    let number = number.unwrap_or_else(|| next(state, |counters| &mut counters.entry));
    let entry = Entry {
        custody,
        life: Life::Open(Box::new(open(stated))),
    };
    state.put(&number, &entry);
    if entry.custody.is_none() {
        watch(state, stated.at_risk, number);
    }
    board::moved(state, before, &entry, |board| {
        board::registered(board, sample);
    });
    if entry.custody.is_some() {
        note(state, stated, at);
    }
    Ok(())
}

fn open(stated: &Stated) -> Open {
    Open {
        sample: stated.sample.clone(),
        source: stated.source.clone(),
        deadline: stated.deadline,
        at_risk: stated.at_risk,
        standing: Standing::OnTime,
    }
}

fn amended(state: &mut dyn Write, stated: &Stated, at: Timestamp) -> Result<(), String> {
    let (number, mut entry) = find(state, &stated.sample.barcode)?;
    let before = place(&entry);
    match &entry.life {
        // The watch starts again: class and collection time, and so the deadline, may be others.
        Life::Open(_) => entry.life = Life::Open(Box::new(open(stated))),
        Life::Closed(closed) => {
            entry.life = Life::Closed(Closed {
                version: stated.sample.version,
                site: stated.sample.site.clone(),
                source: stated.source.clone(),
                digest: digest(&stated.sample),
                ..closed.clone()
            });
        }
        Life::Seen(_) | Life::Withdrawn(_) => {
            return Err(format!(
                "barcode {} is amended, and is not registered",
                stated.sample.barcode
            ));
        }
    }
    state.put(&number, &entry);
    if entry.custody.is_none() && matches!(entry.life, Life::Open(_)) {
        watch(state, stated.at_risk, number);
    }
    board::moved(state, before, &entry, |_| {});
    note(state, stated, at);
    Ok(())
}

/// Keeps an outcome that a watcher cannot see from the entries alone.
fn note(state: &mut dyn Write, stated: &Stated, at: Timestamp) {
    let Some(sequence) = stated.sequence else {
        return;
    };
    let sample = &stated.sample;
    let source = if stated.source.is_empty() {
        sample.site.to_string()
    } else {
        stated.source.clone()
    };
    let version = sample.version;
    outcome(
        state,
        Outcome {
            source,
            sequence,
            barcode: sample.barcode.clone(),
            verdict: Verdict::Stated { version },
            at,
        },
    );
}

fn outcome(state: &mut dyn Write, outcome: Outcome) {
    let number = next(state, |counters| &mut counters.outcome);
    state.put(&number, &outcome);
    if let Some(oldest) = number.checked_sub(OUTCOMES_MAX) {
        state.delete::<Outcome>(&oldest);
    }
}

fn withdrawn(
    state: &mut dyn Write,
    barcode: &Barcode,
    version: u32,
    reason: &str,
    at: Timestamp,
) -> Result<(), String> {
    let (number, mut entry) = find(state, barcode)?;
    let before = place(&entry);
    let Life::Open(open) = &entry.life else {
        return Err(format!("barcode {barcode} is withdrawn, and is not open"));
    };
    entry.life = Life::Withdrawn(Withdrawn {
        barcode: barcode.clone(),
        version,
        site: open.sample.site.clone(),
        source: open.source.clone(),
        lab: open.sample.lab.clone(),
        reason: reason.to_owned(),
        at,
    });
    state.put(&number, &entry);
    board::moved(state, before, &entry, |_| {});
    Ok(())
}

fn received(state: &mut dyn Write, seen: &TubeSeen) -> Result<(), String> {
    let custody = Custody {
        lab: seen.lab.clone(),
        tube: seen.tube.number,
        received_at: seen.received_at,
        epoch: 1,
        claims: Vec::new(),
    };
    let Some((number, mut entry)) = state.find::<Entry>(seen.barcode.as_str()) else {
        let number = next(state, |counters| &mut counters.entry);
        let entry = Entry {
            life: Life::Seen(seen.barcode.clone()),
            custody: Some(custody),
        };
        state.put(&number, &entry);
        board::moved(state, None, &entry, |_| {});
        return Ok(());
    };
    if entry.custody.is_some() {
        return Err(format!("barcode {} is received twice", seen.barcode));
    }
    let before = place(&entry);
    let registered_at = match &mut entry.life {
        Life::Open(open) => {
            // The registration follows the tube.
            open.sample.lab = seen.lab.clone();
            Some(open.sample.registered_at)
        }
        Life::Closed(closed) => Some(closed.registered_at),
        Life::Seen(_) | Life::Withdrawn(_) => None,
    };
    entry.custody = Some(custody);
    state.put(&number, &entry);
    board::moved(state, before, &entry, |board| {
        if let Some(registered_at) = registered_at {
            board::received(board, registered_at, seen.received_at);
        }
    });
    Ok(())
}

fn disputed(state: &mut dyn Write, barcode: &Barcode, claimant: &LabId) -> Result<(), String> {
    let (number, mut entry) = find(state, barcode)?;
    if let Some(custody) = &mut entry.custody
        && !custody.claims.contains(claimant)
        && custody.claims.len() < CLAIMS_MAX
    {
        custody.claims.push(claimant.clone());
        state.put(&number, &entry);
    }
    Ok(())
}

fn closed(state: &mut dyn Write, closing: &SampleClosed) -> Result<(), String> {
    let (number, mut entry) = find(state, &closing.barcode)?;
    let before = place(&entry);
    let (version, site, source, lab, digest, registered_at) = match &entry.life {
        Life::Open(o) => (
            o.sample.version,
            o.sample.site.clone(),
            o.source.clone(),
            o.sample.lab.clone(),
            digest(&o.sample),
            o.sample.registered_at,
        ),
        Life::Withdrawn(w) => (
            w.version,
            w.site.clone(),
            w.source.clone(),
            w.lab.clone(),
            0,
            w.at,
        ),
        Life::Closed(c) => (
            c.version,
            c.site.clone(),
            c.source.clone(),
            c.lab.clone(),
            c.digest,
            c.registered_at,
        ),
        Life::Seen(_) => {
            return Err(format!(
                "barcode {} is closed, and was never registered",
                closing.barcode
            ));
        }
    };
    entry.life = Life::Closed(Closed {
        barcode: closing.barcode.clone(),
        version,
        site,
        source,
        lab,
        digest,
        registered_at,
        report_version: closing.report_version,
        result: closing.result,
        reported_at: closing.reported_at,
    });
    state.put(&number, &entry);
    board::moved(state, before, &entry, |_| {});
    Ok(())
}

/// Has the chunk of an entry looked at when the minute of `due` has ended.
fn watch(state: &mut dyn Write, due: Timestamp, number: u64) {
    let minute = due
        .0
        .saturating_sub(1)
        .div_euclid(MINUTE_MS)
        .saturating_add(1)
        .saturating_mul(MINUTE_MS);
    let key = (minute, number / WATCH_CHUNK);
    if state.get::<Watch>(&key).is_none() {
        state.put(&key, &Watch);
    }
}

fn checked(state: &mut dyn Write, due: Timestamp, at_risk: &[Barcode], late: &[Barcode]) {
    if let Some((key, Watch)) = state.first::<Watch>()
        && key.0 <= due.0
    {
        state.delete::<Watch>(&key);
    }
    for (barcodes, standing) in [(at_risk, Standing::AtRisk), (late, Standing::Late)] {
        for barcode in barcodes {
            stands(state, barcode, standing);
        }
    }
}

fn stands(state: &mut dyn Write, barcode: &Barcode, standing: Standing) {
    let Some((number, mut entry)) = state.find::<Entry>(barcode.as_str()) else {
        return;
    };
    let before = place(&entry);
    let Life::Open(open) = &mut entry.life else {
        return;
    };
    open.standing = standing;
    let due = open.deadline.due;
    state.put(&number, &entry);
    if standing == Standing::AtRisk {
        watch(state, due, number);
    }
    board::moved(state, before, &entry, |board| match standing {
        Standing::AtRisk => board.at_risk = board.at_risk.saturating_add(1),
        Standing::Late => board.late = board.late.saturating_add(1),
        Standing::OnTime => {}
    });
}
