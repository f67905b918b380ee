//! Cts as files write them.

use tenfold_domain::results::run::Reading;

/// What files write where there is no Ct; compared without case. Not 0, and not the number of cycles.
const NO_CT: &[&str] = &[
    "",
    "undetermined",
    "nan",
    "n/a",
    "na",
    "no ct",
    "noct",
    "no cq",
    "n. def.",
    "null",
    "unknown",
    "-1",
    "-1.0",
];

/// Whether the file writes a decimal comma: only where the comma separates no fields, and if a Ct holds
/// one. Decided once a file, not once a cell.
pub(super) fn decimal_comma<'a>(separator: u8, mut cts: impl Iterator<Item = &'a str>) -> bool {
    separator != b',' && cts.any(|ct| ct.contains(','))
}

/// Reads a Ct: a number, or no Ct. Anything else is an error, never "no Ct".
pub(super) fn reading(cell: &str, comma: bool) -> Result<Reading, String> {
    let text = cell.trim();
    let no_ct = NO_CT.contains(&text.to_lowercase().as_str())
        || (comma && NO_CT.contains(&text.replace(',', ".").as_str()));
    if no_ct {
        return Ok(Reading {
            text: text.to_owned(),
            ct: None,
        });
    }
    let plain = if comma && !text.contains('.') {
        text.replace(',', ".")
    } else {
        text.to_owned()
    };
    let digits = plain
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    match plain.parse::<f64>() {
        Ok(ct) if digits && ct > 0.0 && ct <= 100.0 => Ok(Reading {
            text: text.to_owned(),
            ct: Some(ct),
        }),
        Ok(_) if digits => Err(format!("{text:?} is not above 0 and at most 100")),
        _ => Err(format!("{text:?} is no number, and no word for \"no Ct\"")),
    }
}
