//! Room kept aside on the log's disk, so that a disk that becomes full is met between commits and not
//! inside one: a storage that failed once must be opened again, which takes a walk through the file.
//!
//! ```text
//! kept --(the storage finds the disk full: the reserve is given up, and the write made again)--> spent
//! spent --(before a commit: keeping it again fails)--> the commit is not begun: no room
//! ```

use redb::{BackendError, StorageBackend};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;

/// The reserve's file name, beside the log.
const RESERVE_FILE: &str = "log.reserve";

/// Room kept aside.
pub trait Reserve: Send + Sync + 'static {
    /// Makes sure that it is kept; costs nothing if it is.
    ///
    /// # Errors
    /// There is no room for it.
    fn keep(&self) -> io::Result<()>;

    /// Gives it up for something that must be written; false if there was none.
    fn give_up(&self) -> bool;
}

/// Room kept by a file that is full of nothing.
pub(super) struct FileReserve {
    path: PathBuf,
    bytes: u64,
}

impl FileReserve {
    pub(super) fn beside(folder: &std::path::Path, bytes: u64) -> Self {
        let path = folder.join(RESERVE_FILE);
        Self { path, bytes }
    }

    fn is_kept(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.len() == self.bytes)
    }
}

impl Reserve for FileReserve {
    fn keep(&self) -> io::Result<()> {
        if self.is_kept() {
            return Ok(());
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&self.path)?;
        let filled = fill(&file, self.bytes);
        if filled.is_err() {
            self.give_up();
        }
        filled
    }

    fn give_up(&self) -> bool {
        std::fs::remove_file(&self.path).is_ok()
    }
}

/// Gives a file blocks of its own: at once where the file system can, by writing where it cannot.
fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => return Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    // No zeros: some file systems would keep none of them.
    let block: Vec<u8> = (0..64 << 10).map(|_| rand::random()).collect();
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len() as u64);
        file.write_all(
            block
                .get(..usize::try_from(part).unwrap_or(0))
                .unwrap_or(&block),
        )?;
        left -= part;
    }
    file.sync_data()
}

/// No room is kept.
pub(super) struct NoReserve;

impl Reserve for NoReserve {
    fn keep(&self) -> io::Result<()> {
        Ok(())
    }

    fn give_up(&self) -> bool {
        false
    }
}

/// A storage that gives the reserve up when it finds the disk full, and tries once more.
#[derive(Debug)]
pub(super) struct WithReserve<S> {
    storage: S,
    reserve: Shown,
}

struct Shown(Arc<dyn Reserve>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reserve")
    }
}

impl<S: StorageBackend> WithReserve<S> {
    pub(super) fn new(storage: S, reserve: Arc<dyn Reserve>) -> Self {
        let reserve = Shown(reserve);
        Self { storage, reserve }
    }

    fn attempt(&self, what: impl Fn() -> io::Result<()>) -> io::Result<()> {
        match what() {
            Err(error) if is_full(&error) && self.reserve.0.give_up() => {
                tracing::error!(%error, "log: the disk is full; what is under way is finished with the room kept aside, then appends are refused until there is room");
                what()
            }
            end => end,
        }
    }
}

/// The system has no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl<S: StorageBackend> StorageBackend for WithReserve<S> {
    fn len(&self) -> io::Result<u64> {
        self.storage.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.storage.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.attempt(|| self.storage.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        // A sync that failed must not be tried again: what it lost would not be missed the next time.
        self.storage.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.attempt(|| self.storage.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.storage.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.storage.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.storage.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.storage.query_lock_range(start, end)
    }
}
