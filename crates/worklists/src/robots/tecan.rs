//! Tecan worklists (`.gwl`), read by `EVOware` and `FluentControl`.
//!
//! Facts (worklist chapter of the makers' manuals): one record a line, fields separated by `;`.
//! `A;RackLabel;RackID;RackType;Position;TubeID;Volume;LiquidClass;TipType;TipMask;ForcedRackType` aspirates, `D;...`
//! dispenses with the same fields, `W;` changes or washes the tip, `C;text` is a comment. Positions count from 1
//! down the columns. Volumes are in microlitres. `RackID` and `TubeID` are barcodes, compared if the arm reads them; where
//! `RackLabel` is given it finds the rack. A field cannot hold `;`. Files end their lines with CR LF and are 8-bit text: what
//! is not ASCII is written as `?`.

use super::Robot;
use crate::table::plain;
use crate::worklist::{Place, Worklist, WorklistError};

/// A Tecan arm. The liquid class is the lab's; empty = the script's default.
#[derive(Clone, Debug, Default)]
pub struct Tecan {
    /// Name of a liquid class as the robot knows it.
    pub liquid_class: String,
}

impl Robot for Tecan {
    fn extension(&self) -> &'static str {
        "gwl"
    }

    fn write(&self, worklist: &Worklist) -> Result<String, WorklistError> {
        let mut lines = vec![format!("C;{}", field(worklist.title()))];
        for step in worklist.steps() {
            lines.push(self.record('A', &step.from, &step.what, step.ul)?);
            lines.push(self.record('D', &step.to, &step.into, step.ul)?);
            lines.push("W;".to_owned());
        }
        lines.push(String::new());
        Ok(lines.join("\r\n"))
    }
}

impl Tecan {
    fn record(
        &self,
        kind: char,
        place: &Place,
        what: &str,
        ul: u32,
    ) -> Result<String, WorklistError> {
        let labware = &place.labware;
        let position = labware.size.number(place.at).ok_or_else(|| {
            WorklistError::DoesNotFit(format!("{} has no place {}", labware.name, place.at))
        })?;
        let label = field(&labware.name);
        Ok(format!(
            "{kind};{label};{label};;{position};{};{ul};{};;;",
            field(what),
            field(&self.liquid_class)
        ))
    }
}

fn field(text: &str) -> String {
    let ascii = |letter: char| if letter.is_ascii() { letter } else { '?' };
    plain(text, ';').chars().map(ascii).collect()
}
