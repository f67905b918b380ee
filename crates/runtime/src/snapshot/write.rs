//! Writing a snapshot while the lane works: rows are copied piece by piece by the cache's writer (`cache/copying.rs`),
//! checked, packed into chunks, and put into the store away from every lane's thread; the manifest comes last.
//!
//! One step leads to the next: the cache's writer gives a piece, background work puts what is full and asks for the
//! next one. Nothing waits for anything, so a test or a simulation may stop it between any two steps.

use super::manifest::{FORMAT, Filling, filling, seal, stamp_of, to_wire};
use super::store::{Store, StoreError};
use super::{CHUNK_BYTES, MANIFEST_BYTES_MAX, Name, Place, Snapshots, keep};
use crate::cache::{Applier, Piece, Token, Wanted};
use crate::lane::context::Background;
use crate::lane::record::Hash;
use crate::lane::rows::{MARK, STAMP, Stamp, is_readable};
use bytes::Bytes;
use std::io;
use std::sync::{Arc, Weak};
use tenfold_domain::Timestamp;
use tenfold_domain::tables::TableDef;
use tenfold_proto::lane::{SnapshotChunk, SnapshotChunkEntry, SnapshotManifest, SnapshotRow};

/// The cache's writer reads a chunk in so many pieces: batches of other lanes wait for one, some milliseconds.
const PIECES: usize = 8;

/// A snapshot that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub name: Name,
    /// Where a reader of it goes on.
    pub next_offset: u64,
    /// Bytes of its chunks.
    pub bytes: u64,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The copy came to no end: the cache was read anew, cannot be read, or changed faster than the store takes it.
    #[error("the cache could not be copied: {0}")]
    Cache(String),
    /// The cache has what cannot be read: it must be rebuilt.
    #[error("the cache is damaged: {0}")]
    Damaged(String),
    /// Nobody went on with it: there was no thread, or it panicked.
    #[error("it was not finished")]
    Unfinished,
}

/// Told once how it ended; must not block.
pub type Done = Box<dyn FnOnce(Result<Written, NotWritten>) + Send>;

/// What to write, and with what.
pub struct Order {
    /// Where to.
    pub snapshots: Snapshots,
    /// Of which lane and journal.
    pub place: Place,
    /// Under which name.
    pub name: Name,
    /// The cache's mark.
    pub mark: String,
    /// The level of this release: no record above it is folded.
    pub level: u32,
    /// The service's tables.
    pub tables: &'static [TableDef],
    /// Now.
    pub made_at: Timestamp,
    /// The cache's writer. Not held: it ends with its lanes.
    pub applier: Weak<Applier>,
    /// Where chunks are put from.
    pub background: Background,
    /// Told.
    pub done: Done,
}

/// Begins to write.
pub fn start(order: Order) {
    let Order { done, .. } = order;
    let writer = Writer {
        snapshots: order.snapshots,
        place: order.place,
        name: order.name,
        mark: order.mark,
        level: order.level,
        tables: order.tables,
        made_at: order.made_at,
        applier: order.applier,
        background: order.background,
        done: Some(done),
        token: Token::default(),
        first: true,
        filling: filling(),
        filled: 0,
        rows: 0,
        chunks: Vec::new(),
    };
    writer.ask();
}

/// A snapshot that is being written.
struct Writer {
    snapshots: Snapshots,
    place: Place,
    name: Name,
    mark: String,
    level: u32,
    tables: &'static [TableDef],
    made_at: Timestamp,
    applier: Weak<Applier>,
    background: Background,
    done: Option<Done>,
    token: Token,
    first: bool,
    /// The next chunk: as it will be written, for rows one by one take three times their bytes.
    filling: Filling,
    /// Bytes of keys and values in it, and rows.
    filled: usize,
    rows: u64,
    chunks: Vec<SnapshotChunkEntry>,
}

impl Writer {
    /// Asks the cache's writer for the next piece.
    fn ask(mut self) {
        let wanted = Wanted {
            token: self.token.clone(),
            first: std::mem::take(&mut self.first),
            bytes_max: self.chunk_bytes() / PIECES,
            apart: &[STAMP, MARK],
        };
        let lane = self.place.lane;
        // With the last lane the writer ends, too; then this is dropped, and says so.
        if let Some(applier) = self.applier.upgrade() {
            let then = move |piece| {
                let background = Arc::clone(&self.background);
                background(Box::new(move || self.take(piece)));
            };
            applier.copy(lane, wanted, Box::new(then));
        }
    }

    fn chunk_bytes(&self) -> usize {
        self.snapshots.settings.chunk_bytes.min(CHUNK_BYTES)
    }

    fn take(mut self, piece: io::Result<Piece>) {
        match self.took(piece) {
            Ok(None) => self.ask(),
            Ok(Some(written)) => self.end(Ok(written)),
            Err(error) => {
                self.give_up();
                self.end(Err(error));
            }
        }
    }

    fn end(mut self, how: Result<Written, NotWritten>) {
        if let Some(done) = self.done.take() {
            done(how);
        }
    }

    /// Packs a piece. `Some` with the last one: the snapshot is complete.
    fn took(&mut self, piece: io::Result<Piece>) -> Result<Option<Written>, NotWritten> {
        let piece = piece.map_err(|error| NotWritten::Cache(error.to_string()))?;
        let mut rows = Vec::with_capacity(piece.rows.len());
        for (key, value) in piece.rows {
            // What cannot be read must not outlive the cache that has it.
            if let Some(value) = &value
                && !is_readable(self.tables, &key, value)
            {
                return Err(NotWritten::Damaged(format!("the row {key:?}")));
            }
            self.filled += key.len() + value.as_ref().map_or(0, Bytes::len);
            rows.push(SnapshotRow { key, value });
            if self.filled >= self.chunk_bytes() {
                self.fill(std::mem::take(&mut rows));
                self.put_chunk()?;
            }
        }
        self.fill(rows);
        let Some(end) = piece.end else {
            return Ok(None);
        };
        let stamp = self.stamp(end.as_slice())?;
        if self.rows > 0 {
            self.put_chunk()?;
        }
        self.put_manifest(&stamp).map(Some)
    }

    /// Where the rows stand, if the cache is still what it was.
    fn stamp(&self, end: &[Option<Bytes>]) -> Result<Stamp, NotWritten> {
        let [Some(stamp), Some(mark)] = end else {
            return Err(NotWritten::Cache("it has no stamp".into()));
        };
        if mark[..] != *self.mark.as_bytes() {
            return Err(NotWritten::Cache("it is another's".into()));
        }
        let stamp: Stamp = postcard::from_bytes(stamp)
            .map_err(|error| NotWritten::Damaged(format!("its stamp: {error}")))?;
        if stamp.journal.id != self.place.journal {
            return Err(NotWritten::Cache("it is of another journal".into()));
        }
        Ok(stamp)
    }

    fn fill(&mut self, rows: Vec<SnapshotRow>) {
        self.rows += rows.len() as u64;
        self.filling.add(&SnapshotChunk { rows });
    }

    fn put_chunk(&mut self) -> Result<(), NotWritten> {
        let object = std::mem::replace(&mut self.filling, filling()).seal();
        self.filled = 0;
        self.chunks.push(SnapshotChunkEntry {
            bytes: object.len() as u64,
            digest: Hash::of(&object).to_bytes(),
            rows: std::mem::take(&mut self.rows),
        });
        let name = self.name.chunk(&self.place, self.chunks.len() - 1);
        self.snapshots.store.put(&name, object)?;
        Ok(())
    }

    fn put_manifest(&mut self, stamp: &Stamp) -> Result<Written, NotWritten> {
        let chunks = std::mem::take(&mut self.chunks);
        let manifest = SnapshotManifest {
            format: FORMAT,
            release: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: self.made_at.0,
            service: self.place.service.clone(),
            lane: self.place.lane,
            mark: self.mark.clone(),
            level: self.level,
            stamp: Some(to_wire(stamp)),
            rows: chunks.iter().map(|chunk| chunk.rows).sum(),
            chunks,
        };
        let bytes = manifest.chunks.iter().map(|chunk| chunk.bytes).sum();
        debug_assert_eq!(stamp_of(&manifest).as_ref(), Ok(stamp));
        let object = seal(&manifest);
        self.chunks = manifest.chunks;
        if object.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(StoreError("the manifest is too large: no snapshot".into()).into());
        }
        let store = self.snapshots.store.as_ref();
        store.put(&self.name.manifest(&self.place), object)?;
        self.is_whole(store)?;
        let kept = keep::tidy(store, &self.place, self.snapshots.settings.keep);
        if let Err(error) = kept {
            tracing::warn!(service = self.place.service, lane = self.place.lane, %error, "older snapshots stay for now");
        }
        Ok(Written {
            name: self.name.clone(),
            next_offset: stamp.next_offset,
            bytes,
        })
    }

    /// A later snapshot that was complete before this one may have taken its chunks for what somebody left behind.
    fn is_whole(&self, store: &dyn Store) -> Result<(), NotWritten> {
        let parts = keep::parts(store, &self.place)?;
        let objects = parts.get(&self.name).map_or(0, |parts| parts.objects.len());
        if objects != self.chunks.len() + 1 {
            return Err(StoreError("another snapshot overtook it".into()).into());
        }
        Ok(())
    }

    /// Removes what was put, as far as that is possible; the rest goes with the next snapshot.
    fn give_up(&self) {
        // Half a snapshot must not look like one.
        let manifest = self.name.manifest(&self.place);
        if self.snapshots.store.delete(&manifest).is_err() {
            return;
        }
        for number in 0..self.chunks.len() {
            let name = self.name.chunk(&self.place, number);
            if self.snapshots.store.delete(&name).is_err() {
                return;
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(Err(NotWritten::Unfinished));
        }
    }
}
