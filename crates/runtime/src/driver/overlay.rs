//! Tables over tables: writes stay here, reads see them first. So what a decision folded can be compared with the fold
//! of its events before it counts, and is gone if it was refused.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use tenfold_domain::tables::{
    Key, KeyBytes, Numbers, Read, ReadRow, Seen, SharedRow, TableId, Visit, Write, full_key,
};

/// State with the steps of one decision folded in.
pub(super) struct Overlay<'a> {
    base: &'a dyn Read,
    /// By table and key; `None` = removed.
    rows: BTreeMap<KeyBytes, Option<SharedRow>>,
    names: BTreeMap<TableId, HashMap<String, Numbers>>,
}

impl<'a> Overlay<'a> {
    /// Nothing written yet.
    pub(super) fn over(base: &'a dyn Read) -> Self {
        Self {
            base,
            rows: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// What was written.
    #[must_use]
    pub(super) fn into_folded(self) -> Folded {
        Folded(self.rows.into_iter().collect())
    }
}

/// What a decision folded: the rows it wrote and removed, to be written into the state it was decided on.
pub(super) struct Folded(Vec<(KeyBytes, Option<SharedRow>)>);

impl Folded {
    /// Writes the rows.
    pub(super) fn write(self, to: &mut dyn Write) {
        for (key, row) in self.0 {
            let Some((table, key)) = key.split_first() else {
                continue;
            };
            match row {
                Some(row) => to.put_row(*table, key, row),
                None => to.delete_row(*table, key),
            }
        }
    }
}

impl Read for Overlay<'_> {
    fn row(&self, table: TableId, key: &[u8], read: ReadRow) -> Option<SharedRow> {
        match self.rows.get(&full_key(table, key)) {
            Some(written) => written.clone(),
            None => self.base.row(table, key, read),
        }
    }

    fn candidates(&self, table: TableId, name: &str) -> Numbers {
        let mut numbers = self.base.candidates(table, name);
        if let Some(written) = self.names.get(&table).and_then(|names| names.get(name)) {
            numbers.extend_from_slice(written);
        }
        numbers
    }

    fn scan_rows(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>) {
        let first = full_key(table, from);
        let end = to.map_or_else(
            || full_key(table.saturating_add(1), &[]),
            |to| full_key(table, to),
        );
        if first >= end {
            return;
        }
        let mut own = self
            .rows
            .range(first..end)
            .map(|(full, row)| (KeyBytes::from_slice(full.get(1..).unwrap_or_default()), row))
            .peekable();
        let mut ended = false;
        self.base.scan_rows(table, from, to, &mut |key, seen| {
            while let Some((own_key, row)) = own.next_if(|(own_key, _)| own_key.as_slice() < key) {
                if let Some(row) = row
                    && visit(&own_key, Seen::Row(row)).is_break()
                {
                    ended = true;
                    return ControlFlow::Break(());
                }
            }
            let flow = match own.next_if(|(own_key, _)| own_key.as_slice() == key) {
                Some((_, Some(row))) => visit(key, Seen::Row(row)),
                Some((_, None)) => ControlFlow::Continue(()),
                None => visit(key, seen),
            };
            ended = flow.is_break();
            flow
        });
        if ended {
            return;
        }
        for (key, row) in own {
            if let Some(row) = row
                && visit(&key, Seen::Row(row)).is_break()
            {
                return;
            }
        }
    }

    fn report_damage(&self, table: TableId, key: &[u8]) {
        self.base.report_damage(table, key);
    }
}

impl Write for Overlay<'_> {
    fn put_row(&mut self, table: TableId, key: &[u8], row: SharedRow) {
        if let Some(number) = u64::from_bytes(key) {
            for name in row.found_by() {
                if self.base.candidates(table, name).contains(&number) {
                    continue;
                }
                let written = self.names.entry(table).or_default();
                let numbers = written.entry(name.to_owned()).or_default();
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
        }
        self.rows.insert(full_key(table, key), Some(row));
    }

    fn delete_row(&mut self, table: TableId, key: &[u8]) {
        self.rows.insert(full_key(table, key), None);
    }

    fn take_row(&mut self, table: TableId, key: &[u8], read: ReadRow) -> Option<SharedRow> {
        match self.rows.get_mut(&full_key(table, key)) {
            Some(written) => written.take(),
            None => self.base.row(table, key, read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use std::sync::Arc;
    use tenfold_domain::tables::{MemoryTables, Names, ReadExt, Record, WriteExt};

    /// A label on something.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Label(String);

    impl Record for Label {
        const TABLE: TableId = 3;
        const NAME: &'static str = "labels";
        type Key = u64;
        const NAMED: bool = true;
        fn names(&self) -> Names<'_> {
            Names::from_slice(&[self.0.as_str()])
        }
    }

    fn label(text: u8) -> Label {
        Label(format!("L{text}"))
    }

    fn change(state: &mut dyn Write, key: u64, to: Label) {
        if let Some(mut label) = state.take::<Label>(&key) {
            *Arc::make_mut(&mut label) = to;
            state.put_shared(&key, label);
        }
    }

    fn rows(state: &dyn Read, from: u64, to: Option<u64>, most: usize) -> Vec<(u64, Label)> {
        let mut rows = Vec::new();
        let visit = |key, label: Label| {
            rows.push((key, label));
            if rows.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        match to {
            Some(to) => state.scan_range(&from, &to, visit),
            None => state.scan(&from, visit),
        }
        rows
    }

    proptest! {
        #[test]
        fn an_overlay_reads_as_if_its_writes_were_in_the_base(
            base in prop::collection::btree_map(0u64..20, 0u8..9, 0..10),
            writes in prop::collection::vec((0u64..20, prop::option::of(0u8..18)), 0..12),
            from in 0u64..20, to in prop::option::of(0u64..20), most in 1usize..30,
        ) {
            let mut plain = MemoryTables::default();
            for (key, text) in base {
                plain.put(&key, &label(text));
            }
            let under = plain.clone();
            let mut over = Overlay::over(&under);
            for (key, text) in writes {
                match text {
                    Some(text) if text >= 9 => {
                        change(&mut plain, key, label(text - 9));
                        change(&mut over, key, label(text - 9));
                    }
                    Some(text) => {
                        plain.put(&key, &label(text));
                        over.put(&key, &label(text));
                    }
                    None => {
                        plain.delete::<Label>(&key);
                        over.delete::<Label>(&key);
                    }
                }
            }
            prop_assert_eq!(rows(&over, from, to, most), rows(&plain, from, to, most));
            for key in 0..20 {
                prop_assert_eq!(over.get::<Label>(&key), plain.get::<Label>(&key));
            }
            for text in 0..9 {
                let name = label(text).0;
                prop_assert_eq!(over.find_all::<Label>(&name), plain.find_all::<Label>(&name));
            }
            let folded = over.into_folded();
            let mut taken = under.clone();
            folded.write(&mut taken);
            prop_assert!(taken.rows().eq(plain.rows()));
        }
    }
}
