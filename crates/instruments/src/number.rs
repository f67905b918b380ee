//! Cts as files write them.

use crate::refusal::shown;
use tenfold_domain::results::run::Reading;

/// What files write where there is no Ct; compared without case. Not 0, and not the number of cycles.
const NO_CT: &[&str] = &[
    "",
    "undetermined",
    "undet",
    "undet.",
    "nan",
    "n/a",
    "#n/a",
    "na",
    "no ct",
    "noct",
    "no cq",
    "nocq",
    "no cp",
    "n. def.",
    "n.def.",
    "null",
    "none",
    "unknown",
    "not detected",
    "-1",
    "-1.0",
    "-1.00",
];

/// Whether the file writes a decimal comma: only where the comma separates no fields, and if a Ct holds
/// one. Decided once a file, not once a cell.
pub(crate) fn decimal_comma<'a>(
    comma_separates: bool,
    mut cts: impl Iterator<Item = &'a str>,
) -> bool {
    !comma_separates && cts.any(|ct| ct.contains(','))
}

/// Reads a Ct: a number, or no Ct. Anything else is an error, never "no Ct".
pub(crate) fn reading(cell: &str, comma: bool) -> Result<Reading, String> {
    let text = cell.trim();
    if comma && text.contains('.') && text.contains(',') {
        return Err(format!("{} has a point and a comma", shown(text)));
    }
    let plain = if comma {
        text.replace(',', ".")
    } else {
        text.to_owned()
    };
    if NO_CT.contains(&plain.to_lowercase().as_str()) {
        return Ok(Reading {
            text: text.to_owned(),
            ct: None,
        });
    }
    let digits = plain
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    match plain.parse::<f64>() {
        Ok(ct) if digits && ct > 0.0 && ct <= 100.0 => Ok(Reading {
            text: text.to_owned(),
            ct: Some(ct),
        }),
        Ok(_) if digits => Err(format!("{} is not above 0 and at most 100", shown(text))),
        _ => Err(format!(
            "{} is no number, and no word for \"no Ct\"",
            shown(text)
        )),
    }
}
