//! A site's word on a sample: registered, amended, withdrawn. Must not know where the tube is, only whether a lab
//! has it.

use super::{find, next, outcome, place, watch::watch};
use crate::ids::Barcode;
use crate::intake::board;
use crate::intake::event::Stated;
use crate::intake::registration::digest;
use crate::intake::state::{
    Closed, Entry, Filed, Life, Open, Outcome, Standing, Verdict, Withdrawn,
};
use crate::sample::Flag;
use crate::tables::{Write, WriteExt};
use crate::time::Timestamp;
use std::sync::Arc;

pub(super) fn registered(
    state: &mut dyn Write,
    stated: &Stated,
    at: Timestamp,
) -> Result<(), String> {
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
    let entry = Arc::new(entry);
    state.put_shared(&number, Arc::clone(&entry));
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

pub(super) fn amended(state: &mut dyn Write, stated: &Stated, at: Timestamp) -> Result<(), String> {
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
        Life::Filed(card) => {
            entry.life = Life::Filed(Filed {
                version: stated.sample.version,
                by: stated.by().into(),
                digest: digest(&stated.sample).to_le_bytes(),
                ..card.clone()
            });
        }
        Life::Seen(_) | Life::Withdrawn(_) => {
            return Err(format!(
                "barcode {} is amended, and is not registered",
                stated.sample.barcode
            ));
        }
    }
    let entry = Arc::new(entry);
    state.put_shared(&number, Arc::clone(&entry));
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
    let source = stated.by().to_owned();
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

pub(super) fn withdrawn(
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
    let entry = Arc::new(entry);
    state.put_shared(&number, Arc::clone(&entry));
    board::moved(state, before, &entry, |_| {});
    Ok(())
}
