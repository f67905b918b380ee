//! A lane's state: the cache on disk, under an overlay of what was decided since.
//!
//! Writes go to the overlay, marked with the batch they belong to. When a batch is committed, its
//! final values go to the cache in one step; when the cache has them, they leave the overlay. What is
//! not committed never reaches the cache.

use super::name_pages::NamePages;
use super::names::{self, NameIndex};
use super::rows;
use crate::cache::{LaneCache, Writes};
use bytes::Bytes;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::ControlFlow;
use tenfold_domain::tables::{Key, NamesOf, Read, TableDef, TableId, Visit, Write};

/// Number of a batch in this process; grows by one with each batch.
pub type Batch = u64;

/// A value in the overlay; `None` = removed.
#[derive(Clone, Debug)]
struct Slot {
    value: Option<Bytes>,
    batch: Batch,
}

/// A closed batch that the cache does not have yet.
#[derive(Debug)]
struct Sealed {
    batch: Batch,
    keys: Vec<Bytes>,
    unnamed: Vec<Unnamed>,
}

/// A name whose record was removed.
#[derive(Clone, Copy, Debug)]
struct Unnamed {
    table: TableId,
    number: u64,
    hash: u64,
}

/// A point inside the open batch to go back to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    undo: usize,
    unnamed: usize,
}

/// See the module.
pub struct LaneState {
    cache: Box<dyn LaneCache>,
    named: BTreeMap<TableId, NamesOf>,
    names: NameIndex,
    pages: NamePages,
    overlay: BTreeMap<Bytes, Slot>,
    open: Batch,
    /// What the open batch overwrote, in order: to go back, and to know its keys.
    undo: Vec<(Bytes, Option<Slot>)>,
    unnamed: Vec<Unnamed>,
    sealed: VecDeque<Sealed>,
    failed: Cell<bool>,
}

fn full_key(table: TableId, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(key.len() + 1);
    full.push(table);
    full.extend_from_slice(key);
    full
}

impl LaneState {
    /// Reads the name index out of a cache.
    ///
    /// # Errors
    /// The cache cannot be read, or holds a record that cannot.
    pub fn load(cache: Box<dyn LaneCache>, tables: &'static [TableDef]) -> io::Result<Self> {
        let mut index = NameIndex::default();
        let mut pages = NamePages::default();
        let mut named = BTreeMap::new();
        for table in tables.iter().chain(&rows::TABLES) {
            if table.named {
                named.insert(table.id, table.names);
                pages.load(cache.as_ref(), table, &mut index)?;
            }
        }
        Ok(Self {
            cache,
            named,
            names: index,
            pages,
            overlay: BTreeMap::new(),
            open: 1,
            undo: Vec::new(),
            unnamed: Vec::new(),
            sealed: VecDeque::new(),
            failed: Cell::new(false),
        })
    }

    /// A read failed since the last look: nothing decided from it may be used.
    pub fn failed(&self) -> bool {
        self.failed.get()
    }

    /// Number of names in the index.
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// Here, to go back to with [`Self::rollback`].
    pub fn mark(&self) -> Mark {
        Mark {
            undo: self.undo.len(),
            unnamed: self.unnamed.len(),
        }
    }

    /// Undoes what the open batch wrote since the mark.
    pub fn rollback(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            if let Some((key, before)) = self.undo.pop() {
                match before {
                    Some(slot) => self.overlay.insert(key, slot),
                    None => self.overlay.remove(&key),
                };
            }
        }
        self.unnamed.truncate(mark.unnamed);
    }

    /// Closes the open batch and starts the next. Returns its number, and for the cache the last
    /// value of each key it wrote with the name pages that this changes.
    pub fn seal(&mut self) -> (Batch, Writes) {
        let mut keys: Vec<Bytes> = self.undo.drain(..).map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut writes: Writes = keys
            .iter()
            .map(|key| {
                let value = self.overlay.get(key).and_then(|slot| slot.value.clone());
                (key.clone(), value)
            })
            .collect();
        self.pages.seal(&mut writes);
        let batch = self.open;
        self.open += 1;
        self.sealed.push_back(Sealed {
            batch,
            keys,
            unnamed: std::mem::take(&mut self.unnamed),
        });
        (batch, writes)
    }

    /// The cache has every batch up to this one.
    pub fn applied(&mut self, through: Batch) {
        while self.sealed.front().is_some_and(|s| s.batch <= through) {
            let Some(sealed) = self.sealed.pop_front() else {
                return;
            };
            for key in sealed.keys {
                if self
                    .overlay
                    .get(&key)
                    .is_some_and(|slot| slot.batch == sealed.batch)
                {
                    self.overlay.remove(&key);
                }
            }
            for gone in sealed.unnamed {
                // It may have come back since.
                if self
                    .get_raw(gone.table, &gone.number.to_be_bytes())
                    .is_none()
                {
                    self.names.remove(gone.hash, gone.number);
                }
            }
        }
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Bytes>) {
        let key = Bytes::from(key);
        let slot = Slot {
            value,
            batch: self.open,
        };
        let before = self.overlay.insert(key.clone(), slot);
        self.undo.push((key, before));
    }
}

impl Read for LaneState {
    fn get_raw(&self, table: TableId, key: &[u8]) -> Option<Vec<u8>> {
        let key = full_key(table, key);
        if let Some(slot) = self.overlay.get(&key[..]) {
            return slot.value.as_ref().map(|value| value.to_vec());
        }
        match self.cache.get(&key) {
            Ok(value) => value.map(Vec::from),
            Err(error) => {
                tracing::error!(table, %error, "the cache cannot be read");
                self.failed.set(true);
                None
            }
        }
    }

    fn candidates(&self, table: TableId, name: &str) -> Vec<u64> {
        self.names.get(names::hash(table, name))
    }

    fn scan_raw(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>) {
        let from = full_key(table, from);
        let to = to.map_or_else(|| vec![table + 1], |to| full_key(table, to));
        if from >= to {
            return;
        }
        let mut newer = self
            .overlay
            .range::<[u8], _>((
                std::ops::Bound::Included(&from[..]),
                std::ops::Bound::Excluded(&to[..]),
            ))
            .peekable();
        let mut ended = false;
        let scanned = self.cache.scan(&from, &to, &mut |key, value| {
            while let Some((k, slot)) = newer.next_if(|(k, _)| k.as_ref() < key) {
                if let Some(value) = &slot.value
                    && visit(&k[1..], value).is_break()
                {
                    ended = true;
                    return ControlFlow::Break(());
                }
            }
            let flow = match newer.next_if(|(k, _)| k.as_ref() == key) {
                Some((_, slot)) => match &slot.value {
                    Some(value) => visit(&key[1..], value),
                    None => ControlFlow::Continue(()),
                },
                None => visit(&key[1..], value),
            };
            ended = flow.is_break();
            flow
        });
        if let Err(error) = scanned {
            tracing::error!(table, %error, "the cache cannot be scanned");
            self.failed.set(true);
            return;
        }
        if ended {
            return;
        }
        for (key, slot) in newer {
            if let Some(value) = &slot.value
                && visit(&key[1..], value).is_break()
            {
                return;
            }
        }
    }

    fn report_damage(&self, table: TableId, key: &[u8]) {
        tracing::error!(table, ?key, "a record in the cache cannot be read");
        self.failed.set(true);
    }
}

impl Write for LaneState {
    fn put_raw(&mut self, table: TableId, key: &[u8], value: Vec<u8>, found_by: &[&str]) {
        if let Some(number) = u64::from_bytes(key) {
            for name in found_by {
                let hash = names::hash(table, name);
                if self.names.insert(hash, number) {
                    self.pages.named(table, number, hash);
                }
            }
        }
        self.write(full_key(table, key), Some(value.into()));
    }

    fn delete_raw(&mut self, table: TableId, key: &[u8]) {
        if let Some(names_of) = self.named.get(&table).copied()
            && let Some(number) = u64::from_bytes(key)
            && let Some(value) = self.get_raw(table, key)
        {
            self.pages.gone(table, number);
            for name in names_of(&value).unwrap_or_default() {
                self.unnamed.push(Unnamed {
                    table,
                    number,
                    hash: names::hash(table, &name),
                });
            }
        }
        self.write(full_key(table, key), None);
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
