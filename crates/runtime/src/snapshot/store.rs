//! Where snapshots are: named objects, written whole or not at all.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store of snapshots: {0}")]
pub struct StoreError(pub String);

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, with slashes.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Named objects. All calls block; none is made on a lane's thread.
pub trait Store: Send + Sync + 'static {
    /// Writes an object whole: who reads its name finds all of it, or nothing.
    ///
    /// # Errors
    /// It was not written, or nobody knows.
    fn put(&self, name: &str, content: Bytes) -> Result<(), StoreError>;

    /// Reads an object; `None` if there is none of that name. One larger than `bytes_max` is an error, and not read.
    ///
    /// # Errors
    /// The store does not answer, or the object is too large.
    fn get(&self, name: &str, bytes_max: u64) -> Result<Option<Bytes>, StoreError>;

    /// Every object whose name begins so (up to a slash), in order of names.
    ///
    /// # Errors
    /// The store does not answer.
    fn list(&self, prefix: &str) -> Result<Vec<Entry>, StoreError>;

    /// Removes an object; one that is not there is removed already.
    ///
    /// # Errors
    /// The store does not answer.
    fn delete(&self, name: &str) -> Result<(), StoreError>;
}

/// Objects in memory, for a process, tests and simulations. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl MemoryStore {
    /// All objects, to look at, copy or damage.
    pub fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn put(&self, name: &str, content: Bytes) -> Result<(), StoreError> {
        self.objects().insert(name.to_owned(), content);
        Ok(())
    }

    fn get(&self, name: &str, bytes_max: u64) -> Result<Option<Bytes>, StoreError> {
        let found = self.objects().get(name).cloned();
        match found {
            Some(content) if content.len() as u64 > bytes_max => Err(too_large(name, bytes_max)),
            other => Ok(other),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        let objects = self.objects();
        Ok(objects
            .range(prefix.to_owned()..)
            .take_while(|(name, _)| name.starts_with(prefix))
            .map(|(name, content)| Entry {
                name: name.clone(),
                bytes: content.len() as u64,
            })
            .collect())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.objects().remove(name);
        Ok(())
    }
}

/// An object that is not read.
pub(super) fn too_large(name: &str, bytes_max: u64) -> StoreError {
    StoreError(format!(
        "{name} is larger than {bytes_max} bytes: no snapshot of this system"
    ))
}
