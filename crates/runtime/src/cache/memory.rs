//! A cache in memory: for tests and simulations, and for those who have no disk to spare. After a
//! restart it is empty, and every lane is folded from its journal.

use super::{Cache, LaneCache, MemoryScratch, Scratch, Visit, Writes};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

type Rows = BTreeMap<Bytes, Bytes>;

/// See the module. Clones share their content, so that a test can restart an instance on it.
#[derive(Clone, Debug, Default)]
pub struct MemoryCache {
    lanes: Arc<Mutex<HashMap<u32, Arc<MemoryLane>>>>,
}

/// One lane in memory.
#[derive(Debug, Default)]
struct MemoryLane(Mutex<Rows>);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryCache {
    /// All rows of a lane, to look at, copy or damage in a test.
    pub fn edit<T>(&self, lane: u32, edit: impl FnOnce(&mut BTreeMap<Bytes, Bytes>) -> T) -> T {
        let lane = Arc::clone(lock(&self.lanes).entry(lane).or_default());
        let mut rows = lock(&lane.0);
        edit(&mut rows)
    }
}

impl Cache for MemoryCache {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        Ok(Box::new(Arc::clone(
            lock(&self.lanes).entry(lane).or_default(),
        )))
    }

    fn wipe(&self, lane: u32) -> io::Result<()> {
        if let Some(lane) = lock(&self.lanes).get(&lane) {
            lock(&lane.0).clear();
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        Ok(Box::new(MemoryScratch::default()))
    }
}

impl LaneCache for Arc<MemoryLane> {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        Ok(lock(&self.0).get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        for (key, value) in lock(&self.0)
            .range(Bytes::copy_from_slice(from)..)
            .take_while(|(key, _)| key.as_ref() < to)
        {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, writes: Writes) -> io::Result<()> {
        let mut rows = lock(&self.0);
        for (key, value) in writes {
            match value {
                Some(value) => {
                    rows.insert(key, value);
                }
                None => {
                    rows.remove(&key);
                }
            }
        }
        Ok(())
    }
}
