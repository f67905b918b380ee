//! From bytes to lines of cells.

use super::{COLUMNS_MAX, LINES_MAX};
use csv::{ReaderBuilder, Terminator};
use tenfold_domain::Rejection;

/// A row of the file that is not blank.
pub(super) struct Line {
    /// From 1, blank lines included.
    pub line: u32,
    pub cells: Vec<String>,
}

/// UTF-8 with or without a byte order mark, UTF-16LE with one, else Windows-1252.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    if let Some(wide) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        let units: Vec<u16> = wide
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        return (wide.len() % 2 == 0).then(|| String::from_utf16(&units).ok())?;
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(_) => Some(bytes.iter().map(|byte| windows_1252(*byte)).collect()),
    }
}

/// Code points of the bytes 0x80 to 0x9F, the only ones that differ from Latin-1.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    byte.checked_sub(0x80)
        .and_then(|at| HIGH.get(usize::from(at)).copied())
        .unwrap_or(char::from(byte))
}

/// The separator, and the rows that hold anything. Line ends may be LF, CRLF or bare CR; fields may be
/// quoted and hold any of them.
pub(super) fn records(text: &str) -> Result<(u8, Vec<Line>), Rejection> {
    let separator = separator(text);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .terminator(Terminator::CRLF)
        .from_reader(text.as_bytes());
    let ends = line_ends(text);
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            Rejection::invalid(
                "BAD_ROW",
                "file",
                error.to_string(),
                "export the file again",
            )
        })?;
        let byte = record.position().map_or(0, csv::Position::byte);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let line = first_line(text, byte, &ends);
        if lines.len() >= LINES_MAX {
            return Err(Rejection::invalid(
                "FILE_TOO_LONG",
                "file",
                format!("line {line}: more than {LINES_MAX} lines hold something"),
                "export the table of results of one plate alone",
            ));
        }
        // One more than there may be, so that the row is refused; no more, so that it costs nothing.
        let cells = record.iter().take(COLUMNS_MAX + 1);
        lines.push(Line {
            line,
            cells: cells.map(|cell| cell.trim().to_owned()).collect(),
        });
    }
    Ok((separator, lines))
}

/// The separator of the first line that has well, target or Ct among its words; else the most frequent.
fn separator(text: &str) -> u8 {
    let candidates = [b'\t', b';', b','];
    let count = |line: &str, of: u8| line.bytes().filter(|byte| *byte == of).count();
    let header = text.split(['\n', '\r']).find(|line| {
        let line = line.to_lowercase();
        (line.contains("well") || line.contains("pos"))
            && candidates.iter().any(|of| count(&line, *of) >= 2)
    });
    let line = header.unwrap_or_else(|| text.split(['\n', '\r']).next().unwrap_or_default());
    candidates
        .into_iter()
        .rev()
        .max_by_key(|of| count(line, *of))
        .unwrap_or(b',')
}

/// Offsets just behind each line end.
fn line_ends(text: &str) -> Vec<u64> {
    let bytes = text.as_bytes();
    let mut ends = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        let end = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if end {
            ends.push(at as u64 + 1);
        }
    }
    ends
}

/// The line of the record's first character: the reader's position may lie before blank lines.
fn first_line(text: &str, byte: u64, ends: &[u64]) -> u32 {
    let start = usize::try_from(byte).unwrap_or(usize::MAX);
    let blank = text.as_bytes().get(start..).unwrap_or_default();
    let skipped = blank
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count() as u64;
    let at = byte + skipped;
    let before = ends.partition_point(|end| *end <= at);
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}
