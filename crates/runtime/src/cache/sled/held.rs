//! What sled holds in memory of what was written to it.
//!
//! sled (1.0.0-alpha.124) pages out only leaves that were read and never written: whatever a process writes stays in
//! its memory until the store is closed, whatever bound it was given, and with a row all rows of its leaf. So what was
//! written is counted here, and what stands beside it; and a store that holds too much is closed and opened again.

use super::Writes;
use super::store::LEAF;
use foldhash::HashSet;
use foldhash::fast::RandomState;
use sled::InlineArray;
use std::hash::BuildHasher as _;
use std::io;
use tenfold_domain::tables::TableId;

/// What a row takes beside its bytes: two allocations, their headers, and its place in a leaf.
const ROW_BYTES: usize = 64;

/// Rows of a stretch: as many as a leaf has at least, when it was split.
const STRETCH: u64 = LEAF as u64 / 2;

/// Keys with numbers that follow one another: what sled keeps in one leaf, or nearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stretch {
    table: TableId,
    /// The first of its numbers, of [`STRETCH`].
    first: u64,
}

impl Stretch {
    /// Where a key is, if it is a table and a number: nearly all rows are kept so (decision 0001). Others are few, or
    /// are in the order of time, and then each is soon removed.
    fn of(key: &[u8]) -> Option<Self> {
        let (table, number) = key.split_first()?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        let first = number - number % STRETCH;
        Some(Self {
            table: *table,
            first,
        })
    }

    /// The key of its first row.
    fn from(self) -> [u8; 9] {
        let mut key = [self.table; 9];
        key[1..].copy_from_slice(&self.first.to_be_bytes());
        key
    }
}

/// What is in a stretch: keys, and bytes of their values; no more than a leaf has.
pub fn rows(tree: &sled::Tree<LEAF>, stretch: Stretch) -> io::Result<Vec<(InlineArray, usize)>> {
    let mut found = Vec::new();
    for row in tree.range(stretch.from()..).take(LEAF) {
        let (key, value) = row?;
        if Stretch::of(&key) != Some(stretch) {
            break;
        }
        found.push((key, value.len()));
    }
    Ok(found)
}

/// Counts rows once a key: one that is written again and again takes its room once.
#[derive(Debug, Default)]
pub struct Held {
    /// Hashes of the keys that are held. Two with one hash are counted once, which nobody will notice.
    keys: HashSet<u64>,
    /// Of which lanes in which stretches one was written.
    stretches: HashSet<(u32, Stretch)>,
    hasher: RandomState,
    bytes: usize,
}

impl Held {
    /// Stretches of these keys in which nothing was written before: whatever else is there is held from now on, too
    /// ([`rows`]).
    pub fn new_stretches(&mut self, lane: u32, writes: &Writes) -> Vec<Stretch> {
        let touched = writes.iter().filter_map(|(key, _)| Stretch::of(key));
        touched
            .filter(|stretch| self.stretches.insert((lane, *stretch)))
            .collect()
    }

    /// These are written.
    pub fn wrote(&mut self, lane: u32, writes: &Writes) {
        for (key, value) in writes {
            self.count(lane, key, value.as_ref().map_or(0, bytes::Bytes::len));
        }
    }

    /// This row is held.
    pub fn count(&mut self, lane: u32, key: &[u8], value_bytes: usize) {
        if self.keys.insert(self.hasher.hash_one((lane, key))) {
            let row = key.len() + value_bytes + ROW_BYTES;
            self.bytes = self.bytes.saturating_add(row);
        }
    }

    /// About so many bytes are held.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn row(key: &'static [u8]) -> (Bytes, Option<Bytes>) {
        (Bytes::from_static(key), Some(Bytes::from_static(&[7; 100])))
    }

    fn numbered(table: u8, number: u64) -> Bytes {
        [&[table][..], &number.to_be_bytes()].concat().into()
    }

    #[test]
    fn a_stretch_is_a_table_and_numbers_that_follow_one_another() {
        for number in [0, 1, STRETCH - 1, STRETCH, 7 * STRETCH + 3, u64::MAX] {
            let stretch = Stretch::of(&numbered(7, number)).unwrap();
            assert_eq!(stretch.table, 7);
            assert!(stretch.first <= number && number - stretch.first < STRETCH);
            assert_eq!(Stretch::of(&stretch.from()), Some(stretch));
        }
        for other in [&[][..], &[7], &[7; 8], &[7; 10], b"tube 0001 "] {
            assert_eq!(Stretch::of(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_stands_beside_a_row_that_is_written_is_held_once() {
        let mut held = Held::default();
        let row = |number| (numbered(7, number), Some(Bytes::from_static(&[7; 100])));
        let writes = vec![row(1), row(2), row(9_902)];
        assert_eq!(held.new_stretches(0, &writes).len(), 2);
        assert!(held.new_stretches(0, &writes).is_empty(), "known");
        assert_eq!(held.new_stretches(1, &writes).len(), 2, "another lane's");
        held.wrote(0, &writes);
        let written = held.bytes();
        held.count(0, &numbered(7, 1), 100);
        assert_eq!(held.bytes(), written);
        held.count(0, &numbered(7, 3), 100);
        assert_eq!(held.bytes(), written + 9 + 100 + ROW_BYTES);
    }

    #[test]
    fn a_row_that_is_written_again_takes_its_room_once() {
        let mut held = Held::default();
        held.wrote(0, &vec![row(b"tube 1"), row(b"tube 2")]);
        let two = held.bytes();
        assert_eq!(two, 2 * (6 + 100 + ROW_BYTES));
        held.wrote(0, &vec![row(b"tube 1")]);
        assert_eq!(held.bytes(), two);
        held.wrote(1, &vec![row(b"tube 1")]);
        assert_eq!(held.bytes(), two / 2 * 3, "another lane's is another row");
    }
}
