//! Values by table and key: found by a hash, visited in key order.
//!
//! Folding looks up many more keys than it adds, and most of what it adds is never visited in order: a lane's rows are
//! written and given to the cache. So the keys of a table are put in order when somebody visits it, and not
//! before; a table that nobody ever visits keeps no order at all.

use foldhash::fast::RandomState;
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use tenfold_domain::tables::{KeyBytes, TableId};

/// So many keys that are no longer there may be among the ordered ones of a table before these are looked through;
/// above that, half of them.
const GONE_MIN: usize = 64;

/// See the module. The first byte of a key is its table.
pub struct Keyed<V> {
    values: HashMap<KeyBytes, V, RandomState>,
    /// By table; `None` = nobody has visited it yet.
    orders: RefCell<Vec<Option<Box<Order>>>>,
}

/// The keys of a table, as far as they were put in order.
#[derive(Default)]
struct Order {
    /// In order; some may be gone.
    sorted: BTreeSet<KeyBytes>,
    /// Added since; some may be gone, and one that came again is in both.
    fresh: Vec<KeyBytes>,
    /// At most so many of both are gone.
    gone: usize,
}

impl Order {
    /// Too many of its keys are gone.
    fn is_stale(&self) -> bool {
        self.gone > GONE_MIN.max((self.sorted.len() + self.fresh.len()) / 2)
    }
}

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self {
            values: HashMap::default(),
            orders: RefCell::default(),
        }
    }
}

/// The table that a key belongs to.
fn table_of(key: &[u8]) -> TableId {
    key.first().copied().unwrap_or_default()
}

/// The order of a key's table, if it has one.
fn order_of<'a>(orders: &'a mut [Option<Box<Order>>], key: &[u8]) -> Option<&'a mut Order> {
    orders
        .get_mut(usize::from(table_of(key)))
        .and_then(Option::as_deref_mut)
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
            Entry::Occupied(mut there) => Some(there.insert(value)),
            Entry::Vacant(empty) => {
                if let Some(order) = order_of(self.orders.get_mut(), empty.key()) {
                    order.fresh.push(KeyBytes::from_slice(empty.key()));
                }
                empty.insert(value);
                None
            }
        }
    }

    /// Takes the value under a key away.
    pub fn remove(&mut self, key: &[u8]) -> Option<V> {
        let value = self.values.remove(key)?;
        self.is_gone(key);
        Some(value)
    }

    /// Takes the value under a key away, if it is one of these.
    pub fn remove_if(&mut self, key: &[u8], is_meant: impl FnOnce(&V) -> bool) -> Option<V> {
        if is_meant(self.values.get(key)?) {
            self.remove(key)
        } else {
            None
        }
    }

    fn is_gone(&mut self, key: &[u8]) {
        let Some(order) = order_of(self.orders.get_mut(), key) else {
            return;
        };
        order.gone += 1;
        if order.is_stale() {
            order.sorted.extend(order.fresh.drain(..));
            let values = &self.values;
            order.sorted.retain(|key| values.contains_key(key));
            order.gone = 0;
        }
    }

    /// The keys `from <= key < to` of the table of `from` with their values, in order; `from` must be below `to`.
    pub fn range(&self, from: &[u8], to: &[u8]) -> Range<'_, V> {
        self.put_in_order(table_of(from));
        Range {
            keyed: self,
            table: table_of(from),
            from: Bound::Included(KeyBytes::from_slice(from)),
            to: KeyBytes::from_slice(to),
        }
    }

    fn put_in_order(&self, table: TableId) {
        let mut orders = self.orders.borrow_mut();
        let at = usize::from(table);
        if orders.len() <= at {
            orders.resize_with(at + 1, || None);
        }
        let Some(order) = orders.get_mut(at) else {
            return;
        };
        let order = order.get_or_insert_with(|| {
            let its_own = self.values.keys().filter(|key| table_of(key) == table);
            let fresh = its_own.map(|key| KeyBytes::from_slice(key)).collect();
            Box::new(Order {
                fresh,
                ..Order::default()
            })
        });
        order.sorted.extend(order.fresh.drain(..));
    }

    /// The first key within these bounds that is there.
    fn first_in(
        &self,
        table: TableId,
        from: &Bound<KeyBytes>,
        to: &KeyBytes,
    ) -> Option<(KeyBytes, &V)> {
        let orders = self.orders.borrow();
        let order = orders.get(usize::from(table))?.as_deref()?;
        let from = from.as_ref().map(KeyBytes::as_slice);
        order
            .sorted
            .range::<[u8], _>((from, Bound::Excluded(to.as_slice())))
            .find_map(|key| Some((KeyBytes::from_slice(key), self.values.get(key.as_slice())?)))
    }
}

/// Some keys with their values, in order. Each is looked for when it is wanted: most visits end early.
pub struct Range<'a, V> {
    keyed: &'a Keyed<V>,
    table: TableId,
    from: Bound<KeyBytes>,
    to: KeyBytes,
}

impl<'a, V> Iterator for Range<'a, V> {
    type Item = (KeyBytes, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.keyed.first_in(self.table, &self.from, &self.to)?;
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
            steps in prop::collection::vec(
                ((0u8..3, 0u8..40), prop::option::of(any::<u8>()), prop::option::weighted(0.05, 0u8..3)), 0..800,
            ),
            from in 0u8..40, length in 1u8..40,
        ) {
            let mut keyed = Keyed::default();
            let mut model = BTreeMap::new();
            for ((table, key), value, visited) in steps {
                let bytes = KeyBytes::from_slice(&[table, key]);
                match value {
                    Some(value) => {
                        prop_assert_eq!(keyed.insert(bytes.clone(), value), model.insert(bytes.clone(), value));
                    }
                    None => prop_assert_eq!(keyed.remove(&bytes), model.remove(&bytes)),
                }
                prop_assert_eq!(keyed.get(&bytes), model.get(&bytes));
                // Now and then a table is visited: from then on it has an order.
                let Some(table) = visited else { continue };
                let got: Vec<(Vec<u8>, u8)> = keyed
                    .range(&[table, from], &[table, from + length])
                    .map(|(key, value)| (key.to_vec(), *value))
                    .collect();
                let want: Vec<(Vec<u8>, u8)> = model
                    .range(KeyBytes::from_slice(&[table, from])..KeyBytes::from_slice(&[table, from + length]))
                    .map(|(key, value)| (key.to_vec(), *value))
                    .collect();
                prop_assert_eq!(got, want);
            }
            let all = (0u8..3).flat_map(|table| keyed.range(&[table], &[table + 1]).collect::<Vec<_>>());
            prop_assert!(all.map(|(key, value)| (key, *value)).eq(model));
        }
    }

    #[test]
    fn a_table_that_nobody_visits_keeps_no_order_and_one_that_is_visited_forgets_what_is_gone() {
        let mut keyed = Keyed::default();
        let key = |table: u8, number: u32| {
            let [.., a, b] = number.to_be_bytes();
            KeyBytes::from_slice(&[table, a, b])
        };
        let ordered = |keyed: &Keyed<u32>| -> usize {
            let orders = keyed.orders.borrow();
            let of = |order: &Order| order.sorted.len() + order.fresh.len();
            orders.iter().flatten().map(|order| of(order)).sum()
        };
        for number in 0..10_000 {
            keyed.insert(key(1, number), number);
            keyed.insert(key(2, number), number);
            if number >= 10 {
                keyed.remove(&key(1, number - 10));
            }
            if number == 5_000 {
                assert_eq!(ordered(&keyed), 0, "nobody has visited any");
                assert_eq!(keyed.range(&[1], &[2]).count(), 10);
            }
        }
        let left = ordered(&keyed);
        assert!((10..=10 + 2 * GONE_MIN + 1).contains(&left), "{left}");
        let numbers: Vec<u32> = keyed.range(&[1], &[2]).map(|(_, number)| *number).collect();
        assert_eq!(numbers, (9_990..10_000).collect::<Vec<_>>());
    }
}
