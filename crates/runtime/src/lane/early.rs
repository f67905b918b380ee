//! Caches that are read before their log is open. What a lane's cache has can be read without the log; only whether it
//! belongs to it cannot be told. An embedded log that was not closed walks through its file when it is opened: meanwhile
//! the caches are read, by another core (decision 0608).
//!
//! A hint only: what is not here is read when its lane starts. It holds as long as nobody has written to the lane's cache:
//! each lane takes it once, the first time it looks at its cache, and nothing writes there before.

use super::rows::{self, MARK, STAMP, Stamp};
use super::state::LaneState;
use crate::cache::{BasedCache, Cache as _};
use crate::processor::Processor;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use tenfold_domain::tables::TableDef;

/// Whose caches are read.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    /// The service.
    pub service: &'static str,
    /// Its tables.
    pub tables: &'static [TableDef],
    /// Their version.
    pub version: u32,
}

impl Tables {
    /// Those of a service.
    pub fn of<P: Processor>(processor: &P) -> Self {
        Self {
            service: processor.service(),
            tables: processor.tables(),
            version: processor.tables_version(),
        }
    }
}

/// A lane's state, and where it stands.
pub(super) type Kept = (LaneState, Stamp);

/// States that were read and that nobody has taken yet, by lane; see the module.
#[derive(Default)]
pub struct Early(Mutex<BTreeMap<u32, Kept>>);

impl Early {
    /// Reads what the caches of these lanes have, one after another. One that cannot be read is left to its lane, which
    /// knows what to do. Blocks.
    pub fn read(cache: &BasedCache, of: &Tables, lanes: u32) -> Self {
        let one = |lane| {
            let read = catch_unwind(AssertUnwindSafe(|| kept(cache, of, lane)));
            Some((lane, read.ok()?.ok()??))
        };
        Self(Mutex::new((0..lanes).filter_map(one).collect()))
    }

    /// What the lane's cache had; once.
    pub(super) fn take(&self, lane: u32) -> Option<Kept> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.remove(&lane)
    }
}

/// What a cache has, if it is this lane's and of this release.
pub(super) fn kept(cache: &BasedCache, of: &Tables, lane: u32) -> io::Result<Option<Kept>> {
    let cache = cache.open(lane)?;
    let mark = rows::mark(of.service, lane, of.version);
    if cache
        .get(MARK)?
        .is_none_or(|there| there != mark.as_bytes())
    {
        return Ok(None);
    }
    let stamp = cache.get(STAMP)?;
    let Some(stamp) = stamp.and_then(|bytes| postcard::from_bytes(&bytes).ok()) else {
        return Ok(None);
    };
    Ok(Some((LaneState::load(cache, of.tables)?, stamp)))
}
