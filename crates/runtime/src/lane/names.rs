//! The name index: from the hash of a name to the numbers of the records that may bear it.
//!
//! About 20 bytes a name, in memory, rebuilt from the cache at a start (`name_pages`). An entry that is no
//! longer true does no harm, because the record itself is checked; an entry that is missing would, so
//! entries go only when the removal of their record is committed.

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

/// See the module.
#[derive(Debug, Default)]
pub struct NameIndex {
    /// The first record of a hash; nearly always the only one.
    first: Map<u64>,
    /// Further records of a hash.
    more: Map<Vec<u64>>,
}

impl NameIndex {
    /// A record may bear this name. False if that was known.
    pub fn insert(&mut self, hash: u64, number: u64) -> bool {
        match self.first.entry(hash) {
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
        self.first.reserve(named.len());
        for (number, hash) in named {
            self.insert(*hash, *number);
        }
    }

    /// A record bears this name no longer.
    pub fn remove(&mut self, hash: u64, number: u64) {
        if self.first.get(&hash) == Some(&number) {
            self.first.remove(&hash);
            if let Some(next) = self.more.get_mut(&hash).and_then(Vec::pop) {
                self.first.insert(hash, next);
            }
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
        if let Some(first) = self.first.get(&hash) {
            found.push(*first);
        }
        if let Some(more) = self.more.get(&hash) {
            found.extend_from_slice(more);
        }
        found
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.first.len() + self.more.values().map(Vec::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

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
