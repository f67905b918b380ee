//! The clock of samples that did not arrive: which chunk of entries is looked at when, and what was found.

use super::place;
use crate::ids::Barcode;
use crate::intake::board;
use crate::intake::state::{Entry, Life, Standing, WATCH_CHUNK, Watch};
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;
use std::sync::Arc;

/// One minute, the width of a watch.
const MINUTE_MS: i64 = 60_000;

/// Has the chunk of an entry looked at when the minute of `due` has ended.
pub(super) fn watch(state: &mut dyn Write, due: Timestamp, number: u64) {
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

pub(super) fn checked(
    state: &mut dyn Write,
    due: Timestamp,
    at_risk: &[Barcode],
    late: &[Barcode],
) {
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
    let entry = Arc::new(entry);
    state.put_shared(&number, Arc::clone(&entry));
    if standing == Standing::AtRisk {
        watch(state, due, number);
    }
    board::moved(state, before, &entry, |board| match standing {
        Standing::AtRisk => board.at_risk = board.at_risk.saturating_add(1),
        Standing::Late => board.late = board.late.saturating_add(1),
        Standing::OnTime => {}
    });
}
