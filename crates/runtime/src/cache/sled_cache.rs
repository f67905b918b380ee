//! The cache on sled.
//!
//! What the engine relies on is little: ordered keys, atomic batches, one writer. Merge operators and
//! transactions are not used (the release in use has a deadlock between the first and batches, and has
//! not the second). A store that cannot be opened is removed and made anew: the journals rebuild it.
//!
//! A store that fails while it is used (a full disk) fails for ever, and sled's own flushing thread ends
//! the process then. So a thread of ours flushes, a failed store is given up by all who hold it, and the
//! next to open a lane makes another one beside it. The failed one is never closed, for closing flushes.

use super::opening::{self, OPENING_MAX};
use super::{Cache, LaneCache, Visit, Writes};
use bytes::Bytes;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Entries a leaf holds: sled's own default.
const LEAF: usize = 1024;
/// How often what was applied is made durable: sled's own default.
const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// How often sled's own thread flushes: not while a process lives. (To have none is no way: then each
/// scan flushes at its end.)
const NEVER_MS: usize = 1 << 40;

/// See the module.
pub struct SledCache {
    /// A handle is for one thread at a time.
    store: Mutex<Store>,
    path: PathBuf,
    cache_bytes: usize,
}

/// One sled database.
struct Store {
    db: sled::Db<LEAF>,
    folder: PathBuf,
    number: u32,
    failed: Arc<AtomicBool>,
    /// Dropped: the thread ends.
    end: Option<Sender<()>>,
    flusher: Option<JoinHandle<()>>,
}

/// One lane's tree.
struct SledLane {
    tree: sled::Tree<LEAF>,
    failed: Arc<AtomicBool>,
}

impl SledCache {
    /// Opens the caches of one service under a folder, with a bound on sled's memory.
    ///
    /// # Errors
    /// The folder cannot be used even after what was in it is removed.
    pub fn open(path: &Path, cache_bytes: usize) -> io::Result<Self> {
        Self::open_within(path, cache_bytes, OPENING_MAX)
    }

    fn open_within(path: &Path, cache_bytes: usize, longest: Duration) -> io::Result<Self> {
        let numbers = numbers(path);
        let number = numbers.iter().copied().max().unwrap_or(0);
        for older in numbers.into_iter().filter(|older| *older != number) {
            remove(&folder(path, older))?;
        }
        let store = Store::open(path, number, cache_bytes, longest).or_else(|error| {
            let damaged = folder(path, number);
            tracing::warn!(path = %damaged.display(), %error, "cache cannot be opened: it is removed, and rebuilt from the journals");
            remove(&damaged)?;
            // Not in its place: sled may still be at it.
            let number = number.wrapping_add(1);
            remove(&folder(path, number))?;
            Store::open(path, number, cache_bytes, longest)
        })?;
        Ok(Self {
            store: Mutex::new(store),
            path: path.to_owned(),
            cache_bytes,
        })
    }

    /// Opens what is there, to look at it: nothing is made, and nothing is removed.
    ///
    /// # Errors
    /// There is none, or it cannot be opened (another process may have it).
    pub fn open_to_read(path: &Path, cache_bytes: usize) -> io::Result<Self> {
        let Some(number) = numbers(path).into_iter().max() else {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        };
        Ok(Self {
            store: Mutex::new(Store::open(path, number, cache_bytes, OPENING_MAX)?),
            path: path.to_owned(),
            cache_bytes,
        })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store in use; another one if that has failed.
    fn sound(&self) -> io::Result<MutexGuard<'_, Store>> {
        let mut store = self.store();
        if store.failed.load(Ordering::SeqCst) {
            // Its room first: it may be what is missing. Its files stay open, so they are emptied, too.
            empty(&store.folder);
            remove(&store.folder)?;
            let number = store.number.wrapping_add(1);
            remove(&folder(&self.path, number))?;
            *store = Store::open(&self.path, number, self.cache_bytes, OPENING_MAX)?;
            tracing::warn!(path = %store.folder.display(), "the cache had failed: made anew, and rebuilt from the journals");
        }
        Ok(store)
    }
}

impl Store {
    fn open(path: &Path, number: u32, cache_bytes: usize, longest: Duration) -> io::Result<Self> {
        let folder = folder(path, number);
        let config = sled::Config::new()
            .path(&folder)
            .cache_capacity_bytes(cache_bytes)
            .flush_every_ms(Some(NEVER_MS));
        let db = opening::open(config, longest)?;
        let failed = Arc::new(AtomicBool::new(false));
        let (end, ended) = channel::<()>();
        let (flushed, watched) = (db.clone(), Arc::clone(&failed));
        let flusher = std::thread::Builder::new()
            .name("cache-flush".into())
            .spawn(move || {
                while ended.recv_timeout(FLUSH_EVERY) == Err(RecvTimeoutError::Timeout) {
                    let flush = catch_unwind(AssertUnwindSafe(|| flushed.flush()))
                        .unwrap_or_else(|_| Err(io::Error::other("sled panicked")));
                    if let Err(error) = flush {
                        tracing::error!(%error, "the cache cannot be written: it is given up");
                        watched.store(true, Ordering::SeqCst);
                        return;
                    }
                }
            })?;
        Ok(Self {
            db,
            folder,
            number,
            failed,
            end: Some(end),
            flusher: Some(flusher),
        })
    }

    /// A lane's tree. To open it is to read: a file that was cut shows here first, and wiping would fail as
    /// well, for ever.
    fn tree(&self, lane: u32) -> io::Result<sled::Tree<LEAF>> {
        self.db.open_tree(name(lane)).inspect_err(|_| {
            self.failed.store(true, Ordering::SeqCst);
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.end = None;
        if let Some(flusher) = self.flusher.take() {
            // What it had to say, it has logged.
            let _ = flusher.join();
        }
        let failed = self.failed.load(Ordering::SeqCst)
            || !matches!(
                catch_unwind(AssertUnwindSafe(|| self.db.flush())),
                Ok(Ok(_))
            );
        if failed {
            self.failed.store(true, Ordering::SeqCst);
            // Closing the last handle would flush, fail, and end the process.
            std::mem::forget(self.db.clone());
        }
    }
}

/// The folder of the store with a number: the first has the name that was asked for.
fn folder(path: &Path, number: u32) -> PathBuf {
    match number {
        0 => path.to_owned(),
        number => path.with_extension(number.to_string()),
    }
}

/// Numbers of the stores that are there.
fn numbers(path: &Path) -> Vec<u32> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let entry = PathBuf::from(entry.file_name());
            if entry == *name {
                return Some(0);
            }
            let number = entry.extension()?.to_str()?.parse().ok()?;
            (entry.file_stem() == Some(name)).then_some(number)
        })
        .collect()
}

/// Gives back what the files below a folder hold, as far as that is possible.
fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            empty(&path);
        } else if let Ok(file) = std::fs::OpenOptions::new().write(true).open(&path) {
            // What cannot be given back now is given back at the next start.
            let _ = file.set_len(0);
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
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
        let store = self.sound()?;
        let lane = SledLane {
            tree: store.tree(lane)?,
            failed: Arc::clone(&store.failed),
        };
        Ok(Box::new(lane))
    }

    fn wipe(&self, lane: u32) -> io::Result<()> {
        let store = self.sound()?;
        store.tree(lane)?.clear().inspect_err(|_| {
            store.failed.store(true, Ordering::SeqCst);
        })
    }

    fn flush(&self) -> io::Result<()> {
        self.store().db.flush().map(drop)
    }
}

impl SledLane {
    /// A store that has failed once is not used again, by nobody: another may be in its place already.
    fn used<T>(&self, end: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.failed.load(Ordering::SeqCst) {
            return Err(io::Error::other("the cache has failed and was given up"));
        }
        end().inspect_err(|_| self.failed.store(true, Ordering::SeqCst))
    }
}

impl LaneCache for SledLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.used(|| {
            let value = self.tree.get(key)?;
            Ok(value.map(|value| Bytes::copy_from_slice(&value)))
        })
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        self.used(|| {
            for row in self.tree.range(from..to) {
                let (key, value) = row?;
                if visit(&key, &value).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn apply(&self, writes: Writes) -> io::Result<()> {
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(&key[..], &value[..]),
                None => batch.remove(&key[..]),
            }
        }
        self.used(|| self.tree.apply_batch(batch))
    }
}

#[cfg(test)]
#[path = "sled_cache_tests.rs"]
mod tests;
