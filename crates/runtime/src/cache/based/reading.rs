//! Visiting the rows of a lane that stands on a base: both are read, piece by piece, and told in one order.

use super::{Slot, Standing, behind};
use crate::cache::{LaneCache, Visit};
use bytes::Bytes;
use std::io;
use std::ops::ControlFlow;
use tenfold_domain::tables::KeyBytes;

/// Rows of the first piece: most visits want one or two.
const FIRST: usize = 4;
/// Rows of a later one.
const MOST: usize = 256;

type Rows = Vec<(Bytes, Bytes)>;

/// As [`LaneCache::scan`]. Nothing is locked while a row is visited.
pub fn scan(
    slot: &Slot,
    under: &dyn LaneCache,
    (from, to): (&[u8], &[u8]),
    visit: Visit<'_>,
) -> io::Result<()> {
    let mut from = KeyBytes::from_slice(from);
    let mut most = FIRST;
    while &from[..] < to {
        let (rows, next) = {
            let slot = slot.read_recursive();
            let Some(standing) = &*slot else {
                drop(slot);
                return under.scan(&from, to, visit);
            };
            standing.rows(under, (&from, to), most)?
        };
        for (key, value) in rows {
            if visit(&key, &value).is_break() {
                return Ok(());
            }
        }
        let Some(next) = next else {
            return Ok(());
        };
        from = next;
        most = (most * 2).min(MOST);
    }
    Ok(())
}

impl Standing {
    /// Some rows of these bounds, and where to go on; `None` if there are no more.
    fn rows(
        &self,
        under: &dyn LaneCache,
        (from, to): (&[u8], &[u8]),
        most: usize,
    ) -> io::Result<(Rows, Option<KeyBytes>)> {
        let (mut rows, next) = if *from < self.below[..] {
            // The cache has them.
            let until = to.min(&self.below[..]);
            let (rows, next) = some(under, (from, until), most, |_| true)?;
            let beyond = (to > until).then(|| KeyBytes::from_slice(until));
            (rows, next.or(beyond))
        } else {
            self.above(under, (from, to), most)?
        };
        let end = next.as_ref().map_or(to, |next| &next[..]);
        for (key, value) in &self.last {
            if *from <= key[..] && key[..] < *end {
                let at = rows.partition_point(|(other, _)| other[..] < key[..]);
                rows.insert(at, (Bytes::copy_from_slice(key), value.clone()));
            }
        }
        Ok((rows, next))
    }

    /// Rows that were not moved: the base's, but for those that were written since.
    fn above(
        &self,
        under: &dyn LaneCache,
        (from, to): (&[u8], &[u8]),
        most: usize,
    ) -> io::Result<(Rows, Option<KeyBytes>)> {
        let mut of_base = self.base.rows(from, most)?;
        let mut next = (of_base.len() == most)
            .then(|| of_base.last().map(|(key, _)| behind(key)))
            .flatten()
            .filter(|next| next[..] < *to);
        let until = next.clone();
        let until = until.as_ref().map_or(to, |next| &next[..]);
        let is_written = |key: &[u8]| self.written.get(key) == Some(&true);
        let (mut rows, earlier) = some(under, (from, until), most, is_written)?;
        next = earlier.or(next);
        let end = next.as_ref().map_or(to, |next| &next[..]);
        of_base.retain(|(key, _)| key[..] < *end && !self.written.contains_key(&key[..]));
        rows.extend(
            of_base
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok((rows, next))
    }
}

/// The first rows of the cache within these bounds that are meant, and where to go on if there may be more.
fn some(
    under: &dyn LaneCache,
    (from, to): (&[u8], &[u8]),
    most: usize,
    is_meant: impl Fn(&[u8]) -> bool,
) -> io::Result<(Rows, Option<KeyBytes>)> {
    let (mut rows, mut next) = (Rows::new(), None);
    under.scan(from, to, &mut |key, value| {
        if rows.len() >= most {
            next = Some(KeyBytes::from_slice(key));
            return ControlFlow::Break(());
        }
        if is_meant(key) {
            rows.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        }
        ControlFlow::Continue(())
    })?;
    Ok((rows, next))
}
