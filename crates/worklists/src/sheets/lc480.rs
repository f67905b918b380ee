//! Roche LightCycler 480: a sample list, taken by the sample editor's *Import*.
//!
//! Facts: text, fields separated by tabs, headings `General:Pos`, `General:Sample Name`, `General:Repl. Of`. Positions are `A1`.
//! Every position of the block is listed, as the program exports it; an unused one is called `Sample n` with the number of
//! its well, as the program calls it by itself. Names are quoted, a quote in a name is doubled. Lines end with CR LF.

use super::{SampleSheet, Sheet};
use crate::table::plain;
use std::collections::HashMap;
use tenfold_domain::well::Well;

/// A sample list for a LightCycler 480.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lc480;

impl SampleSheet for Lc480 {
    fn extension(&self) -> &'static str {
        "txt"
    }

    fn write(&self, sheet: &Sheet) -> String {
        let names: HashMap<Well, &str> = sheet
            .wells
            .iter()
            .map(|well| (well.well, well.sample.as_str()))
            .collect();
        let mut lines = vec!["General:Pos\tGeneral:Sample Name\tGeneral:Repl. Of".to_owned()];
        for index in 0..sheet.size.wells() {
            let Some(well) = Well::from_row_major(sheet.size, index) else {
                continue;
            };
            let unused = format!("Sample {}", index.saturating_add(1));
            let name = names.get(&well).copied().unwrap_or(&unused);
            let name = plain(name, '\t').replace('"', "\"\"");
            lines.push(format!("{well}\t\"{name}\"\t\"\""));
        }
        lines.push(String::new());
        lines.join("\r\n")
    }
}
