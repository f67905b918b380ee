//! The cache on sled.
//!
//! What the engine relies on is little: ordered keys, atomic batches, one writer. Merge operators and
//! transactions are not used (the release in use has a deadlock between the first and batches, and has
//! not the second). A store that cannot be opened is removed and made anew: the journals rebuild it.
//!
//! A store that fails while it is used (a full disk) fails for ever, and sled's own flushing thread ends
//! the process then. So a thread of ours flushes, a failed store is given up by all who hold it, and the
//! next to open a lane makes another one beside it. The failed one is never closed, for closing flushes.
//!
//! sled panics where others fail: on a leaf that it cannot unpack, for one. That is a failure of the store, and no defect
//! of whoever asked. One length of a leaf it stores wrongly itself (`mangled`).
//!
//! A store that holds more in memory than it may is closed and opened again (`held`, decision 0604): whoever has a
//! handle on a lane goes on with it, and at most waits.

mod folders;
mod held;
mod mangled;
mod merging;
mod opening;
mod store;
mod system;

use super::scratch::FileScratch;
use super::{Cache, LaneCache, Scratch, Visit, Writes};
use crate::metrics as m;
use bytes::Bytes;
use opening::OPENING_MAX;
use parking_lot::ReentrantMutex;
use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use store::{LEAF, Store};

/// How long closing waits for a handle that is in use. One who asks for row after row leaves room much sooner; one
/// who visits a whole lane takes longer, and the next write tries again.
const PATIENCE: Duration = Duration::from_millis(2);

/// Asks sled; a panic of its is an error. Not for what calls others, whose panics are their own.
fn calm<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| Err(io::Error::other("sled panicked")))
}

/// See the module.
pub struct SledCache(Arc<Shared>);

/// What all handles of a cache share.
///
/// Locks are taken in this order: the store, the list of slots, a slot. A visit has its slot and may want the store
/// then, so a slot is waited for with an end only.
struct Shared {
    /// A handle of sled's is for one thread at a time.
    store: Mutex<Store>,
    path: PathBuf,
    cache_bytes: usize,
    /// Of all handles.
    slots: Mutex<Vec<Weak<Slot>>>,
}

/// One handle's tree; empty after the store was opened again. Locked while it is used, more than once by a visit that
/// asks for another row.
type Slot = ReentrantMutex<RefCell<Option<sled::Tree<LEAF>>>>;

/// A handle on one lane.
struct SledLane {
    shared: Arc<Shared>,
    lane: u32,
    slot: Arc<Slot>,
    /// Of the store it was opened in; one made in its place is not for this handle.
    failed: Arc<AtomicBool>,
}

impl SledCache {
    /// Opens the caches of one service under a folder, with a bound on what they hold in memory.
    ///
    /// # Errors
    /// The folder cannot be used even after what was in it is removed.
    pub fn open(path: &Path, cache_bytes: usize) -> io::Result<Self> {
        Self::open_within(path, cache_bytes, OPENING_MAX)
    }

    fn open_within(path: &Path, cache_bytes: usize, longest: Duration) -> io::Result<Self> {
        let numbers = folders::numbers(path);
        let number = numbers.iter().copied().max().unwrap_or(0);
        for older in numbers.into_iter().filter(|older| *older != number) {
            folders::remove(&folders::folder(path, older))?;
        }
        let store = Store::open(path, number, cache_bytes, longest).or_else(|error| {
            let damaged = folders::folder(path, number);
            tracing::warn!(path = %damaged.display(), %error, "cache cannot be opened: it is removed, and rebuilt from the journals");
            folders::remove(&damaged)?;
            // Not in its place: sled may still be at it.
            let number = number.wrapping_add(1);
            folders::remove(&folders::folder(path, number))?;
            Store::open(path, number, cache_bytes, longest)
        })?;
        Ok(Self::of(store, path, cache_bytes))
    }

    /// Opens what is there, to look at it: nothing is made, and nothing is removed.
    ///
    /// # Errors
    /// There is none, or it cannot be opened (another process may have it).
    pub fn open_to_read(path: &Path, cache_bytes: usize) -> io::Result<Self> {
        let Some(number) = folders::numbers(path).into_iter().max() else {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        };
        let store = Store::open(path, number, cache_bytes, OPENING_MAX)?;
        Ok(Self::of(store, path, cache_bytes))
    }

    fn of(store: Store, path: &Path, cache_bytes: usize) -> Self {
        Self(Arc::new(Shared {
            store: Mutex::new(store),
            path: path.to_owned(),
            cache_bytes,
            slots: Mutex::default(),
        }))
    }
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store in use; another one if that has failed.
    fn sound(&self) -> io::Result<MutexGuard<'_, Store>> {
        let mut store = self.store();
        if store.failed.load(Ordering::SeqCst) {
            // Its room first: it may be what is missing. Its files stay open, so they are emptied, too.
            folders::empty(store.folder());
            folders::remove(store.folder())?;
            let number = store.number.wrapping_add(1);
            folders::remove(&folders::folder(&self.path, number))?;
            *store = Store::open(&self.path, number, self.cache_bytes, OPENING_MAX)?;
            tracing::warn!(path = %store.folder().display(), "the cache had failed: made anew, and rebuilt from the journals");
        }
        Ok(store)
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Weak<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `with` with every handle's tree. False, and it is not called, if somebody reads longer than we wait.
    fn trees(&self, with: impl Fn(&mut Option<sled::Tree<LEAF>>)) -> bool {
        let mut slots = self.slots();
        slots.retain(|slot| slot.strong_count() > 0);
        let slots: Vec<Arc<Slot>> = slots.iter().filter_map(Weak::upgrade).collect();
        let locked: Option<Vec<_>> = slots
            .iter()
            .map(|slot| slot.try_lock_for(PATIENCE))
            .collect();
        let Some(locked) = locked else {
            return false;
        };
        // A slot that this thread itself is visiting is locked all the same, but borrowed.
        let trees: Result<Vec<_>, _> = locked.iter().map(|slot| slot.try_borrow_mut()).collect();
        trees
            .map(|trees| {
                for mut tree in trees {
                    with(&mut tree);
                }
            })
            .is_ok()
    }

    /// Gives back what the store holds in memory. Not while anybody reads: then the next write tries again.
    fn renew(&self) -> io::Result<()> {
        let mut store = self.store();
        // Looked at first, or each write during a long scan would flush for nothing.
        if !self.trees(|_| ()) {
            return Ok(());
        }
        // Most of what closing and opening write is written while others still read.
        store.flush()?;
        system::write_all();
        let began = Instant::now();
        if !self.trees(|tree| *tree = None) {
            return Ok(());
        }
        store.renew()?;
        // The folder of a service's cache has its name.
        let service = self.path.file_name().unwrap_or_default();
        let service = service.to_string_lossy().into_owned();
        metrics::counter!(m::CACHE_RENEWALS, "service" => service).increment(1);
        tracing::info!(
            path = %store.folder().display(),
            took_ms = began.elapsed().as_secs_f64() * 1_000.0,
            "the cache held as much memory as it may: closed and opened again"
        );
        Ok(())
    }
}

impl std::fmt::Debug for SledCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledCache")
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

impl Cache for SledCache {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        let store = self.0.sound()?;
        let slot = Arc::new(ReentrantMutex::new(RefCell::new(Some(store.tree(lane)?))));
        self.0.slots().push(Arc::downgrade(&slot));
        Ok(Box::new(SledLane {
            shared: Arc::clone(&self.0),
            lane,
            slot,
            failed: Arc::clone(&store.failed),
        }))
    }

    fn wipe(&self, lane: u32) -> io::Result<()> {
        let store = self.0.sound()?;
        calm(|| store.tree(lane)?.clear()).inspect_err(|_| {
            store.failed.store(true, Ordering::SeqCst);
        })
    }

    fn flush(&self) -> io::Result<()> {
        self.0.store().flush()
    }

    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        // One made in a failed one's place has another folder.
        let store = self.0.sound()?;
        Ok(Box::new(FileScratch::within(store.folder())?))
    }
}

impl SledLane {
    /// A store that has failed once is not used again, by nobody: another may be in its place already.
    fn used<T>(&self, end: impl FnOnce(&sled::Tree<LEAF>) -> io::Result<T>) -> io::Result<T> {
        let given_up = || io::Error::other("the cache has failed and was given up");
        if self.failed.load(Ordering::SeqCst) {
            return Err(given_up());
        }
        loop {
            let slot = self.slot.lock();
            if let Some(tree) = slot.borrow().as_ref() {
                return end(tree).inspect_err(|_| self.failed.store(true, Ordering::SeqCst));
            }
            drop(slot);
            let store = self.shared.store();
            if !Arc::ptr_eq(&store.failed, &self.failed) {
                return Err(given_up());
            }
            let tree = store.tree(self.lane)?;
            *self.slot.lock().borrow_mut() = Some(tree);
        }
    }
}

impl LaneCache for SledLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.used(|tree| {
            let value = calm(|| tree.get(key))?;
            Ok(value.map(|value| Bytes::copy_from_slice(&value)))
        })
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        self.used(|tree| {
            // Not `from..to`: behind the last row of such a range sled goes on through every leaf to the tree's end,
            // reads each from its file, and finds nothing within the bounds.
            let mut rows = calm(|| Ok(tree.range(from..)))?;
            while let Some((key, value)) = calm(|| rows.next().transpose())? {
                if &key[..] >= to || visit(&key, &value).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn apply(&self, writes: Writes) -> io::Result<()> {
        let mut batch = sled::Batch::default();
        for (key, value) in &writes {
            match value {
                Some(value) => batch.insert(&key[..], &value[..]),
                None => batch.remove(&key[..]),
            }
        }
        self.used(|tree| {
            calm(|| {
                tree.apply_batch(batch)?;
                merging::merge_emptied(tree, &writes)
            })
        })?;
        let fresh = self.shared.store().wrote(self.lane, &writes);
        for stretch in fresh {
            let beside = self.used(|tree| calm(|| held::rows(tree, stretch)))?;
            self.shared.store().holds_beside(self.lane, &beside);
        }
        let too_much = self.shared.store().holds_too_much();
        if too_much && let Err(error) = self.shared.renew() {
            // What was asked for is done. Whoever uses the store next is told that it failed.
            self.failed.store(true, Ordering::SeqCst);
            tracing::error!(%error, "the cache cannot be opened again: it is given up");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
