//! Workbooks of the older kind. What the library would make of a sheet's corners is bounded first, by a walk
//! over the records: it makes room for every cell between the first and the last.

use super::{Line, Meter, Part};
use crate::bounds::{COLUMNS_MAX, HEAD_LINES, PARTS_MAX, SPAN_MAX};
use crate::place::Place;
use crate::refusal::{Reason, Refusal};
use calamine::{Data, Range, Reader, Xls};
use std::io::{Cursor, Read};

/// Record types of the binary format that matter to its size.
mod record {
    pub const DIMENSIONS: u16 = 0x0200;
    pub const BEGIN: u16 = 0x0809;
    pub const END: u16 = 0x000A;
    pub const SHEET: u16 = 0x0085;
    pub const NUMBERS: u16 = 0x00BD;
    /// Records that begin with a row and a column, and hold a cell.
    pub const CELLS: [u16; 8] = [
        0x0203, 0x0204, 0x00D6, 0x0205, 0x027E, 0x00FD, NUMBERS, 0x0006,
    ];
}

/// A workbook, opened.
pub(super) struct Book {
    sheets: Vec<(String, Range<Data>)>,
}

fn damaged(why: impl std::fmt::Display) -> Refusal {
    Refusal::whole(
        Reason::Damaged,
        format!("the workbook is cut or broken: {why}"),
    )
}

impl Book {
    /// Opens a compound file.
    pub fn open(bytes: &[u8]) -> Result<Self, Refusal> {
        check_spans(bytes)?;
        let mut book = Xls::new(Cursor::new(bytes)).map_err(damaged)?;
        let mut sheets = Vec::new();
        for name in book.sheet_names() {
            let range = book.worksheet_range(&name).map_err(damaged)?;
            sheets.push((name, range));
        }
        Ok(Self { sheets })
    }

    /// The sheets by their first rows.
    pub fn parts(&self) -> Vec<Part> {
        self.sheets
            .iter()
            .enumerate()
            .map(|(at, (name, _))| Part {
                name: name.clone(),
                head: self.lines(at, HEAD_LINES).unwrap_or_default(),
                separator: None,
            })
            .collect()
    }

    /// The rows of a sheet that hold anything, at most so many.
    pub fn lines(&self, sheet: usize, most: usize) -> Result<Vec<Line>, Refusal> {
        let Some((name, range)) = self.sheets.get(sheet) else {
            return Ok(Vec::new());
        };
        let (first_row, first_column) = range.start().unwrap_or_default();
        let before = usize::try_from(first_column).unwrap_or(0).min(COLUMNS_MAX);
        let mut meter = Meter::default();
        let mut lines = Vec::new();
        for (number, row) in (first_row.saturating_add(1)..).zip(range.rows()) {
            let mut cells = vec![String::new(); before];
            cells.extend(row.iter().map(text_of));
            while cells.last().is_some_and(String::is_empty) {
                cells.pop();
            }
            if cells.is_empty() {
                continue;
            }
            if lines.len() >= most {
                break;
            }
            let at = || Place {
                sheet: name.clone(),
                line: number,
            };
            meter.count(cells.len(), at)?;
            lines.push(Line { number, cells });
        }
        Ok(lines)
    }
}

fn text_of(value: &Data) -> String {
    match value {
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number.to_string(),
        Data::String(text) => text.trim().to_owned(),
        Data::Bool(flag) => flag.to_string(),
        Data::DateTime(date) => date.as_f64().to_string(),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(error) => error.to_string(),
        Data::Empty => String::new(),
    }
}

/// What the sheets may still span.
struct Budget {
    cells: u64,
}

impl Budget {
    fn spend(&mut self, cells: u64) -> Result<(), Refusal> {
        self.cells = self.cells.checked_sub(cells).ok_or_else(|| {
            Refusal::whole(
                Reason::TooLong,
                format!("its sheets span more than {SPAN_MAX} cells"),
            )
        })?;
        Ok(())
    }
}

/// The corners of a sheet's cells.
#[derive(Default)]
struct Corners {
    rows: Option<(u64, u64)>,
    columns: Option<(u64, u64)>,
}

impl Corners {
    fn take(&mut self, row: u16, column: u16) {
        let widen = |range: &mut Option<(u64, u64)>, value: u64| {
            let (from, to) = range.unwrap_or((value, value));
            *range = Some((from.min(value), to.max(value)));
        };
        widen(&mut self.rows, u64::from(row));
        widen(&mut self.columns, u64::from(column));
    }

    fn span(&self) -> u64 {
        let length = |range: Option<(u64, u64)>| {
            range.map_or(0, |(from, to)| to.saturating_sub(from).saturating_add(1))
        };
        length(self.rows).saturating_mul(length(self.columns))
    }
}

/// A record: its type and its data.
fn record_of(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let [a, b, c, d, tail @ ..] = bytes else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([*c, *d]));
    let (data, next) = tail.split_at_checked(length)?;
    Some((u16::from_le_bytes([*a, *b]), data, next))
}

/// Refuses a workbook whose sheets span more than the bound, or say so.
fn check_spans(bytes: &[u8]) -> Result<(), Refusal> {
    let mut budget = Budget { cells: SPAN_MAX };
    for stream in streams(bytes)? {
        let mut sheets: Vec<usize> = Vec::new();
        let mut rest = stream.as_slice();
        while let Some((kind, data, next)) = record_of(rest) {
            rest = next;
            if kind == record::SHEET
                && let [a, b, c, d, ..] = data
            {
                let at = u32::from_le_bytes([*a, *b, *c, *d]);
                sheets.push(usize::try_from(at).unwrap_or(usize::MAX));
            }
            if sheets.len() > PARTS_MAX {
                return Err(Refusal::whole(
                    Reason::TooLong,
                    format!("more than {PARTS_MAX} sheets"),
                ));
            }
        }
        for at in sheets {
            let sheet = stream
                .get(at..)
                .ok_or_else(|| damaged("a sheet lies behind the end"))?;
            check_sheet(sheet, &mut budget)?;
        }
    }
    Ok(())
}

fn check_sheet(sheet: &[u8], budget: &mut Budget) -> Result<(), Refusal> {
    let mut rest = sheet;
    let mut corners = Corners::default();
    let mut depth = 0_usize;
    while let Some((kind, data, next)) = record_of(rest) {
        rest = next;
        match (kind, data) {
            (record::BEGIN, _) => depth = depth.saturating_add(1),
            (record::END, _) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            (record::DIMENSIONS, _) => budget.spend(said(data)?)?,
            (kind, [r0, r1, c0, c1, tail @ ..]) if record::CELLS.contains(&kind) => {
                let row = u16::from_le_bytes([*r0, *r1]);
                corners.take(row, u16::from_le_bytes([*c0, *c1]));
                // A row of numbers ends with its last column.
                if kind == record::NUMBERS
                    && let [.., l0, l1] = tail
                {
                    corners.take(row, u16::from_le_bytes([*l0, *l1]));
                }
            }
            _ => {}
        }
    }
    budget.spend(corners.span())
}

/// Cells that a sheet says it has.
fn said(data: &[u8]) -> Result<u64, Refusal> {
    let half = |at: usize| {
        let pair = data.get(at..at.saturating_add(2));
        pair.and_then(|pair| pair.try_into().ok())
            .map_or(0, |pair| u64::from(u16::from_le_bytes(pair)))
    };
    let wide = |at: usize| half(at).saturating_add(half(at.saturating_add(2)) << 16);
    let (from_row, to_row, from_column, to_column) = if data.len() < 14 {
        (half(0), half(2), half(4), half(6))
    } else {
        (wide(0), wide(4), half(8), half(10))
    };
    if to_row > 0 && to_column > 0 && from_row >= to_row {
        return Err(damaged("a sheet ends before it begins"));
    }
    let columns = to_column.saturating_sub(if from_column > 0xFF { 0 } else { from_column });
    Ok(to_row
        .saturating_sub(from_row)
        .saturating_mul(columns.max(1)))
}

/// The streams of records in the compound file.
fn streams(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(damaged)?;
    let paths: Vec<_> = file
        .walk()
        .filter(cfb::Entry::is_stream)
        .filter(|entry| ["workbook", "book"].contains(&entry.name().to_lowercase().as_str()))
        .map(|entry| entry.path().to_path_buf())
        .take(3)
        .collect();
    if paths.len() > 2 {
        return Err(damaged("it has more than one workbook in it"));
    }
    if paths.is_empty() {
        return Err(super::unsupported(
            "a compound file without a workbook in it",
        ));
    }
    let limit = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut streams = Vec::new();
    for path in paths {
        let mut stream = Vec::new();
        file.open_stream(path)
            .map_err(damaged)?
            .take(limit)
            .read_to_end(&mut stream)
            .map_err(damaged)?;
        streams.push(stream);
    }
    Ok(streams)
}
