//! The block of keys and values before a table: `* Key = Value`, `# Key: Value`, or two cells.

use crate::bounds::NAME_CHARS_MAX;
use crate::columns::{is_header, names_plate};
use crate::opened::{Line, Opened};
use crate::table::About;
use crate::wells::Block;
use tenfold_domain::policy::plain_name;

/// Keys and values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// Of a part, and of what stands before the first section.
    pub fn of(opened: &Opened, part: usize) -> Self {
        let mut pairs = Vec::new();
        let own = opened.parts.get(part).filter(|_| part > 0);
        for part in own.into_iter().chain(opened.parts.first()) {
            pairs.extend(
                part.head
                    .iter()
                    .take_while(|line| !is_header(line))
                    .filter_map(pair),
            );
        }
        // A workbook may keep them on a sheet of their own.
        for other in &opened.parts {
            if matches!(
                plain_name(&other.name).as_str(),
                "runinformation" | "runsummary"
            ) {
                pairs.extend(other.head.iter().filter_map(pair));
            }
        }
        Self(pairs)
    }

    /// The first value that is not empty of any of these keys, which are written plainly.
    pub fn get(&self, keys: &[&str]) -> Option<&str> {
        self.0
            .iter()
            .filter(|(key, value)| keys.contains(&key.as_str()) && !nothing(value))
            .map(|(_, value)| value.as_str())
            .next()
    }

    /// The block's size, if it is said.
    pub fn block(&self) -> Option<Block> {
        Block::named(self.get(&["blocktype", "platetype", "platesize", "plateformat"])?)
    }

    /// The run was not done when it was exported.
    pub fn not_finished(&self) -> bool {
        self.0.iter().any(|(key, value)| {
            key.contains("runendtime") && value.to_lowercase().contains("not started")
        })
    }

    /// What a table says about its run.
    pub fn about(&self) -> About {
        let text = |keys: &[&str]| self.get(keys).unwrap_or_default().to_owned();
        let plate = self
            .0
            .iter()
            .find(|(key, value)| names_plate(key) && !nothing(value))
            .map(|(_, value)| value.clone());
        About {
            plate: plate.unwrap_or_else(|| text(&["experimentbarcode", "barcode"])),
            instrument: text(&["instrumenttype", "instrumentmodel", "instrumentname"]),
            serial: text(&[
                "instrumentserialnumber",
                "baseserialnumber",
                "serialnumber",
                "instrumentserial",
            ]),
            run: text(&["experimentname", "runname", "experiment", "filename"]),
            ended: text(&[
                "experimentrunendtime",
                "runendtime",
                "runended",
                "runenddate/time",
            ]),
            wells: self.block().map(Block::wells),
        }
    }
}

fn nothing(value: &str) -> bool {
    matches!(
        value.to_lowercase().as_str(),
        "" | "null" | "n/a" | "na" | "none" | "unknown"
    )
}

fn pair(line: &Line) -> Option<(String, String)> {
    let first = line.cells.iter().position(|cell| !cell.is_empty())?;
    let start = line.cell(first);
    let (key, value) = if let Some(rest) = start.strip_prefix('*') {
        whole(line, first, rest, '=')?
    } else if let Some(rest) = start.strip_prefix('#') {
        whole(line, first, rest, ':')?
    } else if line.filled() == 1 {
        start
            .split_once('=')
            .or_else(|| start.split_once(':'))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))?
    } else {
        let value = line
            .cells
            .iter()
            .skip(first.saturating_add(1))
            .find(|cell| !cell.is_empty())?;
        (start.trim_end_matches(':').to_owned(), value.clone())
    };
    let value = value.trim().trim_matches('"').trim();
    Some((
        plain_name(&key),
        value.chars().take(NAME_CHARS_MAX).collect(),
    ))
}

/// A line that was one text, though it holds separators.
fn whole(line: &Line, first: usize, start: &str, by: char) -> Option<(String, String)> {
    let mut text = start.to_owned();
    for cell in line.cells.iter().skip(first.saturating_add(1)) {
        if !cell.is_empty() {
            text.push(' ');
            text.push_str(cell);
        }
    }
    let other = if by == '=' { ':' } else { '=' };
    let (key, value) = text.split_once(by).or_else(|| text.split_once(other))?;
    Some((key.to_owned(), value.to_owned()))
}
