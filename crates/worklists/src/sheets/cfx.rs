//! Bio-Rad CFX Manager and Maestro: a plate's samples as CSV, taken by the plate editor's *Import*.
//!
//! Facts: the first line is `Row,Column,*Target Name,*Sample Name`; rows are letters, columns numbers from 1; a line a well;
//! a name that is empty changes nothing. A file speaks of one target (one dye): with several targets, leave the name empty and let
//! the protocol's plate name them. Well types are set in the plate, not here: a control is told by its name. Lines end with
//! CR LF.

use super::{SampleSheet, Sheet};
use crate::table::csv;

/// A plate for CFX; `target` is written to every well, empty = none.
#[derive(Clone, Debug, Default)]
pub struct Cfx {
    /// The target that this file speaks of.
    pub target: String,
}

impl SampleSheet for Cfx {
    fn extension(&self) -> &'static str {
        "csv"
    }

    fn write(&self, sheet: &Sheet) -> String {
        let heading = ["Row", "Column", "*Target Name", "*Sample Name"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        for well in &sheet.wells {
            rows.push(vec![
                char::from(b'A'.saturating_add(well.well.row())).to_string(),
                well.well.column().saturating_add(1).to_string(),
                self.target.clone(),
                well.sample.clone(),
            ]);
        }
        csv(rows)
    }
}
