//! What a fresh reader keeps its rows in.

use crate::disk::Rows;
use bytes::Bytes;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use tenfold_runtime::cache::{LaneCache, Visit, Writes};

/// Rows in memory, that a scan may look into while it scans.
#[derive(Clone, Default)]
pub struct Book(pub Arc<RwLock<Rows>>);

impl LaneCache for Book {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let range = (
            std::ops::Bound::Included(from),
            std::ops::Bound::Excluded(to),
        );
        for (key, value) in rows.range::<[u8], _>(range) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, writes: Writes) -> io::Result<()> {
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in writes {
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }
}
