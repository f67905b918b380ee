//! The tables of the embedded log. How a record is stored in them: `stored`. This format lives for ever.

use super::reserve::{Reserve, WithReserve};
use super::stored::{decode, encode};
use crate::log::{LogRecord, NewRecord, Topic};
use redb::backends::FileBackend;
use redb::{
    Database, ReadableDatabase, ReadableTable, StorageBackend, Table, TableDefinition, TableError,
    WriteTransaction,
};
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;
use tenfold_domain::Timestamp;

/// Topic id and lane.
pub(super) type Place = (u32, u32);

/// Topic id, lane, offset.
type RecordKey = (u32, u32, u64);

/// Opens the database, again after every failure.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send>;

const RECORDS: TableDefinition<'_, RecordKey, &[u8]> = TableDefinition::new("records");
/// Topic name -> (topic id, lanes).
const TOPICS: TableDefinition<'_, &str, (u32, u32)> = TableDefinition::new("topics");
/// (group, topic id, lane) -> next offset.
const POSITIONS: TableDefinition<'_, (&str, u32, u32), u64> = TableDefinition::new("positions");

/// Bytes at the start of a database's file that say what it is.
const MAGIC_BYTES: usize = 9;
/// A page of redb's.
const PAGE_BYTES: usize = 4096;
/// A file that is larger was not cut off in its making (redb makes one of about a mebibyte).
const UNFINISHED_BYTES_MAX: u64 = 16 << 20;

/// Records removed in one transaction: appends wait for it.
const TRIM_RECORDS_MAX: u64 = 1_024;

/// A topic as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TopicInfo {
    pub(super) id: u32,
    pub(super) lanes: u32,
}

/// Where a lane begins and ends, and when its last record was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaneEnds {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) last_at: Timestamp,
}

impl LaneEnds {
    pub(super) const EMPTY: Self = Self {
        start: 0,
        end: 0,
        last_at: Timestamp(0),
    };
}

/// Opens or makes the file.
pub(super) fn open(
    file: &Path,
    cache_bytes: usize,
    reserve: &Arc<dyn Reserve>,
) -> Result<Database, redb::DatabaseError> {
    let is_new = !file.exists();
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(file)?;
    if is_new {
        // A file that is synced is not yet one that its folder names after a loss of power.
        for folder in file.ancestors().skip(1).take(2) {
            File::open(folder).and_then(|folder| folder.sync_all())?;
        }
    }
    let shown = file.display().to_string();
    let storage = WithReserve::new(FileBackend::new(opened)?, Arc::clone(reserve));
    open_on(storage, cache_bytes, &shown)
}

/// Opens or makes a log on a storage; says how far a repair is, since it can take long.
pub(super) fn open_on(
    storage: impl StorageBackend,
    cache_bytes: usize,
    shown: &str,
) -> Result<Database, redb::DatabaseError> {
    if is_unfinished(&storage)? {
        tracing::info!(file = %shown, "log: its making was cut off before anything was stored: made again");
        storage.set_len(0)?;
    }
    let shown = shown.to_owned();
    Database::builder()
        .set_cache_size(cache_bytes)
        .set_repair_callback(move |repair| {
            let percent = repair.progress() * 100.0;
            tracing::info!(file = %shown, percent, "log was not closed cleanly: checking it");
        })
        .create_with_backend(storage)
}

/// Was the making of this storage cut off? redb writes the first bytes, that say what the file is,
/// only when all the rest of an empty database is synced; before, it takes the file for a stranger's.
/// So: nothing in the first bytes, and nothing behind the page they are in.
fn is_unfinished(storage: &impl StorageBackend) -> std::io::Result<bool> {
    let len = storage.len()?;
    if len == 0 || len > UNFINISHED_BYTES_MAX {
        return Ok(false);
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    storage.read(0, &mut bytes)?;
    let (page, behind) = bytes.split_at(bytes.len().min(PAGE_BYTES));
    let head = page.get(..MAGIC_BYTES).unwrap_or(page);
    Ok(head.iter().chain(behind).all(|byte| *byte == 0))
}

/// All topics there are.
pub(super) fn load_topics(database: &Database) -> Result<HashMap<String, TopicInfo>, String> {
    let read = database.begin_read().map_err(text)?;
    let table = match read.open_table(TOPICS) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(HashMap::new()),
        Err(error) => return Err(text(error)),
    };
    let mut topics = HashMap::new();
    for row in table.iter().map_err(text)? {
        let (name, info) = row.map_err(text)?;
        let (id, lanes) = info.value();
        topics.insert(name.value().to_owned(), TopicInfo { id, lanes });
    }
    Ok(topics)
}

/// The ends of every lane of every topic: two look-ups a lane, however long the log is.
pub(super) fn load_lanes(
    database: &Database,
    topics: &HashMap<String, TopicInfo>,
) -> Result<BTreeMap<Place, LaneEnds>, String> {
    let read = database.begin_read().map_err(text)?;
    let table = match read.open_table(RECORDS) {
        Ok(table) => Some(table),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(error) => return Err(text(error)),
    };
    let mut lanes = BTreeMap::new();
    for info in topics.values() {
        for lane in 0..info.lanes {
            let place = (info.id, lane);
            let ends = match &table {
                Some(table) => lane_ends(table, place)?,
                None => LaneEnds::EMPTY,
            };
            lanes.insert(place, ends);
        }
    }
    Ok(lanes)
}

fn lane_ends(
    table: &impl ReadableTable<RecordKey, &'static [u8]>,
    (topic, lane): Place,
) -> Result<LaneEnds, String> {
    let mut range = table
        .range((topic, lane, 0)..=(topic, lane, u64::MAX))
        .map_err(text)?;
    let Some(first) = range.next().transpose().map_err(text)? else {
        return Ok(LaneEnds::EMPTY);
    };
    let start = first.0.value().2;
    let (key, value) = range
        .next_back()
        .transpose()
        .map_err(text)?
        .unwrap_or(first);
    let last = decode(key.value().2, value.value())?;
    Ok(LaneEnds {
        start,
        end: last.offset.saturating_add(1),
        last_at: last.appended_at,
    })
}

/// Reads a lane from an offset up to, not including, `end`: about `max_bytes`, at least one record.
pub(super) fn read_range(
    database: &Database,
    (topic, lane): Place,
    from: u64,
    end: u64,
    max_bytes: usize,
) -> Result<Vec<LogRecord>, String> {
    let read = database.begin_read().map_err(text)?;
    let table = read.open_table(RECORDS).map_err(text)?;
    let mut records = Vec::new();
    let mut bytes = 0_usize;
    for row in table
        .range((topic, lane, from)..(topic, lane, end))
        .map_err(text)?
    {
        let (key, value) = row.map_err(text)?;
        let record = decode(key.value().2, value.value())?;
        // Of the record, not of what is stored: that may be a tenth of it.
        bytes = bytes.saturating_add(record.value.len());
        if bytes > max_bytes && !records.is_empty() {
            break;
        }
        records.push(record);
    }
    Ok(records)
}

/// A group's position.
pub(super) fn position(
    database: &Database,
    group: &str,
    (topic, lane): Place,
) -> Result<Option<u64>, String> {
    let read = database.begin_read().map_err(text)?;
    match read.open_table(POSITIONS) {
        Ok(table) => Ok(table
            .get((group, topic, lane))
            .map_err(text)?
            .map(|next| next.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(text(error)),
    }
}

/// All groups' positions.
pub(super) fn positions(database: &Database) -> Result<Vec<(String, Place, u64)>, String> {
    let read = database.begin_read().map_err(text)?;
    let table = match read.open_table(POSITIONS) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(text(error)),
    };
    let mut positions = Vec::new();
    for row in table.iter().map_err(text)? {
        let (key, next) = row.map_err(text)?;
        let (group, topic, lane) = key.value();
        positions.push((group.to_owned(), (topic, lane), next.value()));
    }
    Ok(positions)
}

/// One write transaction under way.
pub(super) struct Writing<'t> {
    records: Table<'t, RecordKey, &'static [u8]>,
    topics: Table<'t, &'static str, (u32, u32)>,
    positions: Table<'t, (&'static str, u32, u32), u64>,
}

impl<'t> Writing<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            topics: transaction.open_table(TOPICS)?,
            positions: transaction.open_table(POSITIONS)?,
        })
    }

    pub(super) fn record(
        &mut self,
        (topic, lane): Place,
        offset: u64,
        appended_at: Timestamp,
        record: NewRecord,
    ) -> Result<(), redb::Error> {
        let stored = encode(appended_at, record);
        self.records
            .insert((topic, lane, offset), stored.as_slice())?;
        Ok(())
    }

    /// Removes records from `start` up to `below`, [`TRIM_RECORDS_MAX`] at most; where the lane starts then.
    pub(super) fn trim(
        &mut self,
        (topic, lane): Place,
        start: u64,
        below: u64,
    ) -> Result<u64, redb::Error> {
        let until = below.min(start.saturating_add(TRIM_RECORDS_MAX)).max(start);
        for offset in start..until {
            self.records.remove((topic, lane, offset))?;
        }
        Ok(until)
    }

    pub(super) fn topic(&mut self, topic: &Topic, info: TopicInfo) -> Result<(), redb::Error> {
        self.topics.insert(topic.as_str(), (info.id, info.lanes))?;
        Ok(())
    }

    pub(super) fn position(
        &mut self,
        group: &str,
        (topic, lane): Place,
        next: u64,
    ) -> Result<(), redb::Error> {
        self.positions.insert((group, topic, lane), next)?;
        Ok(())
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
