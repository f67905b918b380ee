//! Pre-printed labels: numbers that nobody else gets.
//!
//! A bench reserves a batch of pool numbers and prints them on a roll. From then on its new pools take these numbers
//! one by one, in the order of the roll; all other pools go on behind the batch. A lab reserves plate barcodes the same
//! way, written `lab-1-PL17`; any bench may start a plate under one of them.
//!
//! Without this two benches that print ahead would print the same numbers. A number is used once or never: the rest of
//! a roll that is thrown away is no loss.

use super::draft::Draft;
use super::event::What;
use super::evolve::FoldProblem;
use super::lab::{count, find};
use super::plate::{Plate, by_barcode};
use super::pool::bench_key;
use crate::ids::{Barcode, BenchId, LabId};
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt, Record, TableId, Write, WriteExt};
use serde::{Deserialize, Serialize};

/// Most labels of one batch.
pub const BATCH_MAX: u32 = 2_000;

/// Most batches of a bench that are not used up: more are rolls that somebody forgot.
pub const BATCHES_MAX: usize = 8;

/// Most plate barcodes passed over because somebody used them by hand.
const PASSED_OVER_MAX: u64 = 10_000;

/// Numbers from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The first one; of a batch in use, the next one.
    pub first: u64,
    /// The last one.
    pub last: u64,
}

/// Pool numbers a bench has reserved and not used, in the order they were reserved. Named `lab/bench`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedPools {
    /// Batches, the one in use first.
    pub batches: Vec<Batch>,
}

impl Record for ReservedPools {
    const TABLE: TableId = 12;
    const NAME: &'static str = "reserved pools";
    type Key = String;
}

/// The last plate number a lab has reserved. Named as the lab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedPlates {
    /// The last number.
    pub last: u64,
}

impl Record for ReservedPlates {
    const TABLE: TableId = 13;
    const NAME: &'static str = "reserved plates";
    type Key = String;
}

/// The barcode of a reserved plate.
#[must_use]
pub fn plate_barcode(lab: &LabId, number: u64) -> Barcode {
    format!("{lab}-PL{number}").into()
}

/// The number a bench reserved for its next pool.
#[must_use]
pub fn next_pool(state: &dyn Read, lab: &LabId, bench: &BenchId) -> Option<u64> {
    let reserved: ReservedPools = state.get(&bench_key(lab, bench))?;
    reserved.batches.first().map(|batch| batch.first)
}

/// Reserves pool numbers for a bench.
///
/// # Errors
/// None or too many at once, or the bench has too many batches that are not used up.
pub fn reserve_pools(
    draft: &mut Draft<'_>,
    lab: &LabId,
    bench: &BenchId,
    count: u32,
) -> Result<Batch, Rejection> {
    let count = counted(count)?;
    if bench.is_empty() {
        return Err(Rejection::invalid(
            "BENCH_MISSING",
            "bench",
            "pool labels belong to a bench",
            "name the bench that will use the roll",
        ));
    }
    let reserved: ReservedPools = draft
        .state()
        .get(&bench_key(lab, bench))
        .unwrap_or_default();
    if reserved.batches.len() >= BATCHES_MAX {
        return Err(Rejection::precondition(
            "BATCHES_FULL",
            "bench",
            format!("bench {bench:?} has {BATCHES_MAX} batches that are not used up"),
            "use the rolls that are there first",
        ));
    }
    let given = find(draft.state(), lab).map_or(0, |(_, record)| record.pools);
    let batch = batch(given, count);
    draft.emit(What::PoolLabelsReserved {
        lab: lab.clone(),
        bench: bench.clone(),
        batch,
    })?;
    Ok(batch)
}

/// Reserves plate barcodes for a lab. Barcodes of this form that somebody used by hand are passed over.
///
/// # Errors
/// None or too many at once.
pub fn reserve_plates(draft: &mut Draft<'_>, lab: &LabId, count: u32) -> Result<Batch, Rejection> {
    let count = counted(count)?;
    let last = draft
        .state()
        .get::<ReservedPlates>(&lab.to_string())
        .unwrap_or_default()
        .last;
    let used = |number: u64| {
        let barcode = plate_barcode(lab, number);
        by_barcode(draft.state(), lab, &barcode).is_some()
            || draft.state().find::<Plate>(barcode.as_str()).is_some()
    };
    let mut wanted = batch(last, count);
    while let Some(taken) = (wanted.first..=wanted.last).rev().find(|n| used(*n)) {
        if taken.saturating_sub(last) > PASSED_OVER_MAX {
            return Err(Rejection::precondition(
                "LABELS_USED",
                "count",
                "too many barcodes of this form were used by hand",
                "reserve fewer at a time",
            ));
        }
        wanted = batch(taken, count);
    }
    draft.emit(What::PlateLabelsReserved {
        lab: lab.clone(),
        batch: wanted,
    })?;
    Ok(wanted)
}

fn counted(count: u32) -> Result<u64, Rejection> {
    if count == 0 || count > BATCH_MAX {
        return Err(Rejection::invalid(
            "COUNT",
            "count",
            format!("{count} labels: 1 to {BATCH_MAX} are reserved at a time"),
            "reserve several batches",
        ));
    }
    Ok(u64::from(count))
}

const fn batch(after: u64, count: u64) -> Batch {
    Batch {
        first: after.saturating_add(1),
        last: after.saturating_add(count),
    }
}

pub(super) fn evolve(state: &mut dyn Write, what: &What) -> Result<(), FoldProblem> {
    match what {
        What::PoolLabelsReserved { lab, bench, batch } => {
            let given = find(state, lab).map_or(0, |(_, record)| record.pools);
            if batch.first <= given || batch.last < batch.first {
                return Err(FoldProblem(format!(
                    "pool labels {} to {} of lab {lab} are not new",
                    batch.first, batch.last
                )));
            }
            count(state, lab, |lab| lab.pools = batch.last);
            let key = bench_key(lab, bench);
            let mut reserved: ReservedPools = state.get(&key).unwrap_or_default();
            reserved.batches.push(*batch);
            state.put(&key, &reserved);
        }
        What::PlateLabelsReserved { lab, batch } => {
            state.put(&lab.to_string(), &ReservedPlates { last: batch.last });
        }
        _ => {}
    }
    Ok(())
}

/// A bench has opened a pool under this number: if it is of a batch, the batch goes on behind it.
pub(super) fn used(state: &mut dyn Write, lab: &LabId, bench: &BenchId, number: u64) {
    let key = bench_key(lab, bench);
    let Some(mut reserved) = state.get::<ReservedPools>(&key) else {
        return;
    };
    for batch in &mut reserved.batches {
        if (batch.first..=batch.last).contains(&number) {
            batch.first = number.saturating_add(1);
        }
    }
    reserved.batches.retain(|batch| batch.first <= batch.last);
    if reserved.batches.is_empty() {
        state.delete::<ReservedPools>(&key);
    } else {
        state.put(&key, &reserved);
    }
}
