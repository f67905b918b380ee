//! What sled holds in memory of what was written to it.
//!
//! sled (1.0.0-alpha.124) pages out only leaves that were read and never written: whatever a process writes stays in
//! its memory until the store is closed, whatever bound it was given. So what was written is counted here, and a
//! store that holds too much is closed and opened again.

use super::Writes;
use foldhash::HashSet;
use foldhash::fast::RandomState;
use std::hash::BuildHasher as _;

/// What a row takes beside its bytes: two allocations, their headers, and its place in a leaf.
const ROW_BYTES: usize = 64;

/// Counts rows once a key: one that is written again and again takes its room once.
#[derive(Debug, Default)]
pub struct Held {
    /// Hashes of the keys that were written. Two with one hash are counted once, which nobody will notice.
    keys: HashSet<u64>,
    hasher: RandomState,
    bytes: usize,
}

impl Held {
    /// These are written.
    pub fn wrote(&mut self, lane: u32, writes: &Writes) {
        for (key, value) in writes {
            if self.keys.insert(self.hasher.hash_one((lane, key))) {
                let row = key.len() + value.as_ref().map_or(0, bytes::Bytes::len);
                self.bytes = self.bytes.saturating_add(row + ROW_BYTES);
            }
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
