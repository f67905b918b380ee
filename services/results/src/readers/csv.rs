//! Generic text tables: one row a reaction, columns found by their names.

mod columns;
mod decode;
mod number;
#[cfg(test)]
mod tests;

use super::{RunReader, unsupported};
use columns::{Columns, PLATE, is_header};
use decode::{Line, decode, records};
use number::{decimal_comma, reading};
use tenfold_domain::Rejection;
use tenfold_domain::policy::plain_name;
use tenfold_domain::results::run::{ROWS_MAX, Row, RunTable};

/// Most columns of a row.
const COLUMNS_MAX: usize = 200;

/// Most characters of a cell.
const CELL_MAX: usize = 1_000;

/// Most lines that hold anything: a full plate, and as much again that is no result.
const LINES_MAX: usize = 2 * ROWS_MAX + 1_000;

/// Most faults told one by one.
const EXAMPLES_MAX: usize = 5;

/// Text tables with the columns well, target and ct.
pub struct GenericCsv;

impl RunReader for GenericCsv {
    fn name(&self) -> &'static str {
        "generic csv"
    }

    fn recognises(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(&[0xFF, 0xFE]) || !bytes.contains(&0)
    }

    fn read(&self, bytes: &[u8]) -> Result<RunTable, Rejection> {
        let text = decode(bytes).ok_or_else(|| unsupported("no text that can be decoded"))?;
        refuse_others(&text)?;
        let (separator, lines) = records(&text)?;
        let Some(at) = lines.iter().position(is_header) else {
            return Err(no_table(&lines));
        };
        let (before, rest) = lines.split_at(at);
        let Some((header, rows)) = rest.split_first() else {
            return Err(no_table(&lines));
        };
        let columns = Columns::of(header)?;
        table(&columns, separator, before, rows)
    }
}

fn refuse_others(text: &str) -> Result<(), Rejection> {
    let start: String = text
        .trim_start()
        .chars()
        .take(200)
        .collect::<String>()
        .to_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Err(unsupported("an HTML page, perhaps an error message"));
    }
    if start.starts_with('<') {
        return Err(unsupported("an XML file"));
    }
    for (word, what) in [
        (
            "samplepos\tsamplename\tprog#",
            "raw fluorescence, not results",
        ),
        ("allele1", "a genotyping result: it has no Ct a target"),
        ("tm1", "a melting curve table"),
    ] {
        if start.contains(word) {
            return Err(unsupported(what));
        }
    }
    let finished = text.lines().take(60).all(|line| {
        let line = line.to_lowercase();
        !(line.contains("run end time") && line.contains("not started"))
    });
    if finished {
        return Ok(());
    }
    Err(Rejection::invalid(
        "RUN_NOT_FINISHED",
        "file",
        "the run was not started when the file was exported",
        "export it again when the run is done",
    ))
}

fn no_table(lines: &[Line]) -> Rejection {
    let first = lines
        .first()
        .map(|line| line.cells.join(" | "))
        .unwrap_or_default();
    let first: String = first.chars().take(80).collect();
    Rejection::invalid(
        "NO_RESULT_TABLE",
        "file",
        format!(
            "no row holds the names of the columns well, target and ct; the first row is {first:?}"
        ),
        "export the table of results with its header",
    )
}

fn table(
    columns: &Columns,
    separator: u8,
    before: &[Line],
    lines: &[Line],
) -> Result<RunTable, Rejection> {
    let mut table = RunTable {
        plate: plate_of(before),
        ..RunTable::default()
    };
    if !columns.unknown.is_empty() {
        let unknown = columns.unknown.join(", ");
        let unknown: String = unknown.chars().take(CELL_MAX).collect();
        table.warnings.push(format!("columns not used: {unknown}"));
    }
    let cells = lines.iter().filter_map(|line| line.cells.get(columns.ct));
    let comma = decimal_comma(separator, cells.map(String::as_str));
    let mut faults: Vec<(&'static str, String)> = Vec::new();
    let mut plates: Vec<String> = Vec::new();
    for line in lines {
        if is_header(line) {
            if table.warnings.len() <= EXAMPLES_MAX {
                table
                    .warnings
                    .push(format!("line {}: the header again, passed over", line.line));
            }
            continue;
        }
        if let Some(fault) = misshapen(line, columns) {
            faults.push(("BAD_ROW", fault));
            continue;
        }
        let cell = |at: usize| {
            line.cells
                .get(at)
                .map(|cell| cell.trim())
                .unwrap_or_default()
        };
        if let Some(plate) = columns.plate.map(cell).filter(|plate| !plate.is_empty())
            && plates.len() <= EXAMPLES_MAX
            && !plates.iter().any(|known| known == plate)
        {
            plates.push(plate.to_owned());
        }
        // A row without a target is an unused well.
        if cell(columns.target).is_empty() {
            continue;
        }
        match reading(cell(columns.ct), comma) {
            Ok(reading) => table.rows.push(Row {
                line: line.line,
                well: cell(columns.well).to_owned(),
                target: cell(columns.target).to_owned(),
                reading,
                task: columns.task.map(cell).unwrap_or_default().to_owned(),
            }),
            Err(why) => faults.push((
                "BAD_NUMBER",
                format!("line {}, column ct: {why}", line.line),
            )),
        }
        if table.rows.len() > ROWS_MAX {
            faults.push((
                "FILE_TOO_LONG",
                format!("line {}: more than {ROWS_MAX} rows", line.line),
            ));
            break;
        }
    }
    if plates.len() > 1 {
        faults.push((
            "SEVERAL_PLATES",
            format!("the file is of several plates: {}", plates.join(", ")),
        ));
    }
    if let Some(plate) = plates.into_iter().next() {
        table.plate = plate;
    }
    if faults.is_empty() {
        Ok(table)
    } else {
        Err(refusal(&faults))
    }
}

fn refusal(faults: &[(&'static str, String)]) -> Rejection {
    let reason = faults.first().map_or("BAD_ROW", |fault| fault.0);
    let examples: Vec<&str> = faults
        .iter()
        .take(EXAMPLES_MAX)
        .map(|fault| fault.1.as_str())
        .collect();
    let more = faults.len().saturating_sub(EXAMPLES_MAX);
    let tail = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Rejection::invalid(
        reason,
        "file",
        format!("{}{tail}", examples.join("; ")),
        "correct the file or its export and import it again; nothing was imported",
    )
}

fn misshapen(line: &Line, columns: &Columns) -> Option<String> {
    let count = line.cells.len();
    if count > COLUMNS_MAX {
        return Some(format!(
            "line {}: it has more than {COLUMNS_MAX} columns",
            line.line
        ));
    }
    if line
        .cells
        .iter()
        .any(|cell| cell.chars().nth(CELL_MAX).is_some())
    {
        return Some(format!(
            "line {}: a cell is longer than {CELL_MAX} characters",
            line.line
        ));
    }
    if line
        .cells
        .iter()
        .skip(columns.count)
        .any(|cell| !cell.trim().is_empty())
    {
        return Some(format!(
            "line {}: {count} fields, the header has {}",
            line.line, columns.count
        ));
    }
    // Some exports leave out empty cells at the end of a row; a well or target cut off is a cut row.
    let needed = columns.well.max(columns.target).saturating_add(1);
    let only_well = line.cells.len() > columns.well
        && line
            .cells
            .iter()
            .enumerate()
            .all(|(at, cell)| at == columns.well || cell.trim().is_empty());
    if count < needed && !only_well {
        return Some(format!(
            "line {}: {count} fields, the header has {}: is the row cut?",
            line.line, columns.count
        ));
    }
    let cell = |at: usize| {
        line.cells
            .get(at)
            .map(|cell| cell.trim())
            .unwrap_or_default()
    };
    if cell(columns.well).is_empty() && !cell(columns.target).is_empty() {
        return Some(format!("line {}: there is no well", line.line));
    }
    if count <= columns.ct && !cell(columns.target).is_empty() {
        return Some(format!(
            "line {}: the ct is cut off: is the file whole?",
            line.line
        ));
    }
    None
}

/// The plate in the lines before the header: `# Plate: X`, `* Plate Barcode = X`, or two cells.
fn plate_of(before: &[Line]) -> String {
    for line in before {
        let joined = line.cells.join(" ");
        let text = joined.trim_start_matches(['#', '*', ' ']);
        let pair = text.split_once([':', '=']).map_or_else(
            || Some((line.cells.first()?.clone(), line.cells.get(1)?.clone())),
            |(key, value)| Some((key.to_owned(), value.to_owned())),
        );
        if let Some((key, value)) = pair
            && PLATE.contains(&plain_name(key.trim_start_matches(['#', '*'])).as_str())
        {
            return value.trim().chars().take(CELL_MAX).collect();
        }
    }
    String::new()
}
