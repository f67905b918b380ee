//! Is a lane's cache the fold of its journal? The journal is folded from its first record into memory,
//! as far as the cache says it is, and both are compared row by row (INV-08).
//!
//! It uses the engine's own fold, because that is what is asked: whether a replay gives what the owner
//! has. Whether the fold is right is asked elsewhere.

use super::fold;
use super::record;
use super::rows::{self, MARK, STAMP, Stamp};
use super::state::LaneState;
use super::validity::{Chain, Verdict, judge};
use crate::cache::{Cache, LaneCache, MemoryCache};
use crate::log::{Log, LogRecord, Topic, Wake};
use crate::processor::Processor;
use bytes::Bytes;
use prost::Message;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use tenfold_domain::tables::TableDef;
use tenfold_proto::lane::Decisions;

/// Rows compared at a time.
const PAGE: usize = 4_096;
/// Records folded between two writes into memory.
const RECORDS_PER_WRITE: u64 = 64;
/// Bytes read at a time.
const READ_BYTES: usize = 1 << 20;
/// How long the log may be silent before its end.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A row that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of its table.
    pub table: String,
    /// Its key, without the table.
    pub key: Bytes,
    /// What the cache has.
    pub cache: Option<Bytes>,
    /// What the journal makes of it.
    pub journal: Option<Bytes>,
}

/// What was found of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The lane.
    pub lane: u32,
    /// The cache says that it is folded below this offset; `None` = it is empty, and says nothing.
    pub folded_below: Option<u64>,
    /// One above the journal's last record.
    pub journal_end: u64,
    /// Last seq that is folded.
    pub seq: u64,
    /// Rows compared.
    pub rows: u64,
    /// Digest of all rows of the cache.
    pub cache: [u8; 32],
    /// Digest of all rows that the journal makes.
    pub journal: [u8; 32],
    /// The first row that differs.
    pub difference: Option<Difference>,
}

/// Compares a lane's cache with its journal. Blocks, and reads the whole journal.
///
/// # Errors
/// Journal or cache cannot be read, or an event of the journal cannot be folded.
pub fn compare<P: Processor>(
    log: &dyn Log,
    processor: &P,
    cache: &dyn LaneCache,
    lane: u32,
) -> Result<Compared, String> {
    let journal = Topic::journal(processor.service());
    let end = log.extent(&journal, lane).map_err(|e| e.to_string())?.end;
    let mark = rows::mark(processor.service(), lane, processor.tables_version());
    let marked = read(cache.get(MARK))?.is_some_and(|is| is[..] == *mark.as_bytes());
    let stamp: Option<Stamp> = match read(cache.get(STAMP))? {
        Some(bytes) if marked => {
            Some(postcard::from_bytes(&bytes).map_err(|e| format!("its stamp: {e}"))?)
        }
        _ => None,
    };
    let mut compared = Compared {
        lane,
        folded_below: stamp.as_ref().map(|stamp| stamp.next_offset),
        journal_end: end,
        seq: 0,
        rows: 0,
        cache: [0; 32],
        journal: [0; 32],
        difference: None,
    };
    let Some(stamp) = stamp else {
        return Ok(compared);
    };
    let memory = MemoryCache::default();
    let to = stamp.next_offset.min(end);
    let folded = fold_journal(log, processor, &memory, lane, to)?;
    compared.seq = folded.chain.seq;
    let own = read(memory.open(0))?;
    rows_of(cache, own.as_ref(), processor.tables(), &mut compared)?;
    if compared.difference.is_none() {
        let says = (
            stamp.next_offset,
            stamp.chain,
            stamp.decided_at.0,
            stamp.inbox_next,
        );
        let is = (to, folded.chain, folded.decided_at, folded.inbox_next);
        if says != is {
            compared.difference = Some(Difference {
                table: "stamp".to_owned(),
                key: Bytes::from_static(STAMP),
                cache: Some(format!("{says:?}").into()),
                journal: Some(format!("{is:?}").into()),
            });
        }
    }
    Ok(compared)
}

fn read<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("the cache cannot be read: {error}"))
}

struct Folded {
    chain: Chain,
    decided_at: i64,
    inbox_next: u64,
}

fn fold_journal<P: Processor>(
    log: &dyn Log,
    processor: &P,
    memory: &MemoryCache,
    lane: u32,
    to: u64,
) -> Result<Folded, String> {
    let mut state = LaneState::load(read(memory.open(0))?, processor.tables())
        .map_err(|error| error.to_string())?;
    let rows = read(memory.open(0))?;
    let mut folded = Folded {
        chain: Chain::default(),
        decided_at: 0,
        inbox_next: 0,
    };
    let (mut first, mut waiting) = (true, 0_u64);
    let write = |state: &mut LaneState| -> Result<(), String> {
        let (batch, writes) = state.seal();
        if state.failed() {
            return Err("a row of the fold cannot be read or written: see the log".to_owned());
        }
        read(rows.apply(writes))?;
        state.applied(batch);
        Ok(())
    };
    each(
        log,
        &Topic::journal(processor.service()),
        lane,
        to,
        |log_record| {
            let envelope = record::read(&log_record.value);
            let verdict = judge(&folded.chain, first, envelope.as_ref(), processor.level());
            let Some(envelope) = envelope else {
                return Ok(());
            };
            first &= verdict != Verdict::Created;
            folded.chain = folded.chain.after(verdict, &envelope, &log_record.value);
            if let Verdict::Stop(broken) = verdict {
                return Err(format!("offset {}: {broken:?}", log_record.offset));
            }
            if verdict != Verdict::Decisions {
                return Ok(());
            }
            let decisions = Decisions::decode(envelope.body).map_err(|e| e.to_string())?;
            fold::record(processor, &mut state, &decisions)
                .map_err(|error| format!("offset {}: {error}", log_record.offset))?;
            folded.decided_at = decisions.decided_at;
            folded.inbox_next = decisions.inbox_next;
            waiting += 1;
            if waiting.is_multiple_of(RECORDS_PER_WRITE) {
                write(&mut state)?;
            }
            Ok(())
        },
    )?;
    write(&mut state)?;
    Ok(folded)
}

/// Reads a lane from its first record up to an end.
fn each(
    log: &dyn Log,
    topic: &Topic,
    lane: u32,
    to: u64,
    mut visit: impl FnMut(&LogRecord) -> Result<(), String>,
) -> Result<(), String> {
    let (sender, woken) = sync_channel(1);
    let wake: Wake = Arc::new(move || {
        // Full = the reader is being woken already.
        let _ = sender.try_send(());
    });
    if to == 0 {
        return Ok(());
    }
    let mut reader = log
        .reader(topic, lane, 0, wake)
        .map_err(|e| e.to_string())?;
    let mut heard = Instant::now();
    loop {
        let records = reader.poll(READ_BYTES).map_err(|e| e.to_string())?;
        if records.is_empty() {
            if heard.elapsed() > SILENCE_MAX {
                return Err(format!("{topic}/{lane} brings nothing more before {to}"));
            }
            let _ = woken.recv_timeout(Duration::from_millis(200));
            continue;
        }
        heard = Instant::now();
        for record in records {
            if record.offset >= to {
                return Ok(());
            }
            visit(&record)?;
            if record.offset.saturating_add(1) >= to {
                return Ok(());
            }
        }
    }
}

type Row = (Bytes, Bytes);

/// Some rows in order, from a key on; the engine's own stamp and mark are not among them.
fn page(rows: &dyn LaneCache, from: &[u8]) -> Result<Vec<Row>, String> {
    let mut page = Vec::with_capacity(PAGE);
    read(rows.scan(from, STAMP, &mut |key, value| {
        page.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        if page.len() < PAGE {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }))?;
    Ok(page)
}

/// All rows of a cache, page by page.
struct Rows<'c> {
    rows: &'c dyn LaneCache,
    page: std::vec::IntoIter<Row>,
    from: Vec<u8>,
    ended: bool,
    hasher: blake3::Hasher,
    count: u64,
}

impl<'c> Rows<'c> {
    fn of(rows: &'c dyn LaneCache) -> Self {
        Self {
            rows,
            page: Vec::new().into_iter(),
            from: Vec::new(),
            ended: false,
            hasher: blake3::Hasher::new(),
            count: 0,
        }
    }

    fn next(&mut self) -> Result<Option<Row>, String> {
        if self.page.len() == 0 && !self.ended {
            let page = page(self.rows, &self.from)?;
            self.ended = page.len() < PAGE;
            if let Some((last, _)) = page.last() {
                self.from = last.to_vec();
                self.from.push(0);
            }
            self.page = page.into_iter();
        }
        let row = self.page.next();
        if let Some((key, value)) = &row {
            self.count = self.count.saturating_add(1);
            for part in [key, value] {
                self.hasher.update(&(part.len() as u64).to_le_bytes());
                self.hasher.update(part);
            }
        }
        Ok(row)
    }
}

fn rows_of(
    cache: &dyn LaneCache,
    journal: &dyn LaneCache,
    tables: &[TableDef],
    compared: &mut Compared,
) -> Result<(), String> {
    let (mut left, mut right) = (Rows::of(cache), Rows::of(journal));
    loop {
        let (a, b) = (left.next()?, right.next()?);
        if a.is_none() && b.is_none() {
            break;
        }
        if compared.difference.is_none() && a != b {
            compared.difference = Some(difference(a, b, tables));
        }
    }
    compared.rows = left.count.max(right.count);
    compared.cache = *left.hasher.finalize().as_bytes();
    compared.journal = *right.hasher.finalize().as_bytes();
    Ok(())
}

/// The first of two rows that are not the same: the lower key, or both values under one.
fn difference(cache: Option<Row>, journal: Option<Row>, tables: &[TableDef]) -> Difference {
    let key = match (&cache, &journal) {
        (Some((a, _)), Some((b, _))) => a.min(b).clone(),
        (Some((key, _)), None) | (None, Some((key, _))) => key.clone(),
        (None, None) => Bytes::new(),
    };
    let of = |row: Option<Row>| row.filter(|(k, _)| *k == key).map(|(_, value)| value);
    let id = key.first().copied().unwrap_or_default();
    let table = tables.iter().chain(&rows::TABLES).find(|t| t.id == id);
    Difference {
        table: table.map_or_else(|| format!("table {id}"), |table| table.name.to_owned()),
        key: key.slice(1.min(key.len())..),
        cache: of(cache),
        journal: of(journal),
    }
}
