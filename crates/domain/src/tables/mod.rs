//! What state is to the domain: named tables of small records in key order.
//!
//! A decision reads through [`Read`]; a fold writes through [`Write`]. Who keeps the bytes (memory in
//! a test, an overlay over sled in a service) is not known here. Records are encoded with postcard;
//! the encoding may change from one release to the next, because tables are a cache of the journal
//! and are rebuilt from it.
//!
//! **Keys are sequences.** Stores are fast in key order and slow in random order (measured: 540,000
//! against 13,000 records/s), so a record is kept under a number that grows, and found by a barcode
//! through its *names*: a compact in-memory index from the hash of a name to the number, checked
//! against the record itself.

//!
//! **Rows stay decoded** where a store can keep them so: a row is read from bytes once, shared by those
//! who look at it, and written to bytes when the store needs bytes (`row`). [`MemoryTables`] keeps bytes
//! alone: what others are compared with.

mod key;
mod memory;
mod row;

pub use key::{Key, KeyBytes, full_key};
pub use memory::MemoryTables;
pub use row::{Names, Numbers, ReadRow, Row, Seen, SharedRow};

use serde::Serialize;
use serde::de::DeserializeOwned;
use smol_str::SmolStr;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Identifies a table inside one service's state. 0 to 199 are the service's; 200 to 255 the runtime's.
pub type TableId = u8;

/// One kind of record.
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Its table; no two records of one service share it.
    const TABLE: TableId;
    /// The table's name, for people.
    const NAME: &'static str;
    /// Its key.
    type Key: Key;

    /// Has it names? Without this they count for nothing: a store need not look at rows that have none.
    const NAMED: bool = false;

    /// Names under which the record can be found with [`ReadExt::find`]. Only for records keyed by `u64`
    /// that say they are [`NAMED`](Self::NAMED).
    fn names(&self) -> Names<'_> {
        Names::new()
    }
}

/// Called with each key and row of a scan, in key order; `Break` ends it.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], Seen<'_>) -> ControlFlow<()>;

/// Reading state. A store that fails answers "nothing" and remembers that it failed; its owner checks
/// that before it uses anything decided from such an answer.
pub trait Read {
    /// The row under a key. A store that has it as bytes reads it with `read`, and reports damage if that fails.
    fn row(&self, table: TableId, key: &[u8], read: ReadRow) -> Option<SharedRow>;
    /// Keys of the records that may bear this name; the caller checks each.
    fn candidates(&self, table: TableId, name: &str) -> Numbers;
    /// The number of the record that bears a name, of a table in which no two bear the same and none is ever renamed or
    /// removed: a store may remember it. `look` looks for it.
    fn number_of(
        &self,
        _table: TableId,
        _name: &str,
        look: &mut dyn FnMut() -> Option<u64>,
    ) -> Option<u64> {
        look()
    }
    /// The name of the record with a number, of such a table.
    fn name_of(
        &self,
        _table: TableId,
        _number: u64,
        look: &mut dyn FnMut() -> Option<SmolStr>,
    ) -> Option<SmolStr> {
        look()
    }
    /// Visits the keys `from <= key` (and `< to` if given) in order.
    fn scan_rows(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>);
    /// Visits the first record of a table. What is due next is asked for at every turn of a lane: a store may remember
    /// where the first record is.
    fn first_row(&self, table: TableId, visit: Visit<'_>) {
        self.scan_rows(table, &[], None, visit);
    }
    /// A value that cannot be decoded was met: the store must be rebuilt.
    fn report_damage(&self, table: TableId, key: &[u8]);
}

/// Writing state, while folding events.
pub trait Write: Read {
    /// Writes a row; from now on it can be found by the names it bears.
    fn put_row(&mut self, table: TableId, key: &[u8], row: SharedRow);
    /// Removes a row; nothing happens if there is none.
    fn delete_row(&mut self, table: TableId, key: &[u8]);
    /// The row under a key, to be changed and put back: until then nobody may look for it. A store gives away what it
    /// holds alone, so that nothing is copied.
    fn take_row(&mut self, table: TableId, key: &[u8], read: ReadRow) -> Option<SharedRow> {
        self.row(table, key, read)
    }
}

/// Typed reading.
pub trait ReadExt: Read {
    /// The record under a key, to look at.
    fn get_shared<R: Record>(&self, key: &R::Key) -> Option<Arc<R>> {
        let key = key.to_bytes();
        let row = self.row(R::TABLE, &key, row::read::<R>)?;
        row::record(row).or_else(|| {
            self.report_damage(R::TABLE, &key);
            None
        })
    }

    /// The record under a key, to keep.
    fn get<R: Record>(&self, key: &R::Key) -> Option<R> {
        self.get_shared(key).map(Arc::unwrap_or_clone)
    }

    /// Visits the records that bear a name, in the order of their numbers, until `Break`.
    fn each_named<R: Record<Key = u64>>(
        &self,
        name: &str,
        mut visit: impl FnMut(u64, Arc<R>) -> ControlFlow<()>,
    ) {
        let mut numbers = self.candidates(R::TABLE, name);
        if numbers.len() > 1 {
            numbers.sort_unstable();
            numbers.dedup();
        }
        for number in numbers {
            if let Some(record) = self.get_shared::<R>(&number)
                && record.names().contains(&name)
                && visit(number, record).is_break()
            {
                return;
            }
        }
    }

    /// The records that bear a name, in the order of their numbers.
    fn find_all<R: Record<Key = u64>>(&self, name: &str) -> Vec<(u64, R)> {
        let mut found = Vec::new();
        self.each_named(name, |number, record| {
            found.push((number, Arc::unwrap_or_clone(record)));
            ControlFlow::Continue(())
        });
        found
    }

    /// The first record that bears a name and is meant, to look at.
    fn find_shared<R: Record<Key = u64>>(
        &self,
        name: &str,
        mut is_meant: impl FnMut(u64, &R) -> bool,
    ) -> Option<(u64, Arc<R>)> {
        let mut found = None;
        self.each_named(name, |number, record| {
            if !is_meant(number, &record) {
                return ControlFlow::Continue(());
            }
            found = Some((number, record));
            ControlFlow::Break(())
        });
        found
    }

    /// The first record that bears a name.
    fn find<R: Record<Key = u64>>(&self, name: &str) -> Option<(u64, R)> {
        self.find_shared(name, |_, _: &R| true)
            .map(|(number, record)| (number, Arc::unwrap_or_clone(record)))
    }

    /// Visits records with `from <= key`, in key order, until `Break`.
    fn scan<R: Record>(&self, from: &R::Key, visit: impl FnMut(R::Key, R) -> ControlFlow<()>) {
        scan_typed(self, &from.to_bytes(), None, visit);
    }

    /// Visits records with `from <= key < to`, in key order, until `Break`.
    fn scan_range<R: Record>(
        &self,
        from: &R::Key,
        to: &R::Key,
        visit: impl FnMut(R::Key, R) -> ControlFlow<()>,
    ) {
        scan_typed(self, &from.to_bytes(), Some(&to.to_bytes()), visit);
    }

    /// All records of a table, in key order. Only for tables that stay small.
    fn all<R: Record>(&self) -> Vec<(R::Key, R)> {
        let mut found = Vec::new();
        scan_typed(self, &[], None, |key, record: R| {
            found.push((key, record));
            ControlFlow::Continue(())
        });
        found
    }

    /// The first record of a table.
    fn first<R: Record>(&self) -> Option<(R::Key, R)> {
        let mut found = None;
        let mut look = typed(self, |key, record: R| {
            found = Some((key, record));
            ControlFlow::Break(())
        });
        self.first_row(R::TABLE, &mut look);
        drop(look);
        found
    }
}

impl<T: Read + ?Sized> ReadExt for T {}

fn scan_typed<R: Record>(
    store: &(impl Read + ?Sized),
    from: &[u8],
    to: Option<&[u8]>,
    visit: impl FnMut(R::Key, R) -> ControlFlow<()>,
) {
    store.scan_rows(R::TABLE, from, to, &mut typed(store, visit));
}

/// Shows the records behind rows; damage ends it, and is reported.
fn typed<R: Record>(
    store: &(impl Read + ?Sized),
    mut visit: impl FnMut(R::Key, R) -> ControlFlow<()>,
) -> impl FnMut(&[u8], Seen<'_>) -> ControlFlow<()> {
    move |key, seen| match (R::Key::from_bytes(key), seen.record::<R>()) {
        (Some(key), Some(record)) => visit(key, record),
        _ => {
            store.report_damage(R::TABLE, key);
            ControlFlow::Break(())
        }
    }
}

/// Typed writing.
pub trait WriteExt: Write {
    /// Writes a record under a key.
    fn put<R: Record>(&mut self, key: &R::Key, record: &R) {
        self.put_shared(key, Arc::new(record.clone()));
    }

    /// Writes a record under a key without copying it.
    fn put_shared<R: Record>(&mut self, key: &R::Key, record: Arc<R>) {
        self.put_row(R::TABLE, &key.to_bytes(), record);
    }

    /// The record under a key, to be changed (with [`Arc::make_mut`], which copies it only if others hold it) and put
    /// back with [`put_shared`](Self::put_shared): until then nobody may look for it.
    fn take<R: Record>(&mut self, key: &R::Key) -> Option<Arc<R>> {
        let key = key.to_bytes();
        let row = self.take_row(R::TABLE, &key, row::read::<R>)?;
        row::record(row).or_else(|| {
            self.report_damage(R::TABLE, &key);
            None
        })
    }

    /// Removes the record under a key.
    fn delete<R: Record>(&mut self, key: &R::Key) {
        self.delete_row(R::TABLE, &key.to_bytes());
    }
}

impl<T: Write + ?Sized> WriteExt for T {}

fn decode<R: Record>(bytes: &[u8]) -> Option<R> {
    postcard::from_bytes(bytes).ok()
}

/// The names in an encoded record; `None` if it cannot be decoded.
pub type NamesOf = fn(&[u8]) -> Option<Vec<String>>;

/// One table of a service, as its store must know it.
#[derive(Clone, Copy, Debug)]
pub struct TableDef {
    /// Its number.
    pub id: TableId,
    /// Its name, for people.
    pub name: &'static str,
    /// Have its records names?
    pub named: bool,
    /// Reads the names out of an encoded record, so that the name index can be rebuilt by one ordered scan.
    pub names: NamesOf,
}

impl TableDef {
    /// The definition of a record's table.
    #[must_use]
    pub const fn of<R: Record>() -> Self {
        Self {
            id: R::TABLE,
            name: R::NAME,
            named: R::NAMED,
            names: |bytes| {
                decode::<R>(bytes)
                    .map(|record| record.names().into_iter().map(str::to_owned).collect())
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Tube {
        barcode: String,
    }

    impl Record for Tube {
        const TABLE: TableId = 1;
        const NAME: &'static str = "tubes";
        type Key = u64;
        const NAMED: bool = true;
        fn names(&self) -> Names<'_> {
            Names::from_slice(&[self.barcode.as_str()])
        }
    }

    fn tube(barcode: &str) -> Tube {
        Tube {
            barcode: barcode.to_owned(),
        }
    }

    #[test]
    fn a_record_is_found_by_its_name_until_it_is_renamed() {
        let mut tables = MemoryTables::default();
        tables.put(&1, &tube("A"));
        tables.put(&2, &tube("B"));
        assert_eq!(tables.find::<Tube>("B"), Some((2, tube("B"))));
        tables.put(&2, &tube("C"));
        assert_eq!(tables.find::<Tube>("B"), None);
        assert_eq!(tables.find::<Tube>("C"), Some((2, tube("C"))));
    }
}
