//! Finding, proving and restoring a snapshot. Nothing is believed that digests and journal do not say.

use super::manifest::{Damaged, FORMAT, message, stamp_of, unseal};
use super::store::{Store, StoreError};
use super::{CHUNK_BYTES_MAX, MANIFEST_BYTES_MAX, Name, Place, keep};
use crate::cache::{LaneCache, Laying, Writes};
use crate::lane::record::{self, Hash};
use crate::lane::rows::{MARK, STAMP, Stamp};
use crate::lane::validity::{Chain, Verdict, judge};
use crate::log::walk::walk;
use crate::log::{Extent, Log, LogRecord, ReadError, Topic};
use bytes::Bytes;
use std::io;
use std::sync::mpsc::sync_channel;
use tenfold_proto::lane::{SnapshotChunk, SnapshotManifest};

/// Chunks that are read and proven before anybody has taken them: each is up to [`CHUNK_BYTES_MAX`].
const CHUNKS_AHEAD: usize = 1;

/// Why a snapshot is passed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The store does not give it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not what was written, or not all of it.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It is another lane's, another journal's, or no state of this one.
    #[error("it does not belong to this journal: {0}")]
    Foreign(String),
    /// It was written by a release that lays out its tables otherwise, or at a higher level.
    #[error("it is another release's: {0}")]
    Release(String),
    /// The log could not be read to prove it.
    #[error("the log could not be read: {0}")]
    Log(#[from] ReadError),
}

impl Unusable {
    /// Its kind, for metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Damaged(_) => "damaged",
            Self::Foreign(_) => "foreign",
            Self::Release(_) => "release",
            Self::Log(_) => "log",
        }
    }
}

impl From<Damaged> for Unusable {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged.0)
    }
}

/// Why restoring ended.
#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    /// This snapshot will not do; the one before may.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The cache cannot be written.
    #[error(transparent)]
    Cache(#[from] io::Error),
}

/// A snapshot whose manifest is whole and of this place.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Its name.
    pub name: Name,
    /// What it says of itself.
    pub manifest: SnapshotManifest,
    /// Where it stands.
    pub stamp: Stamp,
    place: Place,
}

/// Complete snapshots of a place, newest first.
///
/// # Errors
/// The store does not answer.
pub fn names(store: &dyn Store, place: &Place) -> Result<Vec<Name>, StoreError> {
    let parts = keep::parts(store, place)?;
    let complete = parts.into_iter().rev().filter(|(_, parts)| parts.complete);
    Ok(complete.map(|(name, _)| name).collect())
}

impl Snapshot {
    /// Reads a manifest.
    ///
    /// # Errors
    /// It is not there, not whole, or not of this place.
    pub fn open(store: &dyn Store, place: &Place, name: &Name) -> Result<Self, Unusable> {
        let object = store
            .get(&name.manifest(place), MANIFEST_BYTES_MAX)?
            .ok_or_else(|| Unusable::Damaged("its manifest is gone".into()))?;
        let manifest: SnapshotManifest = unseal(&object)?;
        if manifest.format != FORMAT {
            return Err(Unusable::Release(format!("format {}", manifest.format)));
        }
        let stamp = stamp_of(&manifest)?;
        let is = (&manifest.service, manifest.lane, stamp.journal.id);
        if is != (&place.service, place.lane, place.journal) {
            return Err(Unusable::Foreign(format!(
                "it is of {}/{}, journal {}",
                is.0, is.1, is.2
            )));
        }
        Ok(Self {
            name: name.clone(),
            manifest,
            stamp,
            place: place.clone(),
        })
    }

    /// Bytes of all chunks.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let sizes = self.manifest.chunks.iter().map(|chunk| chunk.bytes);
        sizes.fold(0, u64::saturating_add)
    }

    /// It stands behind the log's end: the log has lost its tail, or its end lags.
    #[must_use]
    pub const fn is_ahead_of(&self, extent: Extent) -> bool {
        self.stamp.next_offset > extent.end
    }

    /// Can a release with this mark and level go on from it?
    ///
    /// # Errors
    /// It cannot.
    pub fn fits(&self, mark: &str, level: u32) -> Result<(), Unusable> {
        if self.manifest.mark != mark {
            return Err(Unusable::Release(format!(
                "its tables are {}, here they are {mark}",
                self.manifest.mark
            )));
        }
        if self.manifest.level > level {
            return Err(Unusable::Release(format!(
                "it has level {}, and this release reads up to {level}",
                self.manifest.level
            )));
        }
        Ok(())
    }

    /// Is it a state of this journal? The records from its anchor on must lead to where it says it stands.
    ///
    /// # Errors
    /// They do not, or cannot be read.
    pub fn belongs_to(&self, log: &dyn Log, journal: &Topic, level: u32) -> Result<(), Unusable> {
        let Stamp {
            next_offset,
            anchor,
            chain: wanted,
            ..
        } = &self.stamp;
        let foreign = |what: String| Err(Unusable::Foreign(what));
        let extent = log.extent(journal, self.place.lane)?;
        if anchor.offset < extent.start {
            return foreign(format!(
                "the journal starts behind its anchor, at {}",
                extent.start
            ));
        }
        if anchor.offset > *next_offset {
            return foreign("its anchor lies behind its end".to_owned());
        }
        let mut chain = anchor.chain;
        walk(
            log,
            journal,
            self.place.lane,
            (anchor.offset, *next_offset),
            &mut |found: LogRecord| {
                let envelope = record::read(&found.value);
                let verdict = judge(&chain, found.offset == 0, envelope.as_ref(), level);
                if let (Some(envelope), false) = (envelope, matches!(verdict, Verdict::Stop(_))) {
                    chain = chain.after(verdict, &envelope, &found.value);
                }
                Ok::<_, Unusable>(())
            },
        )?;
        if chain != *wanted {
            return foreign(format!(
                "it stands at {}, and the journal leads from its anchor to {}",
                told(wanted),
                told(&chain)
            ));
        }
        Ok(())
    }

    /// Gives every row to `to`, chunk by chunk, each proven before.
    ///
    /// # Errors
    /// A chunk is missing or not what was written; or `to` fails.
    pub fn rows<E: From<Unusable>>(
        &self,
        store: &dyn Store,
        to: impl FnMut(Writes) -> Result<(), E>,
    ) -> Result<(), E> {
        self.give(self.chunks(store), to)
    }

    /// The same, with another thread that reads and proves the next chunks meanwhile.
    fn rows_ahead<E: From<Unusable>>(
        &self,
        store: &dyn Store,
        to: impl FnMut(Writes) -> Result<(), E>,
    ) -> Result<(), E> {
        std::thread::scope(|scope| {
            let (give, take) = sync_channel(CHUNKS_AHEAD);
            let reading = move || {
                for chunk in self.chunks(store) {
                    let last = chunk.is_err();
                    // An error: whoever takes them has given up.
                    if give.send(chunk).is_err() || last {
                        return;
                    }
                }
            };
            let thread = std::thread::Builder::new().name("snapshot".to_owned());
            match thread.spawn_scoped(scope, reading) {
                Ok(_) => self.give(take.into_iter(), to),
                Err(_) => self.rows(store, to),
            }
        })
    }

    fn chunks(&self, store: &dyn Store) -> impl Iterator<Item = Result<Writes, Unusable>> {
        (0..self.manifest.chunks.len()).map(move |number| self.chunk(store, number))
    }

    fn give<E: From<Unusable>>(
        &self,
        chunks: impl Iterator<Item = Result<Writes, Unusable>>,
        mut to: impl FnMut(Writes) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rows = 0;
        for chunk in chunks {
            let writes = chunk?;
            rows += writes.len() as u64;
            to(writes)?;
        }
        if rows != self.manifest.rows {
            return Err(Unusable::Damaged(format!(
                "it has {rows} rows, and should have {}",
                self.manifest.rows
            ))
            .into());
        }
        Ok(())
    }

    fn chunk(&self, store: &dyn Store, number: usize) -> Result<Writes, Unusable> {
        let damaged = |what: &str| Unusable::Damaged(format!("chunk {number} {what}"));
        let entry = self.manifest.chunks.get(number);
        let entry = entry.ok_or_else(|| damaged("is not listed"))?;
        let object = store
            .get(&self.name.chunk(&self.place, number), CHUNK_BYTES_MAX)?
            .ok_or_else(|| damaged("is missing"))?;
        if object.len() as u64 != entry.bytes || Hash::of(&object).0[..] != entry.digest[..] {
            return Err(damaged("is not what was written"));
        }
        // The manifest's digest is one of the whole object: its own says nothing more.
        let chunk: SnapshotChunk = message(&object)?;
        if chunk.rows.len() as u64 != entry.rows {
            return Err(damaged("has another number of rows"));
        }
        let rows = chunk.rows.into_iter().map(|row| (row.key, row.value));
        let writes: Writes = rows.collect();
        if writes.iter().any(|(key, _)| key == STAMP || key == MARK) {
            return Err(damaged("has a row that comes with the manifest"));
        }
        Ok(writes)
    }

    /// Fills an empty cache, at once. Its stamp comes last: a cache without one is wiped by whoever finds it.
    ///
    /// # Errors
    /// A chunk is missing or damaged: then the cache must be wiped; or it cannot be written.
    pub fn restore(&self, store: &dyn Store, cache: &dyn LaneCache) -> Result<(), NotRestored> {
        self.rows(store, |rows| cache.apply(rows).map_err(NotRestored::from))?;
        let last = self.last()?.into_iter();
        cache.apply(
            last.map(|(key, value)| (Bytes::from_static(key), Some(value)))
                .collect(),
        )?;
        Ok(())
    }

    /// Lays its rows under a lane whose cache is empty; `ahead`: another thread reads, and this one writes. Its stamp comes
    /// last: a cache without one is wiped by whoever finds it.
    ///
    /// # Errors
    /// A chunk is missing or damaged: then the cache must be wiped; or there is no room.
    pub fn lay(
        &self,
        store: &dyn Store,
        ahead: bool,
        mut laying: Laying,
    ) -> Result<(), NotRestored> {
        let add = |rows| laying.add(rows).map_err(NotRestored::from);
        if ahead {
            self.rows_ahead(store, add)?;
        } else {
            self.rows(store, add)?;
        }
        laying.lay(self.last()?)?;
        Ok(())
    }

    /// What makes these rows a cache.
    fn last(&self) -> io::Result<[(&'static [u8], Bytes); 2]> {
        let stamp = postcard::to_stdvec(&self.stamp).map_err(io::Error::other)?;
        Ok([
            (MARK, self.manifest.mark.clone().into()),
            (STAMP, stamp.into()),
        ])
    }
}

fn told(chain: &Chain) -> String {
    format!(
        "epoch {} seq {} hash {:?}",
        chain.epoch, chain.seq, chain.hash
    )
}
