//! Opentrons: the commands of a run, as the robot's HTTP API gives them (`GET /runs/ID/commands`), or the run with them.
//!
//! Facts: a JSON object with `data`, a list of commands. Each has `commandType`, `status` (`succeeded`, `failed`, `queued`,
//! `running`), `params`, and `error` with `errorType` and `detail` if it failed. `loadLabware` has `result.labwareId`, and our
//! label in `params.displayName`. `aspirate` and `dispense` name `pipetteId`, `labwareId`, `wellName` and `volume`. Commands
//! that were never begun are not in the list, or are `queued`.

use super::{LogError, Move, Spot, volume};
use serde_json::Value;
use std::collections::HashMap;

/// What was moved.
pub(super) fn moves(text: &str) -> Result<Vec<Move>, LogError> {
    let log: Value =
        serde_json::from_str(text).map_err(|error| LogError::Content(error.to_string()))?;
    let commands = [
        log.pointer("/data"),
        log.pointer("/commands/data"),
        log.pointer("/commands"),
        Some(&log),
    ]
    .into_iter()
    .flatten()
    .find_map(Value::as_array)
    .filter(|commands| {
        commands
            .iter()
            .any(|one| !text_of(one, "/commandType").is_empty())
    })
    .ok_or(LogError::Unknown)?;
    let mut labels: HashMap<&str, &str> = HashMap::new();
    let mut held: HashMap<&str, Spot> = HashMap::new();
    let mut moves = Vec::new();
    for command in commands {
        let kind = text_of(command, "/commandType");
        let status = text_of(command, "/status");
        let failed = (status == "failed").then(|| why(command));
        match kind {
            "loadLabware" => {
                let id = text_of(command, "/result/labwareId");
                labels.insert(id, text_of(command, "/params/displayName"));
            }
            "aspirate" | "dispense" if status == "succeeded" || failed.is_some() => {
                let pipette = text_of(command, "/params/pipetteId");
                let id = text_of(command, "/params/labwareId");
                let spot = Spot {
                    labware: labels.get(id).copied().unwrap_or(id).to_owned(),
                    at: text_of(command, "/params/wellName").to_owned(),
                };
                let ul = command
                    .pointer("/params/volume")
                    .and_then(|ul| volume(&ul.to_string()))
                    .unwrap_or(0.0);
                step(kind, spot, ul, failed, (pipette, &mut held), &mut moves);
            }
            "dropTip" | "dropTipInPlace" => {
                held.remove(text_of(command, "/params/pipetteId"));
            }
            _ => {}
        }
    }
    Ok(moves)
}

fn step<'a>(
    kind: &str,
    spot: Spot,
    ul: f64,
    failed: Option<String>,
    (pipette, held): (&'a str, &mut HashMap<&'a str, Spot>),
    moves: &mut Vec<Move>,
) {
    match (kind, failed) {
        ("aspirate", Some(why)) => moves.push(Move {
            from: spot,
            to: None,
            ul,
            failed: Some(why),
        }),
        ("aspirate", None) => {
            held.insert(pipette, spot);
        }
        (_, failed) => {
            let Some(from) = held.get(pipette).cloned() else {
                return;
            };
            moves.push(Move {
                from,
                to: Some(spot),
                ul,
                failed,
            });
        }
    }
}

fn text_of<'a>(value: &'a Value, at: &str) -> &'a str {
    value
        .pointer(at)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn why(command: &Value) -> String {
    let (kind, detail) = (
        text_of(command, "/error/errorType"),
        text_of(command, "/error/detail"),
    );
    let words: Vec<&str> = [kind, detail]
        .into_iter()
        .filter(|one| !one.is_empty())
        .collect();
    if words.is_empty() {
        "the robot says that it failed, and not why".to_owned()
    } else {
        words.join(": ")
    }
}
