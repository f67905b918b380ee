//! Heads of lanes: the older records of journals and inboxes, kept in a store, so that a log holds the newer ones only.
//!
//! Knows logs, records and a store of named objects. Must not know what records say, nor decide how far back a lane is
//! needed: that is `lane/heads.rs`. Read in this order: [`part`] (what an object holds), [`put_away`] (how a part comes to
//! be, and when the log's own records are trimmed), [`whole`] (head and tail as one log: whoever reads a lane from its
//! begin reads on as before).
//!
//! ```text
//! store   heads/pooling.journal/3/00000000000000000000-00000000000000000001   the first record alone: every taker wants it
//!                                 00000000000000000001-00000000000000000874
//! log                                                 00000000000000000874 ...
//! ```
//!
//! Parts of one lane may overlap (two owners, one of them late): records never change, so any part that has an offset will
//! do. A part is trusted after its digest; the log's records are trimmed only after both were compared, byte by byte.

pub mod part;
pub mod put_away;
mod reader;
#[cfg(test)]
mod tests;
pub mod whole;

use crate::lane::context::Background;
use crate::log::{Log, LogRecord, ReadError, Topic};
use crate::snapshot::store::{Store, StoreError};
use part::{Name, NoPart};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How heads are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A part is closed when its records have so many bytes, [`part::BYTES`] at most.
    pub part_bytes: usize,
    /// What is put away is trimmed from the log. Without it the log stays whole, and the store has a copy.
    pub trim: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            part_bytes: part::BYTES,
            trim: true,
        }
    }
}

/// A lane of a topic.
type Place = (Topic, u32);

/// A log, and the store that has the heads of its lanes.
pub struct Heads {
    /// The log itself, without heads.
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    /// Copies of lanes' first records, on this machine: with them a lane is taken though the store is away.
    near: Arc<dyn Store>,
    settings: Settings,
    background: Background,
    /// Parts that follow each other from offset 0 on, as they were listed last.
    listed: Mutex<BTreeMap<Place, Arc<[Name]>>>,
    /// Lanes whose head is being put away.
    busy: Mutex<BTreeSet<Place>>,
}

/// Has this topic heads? Journals and inboxes: they are kept for ever. Others are kept for days.
fn has_heads(topic: &Topic) -> bool {
    let name = topic.as_str();
    name.ends_with(".journal") || name.ends_with(".inbox")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store is away: as if the log were.
fn away(error: &StoreError) -> ReadError {
    ReadError::Unavailable(format!("a lane's head cannot be read: {error}"))
}

impl Heads {
    /// Heads of this log's lanes in this store; what every taker of a lane reads of it is copied to the one `near`.
    #[must_use]
    pub fn new(
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        near: Arc<dyn Store>,
        settings: Settings,
        background: Background,
    ) -> Arc<Self> {
        Arc::new(Self {
            log,
            store,
            near,
            settings,
            background,
            listed: Mutex::default(),
            busy: Mutex::default(),
        })
    }

    /// Parts that follow each other from offset 0 on, and reach an offset if the store has it.
    fn parts(&self, place: &Place, reach: u64) -> Result<Arc<[Name]>, StoreError> {
        if let Some(parts) = locked(&self.listed).get(place)
            && end_of(parts) >= reach
        {
            return Ok(Arc::clone(parts));
        }
        self.list(place)
    }

    /// The records of a part, from the store; the first one also from near by.
    fn read(&self, place: &Place, name: Name) -> Result<Vec<LogRecord>, NoPart> {
        let (topic, lane) = (&place.0, place.1);
        if name != Name::FIRST {
            return part::read(self.store.as_ref(), topic, lane, name);
        }
        if let Ok(near) = part::read(self.near.as_ref(), topic, lane, name) {
            return Ok(near);
        }
        let records = part::read(self.store.as_ref(), topic, lane, name)?;
        let object = part::seal(name, topic, lane, &records);
        if let Err(error) = self.near.put(&name.object(topic, lane), object) {
            tracing::warn!(%topic, lane, %error, "a lane's first record is not kept near by");
        }
        Ok(records)
    }

    fn list(&self, place: &Place) -> Result<Arc<[Name]>, StoreError> {
        let parts = part::list(self.store.as_ref(), &place.0, place.1)?;
        let parts: Arc<[Name]> = part::one_after_another(parts).into();
        locked(&self.listed).insert(place.clone(), Arc::clone(&parts));
        Ok(parts)
    }
}

/// Where parts end.
fn end_of(parts: &[Name]) -> u64 {
    parts.last().map_or(0, |part| part.end)
}
