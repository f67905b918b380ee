//! Values by table and key: found by a hash, visited in key order.
//!
//! Folding looks up many more keys than it adds, and most of what it adds is never visited in order: a lane's rows are
//! written and given to the cache. So keys are put in order when somebody visits
//! them, and not before.

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Bound;
use tenfold_domain::tables::KeyBytes;

/// So many keys that are no longer there may be among the ordered ones before they are put in order anew; above that,
/// as many as there are values.
const GONE_MIN: usize = 64;

/// See the module.
pub struct Keyed<V> {
    values: IndexMap<KeyBytes, V, RandomState>,
    order: RefCell<Order>,
}

/// The keys, as far as they were put in order.
#[derive(Default)]
struct Order {
    /// In order; some may be gone.
    sorted: BTreeSet<KeyBytes>,
    /// Added since; some may be gone, and one that came again is in both.
    fresh: Vec<KeyBytes>,
    /// At most so many of both are gone.
    gone: usize,
}

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self {
            values: IndexMap::default(),
            order: RefCell::default(),
        }
    }
}

impl<V> Keyed<V> {
    /// The value under a key.
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        self.values.get(key)
    }

    /// The value under a key, to change it.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    /// Puts a value under a key; answers the one before.
    pub fn insert(&mut self, key: KeyBytes, value: V) -> Option<V> {
        match self.values.entry(key) {
            indexmap::map::Entry::Occupied(mut there) => Some(there.insert(value)),
            indexmap::map::Entry::Vacant(empty) => {
                let fresh = &mut self.order.get_mut().fresh;
                fresh.push(KeyBytes::from_slice(empty.key()));
                empty.insert(value);
                None
            }
        }
    }

    /// Takes the value under a key away.
    pub fn remove(&mut self, key: &[u8]) -> Option<V> {
        self.remove_if(key, |_| true)
    }

    /// Takes the value under a key away, if it is one of these.
    pub fn remove_if(&mut self, key: &[u8], is_meant: impl FnOnce(&V) -> bool) -> Option<V> {
        let (at, _, value) = self.values.get_full(key)?;
        if !is_meant(value) {
            return None;
        }
        let (_, value) = self.values.swap_remove_index(at)?;
        let order = self.order.get_mut();
        order.gone += 1;
        if order.gone > GONE_MIN.max(self.values.len()) {
            *order = Order {
                fresh: self
                    .values
                    .keys()
                    .map(|key| KeyBytes::from_slice(key))
                    .collect(),
                ..Order::default()
            };
        }
        Some(value)
    }

    /// The keys `from <= key < to` with their values, in order; `from` must be below `to`.
    pub fn range(&self, from: &[u8], to: &[u8]) -> Range<'_, V> {
        Range {
            keyed: self,
            from: Bound::Included(KeyBytes::from_slice(from)),
            to: KeyBytes::from_slice(to),
        }
    }

    /// The first key within these bounds that is there.
    fn first_in(&self, from: &Bound<KeyBytes>, to: &KeyBytes) -> Option<(KeyBytes, &V)> {
        let mut order = self.order.borrow_mut();
        let Order { sorted, fresh, .. } = &mut *order;
        sorted.extend(fresh.drain(..));
        let from = from.as_ref().map(KeyBytes::as_slice);
        sorted
            .range::<[u8], _>((from, Bound::Excluded(to.as_slice())))
            .find_map(|key| Some((KeyBytes::from_slice(key), self.values.get(key.as_slice())?)))
    }
}

/// Some keys with their values, in order. Each is looked for when it is wanted: most visits end early.
pub struct Range<'a, V> {
    keyed: &'a Keyed<V>,
    from: Bound<KeyBytes>,
    to: KeyBytes,
}

impl<'a, V> Iterator for Range<'a, V> {
    type Item = (KeyBytes, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.keyed.first_in(&self.from, &self.to)?;
        self.from = Bound::Excluded(KeyBytes::from_slice(&key));
        Some((key, value))
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
            steps in prop::collection::vec((0u8..12, prop::option::of(any::<u8>())), 0..300),
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
            let all = keyed.range(&[0], &[u8::MAX]).map(|(key, value)| (key, *value));
            prop_assert!(all.eq(model));
        }
    }
}
