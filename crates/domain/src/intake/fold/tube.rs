//! What labs say of the tube: it is here, it is here too, it is reported, it is filed, its card is dropped.

use super::{find, next, place};
use crate::ids::{Barcode, LabId, TubeId};
use crate::intake::board;
use crate::intake::registration::digest;
use crate::intake::state::{CANCELLED, CLAIMS_MAX, Closed, Custody, Entry, Filed, Life};
use crate::message::{SampleClosed, TubeSeen};
use crate::tables::{ReadExt, Write, WriteExt};
use std::sync::Arc;

pub(super) fn received(state: &mut dyn Write, seen: &TubeSeen) -> Result<(), String> {
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
        let entry = Arc::new(entry);
        state.put_shared(&number, Arc::clone(&entry));
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
        Life::Filed(_) => return Err(format!("barcode {} is filed, and received", seen.barcode)),
    };
    entry.custody = Some(custody);
    let entry = Arc::new(entry);
    state.put_shared(&number, Arc::clone(&entry));
    board::moved(state, before, &entry, |board| {
        if let Some(registered_at) = registered_at {
            board::received(board, registered_at, seen.received_at);
        }
    });
    Ok(())
}

pub(super) fn disputed(
    state: &mut dyn Write,
    barcode: &Barcode,
    claimant: &LabId,
) -> Result<(), String> {
    let (number, mut entry) = find(state, barcode)?;
    if let Some(custody) = &mut entry.custody
        && !custody.claims.contains(claimant)
        && custody.claims.len() < CLAIMS_MAX
    {
        custody.claims.push(claimant.clone());
        let entry = Arc::new(entry);
        state.put_shared(&number, Arc::clone(&entry));
    }
    Ok(())
}

pub(super) fn closed(state: &mut dyn Write, closing: &SampleClosed) -> Result<(), String> {
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
            CANCELLED,
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
        Life::Seen(_) | Life::Filed(_) => {
            return Err(format!(
                "barcode {} is closed, and was never registered, or is filed",
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
    let entry = Arc::new(entry);
    state.put_shared(&number, Arc::clone(&entry));
    board::moved(state, before, &entry, |_| {});
    Ok(())
}

/// Its card is all that is left of a closed sample.
pub(super) fn filed(state: &mut dyn Write, barcode: &Barcode, tube: &TubeId) -> Result<(), String> {
    let (number, entry) = find(state, barcode)?;
    let before = place(&entry);
    let by = entry.stated().map_or("", |(by, _)| by).into();
    let Life::Closed(closed) = entry.life else {
        return Err(format!("barcode {barcode} is filed, and is not closed"));
    };
    let card = Filed {
        barcode: closed.barcode,
        version: closed.version,
        by,
        lab: tube.lab.clone(),
        tube: tube.number,
        digest: closed.digest.to_le_bytes(),
        report_version: closed.report_version,
        result: closed.result,
        reported_at: closed.reported_at,
    };
    let entry = Arc::new(Entry {
        life: Life::Filed(card),
        custody: None,
    });
    state.put_shared(&number, Arc::clone(&entry));
    board::moved(state, before, &entry, |_| {});
    Ok(())
}

/// The barcode is free: as if it had never been here, but for what was counted of it.
pub(super) fn dropped(state: &mut dyn Write, barcode: &Barcode) -> Result<(), String> {
    let (number, entry) = find(state, barcode)?;
    if !matches!(entry.life, Life::Filed(_)) {
        return Err(format!("barcode {barcode} is dropped, and is not filed"));
    }
    state.delete::<Entry>(&number);
    board::gone(state, place(&entry));
    Ok(())
}
