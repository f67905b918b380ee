//! A file, opened: what container it is, and the tables in it.
//!
//! A text has one part, or one a `[Section]`; a workbook has one a sheet. The head of every part is read at
//! once, for recognition; a part is read whole only when a reader asks for it.

mod archive;
mod decode;
mod text;
mod xls;
mod xlsx;
pub(crate) mod xml;

use crate::bounds::FILE_BYTES_MAX;
use crate::place::Place;
use crate::refusal::{Reason, Refusal};
pub(crate) use text::Separator;

/// A row that holds anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1, blank lines included.
    pub number: u32,
    /// Trimmed.
    pub cells: Vec<String>,
}

impl Line {
    /// A cell; empty where the row is shorter.
    pub fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map(String::as_str).unwrap_or_default()
    }

    /// Number of cells that hold anything.
    pub fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }
}

/// A section or a sheet, by its first lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// Its name; empty for what stands before the first section.
    pub name: String,
    /// The first lines.
    pub head: Vec<Line>,
    /// What separates its fields, if it is text.
    pub separator: Option<Separator>,
}

enum Source {
    Text(text::Text),
    Xlsx(Box<xlsx::Book>),
    Xls(Box<xls::Book>),
    Xml,
}

/// A file, opened.
pub(crate) struct Opened {
    /// Parts in the order of the file; none in an XML file.
    pub parts: Vec<Part>,
    /// The text of an XML file, also one from an archive.
    pub xml: Option<String>,
    source: Source,
}

impl Opened {
    /// Opens a file; what it is, is told by its first bytes.
    ///
    /// # Errors
    /// Empty, too large, damaged, or nothing that holds tables.
    pub fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(Refusal::whole(
                Reason::TooLarge,
                format!("{} bytes are more than {FILE_BYTES_MAX}", bytes.len()),
            ));
        }
        if bytes
            .iter()
            .all(|byte| byte.is_ascii_whitespace() || *byte == 0)
        {
            return Err(Refusal::whole(Reason::Empty, "the file is empty"));
        }
        if bytes.starts_with(b"PK") {
            return Self::of_archive(bytes);
        }
        if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
            let book = guarded(|| xls::Book::open(bytes))?;
            let parts = book.parts();
            return Ok(Self::with(parts, Source::Xls(Box::new(book))));
        }
        if let Some(what) = binary(bytes) {
            return Err(unsupported(what));
        }
        let text = decode::decode(bytes).ok_or_else(|| unsupported("binary"))?;
        let start: String = text.trim_start().chars().take(100).collect();
        let start = start.to_lowercase();
        if ["<!doctype html", "<html", "<head", "<body"]
            .iter()
            .any(|tag| start.starts_with(tag))
        {
            return Err(unsupported("an HTML page, perhaps an error message"));
        }
        if start.starts_with('<') {
            return Ok(Self {
                parts: Vec::new(),
                xml: Some(text),
                source: Source::Xml,
            });
        }
        let text = text::Text::of(text)?;
        let parts = text.parts()?;
        Ok(Self::with(parts, Source::Text(text)))
    }

    fn of_archive(bytes: &[u8]) -> Result<Self, Refusal> {
        match archive::look(bytes)? {
            archive::Found::Workbook => {
                let (book, parts) = guarded(|| xlsx::Book::open(bytes))?;
                Ok(Self::with(parts, Source::Xlsx(Box::new(book))))
            }
            archive::Found::Xml(bytes) => {
                let text = decode::decode(&bytes)
                    .ok_or_else(|| Refusal::whole(Reason::Damaged, "its XML is no text"))?;
                Ok(Self {
                    parts: Vec::new(),
                    xml: Some(text),
                    source: Source::Xml,
                })
            }
            archive::Found::Other(what) => Err(unsupported(what)),
        }
    }

    const fn with(parts: Vec<Part>, source: Source) -> Self {
        Self {
            parts,
            xml: None,
            source,
        }
    }

    /// Reads a part whole.
    ///
    /// # Errors
    /// It is beyond a bound, or damaged.
    pub fn lines(&mut self, part: usize) -> Result<Vec<Line>, Refusal> {
        match &mut self.source {
            Source::Text(text) => text.lines(part, usize::MAX),
            Source::Xlsx(book) => guarded(|| book.lines(part, usize::MAX)),
            Source::Xls(book) => book.lines(part, usize::MAX),
            Source::Xml => Ok(Vec::new()),
        }
    }

    /// The place of a line of a part.
    pub fn place(&self, part: usize, line: u32) -> Place {
        let sheet = match self.source {
            Source::Text(_) | Source::Xml => String::new(),
            Source::Xlsx(_) | Source::Xls(_) => self
                .parts
                .get(part)
                .map(|part| part.name.clone())
                .unwrap_or_default(),
        };
        Place { sheet, line }
    }

    /// The file's last line is cut: no line end behind it.
    pub fn ends_in_a_line(&self) -> bool {
        match &self.source {
            Source::Text(text) => text.ends_in_a_line(),
            _ => true,
        }
    }
}

/// Calls a library that may panic on a broken file; its panic is a refusal then.
fn guarded<T>(call: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(Refusal::whole(
            Reason::Damaged,
            "the workbook is cut or broken: a record of it is malformed",
        ))
    })
}

/// Lines and cells of a part are counted while it is read.
#[derive(Default)]
struct Meter {
    lines: usize,
    cells: usize,
}

impl Meter {
    fn count(&mut self, cells: usize, place: impl FnOnce() -> Place) -> Result<(), Refusal> {
        use crate::bounds::{CELLS_MAX, LINES_MAX};
        self.lines = self.lines.saturating_add(1);
        self.cells = self.cells.saturating_add(cells);
        if self.lines > LINES_MAX || self.cells > CELLS_MAX {
            return Err(Refusal::at(
                Reason::TooLong,
                place(),
                format!("more than {LINES_MAX} lines or {CELLS_MAX} cells in one table"),
            ));
        }
        Ok(())
    }
}

pub(crate) fn unsupported(what: &str) -> Refusal {
    Refusal::whole(Reason::Unsupported, format!("the file is {what}"))
}

fn binary(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"%PDF") {
        Some("a PDF")
    } else if bytes.starts_with(&[0x1F, 0x8B]) {
        Some("a gzip archive")
    } else if bytes.starts_with(b"\x89PNG") || bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Some("a picture")
    } else if bytes.starts_with(b"7z\xBC\xAF") || bytes.starts_with(b"Rar!") {
        Some("an archive")
    } else {
        None
    }
}
