//! Roche LightCycler 480: text, `Experiment: NAME  Selected Filter: FILTER`, then a table with `Pos` and `Cp`.
//! A file is of one filter, which stands for the target; the files of a run's filters may be joined, one
//! behind the other, in one file.

use super::{Format, RunReader};
use crate::collect::{Form, Table, join};
use crate::columns::{Column, Columns, is_header};
use crate::curves::is_of_curves;
use crate::metadata::Metadata;
use crate::opened::{Line, Opened};
use crate::refusal::{Reason, Refusal};
use crate::table::RunTable;

const NAME: &str = "LightCycler 480";

/// LightCycler 480 exports.
pub(super) struct LightCycler480;

impl RunReader for LightCycler480 {
    fn format(&self) -> Format {
        Format {
            name: NAME,
            recognised_by: "first line Experiment: ... Selected Filter: ..., then a table with Pos and Cp",
        }
    }

    fn recognises(&self, opened: &Opened) -> bool {
        opened
            .parts
            .iter()
            .any(|part| part.head.first().is_some_and(|line| title(line).is_some()))
    }

    fn read(&self, opened: &mut Opened) -> Result<RunTable, Refusal> {
        let mut tables = Vec::new();
        for part in 0..opened.parts.len() {
            let lines = opened.lines(part)?;
            // Raw data that were joined to results are their curves.
            let beside = lines.iter().take(2).any(is_of_curves) && with_results(opened);
            if lines.is_empty() || beside {
                continue;
            }
            tables.push(one(opened, part, &lines)?);
        }
        join(tables)
    }
}

/// Some part of the file is a table of results.
fn with_results(opened: &Opened) -> bool {
    opened
        .parts
        .iter()
        .any(|part| part.head.iter().any(is_header))
}

/// The filter that a table is of, as its first line says.
pub(crate) fn filter_of(title_line: &Line) -> Option<String> {
    title(title_line).map(|(_, filter)| filter)
}

/// The table of one filter.
fn one(opened: &Opened, part: usize, lines: &[Line]) -> Result<RunTable, Refusal> {
    let Some((run, filter)) = lines.first().and_then(title) else {
        return Err(Refusal::at(
            Reason::NoTable,
            opened.place(part, lines.first().map_or(1, |line| line.number)),
            "there is no line Experiment: ... Selected Filter: ...",
        ));
    };
    let Some(at) = lines.iter().position(is_header) else {
        let refusal = super::others::no_table(opened);
        let near = lines.iter().find(|line| {
            line.cells
                .iter()
                .any(|cell| cell.eq_ignore_ascii_case("pos"))
        });
        return Err(match near {
            Some(header) if refusal.reason == Reason::NoTable => Refusal::at(
                Reason::MissingColumn,
                opened.place(part, header.number),
                "there is no column Cp for the Ct",
            ),
            _ => refusal,
        });
    };
    let (_, rest) = lines.split_at(at);
    let Some((header, rows)) = rest.split_first() else {
        return Err(super::others::no_table(opened));
    };
    let columns = Columns::of(header).map_err(|why| {
        Refusal::at(
            Reason::DuplicateColumn,
            opened.place(part, header.number),
            why,
        )
    })?;
    if columns.at(Column::Target).is_some() || columns.at(Column::WellPosition).is_none() {
        return Err(Refusal::at(
            Reason::Unsupported,
            opened.place(part, header.number),
            "the table is none of absolute quantification: its columns are others",
        ));
    }
    let table = Table {
        form: Form {
            name: NAME,
            ct_may_be_cut: true,
            ..Form::default()
        },
        opened,
        part,
        metadata: &Metadata::default(),
        header: header.number,
    };
    let mut table = table.read(&columns, rows, Some(&filter))?;
    table.about.run = run;
    for reaction in &mut table.reactions {
        reaction.dye.clone_from(&filter);
    }
    Ok(table)
}

/// The run and the filter of a first line. The name may hold anything, so the filter is behind the last
/// `Selected Filter:`.
fn title(line: &Line) -> Option<(String, String)> {
    let text = line.cells.join(" ");
    let rest = text.trim_start_matches('"').strip_prefix("Experiment:")?;
    let (run, filter) = rest.rsplit_once("Selected Filter:")?;
    let filter = filter.trim().trim_matches('"').trim();
    (!filter.is_empty()).then(|| (run.trim().to_owned(), filter.to_owned()))
}
