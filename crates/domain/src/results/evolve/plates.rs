//! Plates, runs, and what was registered about tubes.

use super::{Boards, change, change_key, known_lab};
use crate::ids::TubeId;
use crate::message::{LoadedPlate, LoadedWell, Member};
use crate::results::event::{Event, LabNumber};
use crate::results::state::{
    Filed, GateVerdict, Lab, Plate, PlateState, PlateWell, Registered, Run, Sla, SpanKind,
    Specimen, Standing, Submission, Test, ensure_lab, key_of, tube_key,
};
use crate::sample::Sample;
use crate::tables::{ReadExt, Write, WriteExt};
use crate::time::Timestamp;

/// Most tests kept of one tube; older ones go. Two rounds with a repeat each are four.
const TESTS_MAX: usize = 12;

pub(super) fn loaded(
    state: &mut dyn Write,
    number: u64,
    plate: &LoadedPlate,
    at: Timestamp,
) -> Result<(), String> {
    let no = ensure_lab(state, &plate.lab);
    let key = key_of(no, number);
    let mut lab: Lab = state.get(&no).unwrap_or_default();
    lab.plates = lab.plates.max(number);
    state.put(&no, &lab);
    let mut boards = Boards::default();
    let mut wells = Vec::with_capacity(plate.wells.len());
    for well in &plate.wells {
        let mut members = Vec::with_capacity(well.members.len());
        for member in &well.members {
            members.push(member_loaded(state, &mut boards, key, well, member));
        }
        wells.push(PlateWell {
            well: well.well,
            pool: well.pool.clone(),
            members,
        });
    }
    wells.sort_by_key(|well| well.well);
    boards.store(state);
    // Labs of pools get their numbers here, so that a pool's key can be made at any time.
    for pool in plate.wells.iter().filter_map(|well| well.pool.as_ref()) {
        ensure_lab(state, &pool.lab);
    }
    let record = Plate {
        lab: plate.lab.clone(),
        barcode: plate.plate.clone(),
        size: plate.size,
        assay: plate.assay.clone(),
        instrument: plate.instrument.clone(),
        loaded_at: plate.loaded_at,
        told_at: at,
        controls: plate.controls.clone(),
        wells,
        dropped: plate.dropped.clone(),
        quadrants: plate.quadrants,
        state: PlateState::Loaded,
        current: None,
        runs: Vec::new(),
        filed: false,
    };
    state.put(&key, &record);
    Ok(())
}

fn member_loaded(
    state: &mut dyn Write,
    boards: &mut Boards,
    plate: u64,
    well: &LoadedWell,
    member: &Member,
) -> u64 {
    let key = key_of(ensure_lab(state, &member.tube.lab), member.tube.number);
    let test = Test {
        plate,
        well: well.well,
        pooled: well.pool.is_some(),
        round: member.round,
        transferred_at: member.transferred_at,
    };
    // What was filed stays filed: it stands on the plate's map, and nothing follows for it.
    if state.get::<Filed>(&key).is_some() {
        return key;
    }
    let known: Option<Registered> = state.get(&key);
    let mut before = None;
    if known
        .as_ref()
        .is_none_or(|known| known.sample.version <= member.sample.version)
    {
        let registered = Registered {
            sample: compact(&member.sample),
            received_at: member.received_at,
            due: member.due,
            policy: member.policy,
        };
        state.put(&key, &registered);
        before = known.filter(|known| *known != registered);
    }
    let board = boards.of(state, key);
    let specimen = match state.get::<Specimen>(&key) {
        Some(mut specimen) => {
            board.leave(&specimen);
            if let Some(before) = &before {
                specimen.keep_told(before);
            }
            if !specimen.is_final() {
                specimen.standing = Standing::Loaded;
            }
            specimen.withdrawn |= member.withdrawn;
            specimen.round = specimen.round.max(member.round);
            specimen.tests.push(test);
            if specimen.tests.len() > TESTS_MAX {
                specimen.tests.remove(0);
            }
            specimen
        }
        None => Specimen {
            standing: Standing::Loaded,
            withdrawn: member.withdrawn,
            sla: Sla::InTime,
            round: member.round,
            tests: vec![test],
            invalids: 0,
            inconclusives: 0,
            finding: None,
            pool: None,
            orders: Vec::new(),
            reports: Vec::new(),
            sent_to: Vec::new(),
            closed_at: None,
        },
    };
    boards.of(state, key).enter(&specimen);
    state.put(&key, &specimen);
    key
}

/// What reports need of a registration.
fn compact(sample: &Sample) -> Sample {
    Sample {
        collector: None,
        round: None,
        transport_box: None,
        ..sample.clone()
    }
}

pub(super) fn voided(state: &mut dyn Write, plate: &LabNumber) -> Result<(), String> {
    let key = key_of(known_lab(state, plate)?, plate.number);
    let mut record: Plate = state.get(&key).ok_or("the plate is unknown")?;
    record.state = PlateState::Voided;
    state.put(&key, &record);
    back_to_plating(state, key, &record, |_| true)
}

/// Tubes in these wells that still wait for this plate wait for another now.
fn back_to_plating(
    state: &mut dyn Write,
    key: u64,
    plate: &Plate,
    out: impl Fn(&PlateWell) -> bool,
) -> Result<(), String> {
    let mut boards = Boards::default();
    let wells = plate.wells.iter().filter(|well| out(well));
    for member in wells.flat_map(|well| &well.members) {
        let waits = state.get::<Specimen>(member).is_some_and(|specimen| {
            specimen.standing == Standing::Loaded
                && specimen.test().is_some_and(|test| test.plate == key)
        });
        if waits {
            change_key(state, &mut boards, *member, |specimen| {
                specimen.standing = Standing::AwaitingReplate;
            })?;
        }
    }
    boards.store(state);
    Ok(())
}

pub(super) fn amended(
    state: &mut dyn Write,
    tube: &TubeId,
    sample: &Sample,
    withdrawn: bool,
) -> Result<(), String> {
    let key = tube_key(state, tube).ok_or_else(|| format!("tube {tube} is unknown"))?;
    let mut registered: Registered = state
        .get(&key)
        .ok_or_else(|| format!("tube {tube} was never loaded"))?;
    let before = registered.clone();
    registered.sample = compact(sample);
    state.put(&key, &registered);
    let mut boards = Boards::default();
    change(state, &mut boards, tube, |specimen| {
        specimen.keep_told(&before);
        specimen.withdrawn = withdrawn
    })?;
    boards.store(state);
    Ok(())
}

pub(super) fn imported(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), String> {
    let Event::RunImported {
        run,
        serial,
        run_id,
        version,
        file_hash,
        plate,
        analysis,
    } = event
    else {
        return Ok(());
    };
    let no = known_lab(state, run)?;
    let mut lab: Lab = state.get(&no).unwrap_or_default();
    lab.runs = lab.runs.max(run.number);
    state.put(&no, &lab);
    let (key, plate_key) = (key_of(no, run.number), key_of(no, *plate));
    let mut record = state.get::<Run>(&key).unwrap_or_else(|| Run {
        name: Run::name_of(serial, run_id),
        plate: plate_key,
        files: Vec::new(),
    });
    record.files.push(file_hash.clone());
    state.put(&key, &record);
    state.put(&(key, u64::from(*version)), analysis);
    let mut plate: Plate = state.get(&plate_key).ok_or("the run's plate is unknown")?;
    if !plate.runs.contains(&key) {
        plate.runs.push(key);
        state.put(&plate_key, &plate);
    }
    if plate.current.is_none() {
        let mut boards = Boards::default();
        let length = at.since(plate.loaded_at);
        let tubes: usize = plate.wells.iter().map(|well| well.members.len()).sum();
        let board = boards.of(state, plate_key);
        for _ in 0..tubes {
            board.span(SpanKind::Run, length);
        }
        boards.store(state);
    }
    if analysis.set_aside.is_some() {
        return Ok(());
    }
    plate.current = Some((key, *version));
    let out = matches!(analysis.gate, GateVerdict::OutOfControl(_));
    plate.state = if out {
        PlateState::OutOfControl
    } else {
        PlateState::Released
    };
    state.put(&plate_key, &plate);
    back_to_plating(state, plate_key, &plate, |well| {
        plate.is_out(&analysis.gate, well.well)
    })
}

pub(super) fn parked(
    state: &mut dyn Write,
    number: u64,
    submission: &Submission,
) -> Result<(), String> {
    let no = ensure_lab(state, &submission.lab);
    let mut lab: Lab = state.get(&no).unwrap_or_default();
    lab.parked = lab.parked.max(number);
    state.put(&no, &lab);
    state.put(&key_of(no, number), submission);
    Ok(())
}

pub(super) fn unparked(state: &mut dyn Write, parked: &LabNumber) -> Result<(), String> {
    let no = known_lab(state, parked)?;
    state.delete::<Submission>(&key_of(no, parked.number));
    Ok(())
}
