//! Filing: rows of samples that are final leave the state, and a card stays. Plates go with the last of their
//! tubes, and with them what was read of them and the suspect pools that stood on them. Cards go when their time is up.

use super::Boards;
use crate::ids::TubeId;
use crate::message::FinalResult;
use crate::results::outcome::lab_of;
use crate::results::state::{
    Analysis, FILED_TOGETHER_MAX, Filed, Order, OrderState, Plate, PlateWell, PoolRef, Registered,
    Run, Specimen, SuspectPool, ToDrop, ToFile, lab_no, pool_key, tube_id, tube_key,
};
use crate::tables::{Read, ReadExt, Write, WriteExt};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Tubes were closed: they are looked at when the retention has passed.
pub(super) fn queue(state: &mut dyn Write, at: Timestamp, tubes: &[u64]) {
    for part in tubes.chunks(FILED_TOGETHER_MAX) {
        let Some(first) = part.first() else { continue };
        let key = (at.0, *first);
        let mut row: ToFile = state.get(&key).unwrap_or_default();
        for tube in part {
            if !row.tubes.contains(tube) {
                row.tubes.push(*tube);
            }
        }
        state.put(&key, &row);
    }
}

/// The first row of those that wait is done with: these of it are filed, and those wait once more.
pub(super) fn filed(
    state: &mut dyn Write,
    tubes: &[TubeId],
    kept: &[TubeId],
    at: Timestamp,
) -> Result<(), String> {
    let (first, _) = state
        .first::<ToFile>()
        .ok_or("no closed tubes wait to be filed")?;
    state.delete::<ToFile>(&first);
    let mut boards = Boards::default();
    let mut plates = BTreeSet::new();
    for tube in tubes {
        let key = known(state, tube)?;
        let specimen = file(state, &mut boards, key)?;
        plates.extend(specimen.tests.iter().map(|test| test.plate));
    }
    boards.store(state);
    for plate in plates {
        file_plate(state, plate);
    }
    let tubes: Vec<u64> = tubes
        .iter()
        .map(|tube| known(state, tube))
        .collect::<Result<_, _>>()?;
    if let Some(first) = tubes.first() {
        let key = (at.0, *first);
        state.put(&key, &ToDrop { tubes });
    }
    let kept: Vec<u64> = kept
        .iter()
        .map(|tube| known(state, tube))
        .collect::<Result<_, _>>()?;
    queue(state, at, &kept);
    Ok(())
}

/// The first row of those whose cards wait to be dropped is done with: they are its tubes.
pub(super) fn dropped(state: &mut dyn Write, tubes: &[TubeId]) -> Result<(), String> {
    let (first, row) = state
        .first::<ToDrop>()
        .ok_or("no cards wait to be dropped")?;
    state.delete::<ToDrop>(&first);
    let mut boards = Boards::default();
    for tube in tubes {
        let key = known(state, tube)?;
        if !row.tubes.contains(&key) || state.get::<Filed>(&key).is_none() {
            return Err(format!("tube {tube} has no card that waits to be dropped"));
        }
        state.delete::<Filed>(&key);
        let board = boards.of(state, key);
        board.filed = board.filed.saturating_sub(1);
    }
    boards.store(state);
    Ok(())
}

fn known(state: &dyn Read, tube: &TubeId) -> Result<u64, String> {
    tube_key(state, tube).ok_or_else(|| format!("tube {tube} is unknown"))
}

fn at_hand(state: &dyn Read, tube: u64) -> bool {
    state.get::<Specimen>(&tube).is_some()
}

fn file(state: &mut dyn Write, boards: &mut Boards, key: u64) -> Result<Specimen, String> {
    let (Some(specimen), Some(registered)) =
        (state.get::<Specimen>(&key), state.get::<Registered>(&key))
    else {
        return Err(format!("tube {key} is not at hand"));
    };
    let closed_at = specimen
        .closed_at
        .ok_or_else(|| format!("tube {key} is filed, and was never closed"))?;
    let board = boards.of(state, key);
    board.leave(&specimen);
    board.filed = board.filed.saturating_add(1);
    let report = specimen.report();
    let lab = lab_of(state, key, &specimen);
    let card = Filed {
        barcode: registered.sample.barcode,
        version: registered.sample.version,
        report: report.map_or(0, |report| report.version),
        result: report
            .and_then(|report| report.verdict.result())
            .unwrap_or(FinalResult::Withdrawn),
        finding: specimen.finding,
        withdrawn: specimen.withdrawn,
        lab: lab_no(state, &lab).unwrap_or_default(),
        reported_at: report.map_or(closed_at, |report| report.at),
        from: first_told(state, &specimen).unwrap_or(registered.received_at),
        until: last_told(state, &specimen)
            .unwrap_or(closed_at)
            .max(closed_at),
    };
    for order in &specimen.orders {
        state.delete::<Order>(order);
    }
    state.delete::<Registered>(&key);
    state.delete::<Specimen>(&key);
    state.put(&key, &card);
    Ok(specimen)
}

/// When its first plate was told of.
fn first_told(state: &dyn Read, specimen: &Specimen) -> Option<Timestamp> {
    let plates = specimen
        .tests
        .iter()
        .filter_map(|test| state.get::<Plate>(&test.plate));
    plates.map(|plate| plate.told_at).min()
}

/// When something was last told of it that does not change the tube itself: its pool ended, its new swab came, its
/// plate was read once more.
fn last_told(state: &dyn Read, specimen: &Specimen) -> Option<Timestamp> {
    let pool = specimen
        .pool
        .and_then(|pool| state.get::<SuspectPool>(&pool)?.ended_at);
    let orders = specimen.orders.iter().filter_map(|key| {
        let order: Order = state.get(key)?;
        match order.state {
            OrderState::Registered { at, .. } => Some(at),
            OrderState::Open => None,
        }
    });
    let plates = specimen
        .tests
        .iter()
        .filter_map(|test| last_read(state, test.plate));
    orders.chain(pool).chain(plates).max()
}

/// When a plate's newest analysis was imported.
fn last_read(state: &dyn Read, plate: u64) -> Option<Timestamp> {
    let plate: Plate = state.get(&plate)?;
    let of = |key: &u64| {
        let version = u64::try_from(state.get::<Run>(key)?.files.len()).ok()?;
        Some(state.get::<Analysis>(&(*key, version))?.imported_at)
    };
    plate.runs.iter().filter_map(of).max()
}

/// A plate with none of its tubes at hand keeps its name, its state and its runs' names: a file that comes again is
/// known, and the barcode stays taken.
fn file_plate(state: &mut dyn Write, key: u64) {
    let Some(mut plate) = state.get::<Plate>(&key) else {
        return;
    };
    let mut members = plate.wells.iter().flat_map(|well| &well.members);
    if plate.filed || members.any(|member| at_hand(state, *member)) {
        return;
    }
    for run in &plate.runs {
        let versions = state.get::<Run>(run).map_or(0, |run| run.files.len());
        for version in (1..).take(versions) {
            state.delete::<Analysis>(&(*run, version));
        }
    }
    let pools = plate.wells.iter().filter_map(|well| pool_in(state, well));
    for pool in pools.collect::<Vec<_>>() {
        let here = state.get::<SuspectPool>(&pool);
        if here.is_some_and(|pool| pool.plate == key) {
            state.delete::<SuspectPool>(&pool);
        }
    }
    plate.filed = true;
    plate.wells = Vec::new();
    plate.controls = Vec::new();
    plate.dropped = Vec::new();
    plate.instrument = String::new();
    state.put(&key, &plate);
}

/// The key of what may be a suspect pool in a well.
fn pool_in(state: &dyn Read, well: &PlateWell) -> Option<(u64, u64)> {
    let pool = match (&well.pool, well.members.as_slice()) {
        (Some(pool), _) => PoolRef::Lab(pool.clone()),
        (None, [tube]) => PoolRef::Tube(tube_id(state, *tube)),
        (None, _) => return None,
    };
    pool_key(state, &pool)
}
