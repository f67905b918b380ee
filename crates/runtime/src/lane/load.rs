//! Before a lane is taken: what the cache has, and whether it belongs to this log.

use super::context::Context;
use super::early::{self, Tables};
use super::record::{self, Id};
use super::restore;
use super::rows::{self, Journal, MARK, Stamp};
use super::state::LaneState;
use crate::cache::Cache as _;
use crate::log::{Extent, Log, LogRecord, ReadError, Topic};
use crate::snapshot::Name;
use bytes::Bytes;
use prost::Message;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tenfold_domain::tables::TableDef;
use tenfold_proto::lane::{InboxRecord, LaneCreated, RecordKind, inbox_record};

/// How long the first record of a lane may take to arrive.
const FIRST_RECORD_TIMEOUT: Duration = Duration::from_secs(20);

/// A cache that was read and belongs to its log.
pub struct Loaded {
    /// The state, as far as the cache has it.
    pub state: LaneState,
    /// Where it stands; `None` for an empty cache.
    pub stamp: Option<Stamp>,
    /// The snapshot that an empty cache was filled from just now.
    pub restored: Option<Name>,
    /// What the log says of the lane.
    pub ends: Ends,
}

/// What the log says of a lane before it is taken.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// What the journal says of itself.
    pub journal: Journal,
    /// The inbox named in the journal's first record.
    pub first_inbox: Id,
    /// The journal's extent: a hint.
    pub extent: Extent,
    /// The inbox's id.
    pub inbox_id: Id,
    /// The inbox's extent: a hint.
    pub inbox: Extent,
}

/// Why a lane is not opened.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Trying again may help, however often: the log does not answer.
    #[error("{0}")]
    Again(String),
    /// The cache is ahead of the log: its end may lag, or its tail is lost, and then a person must decide.
    #[error("{0}")]
    Ahead(String),
    /// A person must decide.
    #[error("{0}")]
    Refused(String),
    /// The cache cannot be read or written. Without it nothing goes on, and with room it does.
    #[error("the cache cannot be used: {reason}")]
    Cache {
        /// Its disk is full.
        full: bool,
        /// What the system says.
        reason: String,
    },
    /// Reading ended in a panic: whatever the cache has cannot be trusted, and it is rebuilt.
    #[error("reading the cache panicked: it is wiped, and rebuilt from the journal")]
    Panicked,
    /// The system gave no thread to read it.
    #[error("there was no thread to read the cache")]
    NotStarted,
}

impl From<ReadError> for LoadError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(_) => Self::Again(error.to_string()),
            ReadError::Refused(_) | ReadError::OutOfRange { .. } => {
                Self::Refused(error.to_string())
            }
        }
    }
}

impl From<std::io::Error> for LoadError {
    fn from(error: std::io::Error) -> Self {
        let full = matches!(
            error.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        );
        let reason = error.to_string();
        Self::Cache { full, reason }
    }
}

/// Whose cache is read, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The lane.
    pub lane: u32,
    /// The service's tables.
    pub tables: &'static [TableDef],
    /// Their version.
    pub tables_version: u32,
    /// Highest level of a record that may be folded.
    pub level: u32,
    /// Whatever the cache has is not to be used.
    pub wipe: bool,
    /// Snapshots that led to a state that could not be used.
    pub distrusted: BTreeSet<Name>,
}

/// What a cache had, or was filled with.
struct Kept {
    state: LaneState,
    stamp: Option<Stamp>,
    restored: Option<Name>,
}

/// Reads the cache of a lane, and checks it against the log. Blocks; runs in the background.
pub fn load(context: &Context, wanted: &Wanted) -> Result<Box<Loaded>, LoadError> {
    let ends = ends(context, wanted.lane)?;
    let kept = open_cache(context, wanted, &ends.journal, ends.extent)?;
    let Kept {
        state,
        stamp,
        restored,
    } = kept;
    if let Some(stamp) = &stamp {
        belongs(context, wanted.lane, stamp, &ends)?;
    }
    // From a snapshot just now, or from one of which this process has not moved all rows yet.
    if context.cache.stands(wanted.lane) {
        context.applier.settle(wanted.lane);
    }
    Ok(Box::new(Loaded {
        state,
        stamp,
        restored,
        ends,
    }))
}

/// Looks at the log for a lane whose state is at hand and stands at this stamp. Blocks; runs in the background.
pub fn look(context: &Context, lane: u32, stamp: &Stamp) -> Result<Box<Ends>, LoadError> {
    let ends = ends(context, lane)?;
    belongs(context, lane, stamp, &ends)?;
    Ok(Box::new(ends))
}

fn ends(context: &Context, lane: u32) -> Result<Ends, LoadError> {
    let log = context.log.as_ref();
    let topic = context.journal();
    let (extent, first) = first_record(log, &topic, lane)?;
    let (journal, first_inbox) = created(&topic, lane, &first)?;
    let (inbox, first) = first_record(log, &context.inbox(), lane)?;
    let inbox_id = inbox_created(&context.inbox(), lane, &first)?;
    Ok(Ends {
        journal,
        first_inbox,
        extent,
        inbox_id,
        inbox,
    })
}

/// Whether a state belongs to this log, and the log has all it was made of.
fn belongs(context: &Context, lane: u32, stamp: &Stamp, ends: &Ends) -> Result<(), LoadError> {
    check(&context.journal(), lane, stamp, &ends.journal, ends.extent)?;
    if stamp.inbox_id == ends.inbox_id && stamp.inbox_next > ends.inbox.end {
        return Err(LoadError::Ahead(format!(
            "{}/{lane} ends at offset {}, but the journal has consumed it below {}: either the log lags and will catch up, or it has lost the inbox's tail: then restore it",
            context.inbox(),
            ends.inbox.end,
            stamp.inbox_next
        )));
    }
    Ok(())
}

fn check(
    topic: &Topic,
    lane: u32,
    stamp: &Stamp,
    journal: &Journal,
    extent: Extent,
) -> Result<(), LoadError> {
    if stamp.journal.id != journal.id {
        return Err(LoadError::Refused(format!(
            "{topic}/{lane} is journal {}, but the cache is a fold of journal {}: the topic was made anew, or the cache is another cluster's. If this journal is the right one, remove the cache folder and start again",
            journal.id, stamp.journal.id
        )));
    }
    if stamp.next_offset > extent.end {
        return Err(LoadError::Ahead(format!(
            "the cache is ahead of the log: it stands at offset {}, and {topic}/{lane} ends at {}. Either the log lags and will catch up, or it has lost its tail: then restore it; only if that loss is accepted, remove the cache folder and start again",
            stamp.next_offset, extent.end
        )));
    }
    if stamp.anchor.offset < extent.start {
        return Err(LoadError::Refused(format!(
            "{topic}/{lane} starts at offset {}, behind what the cache needs ({}): restore the journal's head",
            extent.start, stamp.anchor.offset
        )));
    }
    Ok(())
}

fn open_cache(
    context: &Context,
    wanted: &Wanted,
    journal: &Journal,
    extent: Extent,
) -> Result<Kept, LoadError> {
    let Wanted { lane, tables, .. } = *wanted;
    let mark = rows::mark(context.service, lane, wanted.tables_version);
    // Gone in any case: from here on the cache may be written.
    let early = context.early.take(lane);
    if !wanted.wipe {
        let of = Tables {
            service: context.service,
            tables,
            version: wanted.tables_version,
        };
        let read = early.map_or_else(|| early::kept(&context.cache, &of, lane), |it| Ok(Some(it)));
        match read {
            Ok(None) => {}
            Ok(Some((state, stamp))) => {
                return Ok(Kept {
                    state,
                    stamp: Some(stamp),
                    restored: None,
                });
            }
            Err(error) => {
                tracing::warn!(service = context.service, lane, %error, "the cache is damaged: it is wiped, and rebuilt from a snapshot or the journal");
            }
        }
    }
    if let Some(snapshot) = restore::restore(context, wanted, journal, extent, &mark)? {
        let cache = context.cache.open(lane)?;
        let read = catch_unwind(AssertUnwindSafe(|| LaneState::load(cache, tables)))
            .unwrap_or_else(|_| Err(std::io::Error::other("reading it panicked")));
        match read {
            Ok(state) => {
                return Ok(Kept {
                    state,
                    stamp: Some(snapshot.stamp),
                    restored: Some(snapshot.name),
                });
            }
            Err(error) => {
                tracing::warn!(service = context.service, lane, %error, "what a snapshot made cannot be read: the journal is folded instead");
            }
        }
    }
    context.cache.wipe(lane)?;
    let cache = context.cache.open(lane)?;
    cache.apply(vec![(Bytes::from_static(MARK), Some(mark.into()))])?;
    Ok(Kept {
        state: LaneState::load(cache, tables)?,
        stamp: None,
        restored: None,
    })
}

/// Reads the first record of a lane, waiting for it to arrive.
fn first_record(log: &dyn Log, topic: &Topic, lane: u32) -> Result<(Extent, LogRecord), LoadError> {
    let extent = log.extent(topic, lane)?;
    if extent.start == extent.end {
        return Err(LoadError::Refused(format!(
            "{topic}/{lane} is empty: it was never created, or has been emptied. `tenfold topics create` creates lanes; if this one had records, restore them"
        )));
    }
    if extent.start > 0 {
        return Err(LoadError::Refused(format!(
            "{topic}/{lane} starts at offset {}: its head is missing. If it was put away, name the store that has it (setting heads.url); else restore it, and set its retention to unlimited",
            extent.start
        )));
    }
    let signal = Arc::new((Mutex::new(()), Condvar::new()));
    let wake = Arc::clone(&signal);
    let mut reader = log.reader(
        topic,
        lane,
        extent.start,
        Arc::new(move || wake.1.notify_all()),
    )?;
    let step = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    while waited < FIRST_RECORD_TIMEOUT {
        if let Some(first) = reader.poll(1)?.into_iter().next() {
            return Ok((extent, first));
        }
        let guard = signal.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            signal
                .1
                .wait_timeout(guard, step)
                .unwrap_or_else(PoisonError::into_inner),
        );
        waited += step;
    }
    Err(LoadError::Again(format!(
        "the first record of {topic}/{lane} did not arrive within {} s",
        FIRST_RECORD_TIMEOUT.as_secs()
    )))
}

fn created(topic: &Topic, lane: u32, first: &LogRecord) -> Result<(Journal, Id), LoadError> {
    record::read(&first.value)
        .filter(|envelope| envelope.kind() == RecordKind::LaneCreated)
        .and_then(|envelope| LaneCreated::decode(envelope.body).ok())
        .and_then(|created| {
            let journal = Journal {
                id: Id::from_slice(&created.journal_id)?,
                lanes: created.lanes,
                stream: Id::from_slice(&created.stream_id)?,
            };
            Some((journal, Id::from_slice(&created.inbox_id)?))
        })
        .ok_or_else(|| {
            LoadError::Refused(format!(
                "{topic}/{lane} does not start with the record that creates a lane: it is no journal of this system"
            ))
        })
}

fn inbox_created(topic: &Topic, lane: u32, first: &LogRecord) -> Result<Id, LoadError> {
    InboxRecord::decode(first.value.clone())
        .ok()
        .and_then(|record| match record.content {
            Some(inbox_record::Content::Created(created)) => Id::from_slice(&created.inbox_id),
            _ => None,
        })
        .ok_or_else(|| {
            LoadError::Refused(format!(
                "{topic}/{lane} does not start with the record that creates an inbox: it is no inbox of this system"
            ))
        })
}
