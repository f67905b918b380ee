//! What an audit reads: lanes of topics, from their first record up to an end.

use bytes::Bytes;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// The three services, each with an inbox and a journal.
pub const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

/// The topics that leave the system, and are checked against what the journals sent to them.
pub const PUBLIC: [&str; 2] = ["reports", "dead-letters"];

/// One lane of one topic, the topic without its `tenfold.` prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneName {
    /// Such as `pooling.journal`.
    pub topic: Arc<str>,
    /// From 0.
    pub lane: u32,
}

impl LaneName {
    /// A lane of a topic.
    #[must_use]
    pub fn new(topic: &str, lane: u32) -> Self {
        Self {
            topic: topic.into(),
            lane,
        }
    }
}

impl fmt::Display for LaneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.lane)
    }
}

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Such as `pooling.journal`.
    pub topic: String,
    /// From 0.
    pub lane: u32,
    /// Offset in the lane.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.topic, self.lane, self.offset)
    }
}

/// A record as the log has it.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Its place in the lane.
    pub offset: u64,
    /// When the log appended it, in milliseconds since 1970.
    pub appended_at: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its content.
    pub value: Bytes,
    /// Its headers.
    pub headers: Vec<(String, Bytes)>,
}

/// First offset of a lane, and the one above its last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// First offset there is.
    pub start: u64,
    /// One above the last.
    pub end: u64,
}

/// Why a log could not be read to the end: then nothing was proven.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// The records of one lane, in order, up to the end that was asked for.
pub trait Records {
    /// The next one; `None` at the end. Blocks.
    ///
    /// # Errors
    /// The log does not answer, or not any more.
    fn next(&mut self) -> Result<Option<Record>, SourceError>;
}

/// A log that can be audited.
pub trait Source {
    /// Number of lanes of a topic.
    ///
    /// # Errors
    /// There is no such topic, or the log does not answer.
    fn lanes(&self, topic: &str) -> Result<u32, SourceError>;

    /// What a lane holds now.
    ///
    /// # Errors
    /// The log does not answer.
    fn extent(&self, name: &LaneName) -> Result<Extent, SourceError>;

    /// Reads a lane from an offset up to, and without, another.
    ///
    /// # Errors
    /// The log does not answer.
    fn read(&self, name: &LaneName, from: u64, to: u64) -> Result<Box<dyn Records>, SourceError>;
}
