//! Applied Biosystems QuantStudio, ViiA 7 and their like, software 1.x: text with `* Key = Value` and a
//! section `[Results]`, or a workbook with a sheet `Results`. `Well` is an index, `Well Position` counts.

use super::{Format, RunReader, part_with_results};
use crate::collect::{Form, read_part};
use crate::columns::{Column, Columns, is_header};
use crate::metadata::Metadata;
use crate::opened::Opened;
use crate::refusal::Refusal;
use crate::table::RunTable;

const NAME: &str = "QuantStudio";

/// QuantStudio Real-Time exports.
pub(super) struct QuantStudio;

impl RunReader for QuantStudio {
    fn format(&self) -> Format {
        Format {
            name: NAME,
            recognised_by: "a table with Well Position, Target Name (or Reporter) and CT, and * metadata, a [Results] section or a Results sheet",
        }
    }

    fn recognises(&self, opened: &Opened) -> bool {
        let Some(part) = part_with_results(opened, &["results"]) else {
            return false;
        };
        let Some(found) = opened.parts.get(part) else {
            return false;
        };
        let Some(columns) = found
            .head
            .iter()
            .find(|line| is_header(line))
            .and_then(|header| Columns::of(header).ok())
        else {
            return false;
        };
        let positions = columns.at(Column::WellPosition).is_some();
        let named = found.name.eq_ignore_ascii_case("results");
        let instrument = Metadata::of(opened, part)
            .get(&["instrumenttype"])
            .is_some_and(|kind| {
                let kind = kind.to_lowercase();
                ["quantstudio", "viia", "stepone"]
                    .iter()
                    .any(|known| kind.contains(known))
            });
        let applied = columns.at(Column::Omit).is_some() || columns.at(Column::Task).is_some();
        (instrument && (positions || named)) || (positions && named && applied)
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
