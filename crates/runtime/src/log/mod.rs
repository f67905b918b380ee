//! What a log must do for the engine: ordered partitions with acknowledged appends.
//!
//! Two logs implement it: `kafka` and `embedded`. Both pass one conformance suite. Nothing here knows
//! which records are valid; that is [`crate::lane`]'s matter. [`memory`] is a third one, for tests,
//! that can be told to misbehave.

pub mod embedded;
pub mod kafka;
pub mod memory;
pub mod walk;

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use tenfold_domain::Timestamp;

/// A topic's name without the `tenfold.` prefix: `intake.inbox`, `pooling.journal`, `reports`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(Arc<str>);

impl Topic {
    /// The inbox of a service.
    #[must_use]
    pub fn inbox(service: &str) -> Self {
        Self(format!("{service}.inbox").into())
    }

    /// The journal of a service.
    #[must_use]
    pub fn journal(service: &str) -> Self {
        Self(format!("{service}.journal").into())
    }

    /// Any other topic.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// The name without prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in Kafka.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("tenfold.{}", self.0)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Largest record a log takes: key, content and headers together, in bytes. Kafka's own default for
/// a message, and the same for every log, so that what one takes the others take too.
pub const RECORD_BYTES_MAX: usize = 1_000_000;

/// How a topic is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// For ever, never compacted, append time set by the log.
    Forever,
    /// At least this many days.
    Days(u32),
    /// Only the newest record of each key.
    Compacted,
}

/// A topic that must exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// Which.
    pub topic: Topic,
    /// Number of lanes (partitions), fixed at creation.
    pub lanes: u32,
    /// How it is kept.
    pub retention: Retention,
}

/// A record to append.
#[derive(Clone, Debug, Default)]
pub struct NewRecord {
    /// Its key, in public topics.
    pub key: Option<Bytes>,
    /// Its content.
    pub value: Bytes,
    /// Its headers, in public topics.
    pub headers: Vec<(String, Bytes)>,
}

impl NewRecord {
    /// A record of content alone.
    #[must_use]
    pub fn of(value: impl Into<Bytes>) -> Self {
        Self {
            value: value.into(),
            ..Self::default()
        }
    }

    /// Bytes of key, content and headers together; compare with [`RECORD_BYTES_MAX`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len) + self.value.len() + header_bytes(&self.headers)
    }
}

fn header_bytes(headers: &[(String, Bytes)]) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

/// A record as the log has it.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// Its place. Offsets grow; they need not be consecutive.
    pub offset: u64,
    /// When the log appended it.
    pub appended_at: Timestamp,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its content.
    pub value: Bytes,
    /// Its headers.
    pub headers: Vec<(String, Bytes)>,
}

impl LogRecord {
    /// Bytes of key, content and headers together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len) + self.value.len() + header_bytes(&self.headers)
    }
}

/// An append's good end, as the log tells it. A log may be wrong about the offset; the lane protocol
/// compares it with the one it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where; `None` if the log does not say.
    pub offset: Option<u64>,
}

/// Why an append has no good end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It may be in the log, now or later, or never.
    #[error("unknown whether it was appended: {0}")]
    Unknown(String),
    /// It is not in the log and never will be: it was not sent. Trying again may help.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The log will never take it: too large, not allowed, no such topic. Trying again will not help.
    #[error("refused: {0}")]
    Refused(String),
    /// There is no room. It is not in the log; trying again helps when there is room.
    #[error("no room: {0}")]
    NoRoom(String),
}

/// Why nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The position is outside what the log has: below its start or above its end.
    #[error("offset {wanted} is outside the log: it holds {start} to {end}")]
    OutOfRange {
        /// The position asked for.
        wanted: u64,
        /// First offset there is.
        start: u64,
        /// One above the last offset.
        end: u64,
    },
    /// The log does not answer. Trying again may help.
    #[error("log does not answer: {0}")]
    Unavailable(String),
    /// The topic or lane is not there, or not allowed.
    #[error("refused: {0}")]
    Refused(String),
}

/// Which of a process's connections an append goes through, so that bulk never holds up a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Journals: someone waits for them.
    Commit,
    /// Relays between lanes, public topics, and bulk from outside.
    Relay,
}

/// Called once with an append's end, from a thread of the log; must not block.
pub type Done = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

/// Called whenever a reader has something new; must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The extent of a lane at some moment. A hint: it may lag behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First offset there is.
    pub start: u64,
    /// One above the last.
    pub end: u64,
}

/// All that a log has at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Every lane of every topic.
    pub lanes: Vec<CutLane>,
    /// How far groups have read.
    pub positions: Vec<CutPosition>,
}

/// One lane at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutLane {
    /// Its topic.
    pub topic: Topic,
    /// Its number.
    pub lane: u32,
    /// Number of lanes of the topic.
    pub lanes: u32,
    /// One above its last offset.
    pub end: u64,
}

/// One group's position at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutPosition {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: Topic,
    /// The lane.
    pub lane: u32,
    /// Where it reads on.
    pub next: u64,
}

/// Reads one lane of one topic in order.
pub trait Reader: Send {
    /// Takes what has arrived, about `max_bytes` at most (but at least one record if there is any).
    /// Never blocks: nothing yet is an empty list, and `Wake` is called when there is more.
    ///
    /// # Errors
    /// See [`ReadError`]; after one, the reader is of no more use.
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<LogRecord>, ReadError>;
}

/// Keeps an instance in a service's group; dropping it leaves the group.
pub trait Membership: Send + Sync {
    /// Leaves now, so that others are given the lanes at once.
    fn leave(&self);
}

/// Told which lanes this instance should own, whenever that changes. A suggestion: owning is decided
/// by the journal alone.
pub type Suggest = Arc<dyn Fn(Vec<u32>) + Send + Sync>;

/// An ordered, durable log of topics with lanes.
pub trait Log: Send + Sync + 'static {
    /// Starts an append and returns at once. Appends of one caller to one lane are written in the
    /// order they were started. `done` is called once, for appends to one lane in that same order
    /// unless one fails.
    fn append(&self, class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done);

    /// Reads a lane from an offset on, for ever.
    ///
    /// # Errors
    /// See [`ReadError`]; errors may also come at the first poll.
    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError>;

    /// First and next offset of a lane; may block for seconds.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError>;

    /// Removes a lane's records below an offset, for ever, and returns the first offset there is then. The last record
    /// stays, whatever is asked for. Readers that stand below are told [`ReadError::OutOfRange`]. May block for long.
    ///
    /// # Errors
    /// See [`ReadError`]; some of the records may be gone then.
    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError>;

    /// Number of lanes of a topic; may block for seconds.
    ///
    /// # Errors
    /// The topic is not there.
    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError>;

    /// Creates the topics that are not there yet; may block for seconds.
    ///
    /// # Errors
    /// A topic is there with another number of lanes, or cannot be made; says which.
    fn create(&self, plans: &[TopicPlan]) -> Result<(), String>;

    /// What of the log's settings breaks the promises made here, in words that say what to set; may
    /// block for seconds. Empty = all is well.
    fn settings_problems(&self, plans: &[TopicPlan]) -> Vec<String>;

    /// Joins the group that spreads the lanes of a topic over instances. `instance` stays the same
    /// when a process starts again.
    fn join(
        &self,
        group: &str,
        instance: &str,
        topic: &Topic,
        suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError>;

    /// The position a group has stored for a lane (for routers of public topics; lanes never use it).
    ///
    /// # Errors
    /// See [`ReadError`].
    fn position(&self, group: &str, topic: &Topic, lane: u32) -> Result<Option<u64>, ReadError>;

    /// Stores a group's position in a lane.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn store_position(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError>;

    /// What the log has at one moment, all lanes at the same commit.
    ///
    /// # Errors
    /// The log knows no such moment: its lanes are on several machines.
    fn cut(&self) -> Result<Cut, ReadError> {
        Err(ReadError::Refused(
            "this log has no one moment for all its lanes; it has copies of its own".into(),
        ))
    }
}
