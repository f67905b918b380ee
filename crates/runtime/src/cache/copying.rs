//! Copying a lane's rows, piece by piece, while they go on being written.
//!
//! The cache's writer reads a piece between two batches, and from then on keeps what later batches change among the
//! rows that were read already. With the next piece these changes are handed over, too; what is changed among rows
//! not yet read is read later. So after the last piece, all of them written in order are the rows as they are at that
//! moment, between two batches: no moment before is kept, and no batch waits for longer than a piece takes.

use super::{LaneCache, Writes};
use bytes::Bytes;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Weak};

/// Most bytes of changes kept between two pieces: whoever copies is slower than the work by so much, and begins anew
/// another time.
const CHANGES_BYTES_MAX: usize = 32 << 20;

/// Whose copying it is: it lasts as long as somebody holds this.
#[derive(Clone, Debug, Default)]
pub struct Token(Arc<()>);

/// The rows of a cache that are not copied as rows: their values at the end of the copying come with the last piece.
pub type Apart = &'static [&'static [u8]];

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose copying.
    pub token: Token,
    /// The first piece of it.
    pub first: bool,
    /// About so many bytes of rows.
    pub bytes_max: usize,
    /// See [`Apart`].
    pub apart: Apart,
}

/// Some rows.
#[derive(Debug, Default)]
pub struct Piece {
    /// To be written in this order, behind those of the pieces before.
    pub rows: Writes,
    /// Given with the last piece: the values of the rows that are kept apart.
    pub end: Option<Vec<Option<Bytes>>>,
}

/// One copying under way.
pub(super) struct Copying {
    token: Weak<()>,
    apart: Apart,
    /// Rows below this key were read.
    below: Vec<u8>,
    changes: Writes,
    /// Bytes of these changes.
    bytes: usize,
    /// Bytes written since the last piece to rows not yet read.
    ahead: usize,
}

impl Copying {
    pub(super) fn begin(wanted: &Wanted) -> Self {
        Self {
            token: Arc::downgrade(&wanted.token.0),
            apart: wanted.apart,
            below: Vec::new(),
            changes: Writes::new(),
            bytes: 0,
            ahead: 0,
        }
    }

    pub(super) fn is_of(&self, token: &Token) -> bool {
        Weak::ptr_eq(&self.token, &Arc::downgrade(&token.0))
    }

    /// A batch is being written. False if the copying has ended: nobody waits for it, or it is too slow.
    pub(super) fn saw(&mut self, writes: &Writes) -> bool {
        for (key, value) in writes {
            let bytes = key.len() + value.as_ref().map_or(0, Bytes::len);
            if self.apart.contains(&&key[..]) {
                continue;
            }
            if key[..] < self.below[..] {
                self.bytes += bytes;
                self.changes.push((key.clone(), value.clone()));
            } else {
                self.ahead += bytes;
            }
        }
        self.token.strong_count() > 0 && self.bytes + self.ahead <= CHANGES_BYTES_MAX
    }

    /// What changed among the rows read before, and the next rows.
    pub(super) fn piece(&mut self, lane: &dyn LaneCache, bytes_max: usize) -> io::Result<Piece> {
        let mut rows = std::mem::take(&mut self.changes);
        self.bytes = 0;
        // Whatever was added meanwhile is made up for: so a copy comes to an end under any load.
        let bytes_max = bytes_max.saturating_add(std::mem::take(&mut self.ahead));
        let (mut bytes, mut more) = (0, false);
        let mut next = None;
        let apart = self.apart;
        lane.scan(&self.below, &[u8::MAX; 2], &mut |key, value| {
            if bytes >= bytes_max {
                more = true;
                return ControlFlow::Break(());
            }
            if !apart.contains(&key) {
                bytes += key.len() + value.len();
                let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
                rows.push((key, Some(value)));
            }
            // The key behind this one.
            next = Some([key, &[0]].concat());
            ControlFlow::Continue(())
        })?;
        if let Some(next) = next {
            self.below = next;
        }
        let end = if more {
            None
        } else {
            let values = apart.iter().map(|key| lane.get(key));
            Some(values.collect::<io::Result<Vec<_>>>()?)
        };
        Ok(Piece { rows, end })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Applier, BasedCache, Cache, MemoryCache};
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    const APART: Apart = &[&[255, 0]];

    struct Copier {
        applier: Applier,
        token: Token,
        first: bool,
        rows: BTreeMap<Bytes, Bytes>,
    }

    fn put(key: &'static [u8], value: &'static [u8]) -> (Bytes, Option<Bytes>) {
        (Bytes::from_static(key), Some(Bytes::from_static(value)))
    }

    impl Copier {
        fn of(cache: &MemoryCache) -> Self {
            Self {
                applier: Applier::stepped(BasedCache::over(Arc::new(cache.clone()))),
                token: Token::default(),
                first: true,
                rows: BTreeMap::new(),
            }
        }

        fn apply(&self, writes: Writes) {
            self.applier.apply(0, writes, Box::new(|how| how.unwrap()));
            assert!(self.applier.step());
        }

        /// The next piece, written to the copy; what is kept apart if it was the last.
        fn piece(&mut self, bytes_max: usize) -> io::Result<Option<Vec<Option<Bytes>>>> {
            let wanted = Wanted {
                token: self.token.clone(),
                first: std::mem::take(&mut self.first),
                bytes_max,
                apart: APART,
            };
            let given = Arc::new(Mutex::new(None));
            let to = Arc::clone(&given);
            let then = move |piece| *to.lock().unwrap() = Some(piece);
            self.applier.copy(0, wanted, Box::new(then));
            assert!(self.applier.step());
            let piece: Piece = given.lock().unwrap().take().expect("it is given")?;
            for (key, value) in piece.rows {
                match value {
                    Some(value) => self.rows.insert(key, value),
                    None => self.rows.remove(&key),
                };
            }
            Ok(piece.end)
        }
    }

    #[test]
    fn what_changes_while_rows_are_copied_is_in_the_copy_whether_read_before_or_after() {
        let cache = MemoryCache::default();
        let mut copier = Copier::of(&cache);
        let all = [
            put(b"b", b"1"),
            put(b"d", b"1"),
            put(b"f", b"1"),
            put(b"h", b"1"),
        ];
        copier.apply(all.to_vec());
        copier.apply(vec![put(&[255, 0], b"stamp 1")]);
        assert_eq!(copier.piece(4).unwrap(), None, "b and d");
        // Behind, between and ahead of what was read: new, changed and removed.
        copier.apply(vec![
            put(b"a", b"new"),
            put(b"b", b"2"),
            (Bytes::from_static(b"d"), None),
            put(b"g", b"new"),
            (Bytes::from_static(b"h"), None),
            put(&[255, 0], b"stamp 2"),
        ]);
        assert_eq!(copier.piece(1).unwrap(), None, "f and g");
        copier.apply(vec![put(b"f", b"2"), put(&[255, 0], b"stamp 3")]);
        let end = copier.piece(100).unwrap().expect("the last");
        assert_eq!(end, [Some(Bytes::from_static(b"stamp 3"))]);
        let mut is = cache.edit(0, |rows| rows.clone());
        is.remove(&[255_u8, 0][..]);
        assert_eq!(copier.rows, is);
    }

    #[test]
    fn a_copy_ends_when_its_cache_is_read_anew_or_another_is_begun_or_changes_are_too_many() {
        let cache = MemoryCache::default();
        let mut copier = Copier::of(&cache);
        copier.apply(vec![put(b"a", b"1"), put(b"b", b"1"), put(b"c", b"1")]);
        assert_eq!(copier.piece(1).unwrap(), None);
        copier.applier.after(0, Box::new(|| {}));
        copier.applier.step();
        assert!(copier.piece(1).is_err(), "somebody may have wiped it");

        copier.first = true;
        assert_eq!(copier.piece(1).unwrap(), None);
        copier.token = Token::default();
        assert!(copier.piece(1).is_err(), "it is another's");

        copier.first = true;
        assert_eq!(copier.piece(1).unwrap(), None);
        let large = Bytes::from(vec![0; 1 << 20]);
        for _ in 0..=CHANGES_BYTES_MAX >> 20 {
            copier.apply(vec![(Bytes::from_static(b"a"), Some(large.clone()))]);
        }
        assert!(
            copier.piece(1).is_err(),
            "the store is slower than the work"
        );
        cache.open(0).unwrap();
    }
}
