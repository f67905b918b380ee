//! A table of transfers, as a script on a Tecan (or a Hamilton method) writes it: one line a transfer, with its status.
//!
//! Facts: `EVOware` and `FluentControl` write no such table by themselves; a script exports it, and its author names the
//! columns. Known names, without case, spaces, `-` and `_`, are below; `Status` or `Error` must be there, or the table is only
//! a plan. Separators are `,`, `;` or tab.

use super::{LogError, Move, Spot, volume};

/// Names of each column.
const COLUMNS: [&[&str]; 6] = [
    &[
        "sourcelabwareid",
        "sourcerack",
        "sourceracklabel",
        "srcracklabel",
        "srcrack",
        "sourcelabware",
    ],
    &[
        "sourcepositionid",
        "sourceposition",
        "sourcepos",
        "srcpos",
        "srcposition",
        "sourcewell",
    ],
    &[
        "targetlabwareid",
        "targetrack",
        "destrack",
        "destracklabel",
        "destinationrack",
        "destinationracklabel",
        "targetlabware",
        "destlabware",
    ],
    &[
        "targetpositionid",
        "targetposition",
        "destpos",
        "destposition",
        "destinationposition",
        "targetwell",
        "destwell",
    ],
    &["volume", "volumeul", "volul"],
    &["status", "result", "error", "errortext"],
];

/// Words that say that it went well.
const GOOD: &[&str] = &[
    "ok",
    "done",
    "success",
    "succeeded",
    "successful",
    "complete",
    "completed",
    "0",
];

/// What was moved; `None`: there is no such table.
pub(super) fn moves(text: &str) -> Result<Option<Vec<Move>>, LogError> {
    let Some((skip, separator, columns)) = header(text) else {
        return Ok(None);
    };
    let rest: String = text
        .lines()
        .skip(skip)
        .map(|line| format!("{line}\n"))
        .collect();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(rest.as_bytes());
    let mut moves = Vec::new();
    for (number, row) in (skip + 1..).zip(reader.records()) {
        let wrong = |what: String| LogError::Line { line: number, what };
        let row = row.map_err(|error| wrong(error.to_string()))?;
        if row.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        let field = |at: usize| row.get(at).unwrap_or_default().trim().to_owned();
        let [from, from_at, to, to_at, ul, status] = columns.map(field);
        if [&from, &from_at, &to, &to_at]
            .iter()
            .any(|field| field.is_empty())
        {
            return Err(wrong("the source or the target is not whole".to_owned()));
        }
        let ul = volume(&ul).ok_or_else(|| wrong(format!("{ul:?} is no volume")))?;
        if status.is_empty() {
            // Begun or not: it says nothing.
            continue;
        }
        let good = GOOD.contains(&status.to_ascii_lowercase().as_str());
        moves.push(Move {
            from: Spot {
                labware: from,
                at: from_at,
            },
            to: Some(Spot {
                labware: to,
                at: to_at,
            }),
            ul,
            failed: (!good).then_some(status),
        });
    }
    Ok(Some(moves))
}

/// Lines before the rows, the separator, and where each column is.
fn header(text: &str) -> Option<(usize, u8, [usize; 6])> {
    for (number, line) in text.lines().take(100).enumerate() {
        for separator in [',', ';', '\t'] {
            let names: Vec<String> = line.split(separator).map(plain).collect();
            let at = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
            let found = COLUMNS.map(at);
            if let [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f)] = found {
                let separator = u8::try_from(separator).ok()?;
                return Some((number + 1, separator, [a, b, c, d, e, f]));
            }
        }
    }
    None
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
