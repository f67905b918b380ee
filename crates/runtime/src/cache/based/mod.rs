//! Caches whose lanes may stand on a base: what a snapshot had, read from where it was put until the cache under it
//! has taken it over (decision 0607).
//!
//! Filling a cache takes most of the time that restoring a large lane does, and the lane would wait for it. So the
//! rows of a snapshot are put into a file as they come ([`Laying`]), the lane goes on at once, and the cache's writer
//! moves them piece by piece between its batches ([`BasedLane::settle`]). Until then a row is looked for
//!
//! - below the key up to which they were moved: in the cache under it, which has it or nobody has;
//! - above it: in the cache, if it was written since; else in the base.
//!
//! The rows that say what a cache is (stamp, mark) stay in memory meanwhile, and are written last: a process that dies
//! in between leaves a cache without a stamp, which is wiped by whoever finds it.

mod base;
mod laying;
mod reading;

use super::scratch::Scratch;
use super::{Cache, LaneCache, Visit, Writes};
use base::Base;
use bytes::Bytes;
pub use laying::Laying;
use parking_lot::RwLock;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tenfold_domain::tables::KeyBytes;

/// A piece that is moved has about so many bytes: batches of all lanes wait for it (how long was not timed).
const PIECE_BYTES: usize = 256 << 10;

/// See the module. Clones share what is under them.
#[derive(Clone)]
pub struct BasedCache {
    under: Arc<dyn Cache>,
    lanes: Arc<Mutex<HashMap<u32, Slot>>>,
    piece_bytes: usize,
}

/// What a lane stands on, for all handles on it; nothing when the cache has all rows.
type Slot = Arc<RwLock<Option<Standing>>>;

/// A lane that stands on a base.
struct Standing {
    base: Base,
    /// Rows whose keys are below this were moved.
    below: KeyBytes,
    /// Keys above that were written since: the cache has a row there (true), or nobody has.
    written: BTreeMap<KeyBytes, bool>,
    /// Rows that are written last, as they are now.
    last: BTreeMap<KeyBytes, Bytes>,
}

/// A handle on one lane.
pub struct BasedLane {
    under: Box<dyn LaneCache>,
    slot: Slot,
    piece_bytes: usize,
}

impl BasedCache {
    /// These caches, on which lanes stand as they are.
    pub fn over(under: Arc<dyn Cache>) -> Self {
        Self {
            under,
            lanes: Arc::default(),
            piece_bytes: PIECE_BYTES,
        }
    }

    /// The same, with pieces of another size: small ones for tests with little to move.
    #[must_use]
    pub fn in_pieces_of(self, piece_bytes: usize) -> Self {
        Self {
            piece_bytes,
            ..self
        }
    }

    fn slot(&self, lane: u32) -> Slot {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(lane).or_default())
    }

    /// Does the lane stand on a base?
    pub fn stands(&self, lane: u32) -> bool {
        self.slot(lane).read().is_some()
    }

    /// A handle on a lane; as [`Cache::open`].
    ///
    /// # Errors
    /// The cache cannot be opened.
    pub fn handle(&self, lane: u32) -> io::Result<BasedLane> {
        Ok(BasedLane {
            under: self.under.open(lane)?,
            slot: self.slot(lane),
            piece_bytes: self.piece_bytes,
        })
    }
}

impl Cache for BasedCache {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        Ok(Box::new(self.handle(lane)?))
    }

    fn wipe(&self, lane: u32) -> io::Result<()> {
        *self.slot(lane).write() = None;
        self.under.wipe(lane)
    }

    fn flush(&self) -> io::Result<()> {
        self.under.flush()
    }

    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        self.under.scratch()
    }
}

impl LaneCache for BasedLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        // Recursive: a visit may ask for another row while somebody waits to write.
        match &*self.slot.read_recursive() {
            Some(standing) => standing.get(self.under.as_ref(), key),
            None => self.under.get(key),
        }
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        reading::scan(&self.slot, self.under.as_ref(), (from, to), visit)
    }

    fn apply(&self, writes: Writes) -> io::Result<()> {
        if self.slot.read().is_none() {
            return self.under.apply(writes);
        }
        let (rows, last) = self.parted(writes);
        let written: Vec<(KeyBytes, bool)> = rows
            .iter()
            .map(|(key, value)| (KeyBytes::from_slice(key), value.is_some()))
            .collect();
        // Not under the lock: who reads a row meanwhile sees it before this or after.
        self.under.apply(rows)?;
        if let Some(standing) = &mut *self.slot.write() {
            standing.wrote(written);
            for (key, value) in last {
                match value {
                    Some(value) => standing.last.insert(key, value),
                    None => standing.last.remove(&key),
                };
            }
        }
        Ok(())
    }
}

impl BasedLane {
    /// What goes into the cache now, and what is written last.
    fn parted(&self, writes: Writes) -> (Writes, Vec<(KeyBytes, Option<Bytes>)>) {
        let slot = self.slot.read();
        let mut last = Vec::new();
        let mut rows = writes;
        if let Some(standing) = &*slot {
            rows.retain(|(key, value)| {
                let is_last = standing.last.contains_key(&key[..]);
                if is_last {
                    last.push((KeyBytes::from_slice(key), value.clone()));
                }
                !is_last
            });
        }
        (rows, last)
    }

    /// Moves the next rows of the base into the cache under it; false when it has them all. By the thread that applies
    /// batches: nobody else may write meanwhile.
    ///
    /// # Errors
    /// The base cannot be read, or the cache cannot be written: then the lane must be read anew.
    pub fn settle(&self) -> io::Result<bool> {
        let piece = {
            let slot = self.slot.read();
            let Some(standing) = &*slot else {
                return Ok(false);
            };
            standing.piece(self.piece_bytes)?
        };
        match piece {
            Some((rows, below)) => {
                self.under.apply(rows)?;
                if let Some(standing) = &mut *self.slot.write() {
                    standing.moved(below);
                }
                Ok(true)
            }
            None => {
                let last = {
                    let slot = self.slot.read();
                    let last = slot.iter().flat_map(|standing| &standing.last);
                    last.map(|(key, value)| (Bytes::copy_from_slice(key), Some(value.clone())))
                        .collect()
                };
                self.under.apply(last)?;
                *self.slot.write() = None;
                Ok(false)
            }
        }
    }
}

impl Standing {
    fn get(&self, under: &dyn LaneCache, key: &[u8]) -> io::Result<Option<Bytes>> {
        if let Some(value) = self.last.get(key) {
            return Ok(Some(value.clone()));
        }
        if key < &self.below[..] {
            return under.get(key);
        }
        match self.written.get(key) {
            Some(true) => under.get(key),
            Some(false) => Ok(None),
            None => self.base.get(key),
        }
    }

    fn wrote(&mut self, written: Vec<(KeyBytes, bool)>) {
        let above = written.into_iter().filter(|(key, _)| *key >= self.below);
        self.written.extend(above);
    }

    /// The next rows to move, and the key behind them; `None` if there are no more.
    fn piece(&self, bytes: usize) -> io::Result<Option<(Writes, KeyBytes)>> {
        let mut rows = self.base.piece(&self.below, bytes)?;
        let Some((key, _)) = rows.last() else {
            return Ok(None);
        };
        let below = behind(key);
        rows.retain(|(key, _)| !self.written.contains_key(&key[..]));
        Ok(Some((rows, below)))
    }

    fn moved(&mut self, below: KeyBytes) {
        self.written = self.written.split_off(&below);
        self.below = below;
    }
}

/// The key behind this one.
fn behind(key: &[u8]) -> KeyBytes {
    let mut behind = KeyBytes::from_slice(key);
    behind.push(0);
    behind
}

#[cfg(test)]
mod tests;
