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

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

/// Identifies a table inside one service's state. 0 to 199 are the service's; 200 to 255 the runtime's.
pub type TableId = u8;

/// One kind of record.
pub trait Record: Serialize + DeserializeOwned {
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
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// A key whose bytes sort as its values do.
pub trait Key: Sized {
    /// Bytes that sort as the values do.
    fn to_bytes(&self) -> Vec<u8>;
    /// The value again; `None` if the bytes are not of this key's form.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Key for u64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl Key for i64 {
    fn to_bytes(&self) -> Vec<u8> {
        ((*self as u64) ^ (1 << 63)).to_be_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some((u64::from_be_bytes(bytes.try_into().ok()?) ^ (1 << 63)) as i64)
    }
}

impl Key for () {
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

/// Text sorts by its bytes. As the first half of a pair it must not hold a zero byte.
impl Key for String {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_utf8(bytes.to_vec()).ok()
    }
}

/// (number, number): sorts by the first, then the second.
impl Key for (i64, u64) {
    fn to_bytes(&self) -> Vec<u8> {
        [self.0.to_bytes(), self.1.to_bytes()].concat()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_at_checked(8)?;
        Some((i64::from_bytes(first)?, u64::from_bytes(second)?))
    }
}

/// (number, number): sorts by the first, then the second.
impl Key for (u64, u64) {
    fn to_bytes(&self) -> Vec<u8> {
        [self.0.to_bytes(), self.1.to_bytes()].concat()
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_at_checked(8)?;
        Some((u64::from_bytes(first)?, u64::from_bytes(second)?))
    }
}

/// (text, number): sorts by the text, then the number. The text must not hold a zero byte.
impl Key for (String, u64) {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.as_bytes().to_vec();
        bytes.push(0);
        bytes.extend_from_slice(&self.1.to_be_bytes());
        bytes
    }
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.len().checked_sub(9)?;
        let (text, number) = bytes.split_at(end);
        Some((
            String::from_utf8(text.to_vec()).ok()?,
            u64::from_bytes(number.get(1..)?)?,
        ))
    }
}

/// Called with each key and value of a scan, in key order; `Break` ends it.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// Reading state. A store that fails answers "nothing" and remembers that it failed; its owner checks
/// that before it uses anything decided from such an answer.
pub trait Read {
    /// The value under a key.
    fn get_raw(&self, table: TableId, key: &[u8]) -> Option<Vec<u8>>;
    /// Keys of the records that may bear this name; the caller checks each.
    fn candidates(&self, table: TableId, name: &str) -> Vec<u64>;
    /// Visits the keys `from <= key` (and `< to` if given) in order.
    fn scan_raw(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>);
    /// A value that cannot be decoded was met: the store must be rebuilt.
    fn report_damage(&self, table: TableId, key: &[u8]);
}

/// Writing state, while folding events.
pub trait Write: Read {
    /// Writes a record; `names` are those it can be found by from now on.
    fn put_raw(&mut self, table: TableId, key: &[u8], value: Vec<u8>, names: &[&str]);
    /// Removes a record; nothing happens if there is none.
    fn delete_raw(&mut self, table: TableId, key: &[u8]);
}

/// Typed reading.
pub trait ReadExt: Read {
    /// The record under a key.
    fn get<R: Record>(&self, key: &R::Key) -> Option<R> {
        let key = key.to_bytes();
        let bytes = self.get_raw(R::TABLE, &key)?;
        decode(&bytes).or_else(|| {
            self.report_damage(R::TABLE, &key);
            None
        })
    }

    /// The records that bear a name, in the order of their numbers.
    fn find_all<R: Record<Key = u64>>(&self, name: &str) -> Vec<(u64, R)> {
        let mut keys = self.candidates(R::TABLE, name);
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
            .filter_map(|key| self.get::<R>(&key).map(|record| (key, record)))
            .filter(|(_, record)| record.names().contains(&name))
            .collect()
    }

    /// The first record that bears a name.
    fn find<R: Record<Key = u64>>(&self, name: &str) -> Option<(u64, R)> {
        self.find_all(name).into_iter().next()
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
        scan_typed(self, &[], None, |key, record: R| {
            found = Some((key, record));
            ControlFlow::Break(())
        });
        found
    }
}

impl<T: Read + ?Sized> ReadExt for T {}

fn scan_typed<R: Record>(
    store: &(impl Read + ?Sized),
    from: &[u8],
    to: Option<&[u8]>,
    mut visit: impl FnMut(R::Key, R) -> ControlFlow<()>,
) {
    store.scan_raw(R::TABLE, from, to, &mut |key, value| match (
        R::Key::from_bytes(key),
        decode::<R>(value),
    ) {
        (Some(key), Some(record)) => visit(key, record),
        _ => {
            store.report_damage(R::TABLE, key);
            ControlFlow::Break(())
        }
    });
}

/// Typed writing.
pub trait WriteExt: Write {
    /// Writes a record under a key.
    fn put<R: Record>(&mut self, key: &R::Key, record: &R) {
        let key = key.to_bytes();
        let names = if R::NAMED { record.names() } else { Vec::new() };
        match postcard::to_stdvec(record) {
            Ok(value) => self.put_raw(R::TABLE, &key, value, &names),
            Err(_) => self.report_damage(R::TABLE, &key),
        }
    }

    /// Removes the record under a key.
    fn delete<R: Record>(&mut self, key: &R::Key) {
        self.delete_raw(R::TABLE, &key.to_bytes());
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

/// Tables in memory: for tests, and the model that other stores are compared with.
#[derive(Clone, Debug, Default)]
pub struct MemoryTables {
    rows: BTreeMap<(TableId, Vec<u8>), Vec<u8>>,
    names: HashMap<(TableId, String), Vec<u64>>,
}

impl MemoryTables {
    /// Every row as (table, key, value), in order: equal rows, equal state.
    pub fn rows(&self) -> impl Iterator<Item = (&(TableId, Vec<u8>), &Vec<u8>)> {
        self.rows.iter()
    }
}

impl Read for MemoryTables {
    fn get_raw(&self, table: TableId, key: &[u8]) -> Option<Vec<u8>> {
        self.rows.get(&(table, key.to_vec())).cloned()
    }

    fn candidates(&self, table: TableId, name: &str) -> Vec<u64> {
        self.names
            .get(&(table, name.to_owned()))
            .cloned()
            .unwrap_or_default()
    }

    fn scan_raw(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>) {
        for ((_, key), value) in self
            .rows
            .range((table, from.to_vec())..)
            .take_while(|((t, key), _)| *t == table && to.is_none_or(|to| key.as_slice() < to))
        {
            if visit(key, value).is_break() {
                return;
            }
        }
    }

    fn report_damage(&self, table: TableId, key: &[u8]) {
        panic!("table {table} holds a damaged record under {key:?}");
    }
}

impl Write for MemoryTables {
    fn put_raw(&mut self, table: TableId, key: &[u8], value: Vec<u8>, names: &[&str]) {
        if let Some(number) = u64::from_bytes(key) {
            for name in names {
                let keys = self.names.entry((table, (*name).to_owned())).or_default();
                if !keys.contains(&number) {
                    keys.push(number);
                }
            }
        }
        self.rows.insert((table, key.to_vec()), value);
    }

    fn delete_raw(&mut self, table: TableId, key: &[u8]) {
        self.rows.remove(&(table, key.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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
        fn names(&self) -> Vec<&str> {
            vec![&self.barcode]
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

    proptest! {
        #[test]
        fn keys_sort_as_their_values(a: (i64, u64), b: (i64, u64)) {
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(<(i64, u64)>::from_bytes(&a.to_bytes()), Some(a));
        }

        #[test]
        fn text_and_number_sort_as_their_values(a in "[a-z]{0,3}", x: u64, b in "[a-z]{0,3}", y: u64) {
            let (a, b) = ((a, x), (b, y));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(<(String, u64)>::from_bytes(&a.to_bytes()), Some(a));
        }
    }
}
