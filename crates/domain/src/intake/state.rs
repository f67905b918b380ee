//! The tables of intake.

use super::board::LabBoard;
use super::registration::Digest64;
use crate::ids::{Barcode, LabId, OrderId, SiteId, Subject, TubeId};
use crate::message::FinalResult;
use crate::policy::{ActivePolicy, PolicyText};
use crate::sample::Sample;
use crate::tables::{Record, TableDef, TableId};
use crate::time::Timestamp;
use crate::turnaround::Deadline;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// All tables of intake.
pub const TABLES: &[TableDef] = &[
    TableDef::of::<Counters>(),
    TableDef::of::<Entry>(),
    TableDef::of::<Watch>(),
    TableDef::of::<LabBoard>(),
    TableDef::of::<Outcome>(),
    TableDef::of::<OpenOrder>(),
    TableDef::of::<Replacement>(),
    TableDef::of::<Awaited>(),
    TableDef::of::<ActivePolicy>(),
    TableDef::of::<PolicyText>(),
];

/// Changes whenever a table of intake or its encoding does.
pub const TABLES_VERSION: u32 = 3;

/// The next number of each table that is keyed by one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Of the next entry.
    pub entry: u64,
    /// Of the next outcome.
    pub outcome: u64,
    /// Of the next order.
    pub order: u64,
    /// Of the next replacement.
    pub replacement: u64,
    /// Of the next awaited result.
    pub awaited: u64,
}

impl Record for Counters {
    const TABLE: TableId = 0;
    const NAME: &'static str = "counters";
    type Key = ();
}

/// All that is known of one barcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where in its life the barcode is.
    pub life: Life,
    /// Who has the tube.
    pub custody: Option<Custody>,
}

/// A barcode's life in intake.
///
/// ```text
///   (nothing) --register--> Open --cancel--> Withdrawn
///       |                  ^  |                  |
///     seen             register|                  |
///       v                  |  +----- closed -----+--> Closed
///      Seen ---------------+                      |
///                                          filed v
///                                               Filed
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Life {
    /// A lab has a tube with this barcode; no registration yet.
    Seen(Barcode),
    /// Registered.
    Open(Box<Open>),
    /// Cancelled.
    Withdrawn(Withdrawn),
    /// Done: shrunk to what late questions and repeats need.
    Closed(Closed),
    /// Done for longer than the retention: results has filed it, and this is its card.
    Filed(Filed),
}

/// A registration in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its newest version.
    pub sample: Sample,
    /// Who states it; empty = its site.
    pub source: String,
    /// When its report is due.
    pub deadline: Deadline,
    /// When the budget of transport is used up.
    pub at_risk: Timestamp,
    /// How the watch over it stands, while it is not received.
    pub standing: Standing,
}

/// How a sample that is not yet received stands against its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// Within its budget.
    OnTime,
    /// The budget of transport is used up.
    AtRisk,
    /// Its report was due.
    Late,
}

/// A cancelled registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Its barcode.
    pub barcode: Barcode,
    /// The version that cancelled it.
    pub version: u32,
    /// Its site.
    pub site: SiteId,
    /// Who stated it; empty = its site.
    pub source: String,
    /// Its lab.
    pub lab: LabId,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What is kept of a closed sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Its barcode.
    pub barcode: Barcode,
    /// Its last version.
    pub version: u32,
    /// Its site.
    pub site: SiteId,
    /// Who stated it; empty = its site.
    pub source: String,
    /// Its lab.
    pub lab: LabId,
    /// What its registration stated.
    pub digest: Digest64,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Version of the final report; 0 = none.
    pub report_version: u32,
    /// The result.
    pub result: FinalResult,
    /// When it was reported.
    pub reported_at: Timestamp,
}

impl Closed {
    /// Its registration was cancelled before it was closed: then it states nothing, and no statement has this digest.
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        self.digest == CANCELLED
    }
}

/// The digest of a cancelled registration.
pub const CANCELLED: Digest64 = 0;

/// The card of a filed sample: what repeats, corrections and a label that is used again need. A card stays for ever, so
/// nothing stands twice in it: it holds its own custody, and its entry has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// Its barcode.
    pub barcode: Barcode,
    /// Its last version.
    pub version: u32,
    /// Who stated it: a source, or its site.
    pub by: SmolStr,
    /// The lab that tested it.
    pub lab: LabId,
    /// Number of its tube there.
    pub tube: u64,
    /// What its registration stated: a [`Digest64`], whose bits are as good as random.
    pub digest: [u8; 8],
    /// Version of the final report; 0 = none.
    pub report_version: u32,
    /// The result.
    pub result: FinalResult,
    /// When it was reported.
    pub reported_at: Timestamp,
}

/// What is known of who has a tube, of an entry at hand or of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The tube, with its lab.
    pub tube: TubeId,
    /// Counts changes of custody.
    pub epoch: u32,
    /// When it was received; `None` = that is not kept.
    pub received_at: Option<Timestamp>,
}

/// Who has the tube with this barcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The lab.
    pub lab: LabId,
    /// The tube's number in that lab.
    pub tube: u64,
    /// When it was received (lane time of pooling).
    pub received_at: Timestamp,
    /// Counts changes of custody, from 1.
    pub epoch: u32,
    /// Other labs that said they have it, bounded by [`CLAIMS_MAX`].
    pub claims: Vec<LabId>,
}

/// Most claims of other labs that are remembered for one barcode; each is answered all the same.
pub const CLAIMS_MAX: usize = 4;

impl Custody {
    /// The tube.
    #[must_use]
    pub fn tube_id(&self) -> TubeId {
        TubeId::new(self.lab.clone(), self.tube)
    }
}

impl Entry {
    /// Its barcode.
    #[must_use]
    pub const fn barcode(&self) -> &Barcode {
        match &self.life {
            Life::Seen(barcode) => barcode,
            Life::Open(open) => &open.sample.barcode,
            Life::Withdrawn(withdrawn) => &withdrawn.barcode,
            Life::Closed(closed) => &closed.barcode,
            Life::Filed(card) => &card.barcode,
        }
    }

    /// Who has the tube.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        if let Life::Filed(card) = &self.life {
            return Some(Holder {
                tube: TubeId::new(card.lab.clone(), card.tube),
                epoch: 1,
                received_at: None,
            });
        }
        self.custody.as_ref().map(|custody| Holder {
            tube: custody.tube_id(),
            epoch: custody.epoch,
            received_at: Some(custody.received_at),
        })
    }

    /// Who stated it, and the version in force; `None` before it is registered.
    #[must_use]
    pub fn stated(&self) -> Option<(&str, u32)> {
        let (source, site, version) = match &self.life {
            Life::Seen(_) => return None,
            Life::Open(o) => (&o.source, &o.sample.site, o.sample.version),
            Life::Withdrawn(w) => (&w.source, &w.site, w.version),
            Life::Closed(c) => (&c.source, &c.site, c.version),
            Life::Filed(card) => return Some((&card.by, card.version)),
        };
        let by = if source.is_empty() {
            site.as_str()
        } else {
            source
        };
        Some((by, version))
    }

    /// The lab that has it, or that it is routed to.
    #[must_use]
    pub fn lab(&self) -> Option<&LabId> {
        let routed = match &self.life {
            Life::Seen(_) => None,
            Life::Open(open) => Some(&open.sample.lab),
            Life::Withdrawn(withdrawn) => Some(&withdrawn.lab),
            Life::Closed(closed) => Some(&closed.lab),
            Life::Filed(card) => Some(&card.lab),
        };
        self.custody.as_ref().map(|c| &c.lab).or(routed)
    }
}

impl Record for Entry {
    const TABLE: TableId = 1;
    const NAME: &'static str = "entries";
    type Key = u64;
    const NAMED: bool = true;

    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.barcode().as_str()])
    }
}

/// Entries of one chunk of [`WATCH_CHUNK`] numbers have something due in one minute: the key is (end
/// of the minute, chunk). One row stands for all of them, so registering costs a row seldom; which of
/// them it concerns is seen when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch;

/// Entries that one timer looks at: a millisecond's work.
pub const WATCH_CHUNK: u64 = 1_024;

impl Record for Watch {
    const TABLE: TableId = 2;
    const NAME: &'static str = "watches";
    type Key = (i64, u64);
}

/// What became of an input that nobody waited for and that is not simply a new entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Who stated it.
    pub source: String,
    /// Its number in the source's stream; 0 = not counted.
    pub sequence: u64,
    /// The barcode, cut to the longest one allowed.
    pub barcode: Barcode,
    /// What became of it.
    pub verdict: Verdict,
    /// When it was decided.
    pub at: Timestamp,
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is in force: a newer version, or the registration of a tube that a lab had already.
    Stated {
        /// The version in force.
        version: u32,
    },
    /// It was refused.
    Refused(crate::rejection::Rejection),
}

/// Most outcomes a lane keeps; the oldest are dropped, and a watcher that comes later is told so.
pub const OUTCOMES_MAX: u64 = 100_000;

impl Record for Outcome {
    const TABLE: TableId = 4;
    const NAME: &'static str = "outcomes";
    type Key = u64;
}

/// A re-collection that waits for its new swab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// The order.
    pub order: OrderId,
    /// The barcode of the sample that gave no final result.
    pub barcode: Barcode,
    /// Its site, if it is known.
    pub site: Option<SiteId>,
    /// Whom to swab.
    pub subject: Subject,
    /// Why, in words.
    pub reason: String,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// When its result is due.
    pub due: Timestamp,
}

impl Record for OpenOrder {
    const TABLE: TableId = 5;
    const NAME: &'static str = "open orders";
    type Key = u64;
    const NAMED: bool = true;

    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.barcode.as_str()])
    }
}

/// A new sample that names an old one for which no order has arrived (yet).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The old barcode.
    pub old: Barcode,
    /// The new one.
    pub new: Barcode,
    /// Whose.
    pub subjects: Vec<Subject>,
}

impl Record for Replacement {
    const TABLE: TableId = 6;
    const NAME: &'static str = "replacements";
    type Key = u64;
    const NAMED: bool = true;

    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.old.as_str()])
    }
}

/// A sample without a result yet, for which a re-collection order of some lab waits: that lab may not test it itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The sample.
    pub barcode: Barcode,
    /// The order.
    pub order: OrderId,
}

impl Record for Awaited {
    const TABLE: TableId = 7;
    const NAME: &'static str = "awaited results";
    type Key = u64;
    const NAMED: bool = true;

    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.barcode.as_str()])
    }
}
