//! Whether a line is a row of its table at all.

use super::Table;
use crate::bounds::{CELL_CHARS_MAX, COLUMNS_MAX, NAME_CHARS_MAX};
use crate::columns::{Column, Columns};
use crate::opened::Line;
use crate::wells::looks_like_one;

impl Table<'_> {
    /// Why a line is no row of this table; `None` if it is one.
    pub(super) fn misshapen(&self, line: &Line, columns: &Columns) -> Option<String> {
        let count = line.cells.len();
        if count > COLUMNS_MAX {
            return Some(format!("{count} columns are more than {COLUMNS_MAX}"));
        }
        if line
            .cells
            .iter()
            .any(|cell| cell.chars().nth(CELL_CHARS_MAX).is_some())
        {
            return Some(format!("a cell is longer than {CELL_CHARS_MAX} characters"));
        }
        for (column, what) in [(Column::Target, "target"), (Column::Task, "task")] {
            if columns
                .cell(line, column)
                .chars()
                .nth(NAME_CHARS_MAX)
                .is_some()
            {
                return Some(format!(
                    "the {what} is longer than {NAME_CHARS_MAX} characters"
                ));
            }
        }
        let surplus = line.cells.iter().skip(columns.count);
        if surplus.clone().any(|cell| !cell.is_empty()) {
            return Some(format!("{count} fields, the header has {}", columns.count));
        }
        // A row without a target is an unused well, however short it is; whether a well is missing is decided
        // against the plate's map.
        let target = columns.at(Column::Target);
        let named = target.is_some_and(|at| !line.cell(at).is_empty());
        let well = [Column::WellPosition, Column::Well]
            .into_iter()
            .any(|column| !columns.cell(line, column).is_empty());
        if !well && named {
            return Some("there is no well".to_owned());
        }
        let ct = columns.at(Column::Ct)?;
        (count <= ct && named && !self.form.ct_may_be_cut)
            .then(|| "the Ct is cut off: is the file whole?".to_owned())
    }
}

/// A line below the table that is none of its rows: `Analysis Type = Singleplex`, or the two as cells.
pub(super) fn is_trailer(line: &Line, columns: &Columns) -> bool {
    let wells = [Column::WellPosition, Column::Well];
    line.filled() <= 2
        && columns.cell(line, Column::Ct).is_empty()
        && !wells
            .into_iter()
            .any(|column| looks_like_one(columns.cell(line, column)))
}
