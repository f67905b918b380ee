//! A lane's state as the tables that decisions read and folds write.

use super::{LaneState, Name, Slot};
use crate::lane::firsts::First;
use crate::lane::names;
use smol_str::SmolStr;
use std::ops::ControlFlow;
use tenfold_domain::tables::{
    Key, Numbers, Read, ReadRow, Seen, SharedRow, TableId, Visit, Write, full_key,
};

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

    fn number_of(
        &self,
        table: TableId,
        name: &str,
        look: &mut dyn FnMut() -> Option<u64>,
    ) -> Option<u64> {
        self.known.number_of(table, name, look)
    }

    fn name_of(
        &self,
        table: TableId,
        number: u64,
        look: &mut dyn FnMut() -> Option<SmolStr>,
    ) -> Option<SmolStr> {
        self.known.name_of(table, number, look)
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
            while let Some((k, slot)) = newer.next_if(|(k, _)| k.as_slice() < key) {
                if let Some(row) = &slot.row
                    && visit(&k[1..], Seen::Row(row)).is_break()
                {
                    ended = true;
                    return ControlFlow::Break(());
                }
            }
            let flow = match newer.next_if(|(k, _)| k.as_slice() == key) {
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

    fn take_row(&mut self, table: TableId, key: &[u8], read: ReadRow) -> Option<SharedRow> {
        // What an earlier mark or batch wrote may be gone back to: it stays.
        match self.overlay.get_mut(&full_key(table, key)) {
            Some(slot) if slot.batch == self.open && slot.undo >= self.marked.get() => {
                slot.row.take()
            }
            Some(slot) => slot.row.clone(),
            None => self.row(table, key, read),
        }
    }

    fn delete_row(&mut self, table: TableId, key: &[u8]) {
        let full = full_key(table, key);
        if let Some(names_of) = self.named.get(&table).copied()
            && let Some(number) = u64::from_bytes(key)
            && let Some(hashes) = self.hashes(table, names_of, &full)
        {
            self.pages.gone(table, number);
            for hash in hashes {
                self.unnamed.push(Name {
                    table,
                    number,
                    hash,
                });
            }
        }
        self.write(full, None);
    }
}
