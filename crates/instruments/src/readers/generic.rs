//! Any table with the columns well, target and Ct, whatever made it; and tables of a lab's own, whose
//! columns a mapping names.

use super::{Format, RunReader, part_with_results};
use crate::collect::{Form, Table, read_part};
use crate::columns::{Column, Columns};
use crate::metadata::Metadata;
use crate::opened::{Line, Opened};
use crate::refusal::Refusal;
use crate::table::RunTable;
use crate::wells::Block;
use tenfold_domain::policy::{TableMapping, plain_name};

const NAME: &str = "generic table";
const MAPPED: &str = "mapped table";

/// Tables with the columns well, target and Ct.
pub(super) struct Generic;

impl RunReader for Generic {
    fn format(&self) -> Format {
        Format {
            name: NAME,
            recognised_by: "a row with the names of a well column and a Ct column",
        }
    }

    fn recognises(&self, opened: &Opened) -> bool {
        part_with_results(opened, &["results"]).is_some()
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

/// Reads by the first mapping whose columns are all in one row.
pub(super) fn mapped(
    opened: &mut Opened,
    mappings: &[TableMapping],
) -> Result<Option<RunTable>, Refusal> {
    for mapping in mappings {
        for part in 0..opened.parts.len() {
            let header = opened.parts.get(part).and_then(|found| {
                found
                    .head
                    .iter()
                    .find_map(|line| Some((line.number, columns(line, mapping)?)))
            });
            let Some((header, columns)) = header else {
                continue;
            };
            let metadata = Metadata::of(opened, part);
            let lines = opened.lines(part)?;
            let rows: Vec<Line> = lines
                .into_iter()
                .filter(|line| line.number > header)
                .collect();
            let form = Form {
                name: MAPPED,
                block: mapping
                    .wells
                    .and_then(|wells| Block::named(&wells.to_string())),
                ..Form::default()
            };
            let table = Table {
                form,
                opened,
                part,
                metadata: &metadata,
                header,
            };
            return table.read(&columns, &rows, None).map(Some);
        }
    }
    Ok(None)
}

/// The columns of a header, if the mapping finds all that it names.
fn columns(line: &Line, mapping: &TableMapping) -> Option<Columns> {
    let find = |name: &str| {
        let wanted = plain_name(name);
        line.cells
            .iter()
            .position(|cell| plain_name(cell) == wanted)
    };
    let mut found = vec![(Column::Well, find(&mapping.well)?)];
    for (column, name) in [
        (Column::Target, &mapping.target),
        (Column::Ct, &mapping.ct),
        (Column::Sample, &mapping.sample),
        (Column::Task, &mapping.task),
        (Column::Plate, &mapping.plate),
        (Column::Omit, &mapping.omit),
    ] {
        if !name.is_empty() {
            found.push((column, find(name)?));
        }
    }
    let mut targets = Vec::new();
    for (name, target) in &mapping.targets {
        targets.push((target.clone(), find(name)?));
    }
    let whole = !targets.is_empty() || (!mapping.target.is_empty() && !mapping.ct.is_empty());
    whole.then(|| Columns::mapped(line.cells.len(), found, targets))
}
