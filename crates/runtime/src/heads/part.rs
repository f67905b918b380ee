//! A part of a head: consecutive records of a lane in one object.

use crate::log::{LogRecord, Topic};
use crate::sealed::{self, Damaged, Kind};
use crate::snapshot::store::{Store, StoreError};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use tenfold_domain::Timestamp;
use tenfold_proto::lane::{ArchivedHeader, ArchivedRecord, HeadPart, HeadRecord};

/// A part is closed when its records have so many bytes: few objects for a long head, and no long wait for whoever wants
/// one record of it.
pub const BYTES: usize = 4 << 20;
/// Largest part that is read at all: a part, the record that closed it, and what tells records apart.
pub const BYTES_MAX: u64 = 16 << 20;

const KIND: &Kind = b"TENFHED\x01";

/// Which records a part has: those from `first` up to `end`, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// End of the part before.
    pub first: u64,
    /// One above its last record's offset.
    pub end: u64,
}

impl Name {
    /// The part of a lane's first record, if its offset is 0: it has nothing else.
    pub const FIRST: Self = Self { first: 0, end: 1 };

    /// Its object's name.
    #[must_use]
    pub fn object(self, topic: &Topic, lane: u32) -> String {
        format!("{}{:020}-{:020}", prefix(topic, lane), self.first, self.end)
    }

    fn read(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (first, end) = text.split_once('-')?;
        let name = Self {
            first: number(first)?,
            end: number(end)?,
        };
        (name.first < name.end).then_some(name)
    }
}

/// Begin of the names of a lane's parts.
fn prefix(topic: &Topic, lane: u32) -> String {
    format!("heads/{topic}/{lane}/")
}

/// All parts that a store has of a lane.
///
/// # Errors
/// The store does not answer.
pub fn list(store: &dyn Store, topic: &Topic, lane: u32) -> Result<BTreeSet<Name>, StoreError> {
    let prefix = prefix(topic, lane);
    let entries = store.list(&prefix)?;
    let names = entries.iter().filter_map(|entry| {
        // What is not ours is left alone.
        entry.name.strip_prefix(&prefix).and_then(Name::read)
    });
    Ok(names.collect())
}

/// All that a store has of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Of which topic.
    pub topic: Topic,
    /// Of which lane.
    pub lane: u32,
    /// Its parts.
    pub parts: BTreeSet<Name>,
    /// Bytes of their objects.
    pub bytes: u64,
}

/// All that a store has, in order of topics and lanes.
///
/// # Errors
/// The store does not answer.
pub fn locate(store: &dyn Store) -> Result<Vec<Located>, StoreError> {
    let mut lanes: BTreeMap<(Topic, u32), (BTreeSet<Name>, u64)> = BTreeMap::new();
    for entry in store.list("heads/")? {
        let mut words = entry.name.split('/').skip(1);
        if let (Some(topic), Some(lane), Some(name), None) =
            (words.next(), words.next(), words.next(), words.next())
            && let (Ok(lane), Some(name)) = (lane.parse(), Name::read(name))
        {
            let (parts, bytes) = lanes.entry((Topic::named(topic), lane)).or_default();
            parts.insert(name);
            *bytes = bytes.saturating_add(entry.bytes);
        }
    }
    let lanes = lanes.into_iter();
    let located = lanes.map(|((topic, lane), (parts, bytes))| Located {
        topic,
        lane,
        parts,
        bytes,
    });
    Ok(located.collect())
}

/// Parts that lead from offset 0 on without a gap; of those that overlap the longest.
#[must_use]
pub fn one_after_another(parts: BTreeSet<Name>) -> Vec<Name> {
    let mut chosen = Vec::new();
    let mut covered = 0;
    let mut best: Option<Name> = None;
    for part in parts {
        if part.first > covered {
            match best.take() {
                Some(next) if next.end >= part.first => {
                    covered = next.end;
                    chosen.push(next);
                }
                other => {
                    best = other;
                    break;
                }
            }
        }
        if part.end > best.map_or(covered, |best| best.end) {
            best = Some(part);
        }
    }
    chosen.extend(best);
    chosen
}

/// The object of a part.
pub(super) fn seal(name: Name, topic: &Topic, lane: u32, records: &[LogRecord]) -> Bytes {
    let part = HeadPart {
        topic: topic.as_str().to_owned(),
        lane,
        first: name.first,
        end: name.end,
        records: records.iter().map(to_wire).collect(),
    };
    sealed::seal(KIND, &part)
}

/// Why a part gives no records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPart {
    /// The store does not give it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not what was written.
    #[error("part {0} of a head is damaged: {1}. Bring it back from a copy of the store")]
    Damaged(String, Damaged),
}

/// The records of a part, proven to be those that were written.
///
/// # Errors
/// See [`NoPart`].
pub fn read(
    store: &dyn Store,
    topic: &Topic,
    lane: u32,
    name: Name,
) -> Result<Vec<LogRecord>, NoPart> {
    let object = name.object(topic, lane);
    let damaged = |what: Damaged| NoPart::Damaged(object.clone(), what);
    let bytes = store
        .get(&object, BYTES_MAX)?
        .ok_or_else(|| damaged(Damaged("it is gone".to_owned())))?;
    let part: HeadPart = sealed::unseal(KIND, &bytes).map_err(damaged)?;
    let is = (part.topic.as_str(), part.lane, part.first, part.end);
    if is != (topic.as_str(), lane, name.first, name.end) {
        return Err(damaged(Damaged(format!(
            "it is {}/{} from {} to {}",
            is.0, is.1, is.2, is.3
        ))));
    }
    let records: Vec<LogRecord> = part.records.into_iter().filter_map(from_wire).collect();
    let grow = records
        .windows(2)
        .all(|two| matches!(two, [a, b] if a.offset < b.offset));
    let first = records.first().is_some_and(|r| r.offset >= name.first);
    let last = records.last().is_some_and(|r| r.offset + 1 == name.end);
    if !(grow && first && last) {
        return Err(damaged(Damaged(
            "its records are not those that its name says".to_owned(),
        )));
    }
    Ok(records)
}

fn to_wire(record: &LogRecord) -> HeadRecord {
    let headers = record.headers.iter().map(|(name, value)| ArchivedHeader {
        name: name.clone(),
        value: value.clone(),
    });
    HeadRecord {
        offset: record.offset,
        record: Some(ArchivedRecord {
            key: record.key.clone(),
            value: record.value.clone(),
            headers: headers.collect(),
            appended_at: record.appended_at.0,
        }),
    }
}

fn from_wire(found: HeadRecord) -> Option<LogRecord> {
    let record = found.record?;
    let headers = record.headers.into_iter();
    Some(LogRecord {
        offset: found.offset,
        appended_at: Timestamp(record.appended_at),
        key: record.key,
        value: record.value,
        headers: headers.map(|header| (header.name, header.value)).collect(),
    })
}

/// Are these the same record, at the same place and time?
pub(super) fn same(a: &LogRecord, b: &LogRecord) -> bool {
    (a.offset, a.appended_at, &a.key, &a.value, &a.headers)
        == (b.offset, b.appended_at, &b.key, &b.value, &b.headers)
}
