//! A base: rows in the order of their keys, written once, in blocks that are read one at a time.

use crate::cache::Writes;
use crate::cache::scratch::Scratch;
use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message as _;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use tenfold_domain::tables::KeyBytes;
use tenfold_proto::lane::{SnapshotChunk, SnapshotRow};

/// A block is closed when its rows have so many bytes. One row of it is asked for, and all of it is read: a few
/// hundred rows.
const BLOCK_BYTES: usize = 32 << 10;

/// So many blocks that were read last are at hand: whoever asks for a rack asks for its neighbours.
const RECENT: usize = 8;

/// Where a block is.
struct Block {
    /// The key of its first row.
    first: KeyBytes,
    at: u64,
    bytes: usize,
}

type Rows = Arc<Vec<SnapshotRow>>;

/// See the module.
pub struct Base {
    scratch: Box<dyn Scratch>,
    blocks: Vec<Block>,
    /// The newest at the back.
    recent: Mutex<VecDeque<(usize, Rows)>>,
}

/// Writes one.
pub struct Filling {
    scratch: Box<dyn Scratch>,
    blocks: Vec<Block>,
    written: u64,
    last: Option<KeyBytes>,
    rows: Vec<SnapshotRow>,
    bytes: usize,
}

impl Filling {
    pub fn into(scratch: Box<dyn Scratch>) -> Self {
        Self {
            scratch,
            blocks: Vec::new(),
            written: 0,
            last: None,
            rows: Vec::new(),
            bytes: 0,
        }
    }

    /// Does this key come behind all that are there?
    pub fn is_next(&self, key: &[u8]) -> bool {
        self.last.as_ref().is_none_or(|last| key > &last[..])
    }

    /// A row, whose key must come behind all that are there.
    pub fn add(&mut self, key: Bytes, value: Bytes) -> io::Result<()> {
        debug_assert!(self.is_next(&key));
        self.last = Some(KeyBytes::from_slice(&key));
        self.bytes += key.len() + value.len();
        let value = Some(value);
        self.rows.push(SnapshotRow { key, value });
        if self.bytes >= BLOCK_BYTES {
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let first = KeyBytes::from_slice(&first.key);
        let block = SnapshotChunk { rows }.encode_to_vec();
        self.scratch.append(&block)?;
        self.blocks.push(Block {
            first,
            at: self.written,
            bytes: block.len(),
        });
        self.written += block.len() as u64;
        self.bytes = 0;
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<Base> {
        self.close()?;
        Ok(Base {
            scratch: self.scratch,
            blocks: self.blocks,
            recent: Mutex::default(),
        })
    }
}

impl Base {
    /// The value under a key.
    pub fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        let Some(at) = self.block_of(key) else {
            return Ok(None);
        };
        let rows = self.block(at)?;
        let found = rows.binary_search_by(|row| row.key[..].cmp(key));
        let row = found.ok().and_then(|at| rows.get(at));
        Ok(row.and_then(|row| row.value.clone()))
    }

    /// So many rows from this key on; fewer if there are no more.
    pub fn rows(&self, from: &[u8], most: usize) -> io::Result<Writes> {
        let mut found = Writes::new();
        for at in self.block_of(from).unwrap_or(0)..self.blocks.len() {
            let block = self.block(at)?;
            let behind = block.iter().filter(|row| row.key[..] >= *from);
            let rows = behind.map(|row| (row.key.clone(), row.value.clone()));
            found.extend(rows.take(most - found.len()));
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    }

    /// The rows from this key on, until they have so many bytes; nothing if there are none. For one who reads all of
    /// them: what others read stays at hand.
    pub fn piece(&self, from: &[u8], bytes_max: usize) -> io::Result<Writes> {
        let mut found = Writes::new();
        let mut bytes = 0;
        for at in self.block_of(from).unwrap_or(0)..self.blocks.len() {
            for row in self.read(at)? {
                if row.key[..] < *from {
                    continue;
                }
                bytes += row.key.len() + row.value.as_ref().map_or(0, Bytes::len);
                found.push((row.key, row.value));
                if bytes >= bytes_max {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// The block that has the key, if one has.
    fn block_of(&self, key: &[u8]) -> Option<usize> {
        let behind = self.blocks.partition_point(|block| block.first[..] <= *key);
        behind.checked_sub(1)
    }

    fn block(&self, at: usize) -> io::Result<Rows> {
        if let Some((_, rows)) = self.recent.lock().iter().find(|(is, _)| *is == at) {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(self.read(at)?);
        let mut recent = self.recent.lock();
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back((at, Arc::clone(&rows)));
        Ok(rows)
    }

    /// Blocks at hand.
    #[cfg(test)]
    pub fn at_hand(&self) -> usize {
        self.recent.lock().len()
    }

    fn read(&self, at: usize) -> io::Result<Vec<SnapshotRow>> {
        let block = self.blocks.get(at);
        let block = block.ok_or_else(|| io::Error::other("there is no such block"))?;
        let bytes = self.scratch.read(block.at, block.bytes)?;
        let chunk = SnapshotChunk::decode(bytes).map_err(io::Error::other)?;
        Ok(chunk.rows)
    }
}
