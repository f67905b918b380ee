//! Applied Biosystems 7500 and 7500 Fast, software 2.x, and StepOne: text or workbook. `Well` is the
//! position; the Ct column is `Cт`, its second letter Cyrillic. Unused wells are listed.

use super::{Format, RunReader, part_with_results};
use crate::collect::{Form, read_part};
use crate::columns::{Column, Columns, is_header};
use crate::metadata::Metadata;
use crate::opened::Opened;
use crate::refusal::Refusal;
use crate::table::RunTable;

const NAME: &str = "Applied Biosystems 7500";

/// 7500 exports.
pub(super) struct Sds7500;

impl RunReader for Sds7500 {
    fn format(&self) -> Format {
        Format {
            name: NAME,
            recognised_by: "Instrument Type sds7500 or steponeplus, or Block Type 96alum or 96fast, and a table with Well and Cт",
        }
    }

    fn recognises(&self, opened: &Opened) -> bool {
        let Some(part) = part_with_results(opened, &["results"]) else {
            return false;
        };
        let header = opened
            .parts
            .get(part)
            .and_then(|part| part.head.iter().find(|line| is_header(line)));
        let Some(Ok(columns)) = header.map(Columns::of) else {
            return false;
        };
        if columns.at(Column::WellPosition).is_some() {
            return false;
        }
        let metadata = Metadata::of(opened, part);
        let says = |keys: &[&str], words: &[&str]| {
            metadata.get(keys).is_some_and(|value| {
                let value = value.to_lowercase();
                words.iter().any(|word| value.contains(word))
            })
        };
        says(&["instrumenttype"], &["7500", "stepone"])
            || says(&["blocktype"], &["96alum", "96fast"])
    }

    fn read(&self, opened: &mut Opened) -> Result<RunTable, Refusal> {
        let part = part_with_results(opened, &["results"]).unwrap_or_default();
        let form = Form {
            name: NAME,
            ..Form::default()
        };
        read_part(form, opened, part)
    }
}
