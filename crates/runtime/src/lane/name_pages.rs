//! The name index on disk: beside the rows of a table, pages that hold the hashes of their names, so
//! that a start reads a few pages and not every row.
//!
//! A page stands for the records whose numbers differ in the last byte only. It is written, in the same
//! step as the rows, once numbers have grown past it, and removed as soon as one of its records gets
//! another name or goes: rows without a page are read one by one, as all were before there were pages.
//! So a page may name a record that bears the name no longer (the record itself is checked), and never
//! lacks one. Whether a page is there changes no answer; digests leave pages out.

use super::names::{self, NameIndex};
use super::rows::NAME_PAGES;
use crate::cache::{LaneCache, Writes};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::ControlFlow;
use tenfold_domain::tables::{Key, TableDef, TableId};

/// Bits of a number that tell the records of one page apart.
const PAGE_BITS: u32 = 8;
/// First byte of a page: which hash, and how it is written. Another one is no page.
const VERSION: u8 = 1;
/// Bytes of an entry: the number's last byte, and the hash.
const ENTRY_BYTES: usize = 9;
/// Pages that were missing at a start and are given to the cache with one batch, at most (each up to
/// some KiB).
const MISSING_PER_BATCH: usize = 64;

/// A name's record and hash.
type Named = (u64, u64);

/// Which pages of a lane's tables the cache has, and what goes into the next.
#[derive(Debug, Default)]
pub struct NamePages {
    tables: BTreeMap<TableId, Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    /// Pages the cache has, or will have with the batches under way.
    stored: BTreeSet<u64>,
    /// The lowest page that numbers have not grown past.
    open: u64,
    /// Names of records in it and above.
    filling: Vec<Named>,
    /// Pages that are no longer true.
    stale: BTreeSet<u64>,
    /// Pages that a start found missing, until they are written.
    missing: BTreeMap<u64, Vec<Named>>,
}

fn page_of(number: u64) -> u64 {
    number >> PAGE_BITS
}

fn key(table: TableId, page: u64) -> Bytes {
    let mut key = NAME_PAGES.to_vec();
    key.push(table);
    key.extend_from_slice(&page.to_be_bytes());
    key.into()
}

fn encode(named: &[Named]) -> Bytes {
    let mut bytes = Vec::with_capacity(1 + named.len() * ENTRY_BYTES);
    bytes.push(VERSION);
    for (number, hash) in named {
        bytes.push(number.to_be_bytes()[7]);
        bytes.extend_from_slice(&hash.to_be_bytes());
    }
    bytes.into()
}

/// Are these bytes a whole page?
pub fn is_page(bytes: &[u8]) -> bool {
    decode(0, bytes).is_some()
}

/// What a page holds; `None` if it is no page.
fn decode(page: u64, bytes: &[u8]) -> Option<Vec<Named>> {
    let (version, entries) = bytes.split_first()?;
    if *version != VERSION || page > u64::MAX >> PAGE_BITS {
        return None;
    }
    let entries = entries.chunks(ENTRY_BYTES);
    entries
        .map(|entry| {
            let (last, hash) = entry.split_first()?;
            let hash = u64::from_be_bytes(hash.try_into().ok()?);
            Some(((page << PAGE_BITS) | u64::from(*last), hash))
        })
        .collect()
}

impl NamePages {
    /// A record got a name it did not have.
    pub fn named(&mut self, table: TableId, number: u64, hash: u64) {
        let pages = self.tables.entry(table).or_default();
        let page = page_of(number);
        if page >= pages.open {
            pages.filling.push((number, hash));
        } else {
            pages.spoil(page);
        }
    }

    /// What gave a record this name is gone back to.
    pub fn never_named(&mut self, table: TableId, number: u64, hash: u64) {
        if let Some(pages) = self.tables.get_mut(&table)
            && let Some(at) = pages.filling.iter().rposition(|it| *it == (number, hash))
        {
            pages.filling.remove(at);
        }
    }

    /// A record goes.
    pub fn gone(&mut self, table: TableId, number: u64) {
        if let Some(pages) = self.tables.get_mut(&table) {
            pages.spoil(page_of(number));
        }
    }

    /// Adds what pages must be written or removed to a batch that is being closed.
    pub fn seal(&mut self, writes: &mut Writes) {
        for (table, pages) in &mut self.tables {
            let stale = std::mem::take(&mut pages.stale);
            writes.extend(stale.into_iter().map(|page| (key(*table, page), None)));
            let complete = pages.complete();
            let missing = (0..MISSING_PER_BATCH).map_while(|_| pages.missing.pop_first());
            for (page, named) in complete.into_iter().chain(missing) {
                pages.stored.insert(page);
                writes.push((key(*table, page), Some(encode(&named))));
            }
        }
    }

    /// Reads the names of a table out of a cache: from its pages, and where there are none from its rows.
    ///
    /// # Errors
    /// The cache cannot be read, or holds a page or a row that cannot.
    pub fn load(
        &mut self,
        cache: &dyn LaneCache,
        table: &TableDef,
        index: &mut NameIndex,
    ) -> io::Result<()> {
        let mut pages = Pages::default();
        let mut damaged = false;
        let mut prefix = NAME_PAGES.to_vec();
        prefix.push(table.id);
        // A page's number has 8 bytes and never begins with 255.
        let (from, to) = (prefix.clone(), [&prefix[..], &[255]].concat());
        cache.scan(&from, &to, &mut |key, value| {
            let page = key.get(prefix.len()..).and_then(u64::from_bytes);
            let named = page.and_then(|page| Some((page, decode(page, value)?)));
            let Some((page, named)) = named else {
                damaged = true;
                return ControlFlow::Break(());
            };
            pages.stored.insert(page);
            index.extend(&named);
            ControlFlow::Continue(())
        })?;
        // Between two pages, and behind the last, are the rows that have none.
        let mut first = 0;
        let mut gaps = Vec::new();
        for page in &pages.stored {
            if first < *page {
                gaps.push((first << PAGE_BITS, Some(page << PAGE_BITS)));
            }
            first = page + 1;
        }
        gaps.push((first << PAGE_BITS, None));
        for (from, to) in gaps {
            damaged |= !pages.read_rows(cache, table, (from, to), index)?;
        }
        if damaged {
            return Err(io::Error::other(format!(
                "table {} holds a record that cannot be read",
                table.name
            )));
        }
        let last = pages.missing.last_entry().map(|last| *last.key());
        pages.open = last.unwrap_or(first).max(first);
        // The page that is being filled, if it was begun.
        pages.filling = pages.missing.remove(&pages.open).unwrap_or_default();
        self.tables.insert(table.id, pages);
        Ok(())
    }
}

impl Pages {
    /// What the cache has of a page is no longer true.
    fn spoil(&mut self, page: u64) {
        if self.stored.remove(&page) {
            self.stale.insert(page);
        }
        self.missing.remove(&page);
    }

    /// Pages that numbers have grown past.
    fn complete(&mut self) -> BTreeMap<u64, Vec<Named>> {
        let mut complete: BTreeMap<u64, Vec<Named>> = BTreeMap::new();
        let reached = self.filling.iter().map(|(number, _)| page_of(*number));
        let reached = reached.max().unwrap_or(0);
        if reached > self.open {
            for named in std::mem::take(&mut self.filling) {
                let page = page_of(named.0);
                if page < reached {
                    complete.entry(page).or_default().push(named);
                } else {
                    self.filling.push(named);
                }
            }
            self.open = reached;
        }
        complete
    }

    /// Reads rows that have no page. False if one of them cannot be read.
    fn read_rows(
        &mut self,
        cache: &dyn LaneCache,
        table: &TableDef,
        (from, to): (u64, Option<u64>),
        index: &mut NameIndex,
    ) -> io::Result<bool> {
        let key = |number: u64| [&[table.id][..], &number.to_be_bytes()].concat();
        let to = to.map_or_else(|| vec![table.id + 1], key);
        let mut whole = true;
        cache.scan(&key(from), &to, &mut |key, value| {
            let number = key.get(1..).and_then(u64::from_bytes);
            let (Some(number), Some(found)) = (number, (table.names)(value)) else {
                whole = false;
                return ControlFlow::Break(());
            };
            let page = self.missing.entry(page_of(number)).or_default();
            for name in found {
                let hash = names::hash(table.id, &name);
                index.insert(hash, number);
                page.push((number, hash));
            }
            ControlFlow::Continue(())
        })?;
        Ok(whole)
    }
}
