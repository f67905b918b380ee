//! Runs and their files.

use super::parts::numbered;
use crate::convert::message::well;
use crate::convert::{WireError, wire};
use crate::v1;
use tenfold_domain::results::call::RuleUsed;
use tenfold_domain::results::event::{Event, LabNumber};
use tenfold_domain::results::run::{ImportOutcome, Reading, Row, RunTable};
use tenfold_domain::results::state::{Analysis, GateVerdict, Submission};
use tenfold_domain::time::Timestamp;

impl From<Reading> for v1::CtReading {
    fn from(r: Reading) -> Self {
        Self {
            text: r.text,
            ct: r.ct,
        }
    }
}

impl From<v1::CtReading> for Reading {
    fn from(r: v1::CtReading) -> Self {
        Self {
            text: r.text,
            ct: r.ct,
        }
    }
}

impl From<Submission> for v1::RunSubmission {
    fn from(s: Submission) -> Self {
        Self {
            lab: s.lab.to_string(),
            plate: s.plate.to_string(),
            instrument_serial: s.serial,
            run_id: s.run_id,
            read_at: s.read_at.0,
            file_hash: s.file_hash,
            file_name: s.file_name,
            reason: s.reason,
            actor: s.actor.to_string(),
            table: Some(v1::RunTable {
                plate: s.table.plate,
                rows: s
                    .table
                    .rows
                    .into_iter()
                    .map(|row| v1::RunRow {
                        line: row.line,
                        well: row.well,
                        target: row.target,
                        reading: Some(row.reading.into()),
                        task: row.task,
                        omitted: row.omitted,
                        curve: row.curve.unwrap_or(0),
                    })
                    .collect(),
                warnings: s.table.warnings,
            }),
        }
    }
}

impl TryFrom<v1::RunSubmission> for Submission {
    type Error = WireError;
    fn try_from(s: v1::RunSubmission) -> Result<Self, WireError> {
        let table = s.table.ok_or(WireError::missing("table"))?;
        Ok(Self {
            lab: s.lab.into(),
            plate: s.plate.into(),
            serial: s.instrument_serial,
            run_id: s.run_id,
            read_at: Timestamp(s.read_at),
            file_hash: s.file_hash,
            file_name: s.file_name,
            reason: s.reason,
            actor: s.actor.into(),
            table: RunTable {
                plate: table.plate,
                rows: table
                    .rows
                    .into_iter()
                    .map(|row| Row {
                        line: row.line,
                        well: row.well,
                        target: row.target,
                        reading: row.reading.map(Into::into).unwrap_or_default(),
                        task: row.task,
                        omitted: row.omitted,
                        curve: (row.curve != 0).then_some(row.curve),
                    })
                    .collect(),
                warnings: table.warnings,
            },
        })
    }
}

/// An imported run, on the wire.
pub fn imported(
    run: LabNumber,
    (serial, run_id): (String, String),
    version: u32,
    file_hash: String,
    plate: u64,
    analysis: Analysis,
) -> v1::RunImported {
    let quadrants_out = analysis.gate.quadrants_out();
    let quadrants_out = quadrants_out.iter().copied().map(u32::from).collect();
    let failures = match analysis.gate {
        GateVerdict::InControl => Vec::new(),
        GateVerdict::OutOfControl(failures) | GateVerdict::QuadrantsOut { failures, .. } => {
            failures
        }
    };
    v1::RunImported {
        run: Some(run.into()),
        instrument_serial: serial,
        run_id,
        version,
        file_hash,
        plate,
        read_at: analysis.read_at.0,
        imported_at: analysis.imported_at.0,
        actor: analysis.actor.to_string(),
        file_name: analysis.file_name,
        reason: analysis.reason,
        policy: analysis.policy,
        rules: analysis
            .rules
            .into_iter()
            .map(|rule| v1::CtRuleUsed {
                target: rule.target,
                name: rule.name,
                version: rule.version,
            })
            .collect(),
        targets: analysis.targets,
        failures: failures
            .into_iter()
            .map(|(well, why)| v1::ControlFailure {
                well: well.map(|well| well.to_string()).unwrap_or_default(),
                why,
            })
            .collect(),
        wells: analysis
            .wells
            .into_iter()
            .map(|(well, readings, call)| v1::WellResult {
                well: well.to_string(),
                readings: wire(readings),
                call: v1::WellCall::from(call).into(),
            })
            .collect(),
        set_aside: analysis.set_aside.unwrap_or_default(),
        quadrants_out,
        same_curves: analysis
            .same_curves
            .iter()
            .map(|wells| v1::SameCurves {
                wells: wells.iter().map(ToString::to_string).collect(),
            })
            .collect(),
    }
}

/// Reads an imported run.
pub(super) fn read_imported(r: v1::RunImported) -> Result<Event, WireError> {
    let failures = r
        .failures
        .into_iter()
        .map(|f| {
            let place = (!f.well.is_empty()).then(|| well(&f.well)).transpose()?;
            Ok((place, f.why))
        })
        .collect::<Result<Vec<_>, WireError>>()?;
    let analysis = Analysis {
        read_at: Timestamp(r.read_at),
        imported_at: Timestamp(r.imported_at),
        actor: r.actor.into(),
        file_name: r.file_name,
        reason: r.reason,
        policy: r.policy,
        rules: r
            .rules
            .into_iter()
            .map(|rule| RuleUsed {
                target: rule.target,
                name: rule.name,
                version: rule.version,
            })
            .collect(),
        targets: r.targets,
        gate: match (failures.is_empty(), r.quadrants_out.is_empty()) {
            (true, _) => GateVerdict::InControl,
            (false, true) => GateVerdict::OutOfControl(failures),
            (false, false) => GateVerdict::QuadrantsOut {
                quadrants: r
                    .quadrants_out
                    .iter()
                    .map(|quadrant| {
                        u8::try_from(*quadrant)
                            .map_err(|_| WireError::new("quadrants_out", "is above 255"))
                    })
                    .collect::<Result<_, WireError>>()?,
                failures,
            },
        },
        wells: r
            .wells
            .into_iter()
            .map(|w| {
                let call = w.call().try_into()?;
                Ok((well(&w.well)?, all_readings(w.readings), call))
            })
            .collect::<Result<_, WireError>>()?,
        set_aside: (!r.set_aside.is_empty()).then_some(r.set_aside),
        same_curves: r
            .same_curves
            .iter()
            .map(|same| same.wells.iter().map(|name| well(name)).collect())
            .collect::<Result<_, WireError>>()?,
    };
    Ok(Event::RunImported {
        run: numbered(r.run, "run")?,
        serial: r.instrument_serial,
        run_id: r.run_id,
        version: r.version,
        file_hash: r.file_hash,
        plate: r.plate,
        analysis,
    })
}

fn all_readings(readings: Vec<v1::CtReading>) -> Vec<Reading> {
    readings.into_iter().map(Into::into).collect()
}

impl From<ImportOutcome> for v1::ImportRunReply {
    fn from(o: ImportOutcome) -> Self {
        let [negative, positive, single_target, grey, invalid] = o.calls;
        Self {
            state: v1::ImportState::from(o.state).into(),
            run: o.run,
            version: o.version,
            same_file: o.same_file,
            negative,
            positive,
            single_target,
            grey,
            invalid,
            notes: o.notes,
            file_hash: String::new(),
            // Known at the edge, where the file is read.
            format: String::new(),
            plate: String::new(),
            wells: 0,
        }
    }
}
