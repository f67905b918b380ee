//! The cache on sled.
//!
//! What the engine relies on is little: ordered keys, atomic batches, one writer. Merge operators and
//! transactions are not used (the release in use has a deadlock between the first and batches, and has
//! not the second). A store that cannot be opened is removed and made anew: the journals rebuild it.

use super::{Cache, LaneCache, Visit, Writes};
use bytes::Bytes;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries a leaf holds: sled's own default.
const LEAF: usize = 1024;

/// See the module.
pub struct SledCache {
    /// A handle is for one thread at a time.
    db: Mutex<sled::Db<LEAF>>,
    path: PathBuf,
}

/// One lane's tree.
struct SledLane(sled::Tree<LEAF>);

impl SledCache {
    /// Opens the caches of one service under a folder, with a bound on sled's memory.
    ///
    /// # Errors
    /// The folder cannot be used even after what was in it is removed.
    pub fn open(path: &Path, cache_bytes: usize) -> io::Result<Self> {
        let db = Self::open_db(path, cache_bytes).or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "cache cannot be opened: it is removed, and rebuilt from the journals");
            match std::fs::remove_dir_all(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            Self::open_db(path, cache_bytes)
        })?;
        Ok(Self {
            db: Mutex::new(db),
            path: path.to_owned(),
        })
    }

    fn db(&self) -> MutexGuard<'_, sled::Db<LEAF>> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_db(path: &Path, cache_bytes: usize) -> io::Result<sled::Db<LEAF>> {
        // sled may panic on a damaged file; that must not take the process down.
        let config = sled::Config::new()
            .path(path)
            .cache_capacity_bytes(cache_bytes);
        std::panic::catch_unwind(|| config.open::<LEAF>())
            .unwrap_or_else(|_| Err(io::Error::other("sled panicked while opening")))
    }
}

impl std::fmt::Debug for SledCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledCache")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn name(lane: u32) -> String {
    format!("lane-{lane}")
}

impl Cache for SledCache {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        Ok(Box::new(SledLane(self.db().open_tree(name(lane))?)))
    }

    fn wipe(&self, lane: u32) -> io::Result<()> {
        self.db().open_tree(name(lane))?.clear()
    }

    fn flush(&self) -> io::Result<()> {
        self.db().flush().map(drop)
    }
}

impl LaneCache for SledLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        Ok(self.0.get(key)?.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        for row in self.0.range(from..to) {
            let (key, value) = row?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, writes: Writes) -> io::Result<()> {
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(&key[..], &value[..]),
                None => batch.remove(&key[..]),
            }
        }
        self.0.apply_batch(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    #[test]
    fn a_batch_is_there_after_a_flush_and_a_new_open() {
        let dir = tempfile::tempdir().unwrap();
        {
            let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
            let lane = cache.open(3).unwrap();
            lane.apply(vec![
                (bytes("b"), Some(bytes("2"))),
                (bytes("a"), Some(bytes("1"))),
                (bytes("c"), None),
            ])
            .unwrap();
            cache.flush().unwrap();
        }
        let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
        let mut seen = Vec::new();
        cache
            .open(3)
            .unwrap()
            .scan(b"", b"z", &mut |key, value| {
                seen.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(
            seen,
            [
                (b"a".to_vec(), b"1".to_vec()),
                (b"b".to_vec(), b"2".to_vec())
            ]
        );
        assert_eq!(cache.open(4).unwrap().get(b"a").unwrap(), None);
    }

    #[test]
    fn a_folder_full_of_rubbish_is_replaced_by_an_empty_cache() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        drop(SledCache::open(&path, 1 << 20).unwrap());
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::write(entry.path(), vec![0xA5; 4096]).unwrap();
            }
        }
        let cache = SledCache::open(&path, 1 << 20).unwrap();
        assert_eq!(cache.open(0).unwrap().get(b"a").unwrap(), None);
    }

    #[test]
    fn a_wiped_lane_is_empty_and_its_neighbours_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
        for lane in [1, 2] {
            let lane = cache.open(lane).unwrap();
            lane.apply(vec![(bytes("a"), Some(bytes("1")))]).unwrap();
        }
        cache.wipe(1).unwrap();
        assert_eq!(cache.open(1).unwrap().get(b"a").unwrap(), None);
        assert_eq!(cache.open(2).unwrap().get(b"a").unwrap(), Some(bytes("1")));
    }
}
