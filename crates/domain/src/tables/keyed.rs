//! Values by table and key: found by a hash, visited in key order.
//!
//! Folding looks up many more keys than it adds, and a tree compares a key with a dozen others each time. So
//! only a new key, and a scan, meets the tree.

use super::KeyBytes;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;
use std::ops::Bound;

/// See the module.
pub struct Keyed<V> {
    values: HashMap<KeyBytes, V>,
    order: BTreeSet<KeyBytes>,
}

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: BTreeSet::new(),
        }
    }
}

impl<V> Keyed<V> {
    /// Nothing is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        self.values.get(key)
    }

    /// The value under a key, to change it.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    /// Puts a value under a key; answers the one before.
    pub fn insert(&mut self, key: KeyBytes, value: V) -> Option<V> {
        if let Some(there) = self.values.get_mut(&key) {
            return Some(std::mem::replace(there, value));
        }
        self.order.insert(KeyBytes::from_slice(&key));
        self.values.insert(key, value)
    }

    /// Takes the value under a key away.
    pub fn remove(&mut self, key: &[u8]) -> Option<V> {
        let value = self.values.remove(key)?;
        self.order.remove(key);
        Some(value)
    }

    /// All keys with their values, in order.
    pub fn into_sorted(mut self) -> impl Iterator<Item = (KeyBytes, V)> {
        self.order.into_iter().filter_map(move |key| {
            let value = self.values.remove(&key)?;
            Some((key, value))
        })
    }

    /// The keys `from <= key < to` with their values, in order; `from` must be below `to`.
    pub fn range(&self, from: &[u8], to: &[u8]) -> impl Iterator<Item = (&[u8], &V)> {
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        self.order
            .range::<[u8], _>(bounds)
            .filter_map(|key| Some((key.as_slice(), self.values.get(key)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_holds_what_a_sorted_map_would(
            steps in prop::collection::vec((0u8..12, prop::option::of(any::<u8>())), 0..60),
            from in 0u8..12, length in 1u8..12,
        ) {
            let mut keyed = Keyed::default();
            let mut model = BTreeMap::new();
            for (key, value) in steps {
                let bytes = KeyBytes::from_slice(&[key]);
                match value {
                    Some(value) => {
                        prop_assert_eq!(keyed.insert(bytes.clone(), value), model.insert(bytes.clone(), value));
                    }
                    None => prop_assert_eq!(keyed.remove(&bytes), model.remove(&bytes)),
                }
                prop_assert_eq!(keyed.get(&bytes), model.get(&bytes));
                prop_assert_eq!(keyed.is_empty(), model.is_empty());
            }
            let to = from + length;
            let got: Vec<(Vec<u8>, u8)> =
                keyed.range(&[from], &[to]).map(|(key, value)| (key.to_vec(), *value)).collect();
            let want: Vec<(Vec<u8>, u8)> = model
                .iter()
                .filter(|(key, _)| (from..to).contains(&key[0]))
                .map(|(key, value)| (key.to_vec(), *value))
                .collect();
            prop_assert_eq!(got, want);
            prop_assert!(keyed.into_sorted().eq(model));
        }
    }
}
