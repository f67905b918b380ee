//! Tables in memory, as bytes.

use super::{Key, Numbers, Read, ReadRow, Seen, SharedRow, TableId, Visit, Write};
use std::collections::{BTreeMap, HashMap};

/// Tables in memory: for tests, and the model that other stores are compared with. Every row is written to
/// bytes at once and read from them each time, so it knows nothing that its bytes do not say.
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
    fn row(&self, table: TableId, key: &[u8], read: ReadRow) -> Option<SharedRow> {
        let bytes = self.rows.get(&(table, key.to_vec()))?;
        read(bytes).or_else(|| {
            self.report_damage(table, key);
            None
        })
    }

    fn candidates(&self, table: TableId, name: &str) -> Numbers {
        self.names
            .get(&(table, name.to_owned()))
            .map(|numbers| Numbers::from_slice(numbers))
            .unwrap_or_default()
    }

    fn scan_rows(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>) {
        for ((_, key), value) in self
            .rows
            .range((table, from.to_vec())..)
            .take_while(|((t, key), _)| *t == table && to.is_none_or(|to| key.as_slice() < to))
        {
            if visit(key, Seen::Bytes(value)).is_break() {
                return;
            }
        }
    }

    fn report_damage(&self, table: TableId, key: &[u8]) {
        panic!("table {table} holds a damaged record under {key:?}");
    }
}

impl Write for MemoryTables {
    fn put_row(&mut self, table: TableId, key: &[u8], row: SharedRow) {
        let Some(value) = row.encode(Vec::new()) else {
            return self.report_damage(table, key);
        };
        if let Some(number) = u64::from_bytes(key) {
            for name in row.found_by() {
                let keys = self.names.entry((table, name.to_owned())).or_default();
                if !keys.contains(&number) {
                    keys.push(number);
                }
            }
        }
        self.rows.insert((table, key.to_vec()), value);
    }

    fn delete_row(&mut self, table: TableId, key: &[u8]) {
        self.rows.remove(&(table, key.to_vec()));
    }
}
