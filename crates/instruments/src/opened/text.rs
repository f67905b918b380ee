//! Texts: sections, separators, lines.

use super::{Line, Meter, Part};
use crate::bounds::{COLUMNS_MAX, HEAD_LINES, PARTS_MAX};
use crate::columns::is_header;
use crate::place::Place;
use crate::refusal::{Reason, Refusal};
use csv::ReaderBuilder;
use std::ops::Range;

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    Tab,
    Semicolon,
    Comma,
    Bar,
}

impl Separator {
    const ALL: [Self; 4] = [Self::Tab, Self::Semicolon, Self::Comma, Self::Bar];

    const fn byte(self) -> u8 {
        match self {
            Self::Tab => b'\t',
            Self::Semicolon => b';',
            Self::Comma => b',',
            Self::Bar => b'|',
        }
    }
}

struct Section {
    name: String,
    range: Range<usize>,
    separator: Separator,
}

/// A text, cut into its sections.
pub(super) struct Text {
    text: String,
    /// Where lines begin.
    starts: Vec<usize>,
    sections: Vec<Section>,
}

impl Text {
    /// Cuts a text with LF line ends.
    pub fn of(text: String) -> Result<Self, Refusal> {
        let mut starts = vec![0];
        starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at.saturating_add(1)),
        );
        let mut sections: Vec<(String, usize)> = vec![(String::new(), 0)];
        for (at, start) in starts.iter().enumerate() {
            let end = starts
                .get(at.saturating_add(1))
                .copied()
                .unwrap_or(text.len());
            let line = text.get(*start..end).unwrap_or_default();
            if let Some(name) = section_name(line) {
                sections.push((name.to_owned(), end));
            } else if *start > 0 && begins_another(line) {
                sections.push((String::new(), *start));
            }
            if sections.len() > PARTS_MAX {
                return Err(Refusal::whole(
                    Reason::TooLong,
                    format!("more than {PARTS_MAX} sections"),
                ));
            }
        }
        let ends: Vec<usize> = sections
            .iter()
            .skip(1)
            .map(|(_, start)| *start)
            .chain([text.len()])
            .collect();
        let mut cut = Self {
            text,
            starts,
            sections: Vec::new(),
        };
        for ((name, start), end) in sections.into_iter().zip(ends) {
            let separator = cut.separator(start..end)?;
            cut.sections.push(Section {
                name,
                range: start..end,
                separator,
            });
        }
        Ok(cut)
    }

    /// The sections by their first lines.
    pub fn parts(&self) -> Result<Vec<Part>, Refusal> {
        let mut parts = Vec::new();
        for (at, section) in self.sections.iter().enumerate() {
            parts.push(Part {
                name: section.name.clone(),
                head: self.lines(at, HEAD_LINES)?,
                separator: Some(section.separator),
            });
        }
        Ok(parts)
    }

    pub fn ends_in_a_line(&self) -> bool {
        self.text.ends_with('\n')
    }

    /// The lines of a section that hold anything, at most so many.
    pub fn lines(&self, section: usize, most: usize) -> Result<Vec<Line>, Refusal> {
        self.sections.get(section).map_or_else(
            || Ok(Vec::new()),
            |section| self.read(section.range.clone(), section.separator, most),
        )
    }

    /// The separator by which a header is found, and with the most columns; else the most frequent one.
    fn separator(&self, range: Range<usize>) -> Result<Separator, Refusal> {
        let mut best = (0, Separator::Comma);
        for separator in Separator::ALL {
            let head = self.read(range.clone(), separator, HEAD_LINES)?;
            let header = head.iter().find(|line| is_header(line));
            let width = header.map_or(0, |header| header.cells.len());
            if width > best.0 {
                best = (width, separator);
            }
        }
        if best.0 > 0 {
            return Ok(best.1);
        }
        let text = self.text.get(range).unwrap_or_default();
        let count = |separator: Separator| {
            text.bytes()
                .take(10_000)
                .filter(|byte| *byte == separator.byte())
                .count()
        };
        Ok(Separator::ALL
            .into_iter()
            .rev()
            .max_by_key(|separator| count(*separator))
            .unwrap_or(Separator::Comma))
    }

    fn read(
        &self,
        range: Range<usize>,
        separator: Separator,
        most: usize,
    ) -> Result<Vec<Line>, Refusal> {
        let text = self.text.get(range.clone()).unwrap_or_default();
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator.byte())
            .from_reader(text.as_bytes());
        let mut lines = Vec::new();
        let mut meter = Meter::default();
        for record in reader.records() {
            if lines.len() >= most {
                break;
            }
            // The text is UTF-8 and rows may have any width: nothing is left to go wrong.
            let record = record.map_err(|error| {
                Refusal::whole(Reason::BadRow, format!("a row cannot be read: {error}"))
            })?;
            let byte = record.position().map_or(0, csv::Position::byte);
            let number = self.number(range.start, byte);
            if record.len() > COLUMNS_MAX && most == usize::MAX {
                return Err(Refusal::at(
                    Reason::BadRow,
                    at_line(number),
                    format!("{} columns are more than {COLUMNS_MAX}", record.len()),
                ));
            }
            meter.count(record.len().min(COLUMNS_MAX), || at_line(number))?;
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            lines.push(Line {
                number,
                cells: record
                    .iter()
                    .take(COLUMNS_MAX.saturating_add(1))
                    .map(|cell| cell.trim().to_owned())
                    .collect(),
            });
        }
        Ok(lines)
    }

    /// The line of a record's first character: the reader's position may lie before blank lines.
    fn number(&self, from: usize, byte: u64) -> u32 {
        let at = from.saturating_add(usize::try_from(byte).unwrap_or(usize::MAX));
        let blank = self
            .text
            .as_bytes()
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| **byte == b'\n')
            .count();
        let at = at.saturating_add(blank);
        let number = self.starts.partition_point(|start| *start <= at);
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}

fn at_line(line: u32) -> Place {
    Place {
        sheet: String::new(),
        line,
    }
}

/// The name in a line that is `[Name]` and nothing else; spreadsheets add separators behind it.
fn section_name(line: &str) -> Option<&str> {
    let bare = line
        .trim()
        .trim_end_matches([',', ';', '\t', ' '])
        .trim_matches('"');
    let name = bare.strip_prefix('[')?.strip_suffix(']')?;
    let plain = !name.is_empty()
        && name.len() <= 60
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '(' | ')' | '/'));
    plain.then_some(name.trim())
}

/// The first line of another table of the same kind, joined to the file: one filter of a LightCycler run.
fn begins_another(line: &str) -> bool {
    let line = line.trim_start_matches(['"', '\u{feff}']);
    line.starts_with("Experiment:") && line.contains("Selected Filter:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Text, Vec<Part>) {
        let text = Text::of(text.to_owned()).expect("cut");
        let parts = text.parts().expect("parts");
        (text, parts)
    }

    #[test]
    fn sections_are_cut_at_their_names_and_lines_counted_as_a_person_does() {
        let (text, parts) = of(
            "* Key = Value\n\n[Sample Setup]\nWell\tName\n[Results]\t\t\n\nWell\tTarget Name\tCT\n\nA1\tN\t20\n",
        );
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["", "Sample Setup", "Results"]);
        let numbers: Vec<u32> = text
            .lines(2, 100)
            .expect("lines")
            .iter()
            .map(|line| line.number)
            .collect();
        assert_eq!(numbers, [7, 9]);
        assert_eq!(parts[2].separator, Some(Separator::Tab));
    }

    #[test]
    fn the_separator_is_that_of_the_header() {
        for (text, separator) in [
            (
                "a, b, c, d, e\nWell;Target;Ct\nA1;N;27,5\n",
                Separator::Semicolon,
            ),
            ("Well,Target,Ct\n", Separator::Comma),
            ("Well|Target|Ct\n", Separator::Bar),
            ("x\ty\nz\t\n", Separator::Tab),
        ] {
            assert_eq!(of(text).1[0].separator, Some(separator), "{text}");
        }
    }

    #[test]
    fn a_line_break_in_quotes_belongs_to_its_row() {
        let (text, _) = of("Well,Target,Ct,Note\nA1,N,20,\"two\nlines\"\nA2,N,21,\n");
        let lines = text.lines(0, 100).expect("lines");
        assert_eq!(lines.len(), 3);
        assert_eq!((lines[2].number, lines[2].cell(0)), (4, "A2"));
    }
}
