//! Hamilton: a trace of Venus (`.trc`).
//!
//! Facts: a line is `TIME> INSTRUMENT : COMMAND - STATUS; DETAILS`. `COMMAND` names `Aspirate` or `Dispense`; `STATUS` is `start`,
//! `progress`, `complete`, or speaks of an error. The details of what was done are one part a channel,
//! `channel 1: LABWARE, POSITION, 100.0 uL`, separated by `>`. A channel holds what it aspirated until it dispenses.

use super::{LogError, Move, Spot, volume};
use std::collections::HashMap;

/// It looks like a trace.
pub(super) fn is(text: &str) -> bool {
    text.lines().take(200).any(|line| parts(line).is_some())
}

/// What was moved.
pub(super) fn moves(text: &str) -> Result<Vec<Move>, LogError> {
    let mut held: HashMap<String, Spot> = HashMap::new();
    let mut moves = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((command, status, details)) = parts(line) else {
            continue;
        };
        let command = command.to_ascii_lowercase();
        let aspirates = command.contains("aspirat");
        if !aspirates && !command.contains("dispens") {
            continue;
        }
        let status = status.trim().to_ascii_lowercase();
        let failed = status.contains("error") || status.contains("abort");
        if !failed && status != "complete" {
            continue;
        }
        for part in details.split('>').filter(|part| part.contains("channel ")) {
            let (channel, spot, ul) = action(part).ok_or_else(|| LogError::Line {
                line: number,
                what: format!(
                    "{:?} names no channel, labware, position and volume",
                    part.trim()
                ),
            })?;
            let why = || {
                let said = details.split('>').next().unwrap_or_default().trim();
                if said.is_empty() || said.starts_with("channel ") {
                    format!("{} {status}", command.trim())
                } else {
                    said.to_owned()
                }
            };
            match (aspirates, failed) {
                (true, true) => moves.push(Move {
                    from: spot,
                    to: None,
                    ul,
                    failed: Some(why()),
                }),
                (true, false) => {
                    held.insert(channel.to_owned(), spot);
                }
                (false, failed) => {
                    if let Some(from) = held.get(channel).cloned() {
                        moves.push(Move {
                            from,
                            to: Some(spot),
                            ul,
                            failed: failed.then(why),
                        });
                    }
                }
            }
        }
    }
    Ok(moves)
}

/// Command, status and details of a line.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (time, rest) = line.split_once("> ")?;
    let dated = !time.is_empty()
        && time
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | ':' | ' ' | '.'));
    let (_, rest) = rest.split_once(" : ").filter(|_| dated)?;
    let (head, details) = rest.split_once(';').unwrap_or((rest, ""));
    let (command, status) = head.rsplit_once(" - ")?;
    Some((command, status, details))
}

/// `channel 1: LABWARE, POSITION, 100.0 uL`
fn action(part: &str) -> Option<(&str, Spot, f64)> {
    let at = part.find("channel ")?;
    let (channel, rest) = part.get(at + "channel ".len()..)?.split_once(':')?;
    // A decimal comma would be one field more; a label holds no comma.
    let mut fields = rest.splitn(3, ',').map(str::trim);
    let (labware, place, ul) = (fields.next()?, fields.next()?, fields.next()?);
    let ul = ul.split_whitespace().next()?;
    let spot = Spot {
        labware: labware.to_owned(),
        at: place.to_owned(),
    };
    Some((channel.trim(), spot, volume(ul)?))
}
