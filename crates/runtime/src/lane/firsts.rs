//! Where the first row of a table is, of those tables that are asked for it: what is due next is asked for at every
//! turn of a lane, and to search a table, even an empty one, means to read a leaf of the cache.
//!
//! What is remembered is a lower bound: rows that go leave it where it is, rows that come before it move it.

use std::cell::RefCell;
use tenfold_domain::tables::{KeyBytes, TableId};

/// What is known of a table's first row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// Nothing.
    Unknown,
    /// The table is empty.
    Nowhere,
    /// It has this key (with its table) or a later one.
    NotBefore(KeyBytes),
}

/// See the module. Few tables are asked for it, so a list is searched.
#[derive(Default)]
pub struct Firsts(RefCell<Vec<(TableId, Option<KeyBytes>)>>);

impl Firsts {
    /// What is known of a table.
    pub fn of(&self, table: TableId) -> First {
        let known = self.0.borrow();
        match known.iter().find(|(of, _)| *of == table) {
            None => First::Unknown,
            Some((_, None)) => First::Nowhere,
            Some((_, Some(key))) => First::NotBefore(KeyBytes::from_slice(key)),
        }
    }

    /// It was looked for, and found there or not at all.
    pub fn is_at(&self, table: TableId, first: Option<KeyBytes>) {
        let mut known = self.0.borrow_mut();
        match known.iter_mut().find(|(of, _)| *of == table) {
            Some((_, known)) => *known = first,
            None => known.push((table, first)),
        }
    }

    /// There may be a row under this key (with its table) from now on.
    pub fn not_after(&mut self, key: &[u8]) {
        let of = key.first();
        for (table, first) in self.0.get_mut() {
            if Some(&*table) == of && first.as_deref().is_none_or(|first| key < first) {
                *first = Some(KeyBytes::from_slice(key));
            }
        }
    }
}
