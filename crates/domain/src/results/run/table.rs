//! A run's table against the plate it is of: every fault of the file is found, not only the first.

use super::Reading;
use crate::message::Control;
use crate::policy::Assay;
use crate::rejection::Rejection;
use crate::results::call::WellCts;
use crate::results::state::Plate;
use crate::well::Well;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most rows of one file: 384 wells of eight targets, twice.
pub const ROWS_MAX: usize = 6_144;

/// Most faults of a file that are told one by one.
const EXAMPLES_MAX: usize = 5;

/// One reaction: a well and a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its line in the file, from 1, header and blank lines included.
    pub line: u32,
    /// The well as the file writes it.
    pub well: String,
    /// The target as the file writes it.
    pub target: String,
    /// The Ct.
    pub reading: Reading,
    /// What the file says is in the well (`NTC`, `UNKNOWN`); only compared with the plate map.
    pub task: String,
    /// The operator took it out at the instrument: no call may be made from it.
    pub omitted: bool,
    /// Digest of its amplification curve, if the file has one that says anything.
    pub curve: Option<u64>,
}

/// What an instrument's file says, whatever its format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunTable {
    /// The plate's barcode, if the file names it.
    pub plate: String,
    /// Reactions.
    pub rows: Vec<Row>,
    /// Warnings of the reader.
    pub warnings: Vec<String>,
}

/// A table that fits its plate: every well of the map has a Ct, or its absence, for every target.
pub(super) struct Fitted {
    pub targets: Vec<String>,
    pub wells: BTreeMap<Well, Vec<Reading>>,
    pub warnings: Vec<String>,
    /// Wells whose code in the file contradicts the map.
    pub code_mismatches: Vec<String>,
}

impl Fitted {
    /// The numbers of a well: its targets, and the internal control.
    pub fn cts(&self, well: Well) -> WellCts {
        let readings = self.wells.get(&well).map(Vec::as_slice).unwrap_or_default();
        let cut = self.targets.len().saturating_sub(1);
        WellCts {
            targets: readings.iter().take(cut).map(|r| r.ct).collect(),
            control: readings.get(cut).and_then(|r| r.ct),
        }
    }

    /// The numbers of a plate's control wells.
    pub fn controls(&self, plate: &Plate) -> Vec<(Well, Control, WellCts)> {
        plate
            .controls
            .iter()
            .map(|(well, control)| (*well, *control, self.cts(*well)))
            .collect()
    }
}

#[derive(Default)]
struct Faults {
    first: Option<&'static str>,
    count: usize,
    examples: Vec<String>,
}

impl Faults {
    fn add(&mut self, reason: &'static str, text: String) {
        self.first.get_or_insert(reason);
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(text);
        }
    }
}

/// Fits a table to the plate's map and the kit's targets.
pub(super) fn fit(table: &RunTable, plate: &Plate, assay: &Assay) -> Result<Fitted, Rejection> {
    let control = &assay.internal_control.target;
    let targets: Vec<String> = assay.targets.keys().chain([control]).cloned().collect();
    let map: BTreeMap<Well, Option<Control>> = plate
        .wells
        .iter()
        .map(|w| (w.well, None))
        .chain(plate.controls.iter().map(|(well, c)| (*well, Some(*c))))
        .collect();
    let mut faults = Faults::default();
    let mut wells: BTreeMap<Well, Vec<Option<Reading>>> = BTreeMap::new();
    let mut unused = 0_u32;
    let mut dropped = BTreeSet::new();
    let mut mismatches = BTreeSet::new();
    let mut omitted = BTreeSet::new();
    for row in &table.rows {
        let line = row.line;
        let Some(well) = Well::parse(plate.size, &row.well) else {
            faults.add(
                "BAD_WELL",
                format!("line {line}: {:?} is no well of this plate", row.well),
            );
            continue;
        };
        let Some(own) = assay.target_named(&row.target) else {
            faults.add(
                "UNKNOWN_TARGET",
                format!(
                    "line {line}: target {:?} is not in kit {}",
                    row.target, plate.assay
                ),
            );
            continue;
        };
        let Some(mapped) = map.get(&well) else {
            if plate.dropped.contains(&well) {
                if row.reading.ct.is_some() {
                    dropped.insert(well);
                }
            } else if row.reading.ct.is_some() {
                faults.add(
                    "WELL_NOT_ON_PLATE_MAP",
                    format!(
                        "line {line}: well {well} has Ct {} and is empty on the plate's map",
                        row.reading.text
                    ),
                );
            } else {
                unused += 1;
            }
            continue;
        };
        if contradicts(&row.task, *mapped) {
            mismatches.insert(format!("well {well} is {:?} in the file", row.task));
        }
        if let Some(ct) = row.reading.ct
            && !(ct > 0.0 && ct <= 100.0)
        {
            faults.add(
                "BAD_NUMBER",
                format!("line {line}: Ct {ct} is not above 0 and at most 100"),
            );
            continue;
        }
        let readings = wells
            .entry(well)
            .or_insert_with(|| vec![None; targets.len()]);
        if row.omitted {
            match mapped {
                Some(_) => faults.add(
                    "CONTROL_OMITTED",
                    format!("line {line}: control well {well} was taken out at the instrument"),
                ),
                None => {
                    omitted.insert(well);
                }
            }
        }
        let at = targets.iter().position(|target| target == own);
        if let Some(slot) = at.and_then(|at| readings.get_mut(at)) {
            if slot.is_some() {
                faults.add(
                    "DUPLICATE_REACTION",
                    format!("line {line}: well {well} has target {own} twice"),
                );
            }
            *slot = Some(row.reading.clone());
        }
    }
    missing(&map, &wells, &targets, &mut faults);
    // Nothing of such a well may make a negative: without any Ct, its internal control included, it is invalid.
    for well in &omitted {
        for reading in wells.get_mut(well).into_iter().flatten().flatten() {
            *reading = Reading {
                text: format!("omitted {}", reading.text).trim_end().to_owned(),
                ct: None,
            };
        }
    }
    if let Some(reason) = faults.first {
        let more = faults.count.saturating_sub(faults.examples.len());
        let tail = if more > 0 {
            format!("; and {more} more")
        } else {
            String::new()
        };
        return Err(Rejection::invalid(
            reason,
            "file",
            format!("{}{tail}", faults.examples.join("; ")),
            "correct the file or its export and import it again; nothing was imported",
        ));
    }
    let mut warnings = table.warnings.clone();
    if unused > 0 {
        warnings.push(format!(
            "{unused} rows without Ct are of wells that are empty on the plate's map"
        ));
    }
    let list = |wells: &BTreeSet<Well>| {
        let names: Vec<String> = wells.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    if !dropped.is_empty() {
        warnings.push(format!(
            "Ct of wells whose content no longer counts are not used: {}",
            list(&dropped)
        ));
    }
    if !omitted.is_empty() {
        warnings.push(format!(
            "taken out at the instrument, so invalid: {}",
            list(&omitted)
        ));
    }
    Ok(Fitted {
        targets,
        wells: wells
            .into_iter()
            .map(|(well, readings)| {
                (
                    well,
                    readings
                        .into_iter()
                        .map(Option::unwrap_or_default)
                        .collect(),
                )
            })
            .collect(),
        warnings,
        code_mismatches: mismatches.into_iter().collect(),
    })
}

fn missing(
    map: &BTreeMap<Well, Option<Control>>,
    wells: &BTreeMap<Well, Vec<Option<Reading>>>,
    targets: &[String],
    faults: &mut Faults,
) {
    for (well, control) in map {
        let (reason, what) = match control {
            Some(_) => ("CONTROL_MISSING", "control well"),
            None => ("WELL_WITHOUT_CT", "well"),
        };
        match wells.get(well) {
            None => faults.add(reason, format!("{what} {well} has no row")),
            Some(readings) => {
                for (target, reading) in targets.iter().zip(readings) {
                    if reading.is_none() {
                        faults.add(
                            reason,
                            format!("{what} {well} has no row for target {target}"),
                        );
                    }
                }
            }
        }
    }
}

/// A file may call every well `UNKNOWN`; but water where the map has a specimen, or a positive control
/// where it has water, means that this is another plate, or this one turned round.
fn contradicts(task: &str, mapped: Option<Control>) -> bool {
    let word = task.trim().to_ascii_uppercase();
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == ' ');
    let negative = matches!(
        word,
        "NTC" | "NC" | "NEG" | "NEG CTRL" | "NEGATIVE_CONTROL" | "WATER"
    );
    let positive = matches!(word, "PC" | "POS" | "POS CTRL" | "POSITIVE_CONTROL");
    match mapped {
        None => negative || positive,
        Some(Control::Positive | Control::WeakPositive) => negative,
        Some(Control::Negative | Control::BatchNegative | Control::Extraction) => positive,
    }
}
