//! Rows as stores hand them about: decoded, shared, and written to bytes only when somebody wants bytes.

use super::Record;
use postcard::ser_flavors::Flavor;
use smallvec::SmallVec;
use std::any::Any;
use std::sync::Arc;

/// A record of any kind.
pub trait Row: Any + Send + Sync {
    /// Appends its bytes to those given; `None` if it cannot be written.
    fn encode(&self, to: Vec<u8>) -> Option<Vec<u8>>;
    /// The names that it is found by.
    fn found_by(&self) -> Names<'_>;
}

impl<R: Record> Row for R {
    fn encode(&self, to: Vec<u8>) -> Option<Vec<u8>> {
        postcard::serialize_with_flavor(self, Appending(to)).ok()
    }

    fn found_by(&self) -> Names<'_> {
        if R::NAMED { self.names() } else { Names::new() }
    }
}

/// Appends to bytes that are there, slice by slice: `postcard::to_extend` does so byte by byte.
struct Appending(Vec<u8>);

impl Flavor for Appending {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// A row that several may hold; none of them changes it.
pub type SharedRow = Arc<dyn Row>;

/// The names of a record; most have one.
pub type Names<'a> = SmallVec<[&'a str; 2]>;

/// Numbers of records; a name nearly always has one.
pub type Numbers = SmallVec<[u64; 2]>;

/// Reads a row of one kind; `None` if the bytes are none.
pub type ReadRow = fn(&[u8]) -> Option<SharedRow>;

/// Reads a row of this kind.
pub(super) fn read<R: Record>(bytes: &[u8]) -> Option<SharedRow> {
    super::decode::<R>(bytes).map(|record| Arc::new(record) as SharedRow)
}

/// The record that a row is; `None` if it is one of another kind.
pub(super) fn record<R: Record>(row: SharedRow) -> Option<Arc<R>> {
    let any: Arc<dyn Any + Send + Sync> = row;
    any.downcast().ok()
}

/// A row as a scan meets it.
#[derive(Clone, Copy)]
pub enum Seen<'a> {
    /// As the store below has it.
    Bytes(&'a [u8]),
    /// Decoded.
    Row(&'a SharedRow),
}

impl Seen<'_> {
    /// The record; `None` if it is none of this kind.
    pub(super) fn record<R: Record>(self) -> Option<R> {
        match self {
            Self::Bytes(bytes) => super::decode(bytes),
            Self::Row(row) => {
                let any: &dyn Any = row.as_ref();
                any.downcast_ref::<R>().cloned()
            }
        }
    }
}
