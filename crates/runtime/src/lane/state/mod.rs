//! A lane's state: the cache on disk, under an overlay of what was decided since.
//!
//! Writes go to the overlay, marked with the batch they belong to. When a batch is committed, its
//! final values go to the cache in one step; when the cache has them, they leave the overlay. What is
//! not committed never reaches the cache.
//!
//! Rows are decoded in the overlay, and those that are read often stay so when the cache has them ([`Kept`]):
//! a row is read from bytes once, and written to bytes once a batch, however often it is read and written in it.

mod keyed;
mod known;
mod tables;

use super::firsts::Firsts;
use super::kept::Kept;
use super::name_pages::NamePages;
use super::names::{self, NameIndex};
use super::rows;
use crate::cache::{LaneCache, Writes};
use bytes::Bytes;
use keyed::Keyed;
use known::Known;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use tenfold_domain::tables::{
    KeyBytes, NamesOf, Numbers, Row, SharedRow, TableDef, TableId, full_key,
};

/// Number of a batch in this process; grows by one with each batch.
pub type Batch = u64;

/// A row in the overlay; `None` = removed.
struct Slot {
    row: Option<SharedRow>,
    batch: Batch,
    /// Where in the undo is what it was before.
    undo: usize,
}

/// A closed batch that the cache does not have yet.
struct Sealed {
    batch: Batch,
    /// What it wrote, each with the bytes of its row.
    keys: Vec<(KeyBytes, usize)>,
    unnamed: Vec<Name>,
}

/// A name that a record got, or lost.
#[derive(Clone, Copy, Debug)]
struct Name {
    table: TableId,
    number: u64,
    hash: u64,
}

/// A point inside the open batch to go back to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    undo: usize,
    named: usize,
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
    /// What the open record overwrote, in order: to go back. Its entries are numbered on from record to record, so that a
    /// slot of an earlier one is told apart.
    undo: Vec<(KeyBytes, Option<Slot>)>,
    /// The number of its first entry.
    undo_from: usize,
    /// What earlier records of the open batch wrote, each key once.
    written: Vec<KeyBytes>,
    /// The last mark: what was written since it once need not be remembered again.
    marked: Cell<usize>,
    /// Names that the index did not have before the open record.
    fresh: Vec<Name>,
    /// Names whose records the open batch removed.
    unnamed: Vec<Name>,
    sealed: VecDeque<Sealed>,
    failed: Cell<bool>,
    /// Names and numbers of tables in which they never change; what is gone back to may have made some of them.
    known: Known,
    /// Grows with whatever may change an answer.
    version: u64,
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
            undo_from: 0,
            written: Vec::new(),
            marked: Cell::new(0),
            fresh: Vec::new(),
            unnamed: Vec::new(),
            sealed: VecDeque::new(),
            failed: Cell::new(false),
            known: Known::default(),
            version: 0,
        })
    }

    /// A read failed since the last look: nothing decided from it may be used.
    pub fn failed(&self) -> bool {
        self.failed.get()
    }

    /// As long as it is the same, so are the answers: what was found need not be looked for again.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Number of names in the index.
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// Here, to go back to with [`Self::rollback`].
    pub fn mark(&self) -> Mark {
        let undo = self.undo_next();
        self.marked.set(undo);
        Mark {
            undo,
            named: self.fresh.len(),
            unnamed: self.unnamed.len(),
        }
    }

    /// The number of the undo's next entry.
    const fn undo_next(&self) -> usize {
        self.undo_from.saturating_add(self.undo.len())
    }

    /// Undoes what was written since the mark, which is of the open record.
    pub fn rollback(&mut self, mark: Mark) {
        if self.undo_next() == mark.undo {
            // Nothing was written: what is known stays so.
            self.marked.set(mark.undo);
            return;
        }
        self.version += 1;
        self.known.forget();
        while self.undo_next() > mark.undo
            && let Some((key, before)) = self.undo.pop()
        {
            self.firsts.not_after(&key);
            match before {
                Some(slot) => self.overlay.insert(key, slot),
                None => self.overlay.remove(&key),
            };
        }
        self.marked.set(self.undo_next());
        self.unnamed.truncate(mark.unnamed);
        for name in self.fresh.drain(mark.named..) {
            self.names.remove(name.hash, name.number);
            self.pages.never_named(name.table, name.number, name.hash);
        }
    }

    /// Closes the open record: what it wrote is not gone back to any more, and belongs to the open batch.
    pub fn close_record(&mut self) {
        self.undo_from = self.undo_next();
        self.marked.set(self.undo_from);
        self.fresh.clear();
        for (key, before) in self.undo.drain(..) {
            // Over one of the same batch: then its key is there already.
            if before.is_none_or(|before| before.batch != self.open) {
                self.written.push(key);
            }
        }
    }

    /// Rows that closed records of the open batch wrote.
    pub const fn written(&self) -> usize {
        self.written.len()
    }

    /// Closes the open batch, of all records since the one before, and starts the next. Returns its number, and for the
    /// cache the last value of each key it wrote with the name pages that this changes. The state has
    /// [failed](Self::failed) if a row cannot be written; then the batch must not be used.
    pub fn seal(&mut self) -> (Batch, Writes) {
        self.close_record();
        let mut written = std::mem::take(&mut self.written);
        // For the cache: its leaves are written one behind the other.
        written.sort_unstable();
        let mut keys = Vec::with_capacity(written.len());
        // All keys and rows one behind the other: one allocation for the batch. Each as where its key begins, where its
        // row, and where it ends; the last is `None` if the row was removed.
        let mut all = Vec::new();
        let mut parts = Vec::with_capacity(written.len());
        for key in written {
            let began = all.len();
            all.extend_from_slice(&key);
            let row_at = all.len();
            let row = self.overlay.get(&key).and_then(|slot| slot.row.as_ref());
            if let Some(row) = row {
                all = row.encode(all).unwrap_or_else(|| {
                    tracing::error!(?key, "a row cannot be written");
                    self.failed.set(true);
                    Vec::new()
                });
            }
            keys.push((key, all.len().saturating_sub(row_at)));
            parts.push((began, row_at, row.map(|_| all.len())));
        }
        let all = Bytes::from(all);
        let mut writes = Writes::with_capacity(parts.len());
        if !self.failed() {
            writes.extend(parts.into_iter().map(|(began, row_at, end)| {
                (
                    all.slice(began..row_at),
                    end.map(|end| all.slice(row_at..end)),
                )
            }));
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
                let its_own = |slot: &Slot| slot.batch == sealed.batch;
                match self.overlay.remove_if(&key, its_own) {
                    Some(slot) => kept.changed(&key, slot.row, bytes),
                    // A later batch wrote it again. What the cache has now is not known here.
                    None => kept.changed(&key, None, 0),
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
        self.version += 1;
        if row.is_some() {
            self.firsts.not_after(&key);
        }
        let undo = self.undo_next();
        let batch = self.open;
        let before = match self.overlay.get_mut(&key) {
            Some(slot) if slot.batch == batch && slot.undo >= self.marked.get() => {
                slot.row = row;
                return;
            }
            Some(slot) => Some(std::mem::replace(slot, Slot { row, batch, undo })),
            None => {
                let slot = Slot { row, batch, undo };
                self.overlay.insert(KeyBytes::from_slice(&key), slot)
            }
        };
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
                self.fresh.push(Name {
                    table,
                    number,
                    hash,
                });
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

#[cfg(test)]
mod tests;
