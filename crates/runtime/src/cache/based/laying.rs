//! Laying a base under a lane whose cache is empty.

use super::base::Filling;
use super::{BasedCache, Slot, Standing};
use crate::cache::{LaneCache, Writes};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use tenfold_domain::tables::KeyBytes;

/// A base that is being written. Dropped before it is laid, it leaves some rows in the cache, and no stamp.
pub struct Laying {
    filling: Filling,
    under: Box<dyn LaneCache>,
    /// What came again: see [`Laying::add`].
    written: BTreeMap<KeyBytes, bool>,
    slot: Slot,
}

impl BasedCache {
    /// Begins a base for a lane, whose cache must have been wiped.
    ///
    /// # Errors
    /// There is no room for one.
    pub fn laying(&self, lane: u32) -> io::Result<Laying> {
        Ok(Laying {
            filling: Filling::into(self.under.scratch()?),
            under: self.under.open(lane)?,
            written: BTreeMap::new(),
            slot: self.slot(lane),
        })
    }
}

impl Laying {
    /// Adds rows. Nearly all come in the order of their keys, and are the base's. One that comes again, because it was
    /// changed while the snapshot was written, goes into the cache as what is written later does.
    ///
    /// # Errors
    /// There is no room.
    pub fn add(&mut self, rows: Writes) -> io::Result<()> {
        let mut again = Writes::new();
        for (key, value) in rows {
            match value {
                Some(value) if self.filling.is_next(&key) => self.filling.add(key, value)?,
                value => again.push((key, value)),
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        let keys = again.iter();
        let written = keys.map(|(key, value)| (KeyBytes::from_slice(key), value.is_some()));
        self.written.extend(written);
        self.under.apply(again)
    }

    /// From now on the lane stands on it. `last` is written when the cache has all rows.
    ///
    /// # Errors
    /// There is no room.
    pub fn lay<const N: usize>(self, last: [(&'static [u8], Bytes); N]) -> io::Result<()> {
        let last = last
            .into_iter()
            .map(|(key, value)| (KeyBytes::from_slice(key), value));
        *self.slot.write() = Some(Standing {
            base: self.filling.finish()?,
            below: KeyBytes::new(),
            written: self.written,
            last: last.collect(),
        });
        Ok(())
    }
}
