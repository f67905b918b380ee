//! Workbooks of the newer kind, read cell by cell: nothing is made as large as a sheet says it is.

use super::{Line, Meter, Part};
use crate::bounds::{COLUMNS_MAX, HEAD_LINES, LINES_MAX, PARTS_MAX};
use crate::place::Place;
use crate::refusal::{Reason, Refusal};
use calamine::{DataRef, Reader, Xlsx};
use std::io::Cursor;

/// A workbook, opened.
pub(super) struct Book {
    book: Xlsx<Cursor<Vec<u8>>>,
    names: Vec<String>,
}

fn damaged(why: impl std::fmt::Display) -> Refusal {
    Refusal::whole(
        Reason::Damaged,
        format!("the workbook is cut or broken: {why}"),
    )
}

impl Book {
    /// Opens an archive that was looked into.
    pub fn open(bytes: &[u8]) -> Result<(Self, Vec<Part>), Refusal> {
        let book = Xlsx::new(Cursor::new(bytes.to_vec())).map_err(damaged)?;
        let names = book.sheet_names();
        if names.len() > PARTS_MAX {
            return Err(Refusal::whole(
                Reason::TooLong,
                format!("{} sheets are more than {PARTS_MAX}", names.len()),
            ));
        }
        let mut book = Self { book, names };
        let mut parts = Vec::new();
        for at in 0..book.names.len() {
            let name = book.names.get(at).cloned().unwrap_or_default();
            // A sheet that is a chart has no cells.
            let head = book.lines(at, HEAD_LINES).unwrap_or_default();
            parts.push(Part {
                name,
                head,
                separator: None,
            });
        }
        Ok((book, parts))
    }

    /// The rows of a sheet that hold anything, at most so many.
    pub fn lines(&mut self, sheet: usize, most: usize) -> Result<Vec<Line>, Refusal> {
        let Some(name) = self.names.get(sheet) else {
            return Ok(Vec::new());
        };
        let at = |line: u32| Place {
            sheet: name.clone(),
            line,
        };
        let mut cells = self.book.worksheet_cells_reader(name).map_err(damaged)?;
        let mut lines: Vec<Line> = Vec::new();
        let mut meter = Meter::default();
        let mut read = 0_usize;
        while let Some(cell) = cells.next_cell().map_err(damaged)? {
            read = read.saturating_add(1);
            let (row, column) = cell.get_position();
            let number = row.saturating_add(1);
            let text = text_of(cell.get_value());
            if text.is_empty() {
                if read > LINES_MAX.saturating_mul(20) {
                    meter.count(usize::MAX, || at(number))?;
                }
                continue;
            }
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            if column >= COLUMNS_MAX {
                if most < usize::MAX {
                    continue;
                }
                return Err(Refusal::at(
                    Reason::BadRow,
                    at(number),
                    format!("more than {COLUMNS_MAX} columns"),
                ));
            }
            if lines.last().is_none_or(|line| line.number != number) {
                if lines.len() >= most {
                    break;
                }
                if lines.last().is_some_and(|line| line.number > number) {
                    return Err(damaged("its rows are out of order"));
                }
                meter.count(0, || at(number))?;
                lines.push(Line {
                    number,
                    cells: Vec::new(),
                });
            }
            if let Some(line) = lines.last_mut() {
                let width = column.saturating_add(1);
                if line.cells.len() < width {
                    meter.count(width.saturating_sub(line.cells.len()), || at(number))?;
                    line.cells.resize(width, String::new());
                }
                if let Some(slot) = line.cells.get_mut(column) {
                    *slot = text;
                }
            }
        }
        Ok(lines)
    }
}

fn text_of(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(date) => date.as_f64().to_string(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}
