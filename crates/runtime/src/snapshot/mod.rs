//! Snapshots: a lane's folded state at one place of its journal, kept outside the machine that folded it, so that a
//! lane with an empty cache folds only what came after.
//!
//! Knows rows as bytes, a lane's stamp, and a store of named objects. Must not know what rows mean, nor decide whether
//! a lane may be taken: that is `lane/load.rs`, which believes nothing here that digests and journal do not say.
//!
//! Read in this order: [`store`] (where objects are), [`manifest`] (what a snapshot says of itself), [`write`] (how one
//! comes to be while work goes on; why it is consistent: `docs/decisions/0601-snapshots.md`), [`read`] (finding,
//! proving and restoring one), [`keep`] (what is removed).
//!
//! ```text
//! STORE/intake/3/JOURNAL/00000000000000041337-NAME/chunk-000000   at most CHUNK_BYTES and one row
//!                                                  chunk-000001
//!                                                  manifest       written last: without it there is no snapshot
//! ```

pub mod keep;
pub mod manifest;
pub mod objects;
pub mod read;
pub mod store;
pub mod write;

use crate::lane::record::Id;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Store, StoreError};

/// A chunk is closed when its rows have so many bytes. Large enough that a store's time for a request does not
/// matter, small enough that a dozen of them may be in memory.
pub const CHUNK_BYTES: usize = 4 << 20;
/// Largest chunk that is read at all: a chunk, and the row that closed it.
pub const CHUNK_BYTES_MAX: u64 = 8 << 20;
/// Largest manifest that is read at all: a hundred thousand chunks.
pub const MANIFEST_BYTES_MAX: u64 = 8 << 20;

/// Where snapshots go, and how often.
#[derive(Clone)]
pub struct Snapshots {
    /// Where.
    pub store: Arc<dyn Store>,
    /// How often, and how many.
    pub settings: Settings,
}

/// How often, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A snapshot is due when so many bytes of journal came since the last: what a takeover has to fold.
    pub every_bytes: u64,
    /// Complete snapshots kept of a lane; one at least.
    pub keep: usize,
    /// A chunk is closed at this size, [`CHUNK_BYTES`] at most.
    pub chunk_bytes: usize,
    /// A thread of its own reads the next chunk of a snapshot while the one before is laid out.
    pub read_ahead: bool,
}

impl Default for Settings {
    /// Two, so that a damaged one has one before it; folding 64 MiB takes some four seconds (reckoned: 16 MB/s, `docs/performance.md`).
    fn default() -> Self {
        Self {
            every_bytes: 64 << 20,
            keep: 2,
            chunk_bytes: CHUNK_BYTES,
            read_ahead: true,
        }
    }
}

/// A lane of a journal, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The service.
    pub service: String,
    /// The lane.
    pub lane: u32,
    /// The journal: one made anew has snapshots of its own.
    pub journal: Id,
}

impl Place {
    /// Begin of the names of all its objects.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{}/{}/{}/", self.service, self.lane, self.journal)
    }
}

/// The name of one snapshot of a place: where the lane stood when it was begun, then random digits. Names in order
/// are snapshots in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// A new one.
    #[must_use]
    pub fn new(begun: u64, id: Id) -> Self {
        Self(format!("{begun:020}-{id}"))
    }

    /// Reads one; `None` if it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (begun, id) = text.split_once('-')?;
        let digits = |text: &str, of: fn(&char) -> bool| text.chars().all(|c| of(&c));
        let well = begun.len() == 20
            && id.len() == 32
            && digits(begun, char::is_ascii_digit)
            && digits(id, char::is_ascii_hexdigit);
        well.then(|| Self(text.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn manifest(&self, place: &Place) -> String {
        format!("{}{}/{MANIFEST}", place.prefix(), self.0)
    }

    fn chunk(&self, place: &Place, number: usize) -> String {
        format!("{}{}/chunk-{number:06}", place.prefix(), self.0)
    }
}

/// A snapshot somewhere in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Of which lane and journal.
    pub place: Place,
    /// Which.
    pub name: Name,
    /// Its manifest is there.
    pub complete: bool,
    /// Bytes of its objects.
    pub bytes: u64,
}

/// Every snapshot of a store, in order of services, lanes, journals and age.
///
/// # Errors
/// The store does not answer.
pub fn locate(store: &dyn Store) -> Result<Vec<Located>, StoreError> {
    let mut places = BTreeSet::new();
    for entry in store.list("")? {
        let mut parts = entry.name.split('/');
        if let (Some(service), Some(lane), Some(journal), Some(_)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
            && let (Ok(lane), Ok(journal)) = (lane.parse::<u32>(), uuid::Uuid::parse_str(journal))
        {
            places.insert((service.to_owned(), lane, journal));
        }
    }
    let mut located = Vec::new();
    for (service, lane, journal) in places {
        let journal = Id(journal.into_bytes());
        let place = Place {
            service,
            lane,
            journal,
        };
        let parts = keep::parts(store, &place)?;
        located.extend(parts.into_iter().map(|(name, parts)| Located {
            place: place.clone(),
            name,
            complete: parts.complete,
            bytes: parts.bytes,
        }));
    }
    Ok(located)
}

/// Last part of a manifest's name.
const MANIFEST: &str = "manifest";
