//! The name index: from the hash of a name to the numbers of the records that may bear it.
//!
//! About 30 bytes a name, in memory, rebuilt from the cache at a start (`name_pages`). An entry that is no
//! longer true does no harm, because the record itself is checked; an entry that is missing would, so
//! entries go only when the removal of their record is committed.
//!
//! Names come and go: an expected tube's becomes that of the tube. A map that is full of gaps doubles, and has both its sizes
//! for a while: with ten million names 570 MB for 285, and 855 for a moment (reckoned). So the index is many small maps, and one that
//! is full of gaps is made anew in its own size.

use siphasher::sip::SipHasher13;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use tenfold_domain::tables::{Numbers, TableId};

/// Hash of a name in a table. It is stored: the same in every release, on every machine.
pub fn hash(table: TableId, name: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(&[table]);
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// Keys are hashes already.
#[derive(Clone, Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

type Map<V> = HashMap<u64, V, BuildHasherDefault<Same>>;

/// Maps of an index. With ten million names one holds 39,000: little to make anew at once.
const PARTS: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct NameIndex {
    /// The first record of a hash; nearly always the only one. By some bits of the hash that its map does not look at.
    first: Vec<Map<u64>>,
    /// Further records of a hash.
    more: Map<Vec<u64>>,
}

impl Default for NameIndex {
    fn default() -> Self {
        Self {
            first: (0..PARTS).map(|_| Map::default()).collect(),
            more: Map::default(),
        }
    }
}

const fn part_of(hash: u64) -> usize {
    (hash >> 40) as usize % PARTS
}

/// Makes room for another entry: what full maps have gaps for stays as large as it is.
fn make_room(map: &mut Map<u64>) {
    if map.len() < map.capacity() {
        return;
    }
    // An eighth more, so that this is not done again soon; the map itself doubles if they do not fit into its size.
    let mut anew = Map::with_capacity_and_hasher(map.len() + map.len() / 8 + 1, <_>::default());
    anew.extend(map.drain());
    *map = anew;
}

impl NameIndex {
    fn part(&self, hash: u64) -> Option<&Map<u64>> {
        self.first.get(part_of(hash))
    }

    /// A record may bear this name. False if that was known.
    pub fn insert(&mut self, hash: u64, number: u64) -> bool {
        let Some(part) = self.first.get_mut(part_of(hash)) else {
            return false;
        };
        make_room(part);
        match part.entry(hash) {
            Entry::Vacant(empty) => {
                empty.insert(number);
                true
            }
            Entry::Occupied(first) if *first.get() == number => false,
            Entry::Occupied(_) => {
                let more = self.more.entry(hash).or_default();
                let is_new = !more.contains(&number);
                if is_new {
                    more.push(number);
                }
                is_new
            }
        }
    }

    /// Adds many: record and hash.
    pub fn extend(&mut self, named: &[(u64, u64)]) {
        for (number, hash) in named {
            self.insert(*hash, *number);
        }
    }

    /// A record bears this name no longer.
    pub fn remove(&mut self, hash: u64, number: u64) {
        let Some(part) = self.first.get_mut(part_of(hash)) else {
            return;
        };
        if part.get(&hash) == Some(&number) {
            match self.more.get_mut(&hash).and_then(Vec::pop) {
                Some(next) => part.insert(hash, next),
                None => part.remove(&hash),
            };
        } else if let Some(more) = self.more.get_mut(&hash) {
            more.retain(|n| *n != number);
        }
        if self.more.get(&hash).is_some_and(Vec::is_empty) {
            self.more.remove(&hash);
        }
    }

    /// Records that may bear this name.
    pub fn get(&self, hash: u64) -> Numbers {
        let mut found = Numbers::new();
        if let Some(first) = self.part(hash).and_then(|part| part.get(&hash)) {
            found.push(*first);
        }
        if let Some(more) = self.more.get(&hash) {
            found.extend_from_slice(more);
        }
        found
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        let first: usize = self.first.iter().map(HashMap::len).sum();
        first + self.more.values().map(Vec::len).sum::<usize>()
    }

    /// How many it has room for.
    #[cfg(test)]
    fn room(&self) -> usize {
        self.first.iter().map(HashMap::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_that_come_and_go_take_no_more_room_than_those_that_stay() {
        const NAMES: u64 = 160_000;
        let name = |table, number: u64| hash(table, &number.to_string());
        let mut index = NameIndex::default();
        for number in 0..NAMES {
            index.insert(name(2, number), number);
        }
        let room = index.room();
        for number in 0..NAMES {
            index.insert(name(3, number), number);
            index.remove(name(2, number), number);
        }
        assert_eq!(index.len() as u64, NAMES);
        assert!(
            index.room() <= room * 5 / 4,
            "room for {} after {room}",
            index.room()
        );
        for number in 0..NAMES {
            assert_eq!(index.get(name(3, number)).as_slice(), [number]);
            assert!(index.get(name(2, number)).is_empty());
        }
    }

    proptest! {
        #[test]
        fn it_holds_what_a_set_would(
            steps in prop::collection::vec((0u64..3, 0u64..4, any::<bool>()), 0..60),
        ) {
            let mut index = NameIndex::default();
            let mut model = BTreeSet::new();
            for (hash, number, add) in steps {
                if add {
                    index.insert(hash, number);
                    model.insert((hash, number));
                } else {
                    index.remove(hash, number);
                    model.remove(&(hash, number));
                }
                for h in 0..3 {
                    let mut got = index.get(h);
                    got.sort_unstable();
                    let want: Numbers =
                        model.iter().filter(|(k, _)| *k == h).map(|(_, n)| *n).collect();
                    prop_assert_eq!(got, want);
                }
                prop_assert_eq!(index.len(), model.len());
            }
        }
    }
}
