//! Rows that stay decoded from batch to batch: those that are read again and again, such as a lab's board and
//! its open racks and pools. Bounded by the memory they take; the rest is read from the cache anew.
//!
//! What is kept under a key is what the cache holds there, or nothing: whoever changes the cache says so.

use foldhash::HashMap;
use tenfold_domain::tables::{KeyBytes, SharedRow};

/// Memory of a generation. There are two, and every lane that is owned has them: 32 MiB for sixteen lanes. What is
/// read again and again (a lab's board, its open racks and pools) should fit; tubes that nobody asks for again
/// would fill any room.
const GENERATION_BYTES: usize = 1 << 20;

/// A decoded row takes so many times its bytes in the cache: texts and lists are on their own.
const DECODED_TIMES: usize = 4;

/// A larger row is not kept: it would drive out what is wanted more.
const ROW_BYTES_MAX: usize = 64 << 10;

/// What a row takes beside that: its key, and its place here.
const ROW_BYTES_MORE: usize = 192;

struct Row {
    row: SharedRow,
    /// In the cache.
    bytes: usize,
}

impl Row {
    /// About what it takes in memory.
    const fn memory(&self) -> usize {
        self.bytes * DECODED_TIMES + ROW_BYTES_MORE
    }
}

#[derive(Default)]
struct Generation {
    rows: HashMap<KeyBytes, Row>,
    bytes: usize,
}

impl Generation {
    fn insert(&mut self, key: KeyBytes, row: Row) {
        self.bytes += row.memory();
        if let Some(before) = self.rows.insert(key, row) {
            self.bytes -= before.memory();
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<(KeyBytes, Row)> {
        let (key, row) = self.rows.remove_entry(key)?;
        self.bytes -= row.memory();
        Some((key, row))
    }
}

/// See the module.
#[derive(Default)]
pub struct Kept {
    young: Generation,
    /// Goes when the young have grown up, except what was asked for since.
    old: Generation,
}

impl Kept {
    /// The row under a key, if it is kept.
    pub fn get(&mut self, key: &[u8]) -> Option<SharedRow> {
        if let Some(kept) = self.young.rows.get(key) {
            return Some(SharedRow::clone(&kept.row));
        }
        let (key, kept) = self.old.remove(key)?;
        let row = SharedRow::clone(&kept.row);
        self.add(key, kept);
        Some(row)
    }

    /// Keeps a row that was just read from so many bytes.
    pub fn keep(&mut self, key: KeyBytes, row: SharedRow, bytes: usize) {
        if bytes <= ROW_BYTES_MAX {
            self.add(key, Row { row, bytes });
        }
    }

    /// The cache has another row under the key, of so many bytes, or none. It is kept if the one before was.
    pub fn changed(&mut self, key: &[u8], row: Option<SharedRow>, bytes: usize) {
        let before = self.young.remove(key).or_else(|| self.old.remove(key));
        if let (Some((key, _)), Some(row)) = (before, row) {
            self.keep(key, row, bytes);
        }
    }

    fn add(&mut self, key: KeyBytes, row: Row) {
        if self.young.bytes >= GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::rows::NextOutcome;
    use std::sync::Arc;

    fn row() -> SharedRow {
        Arc::new(NextOutcome(1))
    }

    fn key(number: usize) -> KeyBytes {
        KeyBytes::from_slice(&number.to_be_bytes())
    }

    #[test]
    fn rows_nobody_asks_for_go_and_what_is_asked_for_stays() {
        let mut kept = Kept::default();
        let rows = 4 * GENERATION_BYTES / ROW_BYTES_MORE;
        for number in 0..rows {
            kept.keep(key(number), row(), 100);
            assert!(kept.get(&key(0)).is_some(), "the board is always asked for");
        }
        assert!(kept.get(&key(1)).is_none());
        let bytes = kept.young.bytes + kept.old.bytes;
        let one = 100 * DECODED_TIMES + ROW_BYTES_MORE;
        assert!(bytes <= 2 * (GENERATION_BYTES + one));
        let counted = kept.young.rows.len() + kept.old.rows.len();
        assert_eq!(bytes, counted * one);
    }

    #[test]
    fn a_row_that_grew_too_large_or_went_is_not_kept() {
        let mut kept = Kept::default();
        for number in 0..3 {
            kept.keep(key(number), row(), 100);
        }
        kept.changed(&key(0), Some(row()), ROW_BYTES_MAX + 1);
        kept.changed(&key(1), None, 0);
        kept.changed(&key(2), Some(row()), 50);
        kept.changed(&key(3), Some(row()), 50);
        let is_kept = [0, 1, 2, 3].map(|number| kept.get(&key(number)).is_some());
        assert_eq!(is_kept, [false, false, true, false]);
        assert_eq!(kept.young.bytes, 50 * DECODED_TIMES + ROW_BYTES_MORE);
    }
}
