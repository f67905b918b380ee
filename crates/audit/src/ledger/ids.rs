//! Ids as numbers: labs in the order in which they are met, tubes and pools by number within their lab.

use crate::hashes::hash64;
use std::collections::HashMap;
use tenfold_proto::v1::QuadrantOrder;

/// Bits of the number within a lab.
const NUMBER_BITS: u32 = 40;

/// A tube: its lab above, its number below.
pub type TubeKey = u64;

/// A pool, in the same way; a collection pool is its tube, with the top bit set.
pub type PoolKey = u64;

/// Set in the key of a tube that is a pool by itself.
pub const COLLECTION: u64 = 1 << 63;

/// Names of labs and their numbers.
#[derive(Debug, Default)]
pub struct Labs {
    numbers: HashMap<String, u64>,
    names: Vec<String>,
    plates: HashMap<u64, u32>,
}

impl Labs {
    /// A lab's number, made if it is new.
    pub fn number(&mut self, lab: &str) -> u64 {
        if let Some(number) = self.numbers.get(lab) {
            return *number;
        }
        let number = self.names.len() as u64;
        self.names.push(lab.to_owned());
        self.numbers.insert(lab.to_owned(), number);
        number
    }

    /// A plate's number in the audit, made if it is new.
    pub fn plate(&mut self, lab: &str, barcode: &str) -> u32 {
        let next = u32::try_from(self.plates.len()).unwrap_or(u32::MAX);
        let name = hash64(&[lab.as_bytes(), barcode.as_bytes()]);
        *self.plates.entry(name).or_insert(next)
    }

    /// Key of a numbered thing of a lab.
    pub fn key(&mut self, lab: &str, number: u64) -> u64 {
        (self.number(lab) << NUMBER_BITS) | (number & ((1 << NUMBER_BITS) - 1))
    }

    /// Reads `lab/T17`; `None` if it is not of that form.
    pub fn tube(&mut self, id: &str) -> Option<TubeKey> {
        self.lettered(id, 'T')
    }

    /// Reads `lab/P17`.
    pub fn pool(&mut self, id: &str) -> Option<PoolKey> {
        self.lettered(id, 'P')
    }

    /// Reads `lab/P17`, or `lab/T17` for a tube that is a collection pool.
    pub fn pool_or_tube(&mut self, id: &str) -> Option<PoolKey> {
        self.pool(id)
            .or_else(|| self.tube(id).map(|tube| tube | COLLECTION))
    }

    /// Reads `lab/O17`.
    pub fn order(&mut self, id: &str) -> Option<u64> {
        self.lettered(id, 'O')
    }

    fn lettered(&mut self, id: &str, letter: char) -> Option<u64> {
        let (lab, number) = id.rsplit_once('/')?;
        let number = number.strip_prefix(letter)?.parse().ok()?;
        Some(self.key(lab, number))
    }

    /// A lab's name.
    #[must_use]
    pub fn name_of(&self, key: u64) -> &str {
        let lab = (key & !COLLECTION) >> NUMBER_BITS;
        usize::try_from(lab)
            .ok()
            .and_then(|lab| self.names.get(lab))
            .map_or("?", String::as_str)
    }

    /// A tube's id, for people.
    #[must_use]
    pub fn tube_id(&self, key: TubeKey) -> String {
        format!("{}/T{}", self.name_of(key), number_of(key))
    }

    /// A pool's id, for people.
    #[must_use]
    pub fn pool_id(&self, key: PoolKey) -> String {
        let letter = if key & COLLECTION == 0 { 'P' } else { 'T' };
        format!("{}/{letter}{}", self.name_of(key), number_of(key))
    }
}

/// The number within the lab.
#[must_use]
pub const fn number_of(key: u64) -> u64 {
    key & ((1 << NUMBER_BITS) - 1)
}

/// The lab's number.
#[must_use]
pub const fn lab_of(key: u64) -> u64 {
    (key & !COLLECTION) >> NUMBER_BITS
}

/// Reads `A1` to `P24`; a text that is no well is 0, and no well is 0.
#[must_use]
pub fn well(text: &str) -> u16 {
    let mut chars = text.chars();
    let row = chars.next().map_or(0, |c| c.to_ascii_uppercase() as u32);
    let column: u16 = chars.as_str().parse().unwrap_or(0);
    if !(65..=80).contains(&row) || !(1..=24).contains(&column) {
        return 0;
    }
    u16::try_from(row - 64).unwrap_or(0) << 8 | column
}

/// The quadrant, from 0, that a well of a 384-well plate is of.
#[must_use]
pub fn quadrant(order: QuadrantOrder, well: u16) -> Option<u32> {
    let row = u32::from((well >> 8).checked_sub(1)? & 1);
    let column = u32::from((well & 255).checked_sub(1)? & 1);
    match order {
        QuadrantOrder::RowWise => Some(2 * row + column),
        QuadrantOrder::ColumnWise => Some(2 * column + row),
        QuadrantOrder::Unspecified => None,
    }
}

/// Where a well of a 96-well plate stands on the 384-well plate in whose quadrant it is; none = nowhere.
#[must_use]
pub fn stamped(order: QuadrantOrder, quadrant: u32, well: u16) -> Option<u16> {
    let quadrant = u16::try_from(quadrant).ok().filter(|of| *of < 4)?;
    let (down, right) = match order {
        QuadrantOrder::RowWise => (quadrant / 2, quadrant % 2),
        QuadrantOrder::ColumnWise => (quadrant % 2, quadrant / 2),
        QuadrantOrder::Unspecified => return None,
    };
    let (row, column) = ((well >> 8).checked_sub(1)?, (well & 255).checked_sub(1)?);
    if row >= 8 || column >= 12 {
        return None;
    }
    Some((2 * row + down + 1) << 8 | (2 * column + right + 1))
}

/// A well's name.
#[must_use]
pub fn well_name(well: u16) -> String {
    let row = char::from(u8::try_from((well >> 8) + 64).unwrap_or(b'?'));
    format!("{row}{}", well & 255)
}
