//! One sled database, from its opening until it fails or is no longer wanted; closed and opened again meanwhile when
//! it holds too much.

use super::held::{Held, Stretch};
use super::{Writes, calm, folders, mangled, opening};
use sled::InlineArray;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Entries a leaf holds: sled's own default.
pub const LEAF: usize = 1024;
/// How often what was applied is made durable. sled's default is 200 ms, and each time it writes whole leaves: what a lane
/// writes all the time (its board, its queues) five times as often for nothing. What is lost with a process is read from
/// the journal again, a second's worth.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How hard leaves are pressed: time counts for a cache, not size. sled's default is 3.
const ZSTD_LEVEL: i32 = 1;
/// A leaf that was read takes about so many times what sled reckons, which is its bytes before they are pressed: rows of some
/// dozen bytes, each in two allocations and with a place in the leaf (reckoned; decision 0604).
const READ_TIMES: usize = 2;
/// How often sled's own thread flushes: not while a process lives. (To have none is no way: then each
/// scan flushes at its end.)
const NEVER_MS: usize = 1 << 40;

/// See the module.
pub struct Store {
    /// Its number among the stores of this cache.
    pub number: u32,
    /// It failed: nobody may use it any more.
    pub failed: Arc<AtomicBool>,
    folder: PathBuf,
    cache_bytes: usize,
    longest: Duration,
    held: Held,
    /// `None` = could not be opened again; then it has failed as well.
    open: Option<Open>,
    /// How often it was closed and opened again.
    pub renewals: u32,
}

/// Writes to the files of a database, one at a time: nobody else does.
#[derive(Clone)]
struct Flushing {
    db: sled::Db<LEAF>,
    folder: PathBuf,
    one: Arc<Mutex<()>>,
}

impl Flushing {
    fn flush(&self) -> io::Result<()> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        calm(|| self.db.flush())?;
        mangled::spoil(&self.folder).map(drop)
    }
}

/// A database that is open.
struct Open {
    db: Flushing,
    failed: Arc<AtomicBool>,
    /// Dropped: the thread ends.
    end: Option<Sender<()>>,
    flusher: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store with a number, or makes it.
    pub fn open(
        path: &Path,
        number: u32,
        cache_bytes: usize,
        longest: Duration,
    ) -> io::Result<Self> {
        let folder = folders::folder(path, number);
        let failed = Arc::new(AtomicBool::new(false));
        let open = Open::new(&folder, cache_bytes, longest, &failed)?;
        Ok(Self {
            number,
            failed,
            folder,
            cache_bytes,
            longest,
            held: Held::default(),
            open: Some(open),
            renewals: 0,
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn flushing(&self) -> io::Result<&Flushing> {
        let open = self.open.as_ref();
        open.map(|open| &open.db)
            .ok_or_else(|| io::Error::other("the cache could not be opened again"))
    }

    fn db(&self) -> io::Result<&sled::Db<LEAF>> {
        self.flushing().map(|flushing| &flushing.db)
    }

    /// Leaves that had to be read, or made, since it was opened.
    #[cfg(test)]
    pub fn misses(&self) -> io::Result<u64> {
        Ok(self.db()?.stats().cache.cache_misses)
    }

    /// Makes what was written durable.
    pub fn flush(&self) -> io::Result<()> {
        self.flushing()?.flush()
    }

    /// A lane's tree. To open it is to read: a file that was cut shows here first, and wiping would fail as
    /// well, for ever.
    pub fn tree(&self, lane: u32) -> io::Result<sled::Tree<LEAF>> {
        self.db()
            .and_then(|db| calm(|| db.open_tree(format!("lane-{lane}"))))
            .inspect_err(|_| self.failed.store(true, Ordering::SeqCst))
    }

    /// These were written, into which stretches of keys for the first time since it was opened?
    pub fn wrote(&mut self, lane: u32, writes: &Writes) -> Vec<Stretch> {
        self.held.wrote(lane, writes);
        self.held.new_stretches(lane, writes)
    }

    /// These stand beside what was written: keys, and bytes of their values.
    pub fn holds_beside(&mut self, lane: u32, rows: &[(InlineArray, usize)]) {
        for (key, value_bytes) in rows {
            self.held.count(lane, key, *value_bytes);
        }
    }

    /// More is held than may be.
    pub fn holds_too_much(&self) -> bool {
        self.held.bytes() > self.cache_bytes
    }

    /// Closes the database and opens it again, so that nothing of it is in memory. Nobody else may have a tree or a
    /// handle of it.
    pub fn renew(&mut self) -> io::Result<()> {
        self.held = Held::default();
        self.open = None;
        if !self.failed.load(Ordering::SeqCst) {
            let open = Open::new(&self.folder, self.cache_bytes, self.longest, &self.failed);
            self.renewals = self.renewals.saturating_add(1);
            self.open = Some(open.inspect_err(|_| self.failed.store(true, Ordering::SeqCst))?);
        }
        Ok(())
    }
}

impl Open {
    fn new(
        folder: &Path,
        cache_bytes: usize,
        longest: Duration,
        failed: &Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity_bytes(cache_bytes / READ_TIMES)
            .zstd_compression_level(ZSTD_LEVEL)
            .flush_every_ms(Some(NEVER_MS));
        let db = Flushing {
            db: opening::open(config, longest)?,
            folder: folder.to_owned(),
            one: Arc::default(),
        };
        // What a process that died wrote last, or an earlier release. Not before sled has locked the folder: another process
        // may be writing there. What opening reads is small.
        mangled::spoil(folder)?;
        let (end, ended) = channel::<()>();
        let (flushed, watched) = (db.clone(), Arc::clone(failed));
        let flusher = std::thread::Builder::new()
            .name("cache-flush".into())
            .spawn(move || {
                while ended.recv_timeout(FLUSH_EVERY) == Err(RecvTimeoutError::Timeout) {
                    if let Err(error) = flushed.flush() {
                        tracing::error!(%error, "the cache cannot be written: it is given up");
                        watched.store(true, Ordering::SeqCst);
                        return;
                    }
                }
            })?;
        Ok(Self {
            db,
            failed: Arc::clone(failed),
            end: Some(end),
            flusher: Some(flusher),
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end = None;
        if let Some(flusher) = self.flusher.take() {
            // What it had to say, it has logged.
            let _ = flusher.join();
        }
        let failed = self.failed.load(Ordering::SeqCst) || self.db.flush().is_err();
        if failed {
            self.failed.store(true, Ordering::SeqCst);
            // Closing the last handle would flush, fail, and end the process.
            std::mem::forget(self.db.db.clone());
        }
    }
}
