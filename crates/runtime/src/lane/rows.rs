//! The engine's own rows beside a service's tables: where the fold stands, how far messages went and
//! came, and the answers kept for retries.

use super::record::{Hash, Id};
use super::validity::Chain;
use serde::{Deserialize, Serialize};
use tenfold_domain::Timestamp;
use tenfold_domain::tables::{Record, TableDef, TableId};

/// The engine's tables with names, as the name index must know them.
pub const TABLES: [TableDef; 1] = [TableDef::of::<OutcomeRow>()];

/// Where the folded state stands in the journal. Kept in memory by the lane; written to the cache with
/// every batch, in the same step, under [`STAMP`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The journal this is a fold of.
    pub journal: Journal,
    /// Where the lane reads on.
    pub next_offset: u64,
    /// Where the valid prefix stands.
    pub chain: Chain,
    /// Lane time.
    pub decided_at: Timestamp,
    /// The inbox that is being consumed.
    pub inbox_id: Id,
    /// It is consumed below this offset.
    pub inbox_next: u64,
    /// Where a new owner starts to read: at the first record with messages that may not have arrived,
    /// and at the last record at the latest, so that reading proves that cache and log belong together.
    pub anchor: Anchor,
}

/// A place in the journal and the valid prefix before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Anchor {
    /// Offset to read from.
    pub offset: u64,
    /// The valid prefix before it.
    pub chain: Chain,
}

/// What never changes about a lane's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Journal {
    /// Names this journal.
    pub id: Id,
    /// Number of lanes of the service.
    pub lanes: u32,
    /// Names the numbers its messages have.
    pub stream: Id,
}

/// Key of the stamp in a cache; sorts behind all tables.
pub const STAMP: &[u8] = &[255, 0];
/// Key of the cache's own mark: see [`mark`].
pub const MARK: &[u8] = &[255, 1];
/// How the cache's own rows are kept. Raised with every change of it: a release that does not know name pages
/// would rename a record and leave its page standing, so neither may go on with the other's cache.
const LAYOUT: u32 = 2;

/// What a cache must be marked with to be used: whose it is, how its tables are laid out, and how its own rows are.
#[must_use]
pub fn mark(service: &str, lane: u32, tables_version: u32) -> String {
    format!("{service}/{lane}/{tables_version}/{LAYOUT}")
}

/// Begin of the keys of the name index's pages; then table and page.
pub const NAME_PAGES: &[u8] = &[255, 2];

/// Is this key one of the cache's own (stamp, mark, name pages)? The fold makes no such rows: they say
/// how far the cache is and how names are found in it.
#[must_use]
pub fn is_the_caches_own(key: &[u8]) -> bool {
    key.first() == Some(&STAMP[0])
}

/// All tables of the engine.
const OWN_TABLES: [TableDef; 5] = [
    TableDef::of::<ReceivedRow>(),
    TableDef::of::<AskedRow>(),
    TableDef::of::<SentRow>(),
    TableDef::of::<OutcomeRow>(),
    TableDef::of::<NextOutcome>(),
];

/// Can a row of a cache be read as what it must be? Rows that were cut cannot.
#[must_use]
pub fn is_readable(tables: &[TableDef], key: &[u8], value: &[u8]) -> bool {
    if key.starts_with(NAME_PAGES) {
        return super::name_pages::is_page(value);
    }
    let Some(id) = key.first() else { return false };
    let mut all = tables.iter().chain(&OWN_TABLES);
    // A table that is not listed has nothing to be read by.
    all.find(|table| table.id == *id)
        .is_none_or(|table| (table.names)(value).is_some())
}

/// The last message taken from one sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReceivedRow {
    /// Its number.
    pub n: u64,
    /// Chain digest up to it.
    pub digest: Hash,
    /// The sender's service.
    pub from_service: String,
    /// The sender's lane.
    pub from_lane: u32,
}

impl Record for ReceivedRow {
    const TABLE: TableId = 254;
    const NAME: &'static str = "received";
    /// The stream id in hexadecimal digits.
    type Key = String;
}

/// A sender who is asked for what is missing since the inbox was made anew, and has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRow;

impl Record for AskedRow {
    const TABLE: TableId = 250;
    const NAME: &'static str = "asked";
    /// The stream id in hexadecimal digits.
    type Key = String;
}

/// How far messages to one target lane went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRow {
    /// Number of the last message decided.
    pub n: u64,
    /// Chain digest up to it.
    pub digest: Hash,
    /// Number up to which all are known, by the journal, to have arrived.
    pub relayed: u64,
}

impl Record for SentRow {
    const TABLE: TableId = 253;
    const NAME: &'static str = "sent";
    /// (topic, lane).
    type Key = (String, u64);
}

/// The first answer to a command, until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRow {
    /// Actor and request id.
    pub name: String,
    /// Hash of the command.
    pub command: Hash,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
    /// The answer, as `tenfold.lane.v1.Answer`.
    pub answer: Vec<u8>,
}

impl OutcomeRow {
    /// The name that an actor's request is found by.
    #[must_use]
    pub fn name_of(actor: &str, request_id: &str) -> String {
        format!("{actor}\0{request_id}")
    }
}

impl Record for OutcomeRow {
    const TABLE: TableId = 252;
    const NAME: &'static str = "outcomes";
    /// A growing number; expiry times grow with it, but for requests whose own time is ahead.
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> tenfold_domain::tables::Names<'_> {
        tenfold_domain::tables::Names::from_slice(&[self.name.as_str()])
    }
}

/// The next number in [`OutcomeRow`]'s table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextOutcome(pub u64);

impl Record for NextOutcome {
    const TABLE: TableId = 251;
    const NAME: &'static str = "next-outcome";
    type Key = ();
}
