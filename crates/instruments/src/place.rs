//! Where in a file something is, as a person would look for it.

use std::fmt;

/// A line of a text, or a row of a sheet; both from 1, blank ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The workbook's sheet; empty in a text.
    pub sheet: String,
    /// The line; 0 = the file as a whole.
    pub line: u32,
}

impl Place {
    /// The file as a whole.
    #[must_use]
    pub const fn whole() -> Self {
        Self {
            sheet: String::new(),
            line: 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.sheet.as_str(), self.line) {
            ("", 0) => f.write_str("the file"),
            ("", line) => write!(f, "line {line}"),
            (sheet, 0) => write!(f, "sheet {sheet:?}"),
            (sheet, line) => write!(f, "sheet {sheet:?}, row {line}"),
        }
    }
}
