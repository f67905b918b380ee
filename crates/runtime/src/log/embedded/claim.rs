//! A log's folder before its log is open.

use super::lock::DirectoryLock;
use super::reserve::{FileReserve, NoReserve, Reserve};
use super::{EmbeddedLog, EmbeddedOptions, OpenError, store};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The database's file name inside the log's folder.
const DATABASE_FILE: &str = "log.redb";

/// A folder whose log is this process's, and not open yet: what else is in the data folder may be used meanwhile.
pub struct Claim {
    dir: PathBuf,
    lock: DirectoryLock,
}

impl Claim {
    /// Makes the folder if it is not there, and takes it.
    ///
    /// # Errors
    /// Another process has it; or it cannot be made.
    pub fn of(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        let dir = dir.as_ref().to_owned();
        let lock = DirectoryLock::take(&dir)?;
        Ok(Self { dir, lock })
    }

    /// See [`EmbeddedLog::open`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(self, options: EmbeddedOptions) -> Result<EmbeddedLog, OpenError> {
        let Self { dir, lock } = self;
        let file = dir.join(DATABASE_FILE);
        let cache_bytes = options.cache_bytes;
        let reserve: Arc<dyn Reserve> = match options.reserve_bytes {
            0 => Arc::new(NoReserve),
            bytes => Arc::new(FileReserve::beside(&dir, bytes)),
        };
        let opener = {
            let (file, reserve) = (file.clone(), Arc::clone(&reserve));
            Box::new(move || store::open(&file, cache_bytes, &reserve))
        };
        EmbeddedLog::start(opener, reserve, options, Some(lock))
            .map_err(|reason| OpenError::Database { file, reason })
    }
}
