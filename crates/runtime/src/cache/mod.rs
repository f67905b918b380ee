//! Folded state on disk: one ordered keyspace a lane, behind one small interface.
//!
//! A cache is never the truth. It may be deleted at any time, and is wiped and rebuilt from the
//! journal on any doubt. One writer a lane; the only write is [`LaneCache::apply`], which writes state
//! and stamp in one step.

mod applier;
mod based;
mod copying;
mod memory;
mod scratch;
mod sled;

pub use self::sled::SledCache;
pub use applier::Applier;
pub use based::{BasedCache, BasedLane, Laying};
pub use copying::{Apart, Piece, Token, Wanted};
pub use memory::MemoryCache;
pub use scratch::{MemoryScratch, Scratch};

use bytes::Bytes;
use std::io;
use std::ops::ControlFlow;

/// One batch of writes: key and value, or key and `None` to remove.
pub type Writes = Vec<(Bytes, Option<Bytes>)>;

/// Called with each key and value, in key order; `Break` ends the scan.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// The keyspaces of one service.
pub trait Cache: Send + Sync + 'static {
    /// Opens a lane's keyspace, empty if it was not there. May be opened more than once: one handle a
    /// thread (sled's are not shared between threads).
    ///
    /// # Errors
    /// The store cannot be opened.
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>>;

    /// Empties a lane's keyspace, for every handle on it.
    ///
    /// # Errors
    /// The store cannot be written.
    fn wipe(&self, lane: u32) -> io::Result<()>;

    /// Makes everything applied durable. Only for a quick start after a planned stop.
    ///
    /// # Errors
    /// The store cannot be written.
    fn flush(&self) -> io::Result<()>;

    /// Room where this cache is, for as long as somebody holds it.
    ///
    /// # Errors
    /// There is none.
    fn scratch(&self) -> io::Result<Box<dyn Scratch>>;
}

/// A handle on one lane's keyspace.
pub trait LaneCache: Send {
    /// The value under a key.
    ///
    /// # Errors
    /// The store cannot be read.
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>>;

    /// Visits the keys `from <= key < to` in order.
    ///
    /// # Errors
    /// The store cannot be read.
    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()>;

    /// Writes all or nothing.
    ///
    /// # Errors
    /// The store cannot be written.
    fn apply(&self, writes: Writes) -> io::Result<()>;
}
