//! Reads a file of registrations line by line, whatever spreadsheets and scripts do to such files.
//!
//! A bad line is one rejected line, never the file; only a file that cannot be understood at all (no
//! header, a column twice, a spreadsheet under a false name) is refused whole.

use super::lines::LineCounter;
use super::row::{OPTIONAL, REQUIRED, from_fields, from_json};
use crate::failure::{Failure, Outcome};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use tenfold_proto::v1::Registration;

/// Longest line of JSON that is read; a collection pool of 50 pseudonyms takes a few thousand bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// One line of the file that states something.
#[derive(Debug)]
pub struct Line {
    /// Counted from 1, blank lines included, so that a person finds it.
    pub number: u64,
    /// What it states, or why it cannot be read.
    pub registration: Result<Registration, String>,
}

/// The lines of a file, and what was odd about the file as a whole.
pub struct Lines {
    /// To be told once.
    pub warnings: Vec<String>,
    lines: Box<dyn Iterator<Item = Line> + Send>,
}

impl Iterator for Lines {
    type Item = Line;
    fn next(&mut self) -> Option<Line> {
        self.lines.next()
    }
}

/// Opens a `.csv`, `.jsonl` or `.ndjson` file.
pub fn open(path: &Path) -> Outcome<Lines> {
    let refuse = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
    let mut file = File::open(path).map_err(|error| refuse(error.to_string()))?;
    let mut head = [0; 8];
    let read = file
        .read(&mut head)
        .map_err(|error| refuse(error.to_string()))?;
    let head = head.get(..read).unwrap_or_default();
    if let Some(what) = not_text(head) {
        return Err(refuse(what.to_owned()));
    }
    let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
    let again = File::open(path).map_err(|error| refuse(error.to_string()))?;
    match path.extension().and_then(|end| end.to_str()) {
        Some("csv") => csv_lines(file, again).map_err(refuse),
        Some("jsonl" | "ndjson") => Ok(json_lines(file)),
        _ => Err(refuse(
            "the name must end in .csv, .jsonl or .ndjson".to_owned(),
        )),
    }
}

/// What a file is that is no text in UTF-8, by its first bytes.
fn not_text(head: &[u8]) -> Option<&'static str> {
    if head.is_empty() {
        return Some("the file is empty");
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Some("this is a spreadsheet: save it as CSV (UTF-8) first");
    }
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Some("this is UTF-16: save it as CSV (UTF-8) first");
    }
    if head.starts_with(b"<") {
        return Some("this is a web page, not a table: was the download an error message?");
    }
    None
}

fn csv_lines(file: File, again: File) -> Result<Lines, String> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(BufReader::new(file));
    let headings: Vec<String> = reader
        .headers()
        .map_err(|error| format!("the header cannot be read: {error}"))?
        .iter()
        .map(|name| {
            name.trim_start_matches('\u{feff}')
                .to_lowercase()
                .replace(' ', "_")
        })
        .collect();
    let missing: Vec<&str> = REQUIRED
        .iter()
        .copied()
        .filter(|name| !headings.iter().any(|heading| heading == name))
        .collect();
    if !missing.is_empty() {
        return Err(format!(
            "the header has no column {}",
            missing.join(", no column ")
        ));
    }
    let mut unknown = Vec::new();
    for (i, heading) in headings.iter().enumerate() {
        if headings.iter().take(i).any(|before| before == heading) && !heading.is_empty() {
            return Err(format!(
                "column {heading} is there twice: which one counts?"
            ));
        }
        if !REQUIRED.contains(&heading.as_str()) && !OPTIONAL.contains(&heading.as_str()) {
            unknown.push(heading.clone());
        }
    }
    let mut warnings = Vec::new();
    if !unknown.is_empty() {
        warnings.push(format!(
            "columns not known and left out: {}",
            unknown.join(", ")
        ));
    }
    let mut counter = LineCounter::new(BufReader::new(again));
    let lines = reader
        .into_records()
        .filter_map(move |record| csv_line(&headings, &mut counter, record));
    Ok(Lines {
        warnings,
        lines: Box::new(lines),
    })
}

/// A record as a line; `None` for lines of separators only and for the header repeated in the middle.
fn csv_line(
    headings: &[String],
    counter: &mut LineCounter<BufReader<File>>,
    record: csv::Result<csv::StringRecord>,
) -> Option<Line> {
    let record = match record {
        Ok(record) => record,
        Err(error) => {
            let number = error.position().map_or(0, |at| counter.line_at(at.byte()));
            return Some(Line {
                number,
                registration: Err(not_utf8(&error)),
            });
        }
    };
    let number = record.position().map_or(0, |at| counter.line_at(at.byte()));
    if record.iter().all(str::is_empty)
        || record
            .iter()
            .zip(headings)
            .all(|(field, heading)| field.eq_ignore_ascii_case(heading))
    {
        return None;
    }
    let more = record
        .iter()
        .skip(headings.len())
        .any(|field| !field.is_empty());
    let registration = if record.len() < headings.len() {
        Err(format!(
            "the line has {} fields, the header {}: was it cut?",
            record.len(),
            headings.len()
        ))
    } else if more {
        Err(format!(
            "the line has more fields than the header's {}",
            headings.len()
        ))
    } else {
        from_fields(|name| {
            headings
                .iter()
                .position(|heading| heading == name)
                .and_then(|column| record.get(column))
                .unwrap_or_default()
        })
    };
    Some(Line {
        number,
        registration,
    })
}

fn not_utf8(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => {
            "the line is not UTF-8: save the file as CSV (UTF-8)".to_owned()
        }
        _ => error.to_string(),
    }
}

fn json_lines(file: File) -> Lines {
    let mut reader = BufReader::new(file);
    let mut number = 0;
    let lines = std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            let read = (&mut reader)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line);
            number += 1;
            match read {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    return Some(Line {
                        number,
                        registration: Err(error.to_string()),
                    });
                }
            }
            if line.len() as u64 == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
                skip_line(&mut reader);
                return Some(Line {
                    number,
                    registration: Err(format!("the line is longer than {LINE_BYTES_MAX} bytes")),
                });
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                return Some(Line {
                    number,
                    registration: from_json(text),
                });
            }
        }
    });
    Lines {
        warnings: Vec::new(),
        lines: Box::new(lines),
    }
}

fn skip_line(reader: &mut impl BufRead) {
    let mut rest = Vec::new();
    while let Ok(read) = reader
        .by_ref()
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut rest)
    {
        if read == 0 || rest.last() == Some(&b'\n') {
            return;
        }
        rest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "barcode,site,kind,specimen_type,sampling_class,subjects";

    fn read(name: &str, content: &[u8]) -> Outcome<Lines> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("a file");
        open(&path)
    }

    fn lines(content: &str) -> Vec<Line> {
        read("a.csv", content.as_bytes())
            .expect("a readable file")
            .collect()
    }

    #[test]
    fn a_byte_order_mark_spaces_other_line_ends_and_blank_lines_do_no_harm() {
        let file = format!(
            "\u{feff}{HEADER}\r\n\r\n AB123456 , s-01,person,np-swab,routine,p1\r\n,,,,,\r\nAB123457,s-01,person,np-swab,routine,p1;p2"
        );
        let lines = lines(&file);
        assert_eq!(lines.len(), 2);
        let first = lines[0].registration.as_ref().expect("a row");
        assert_eq!(first.barcode, "AB123456");
        assert_eq!(lines[0].number, 3);
        let second = lines[1].registration.as_ref().expect("a row");
        assert_eq!(second.subjects, ["p1", "p2"]);
    }

    #[test]
    fn one_bad_line_leaves_the_others_standing_and_is_found_by_its_number() {
        let file = format!(
            "{HEADER}\nAB123456,s-01,person,np-swab,routine,p1\nAB1234\nAB123458,s-01,cat,np-swab,routine,p1\n{HEADER}\nAB123459,s-01,person,np-swab,routine,p1,,\n"
        );
        let lines = lines(&file);
        let bad: Vec<u64> = lines
            .iter()
            .filter(|l| l.registration.is_err())
            .map(|l| l.number)
            .collect();
        assert_eq!(bad, [3, 4]);
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn every_missing_column_is_named_and_a_column_twice_is_refused() {
        let missing = read("a.csv", b"barcode,kind\nA,person\n")
            .err()
            .expect("a refusal")
            .to_string();
        assert!(
            missing.contains("no column site") && missing.contains("no column sampling_class"),
            "{missing}"
        );
        let twice = read("a.csv", format!("{HEADER},site\n").as_bytes())
            .err()
            .expect("a refusal")
            .to_string();
        assert!(twice.contains("site is there twice"), "{twice}");
    }

    #[test]
    fn a_file_that_is_something_else_is_told_so() {
        for (content, word) in [
            (&b"PK\x03\x04aaaa"[..], "spreadsheet"),
            (b"\xFF\xFEb\0", "UTF-16"),
            (b"<html>", "web page"),
            (b"", "empty"),
        ] {
            let error = read("a.csv", content).err().expect("a refusal").to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(read("a.txt", b"barcode").is_err());
    }

    #[test]
    fn a_header_alone_is_no_rows_and_unknown_columns_are_told_once() {
        let lines = read("a.csv", format!("{HEADER},weather\n").as_bytes()).expect("a file");
        assert!(lines.warnings[0].contains("weather"));
        assert_eq!(lines.count(), 0);
    }

    #[test]
    fn lines_of_json_are_numbered_and_an_endless_line_ends() {
        let long = "x".repeat(LINE_BYTES_MAX as usize * 3);
        let file = format!("{{\"barcode\":\"A\",\"kind\":\"person\"}}\n\n{long}\n{{}}\n");
        let lines: Vec<Line> = read("a.jsonl", file.as_bytes()).expect("a file").collect();
        let numbers: Vec<u64> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 3, 4]);
        assert!(lines[0].registration.is_ok());
        assert!(lines[1].registration.is_err());
    }
}
