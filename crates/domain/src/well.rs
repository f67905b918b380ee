//! Wells of a plate and the arithmetic of their positions.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How many wells a plate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum PlateSize {
    /// 8 rows A to H, 12 columns.
    #[default]
    #[serde(rename = "96")]
    P96,
    /// 16 rows A to P, 24 columns.
    #[serde(rename = "384")]
    P384,
}

impl PlateSize {
    /// Number of rows.
    #[must_use]
    pub const fn rows(self) -> u8 {
        match self {
            Self::P96 => 8,
            Self::P384 => 16,
        }
    }

    /// Number of columns.
    #[must_use]
    pub const fn columns(self) -> u8 {
        match self {
            Self::P96 => 12,
            Self::P384 => 24,
        }
    }

    /// Number of wells.
    #[must_use]
    pub const fn wells(self) -> u16 {
        self.rows() as u16 * self.columns() as u16
    }
}

/// A position on a plate, `A1` to `P24`; row and column count from 0. Sorts row by row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Well {
    row: u8,
    column: u8,
}

impl Well {
    /// The well at a 0-based row and column, if such a well exists on a plate of this size.
    #[must_use]
    pub const fn at(size: PlateSize, row: u8, column: u8) -> Option<Self> {
        if row < size.rows() && column < size.columns() {
            Some(Self { row, column })
        } else {
            None
        }
    }

    /// Reads `A1`, `A01` or `a1`; `None` for anything else, `A00` and `HH0` included.
    #[must_use]
    pub fn parse(size: PlateSize, text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let letter = chars.next()?.to_ascii_uppercase();
        let digits = chars.as_str();
        if !letter.is_ascii_uppercase()
            || digits.is_empty()
            || digits.len() > 2
            || !digits.bytes().all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let column: u8 = digits.parse().ok()?;
        Self::at(size, letter as u8 - b'A', column.checked_sub(1)?)
    }

    /// 0-based row.
    #[must_use]
    pub const fn row(self) -> u8 {
        self.row
    }

    /// 0-based column.
    #[must_use]
    pub const fn column(self) -> u8 {
        self.column
    }
}

impl fmt::Display for Well {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(b'A' + self.row), self.column + 1)
    }
}

impl fmt::Debug for Well {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Well> for String {
    fn from(well: Well) -> Self {
        well.to_string()
    }
}

impl TryFrom<String> for Well {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(PlateSize::P384, &text)
            .ok_or_else(|| format!("{text:?} is no well: wells are A1 to H12, or A1 to P24"))
    }
}
