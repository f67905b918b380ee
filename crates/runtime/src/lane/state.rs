//! A lane's state: the cache on disk, under an overlay of what was decided since.
//!
//! Writes go to the overlay, marked with the batch they belong to. When a batch is committed, its
//! final values go to the cache in one step; when the cache has them, they leave the overlay. What is
//! not committed never reaches the cache.
//!
//! Rows are decoded in the overlay, and those that are read often stay so when the cache has them ([`Kept`]):
//! a row is read from bytes once, and written to bytes once a batch, however often it is read and written in it.

use super::firsts::{First, Firsts};
use super::kept::Kept;
use super::name_pages::NamePages;
use super::names::{self, NameIndex};
use super::rows;
use crate::cache::{LaneCache, Writes};
use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::ControlFlow;
use tenfold_domain::tables::{
    Key, KeyBytes, Keyed, NamesOf, Numbers, Read, ReadRow, Row, Seen, SharedRow, TableDef, TableId,
    Visit, Write, full_key,
};

/// Number of a batch in this process; grows by one with each batch.
pub type Batch = u64;

/// A row in the overlay; `None` = removed.
struct Slot {
    row: Option<SharedRow>,
    batch: Batch,
    /// Where in the open batch's undo is what it was before.
    undo: usize,
}

/// A closed batch that the cache does not have yet.
struct Sealed {
    batch: Batch,
    /// What it wrote, each with the bytes of its row.
    keys: Vec<(KeyBytes, usize)>,
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
    overlay: Keyed<Slot>,
    /// Rows of the cache below the overlay.
    kept: RefCell<Kept>,
    firsts: Firsts,
    open: Batch,
    /// What the open batch overwrote, in order: to go back, and to know its keys.
    undo: Vec<(KeyBytes, Option<Slot>)>,
    /// The last mark: what was written since it once need not be remembered again.
    marked: Cell<usize>,
    unnamed: Vec<Unnamed>,
    sealed: VecDeque<Sealed>,
    failed: Cell<bool>,
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
            overlay: Keyed::default(),
            kept: RefCell::default(),
            firsts: Firsts::default(),
            open: 1,
            undo: Vec::new(),
            marked: Cell::new(0),
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
        self.marked.set(self.undo.len());
        Mark {
            undo: self.undo.len(),
            unnamed: self.unnamed.len(),
        }
    }

    /// Undoes what the open batch wrote since the mark.
    pub fn rollback(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            if let Some((key, before)) = self.undo.pop() {
                self.firsts.not_after(&key);
                match before {
                    Some(slot) => self.overlay.insert(key, slot),
                    None => self.overlay.remove(&key),
                };
            }
        }
        self.marked.set(self.undo.len());
        self.unnamed.truncate(mark.unnamed);
    }

    /// Closes the open batch and starts the next. Returns its number, and for the cache the last
    /// value of each key it wrote with the name pages that this changes. The state has [failed](Self::failed)
    /// if a row cannot be written; then the batch must not be used.
    pub fn seal(&mut self) -> (Batch, Writes) {
        self.marked.set(0);
        let mut written: Vec<KeyBytes> = self.undo.drain(..).map(|(key, _)| key).collect();
        written.sort_unstable();
        written.dedup();
        let mut writes = Writes::with_capacity(written.len());
        let mut keys = Vec::with_capacity(written.len());
        let mut buffer = Vec::new();
        for key in written {
            let row = self.overlay.get(&key).and_then(|slot| slot.row.as_ref());
            let value = row.and_then(|row| {
                buffer.clear();
                let Some(bytes) = row.encode(std::mem::take(&mut buffer)) else {
                    tracing::error!(?key, "a row cannot be written");
                    self.failed.set(true);
                    return None;
                };
                buffer = bytes;
                Some(Bytes::copy_from_slice(&buffer))
            });
            let bytes = value.as_ref().map_or(0, Bytes::len);
            writes.push((Bytes::copy_from_slice(&key), value));
            keys.push((key, bytes));
        }
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
            let kept = self.kept.get_mut();
            for (key, bytes) in sealed.keys {
                match self.overlay.get(&key) {
                    Some(slot) if slot.batch == sealed.batch => {
                        let slot = self.overlay.remove(&key);
                        kept.changed(&key, slot.and_then(|slot| slot.row), bytes);
                    }
                    // A later batch wrote it again. What the cache has now is not known here.
                    _ => kept.changed(&key, None, 0),
                }
            }
            for gone in sealed.unnamed {
                // It may have come back since.
                if !self.is_there(&full_key(gone.table, &gone.number.to_be_bytes())) {
                    self.names.remove(gone.hash, gone.number);
                }
            }
        }
    }

    fn write(&mut self, key: KeyBytes, row: Option<SharedRow>) {
        if row.is_some() {
            self.firsts.not_after(&key);
        }
        if let Some(slot) = self.overlay.get_mut(&key)
            && slot.batch == self.open
            && slot.undo >= self.marked.get()
        {
            slot.row = row;
            return;
        }
        let slot = Slot {
            row,
            batch: self.open,
            undo: self.undo.len(),
        };
        let before = self.overlay.insert(KeyBytes::from_slice(&key), slot);
        self.undo.push((key, before));
    }

    /// A row is found by its names from now on.
    fn index(&mut self, table: TableId, number: u64, key: &[u8], row: &dyn Row) {
        let found_by = row.found_by();
        if found_by.is_empty() {
            return;
        }
        // Whoever bears the same names already is in the index by them.
        let before = self.overlay.get(key).and_then(|slot| slot.row.as_ref());
        if before.is_some_and(|before| before.found_by() == found_by) {
            return;
        }
        for name in found_by {
            let hash = names::hash(table, name);
            if self.names.insert(hash, number) {
                self.pages.named(table, number, hash);
            }
        }
    }

    /// The bytes of a row in the cache.
    fn cached(&self, key: &[u8]) -> Option<Bytes> {
        self.cache.get(key).unwrap_or_else(|error| {
            tracing::error!(?key, %error, "the cache cannot be read");
            self.failed.set(true);
            None
        })
    }

    /// The hashes of the names that the row under a key bears; `None` if there is no row.
    fn hashes(&self, table: TableId, names_of: NamesOf, key: &[u8]) -> Option<Numbers> {
        let hash = |name: &str| names::hash(table, name);
        let row = match self.overlay.get(key) {
            Some(slot) => Some(slot.row.clone()?),
            None => self.kept.borrow_mut().get(key),
        };
        if let Some(row) = row {
            return Some(row.found_by().into_iter().map(hash).collect());
        }
        let names = names_of(&self.cached(key)?).unwrap_or_default();
        Some(names.iter().map(|name| hash(name)).collect())
    }

    fn is_there(&self, key: &[u8]) -> bool {
        match self.overlay.get(key) {
            Some(slot) => slot.row.is_some(),
            None => self.cached(key).is_some(),
        }
    }
}

impl Read for LaneState {
    fn row(&self, table: TableId, key: &[u8], read: ReadRow) -> Option<SharedRow> {
        let full = full_key(table, key);
        if let Some(slot) = self.overlay.get(&full) {
            return slot.row.clone();
        }
        let mut kept = self.kept.borrow_mut();
        if let Some(row) = kept.get(&full) {
            return Some(row);
        }
        let bytes = self.cached(&full)?;
        let row = read(&bytes).or_else(|| {
            self.report_damage(table, key);
            None
        })?;
        kept.keep(full, SharedRow::clone(&row), bytes.len());
        Some(row)
    }

    fn candidates(&self, table: TableId, name: &str) -> Numbers {
        self.names.get(names::hash(table, name))
    }

    fn scan_rows(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>) {
        let from = full_key(table, from);
        let to = to.map_or_else(|| full_key(table + 1, &[]), |to| full_key(table, to));
        if from >= to {
            return;
        }
        let mut newer = self.overlay.range(&from, &to).peekable();
        let mut ended = false;
        let scanned = self.cache.scan(&from, &to, &mut |key, value| {
            while let Some((k, slot)) = newer.next_if(|(k, _)| *k < key) {
                if let Some(row) = &slot.row
                    && visit(&k[1..], Seen::Row(row)).is_break()
                {
                    ended = true;
                    return ControlFlow::Break(());
                }
            }
            let flow = match newer.next_if(|(k, _)| *k == key) {
                Some((_, slot)) => match &slot.row {
                    Some(row) => visit(&key[1..], Seen::Row(row)),
                    None => ControlFlow::Continue(()),
                },
                None => visit(&key[1..], Seen::Bytes(value)),
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
            if let Some(row) = &slot.row
                && visit(&key[1..], Seen::Row(row)).is_break()
            {
                return;
            }
        }
    }

    fn first_row(&self, table: TableId, visit: Visit<'_>) {
        let from = match self.firsts.of(table) {
            First::Nowhere => return,
            First::NotBefore(key) => key,
            First::Unknown => full_key(table, &[]),
        };
        // Most often it is still where it was: looked at, and not searched for.
        match self.overlay.get(&from) {
            Some(Slot { row: Some(row), .. }) => {
                let _ = visit(&from[1..], Seen::Row(row));
                return;
            }
            Some(_) => {}
            None => {
                if let Some(bytes) = self.cached(&from) {
                    let _ = visit(&from[1..], Seen::Bytes(&bytes));
                    return;
                }
            }
        }
        let mut first = None;
        self.scan_rows(table, &from[1..], None, &mut |key, seen| {
            first = Some(full_key(table, key));
            let _ = visit(key, seen);
            ControlFlow::Break(())
        });
        if !self.failed() {
            self.firsts.is_at(table, first);
        }
    }

    fn report_damage(&self, table: TableId, key: &[u8]) {
        tracing::error!(table, ?key, "a record in the cache cannot be read");
        self.failed.set(true);
    }
}

impl Write for LaneState {
    fn put_row(&mut self, table: TableId, key: &[u8], row: SharedRow) {
        let full = full_key(table, key);
        if let Some(number) = u64::from_bytes(key) {
            self.index(table, number, &full, row.as_ref());
        }
        self.write(full, Some(row));
    }

    fn delete_row(&mut self, table: TableId, key: &[u8]) {
        let full = full_key(table, key);
        if let Some(names_of) = self.named.get(&table).copied()
            && let Some(number) = u64::from_bytes(key)
            && let Some(hashes) = self.hashes(table, names_of, &full)
        {
            self.pages.gone(table, number);
            for hash in hashes {
                self.unnamed.push(Unnamed {
                    table,
                    number,
                    hash,
                });
            }
        }
        self.write(full, None);
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
