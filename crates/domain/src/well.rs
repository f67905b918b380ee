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

    /// Where this well comes to stand if the plate is turned by 180 degrees: A1 and H12 change places. `None` if it is
    /// no well of this size.
    #[must_use]
    pub const fn turned(self, size: PlateSize) -> Option<Self> {
        if self.row >= size.rows() || self.column >= size.columns() {
            return None;
        }
        Self::at(
            size,
            size.rows() - 1 - self.row,
            size.columns() - 1 - self.column,
        )
    }
}

impl Well {
    /// What [`fmt::Display`] writes; without the machinery of [`fmt`].
    #[must_use]
    pub fn text(self) -> String {
        let mut digits = itoa::Buffer::new();
        let mut text = String::with_capacity(4);
        text.push(char::from(b'A' + self.row));
        text.push_str(digits.format(self.column + 1));
        text
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

/// How four 96-well plates are put into one of 384 wells. Quadrants count from 0 to 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuadrantOrder {
    /// Quadrants start at A1, A2, B1, B2.
    RowWise,
    /// Quadrants start at A1, B1, A2, B2.
    ColumnWise,
}

impl QuadrantOrder {
    /// The (row, column) offset of a quadrant; `None` above 3.
    const fn offset(self, quadrant: u8) -> Option<(u8, u8)> {
        if quadrant > 3 {
            return None;
        }
        Some(match self {
            Self::RowWise => (quadrant / 2, quadrant % 2),
            Self::ColumnWise => (quadrant % 2, quadrant / 2),
        })
    }

    /// Where a well of a 96-well plate comes to stand on the 384-well plate.
    #[must_use]
    pub const fn to_384(self, quadrant: u8, well: Well) -> Option<Well> {
        if well.row >= PlateSize::P96.rows() || well.column >= PlateSize::P96.columns() {
            return None;
        }
        match self.offset(quadrant) {
            Some((row, column)) => Well::at(
                PlateSize::P384,
                2 * well.row + row,
                2 * well.column + column,
            ),
            None => None,
        }
    }

    /// Which quadrant and 96-well a well of a 384-well plate came from.
    #[must_use]
    pub const fn from_384(self, well: Well) -> (u8, Well) {
        let (row, column) = (well.row % 2, well.column % 2);
        let quadrant = match self {
            Self::RowWise => 2 * row + column,
            Self::ColumnWise => 2 * column + row,
        };
        (
            quadrant,
            Well {
                row: well.row / 2,
                column: well.column / 2,
            },
        )
    }
}

impl Well {
    /// Index counting along the rows, from 0: A1, A2, ... (a well outside the plate has an index outside it).
    #[must_use]
    pub const fn row_major(self, size: PlateSize) -> u16 {
        self.row as u16 * size.columns() as u16 + self.column as u16
    }

    /// Index counting down the columns, from 0: A1, B1, ...
    #[must_use]
    pub const fn column_major(self, size: PlateSize) -> u16 {
        self.column as u16 * size.rows() as u16 + self.row as u16
    }

    /// The well with this index along the rows.
    #[must_use]
    pub const fn from_row_major(size: PlateSize, index: u16) -> Option<Self> {
        if index >= size.wells() {
            return None;
        }
        let columns = size.columns() as u16;
        Self::at(size, (index / columns) as u8, (index % columns) as u8)
    }

    /// The well with this index down the columns.
    #[must_use]
    pub const fn from_column_major(size: PlateSize, index: u16) -> Option<Self> {
        if index >= size.wells() {
            return None;
        }
        let rows = size.rows() as u16;
        Self::at(size, (index % rows) as u8, (index / rows) as u8)
    }

    /// The well stands on a plate of this size.
    #[must_use]
    pub const fn fits(self, size: PlateSize) -> bool {
        self.row < size.rows() && self.column < size.columns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn well(text: &str) -> Well {
        Well::parse(PlateSize::P384, text).unwrap()
    }

    #[test]
    fn wells_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("A1", Some("A1")),
            ("A01", Some("A1")),
            ("a2", Some("A2")),
            ("h12", Some("H12")),
            ("A00", None),
            ("HH0", None),
            ("I1", None),
            ("A13", None),
            ("A001", None),
            ("A", None),
            ("", None),
            ("1A", None),
        ] {
            let read = Well::parse(PlateSize::P96, text).map(|w| w.to_string());
            assert_eq!(read.as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn indexes_of_a_96_well_plate() {
        for (text, rows, columns) in [("A1", 0, 0), ("A2", 1, 8), ("B1", 12, 1), ("H12", 95, 95)] {
            assert_eq!(well(text).row_major(PlateSize::P96), rows, "{text}");
            assert_eq!(well(text).column_major(PlateSize::P96), columns, "{text}");
        }
    }

    #[test]
    fn quadrants_of_a_384_well_plate() {
        use QuadrantOrder::{ColumnWise, RowWise};
        for (order, quadrant, from, to) in [
            (RowWise, 0, "B1", "C1"),
            (RowWise, 3, "H12", "P24"),
            (ColumnWise, 0, "B1", "C1"),
            (ColumnWise, 3, "H12", "P24"),
            (RowWise, 1, "A1", "A2"),
            (RowWise, 2, "A1", "B1"),
            (ColumnWise, 1, "A1", "B1"),
            (ColumnWise, 2, "A1", "A2"),
        ] {
            let moved = order.to_384(quadrant, well(from));
            assert_eq!(moved, Some(well(to)), "{order:?} Q{} {from}", quadrant + 1);
        }
        assert_eq!(RowWise.to_384(4, well("A1")), None);
        assert_eq!(RowWise.to_384(0, well("A13")), None);
    }

    proptest! {
        #[test]
        fn an_index_leads_back_to_its_well(index in 0u16..400) {
            for size in [PlateSize::P96, PlateSize::P384] {
                let by_row = Well::from_row_major(size, index);
                let by_column = Well::from_column_major(size, index);
                prop_assert_eq!(by_row.is_some(), index < size.wells());
                prop_assert_eq!(by_row.map(|w| w.row_major(size)), by_row.map(|_| index));
                prop_assert_eq!(by_column.map(|w| w.column_major(size)), by_column.map(|_| index));
                let turned = by_row.and_then(|w| w.turned(size));
                prop_assert_eq!(turned.map(|w| w.row_major(size)), by_row.map(|_| size.wells() - 1 - index));
                prop_assert_eq!(turned.and_then(|w| w.turned(size)), by_row);
            }
        }

        #[test]
        fn a_384_well_comes_from_one_96_well(index in 0u16..384) {
            let to = Well::from_row_major(PlateSize::P384, index).unwrap();
            for order in [QuadrantOrder::RowWise, QuadrantOrder::ColumnWise] {
                let (quadrant, from) = order.from_384(to);
                prop_assert_eq!(order.to_384(quadrant, from), Some(to));
            }
        }
    }
}
