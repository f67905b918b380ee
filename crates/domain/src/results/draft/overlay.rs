//! Tables over tables: writes stay here, reads see them first.

use crate::tables::{Key, Read, TableId, Visit, Write};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

/// State with the steps of one decision folded in.
pub struct Overlay<'a> {
    base: &'a dyn Read,
    rows: BTreeMap<(TableId, Vec<u8>), Option<Vec<u8>>>,
    names: HashMap<(TableId, String), Vec<u64>>,
}

impl<'a> Overlay<'a> {
    /// Nothing written yet.
    pub fn over(base: &'a dyn Read) -> Self {
        Self {
            base,
            rows: BTreeMap::new(),
            names: HashMap::new(),
        }
    }
}

impl Read for Overlay<'_> {
    fn get_raw(&self, table: TableId, key: &[u8]) -> Option<Vec<u8>> {
        match self.rows.get(&(table, key.to_vec())) {
            Some(written) => written.clone(),
            None => self.base.get_raw(table, key),
        }
    }

    fn candidates(&self, table: TableId, name: &str) -> Vec<u64> {
        let mut keys = self.base.candidates(table, name);
        if let Some(written) = self.names.get(&(table, name.to_owned())) {
            keys.extend(written);
        }
        keys
    }

    fn scan_raw(&self, table: TableId, from: &[u8], to: Option<&[u8]>, visit: Visit<'_>) {
        let mut own = self
            .rows
            .range((table, from.to_vec())..)
            .take_while(|((t, key), _)| *t == table && to.is_none_or(|to| key.as_slice() < to))
            .map(|((_, key), value)| (key, value))
            .peekable();
        let mut ended = false;
        self.base.scan_raw(table, from, to, &mut |key, value| {
            while let Some((own_key, own_value)) =
                own.next_if(|(own_key, _)| own_key.as_slice() < key)
            {
                if let Some(own_value) = own_value
                    && visit(own_key, own_value).is_break()
                {
                    ended = true;
                    return ControlFlow::Break(());
                }
            }
            let written = own.next_if(|(own_key, _)| own_key.as_slice() == key);
            let flow = match written {
                Some((_, Some(own_value))) => visit(key, own_value),
                Some((_, None)) => ControlFlow::Continue(()),
                None => visit(key, value),
            };
            ended = flow.is_break();
            flow
        });
        if ended {
            return;
        }
        for (key, value) in own {
            if let Some(value) = value
                && visit(key, value).is_break()
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
    fn put_raw(&mut self, table: TableId, key: &[u8], value: Vec<u8>, names: &[&str]) {
        if let Some(number) = u64::from_bytes(key) {
            for name in names {
                self.names
                    .entry((table, (*name).to_owned()))
                    .or_default()
                    .push(number);
            }
        }
        self.rows.insert((table, key.to_vec()), Some(value));
    }

    fn delete_raw(&mut self, table: TableId, key: &[u8]) {
        self.rows.insert((table, key.to_vec()), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::MemoryTables;
    use proptest::prelude::*;

    fn rows(tables: &dyn Read, from: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = Vec::new();
        tables.scan_raw(1, &[from], Some(&[200]), &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        });
        rows
    }

    proptest! {
        #[test]
        fn an_overlay_reads_as_if_it_had_written_through(
            before in prop::collection::vec((any::<u8>(), any::<u8>()), 0..20),
            after in prop::collection::vec((any::<u8>(), any::<Option<u8>>()), 0..20),
            from: u8,
        ) {
            let mut base = MemoryTables::default();
            for (key, value) in before {
                base.put_raw(1, &[key], vec![value], &[]);
            }
            let mut through = base.clone();
            let mut overlay = Overlay::over(&base);
            for (key, value) in after {
                match value {
                    Some(value) => {
                        through.put_raw(1, &[key], vec![value], &[]);
                        overlay.put_raw(1, &[key], vec![value], &[]);
                    }
                    None => {
                        through.delete_raw(1, &[key]);
                        overlay.delete_raw(1, &[key]);
                    }
                }
            }
            prop_assert_eq!(rows(&overlay, from), rows(&through, from));
            for key in 0..=255 {
                prop_assert_eq!(overlay.get_raw(1, &[key]), through.get_raw(1, &[key]));
            }
        }
    }
}
