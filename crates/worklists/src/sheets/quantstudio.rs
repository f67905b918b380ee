//! QuantStudio, `ViiA` 7: a plate setup as text, taken by *Import Plate Setup*.
//!
//! Facts: the same shape as the section that these programs export (`[Sample Setup]`, fields separated by tabs, a row a
//! well and target), with `Well` as a number row by row from 1 and `Well Position` as `A1`. `Task` is `UNKNOWN`, `NTC` or
//! `POSITIVE_CONTROL`. Colours may be empty: the program gives its own. Columns it does not find keep what they were. Lines end
//! with CR LF.

use super::{SampleSheet, Sheet};
use crate::table::plain;
use tenfold_domain::message::Control;
use tenfold_domain::well::PlateSize;

/// A setup for QuantStudio.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuantStudio;

impl SampleSheet for QuantStudio {
    fn extension(&self) -> &'static str {
        "txt"
    }

    fn write(&self, sheet: &Sheet) -> String {
        let block = match sheet.size {
            PlateSize::P96 => "96-Well 0.2-mL Block",
            PlateSize::P384 => "384-Well Block",
        };
        let cell = |text: &str| plain(text, '\t');
        let mut lines = vec![
            format!("* Block Type = {block}"),
            format!("* Experiment Barcode = {}", cell(&sheet.plate)),
            format!("* Experiment Name = {}", cell(&sheet.plate)),
            String::new(),
            "[Sample Setup]".to_owned(),
            "Well\tWell Position\tSample Name\tTarget Name\tTask\tReporter\tQuencher".to_owned(),
        ];
        for well in &sheet.wells {
            let task = match well.control {
                None => "UNKNOWN",
                Some(Control::Positive | Control::WeakPositive) => "POSITIVE_CONTROL",
                Some(Control::Negative | Control::BatchNegative | Control::Extraction) => "NTC",
            };
            let number = well.well.row_major(sheet.size).saturating_add(1);
            for channel in &sheet.targets {
                lines.push(format!(
                    "{number}\t{}\t{}\t{}\t{task}\t{}\t",
                    well.well,
                    cell(&well.sample),
                    cell(&channel.target),
                    cell(&channel.dye),
                ));
            }
        }
        lines.push(String::new());
        lines.join("\r\n")
    }
}
