//! One lane of one service as the audit walks along it: its journal, and beside it its inbox.

use crate::chain::{Chain, Judged, Name};
use crate::finding::{Findings, Rule};
use crate::inbox::{Inbox, Received, Sender, Taken, place};
use crate::source::{Extent, LaneName, Place, Record, Records, SourceError};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tenfold_proto::lane::{DeadLetter, Decisions};

/// What a dead letter says of an inbox record that was passed over as a whole.
const TOO_LARGE: &str = "what it causes is larger than one record may be";

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The registry of barcodes.
    Intake,
    /// Tubes, pools, plates.
    Pooling,
    /// Runs and reports.
    Results,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Intake, Self::Pooling, Self::Results];

    /// Its name in topics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Pooling => "pooling",
            Self::Results => "results",
        }
    }
}

/// A batch of decisions, with what it consumed.
#[derive(Debug)]
pub struct Batch {
    /// Offset in the journal.
    pub offset: u64,
    /// What was decided.
    pub decisions: Decisions,
    /// What it took from the inbox; `None` if that inbox is gone.
    pub taken: Option<Taken>,
}

/// Counts of records by what they were.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Batches that count.
    pub decisions: u64,
    /// Takings of the lane.
    pub opened: u64,
    /// Passed over, by reason.
    pub passed: BTreeMap<&'static str, u64>,
    /// Relays that brought nothing new.
    pub duplicates: u64,
    /// Relays that came too early.
    pub early: u64,
}

/// See the module.
pub struct Lane {
    /// Whose.
    pub service: Service,
    /// Its journal.
    pub journal: LaneName,
    /// What of the journal is judged.
    pub cut: Extent,
    /// Name of the numbers it sends under.
    pub stream: Name,
    /// Its inbox.
    pub inbox: Inbox,
    /// What was read.
    pub seen: Seen,
    /// Read, judged, and waiting for its senders to be read as far.
    pub waiting: Option<Batch>,
    /// The cut was moved back to here, because the log grew while its ends were taken.
    pub cut_short: Option<u64>,
    /// Nothing more is read of it.
    pub ended: bool,
    records: Box<dyn Records>,
    next: Option<Record>,
    chain: Chain,
    inbox_id: Name,
    inbox_next: u64,
    decided_at: i64,
}

impl Lane {
    /// A lane from its first record on.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(
        service: Service,
        journal: LaneName,
        cut: Extent,
        mut records: Box<dyn Records>,
        inbox: Inbox,
    ) -> Result<Self, SourceError> {
        let next = records.next()?;
        Ok(Self {
            service,
            journal,
            cut,
            stream: Name::default(),
            inbox,
            seen: Seen::default(),
            waiting: None,
            cut_short: None,
            ended: false,
            records,
            next,
            chain: Chain::default(),
            inbox_id: Name::default(),
            inbox_next: 0,
            decided_at: i64::MIN,
        })
    }

    /// When the record that comes next was appended; `None` at the end.
    #[must_use]
    pub fn next_at(&self) -> Option<i64> {
        self.next.as_ref().map(|record| record.appended_at)
    }

    /// Last valid sequence number.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.chain.seq()
    }

    /// A place in its journal.
    #[must_use]
    pub fn at(&self, offset: u64) -> Place {
        place(&self.journal, offset)
    }

    /// The journal record of a batch, behind the inbox records that it consumed.
    #[must_use]
    pub fn shown_by(&self, batch: &Batch) -> Vec<Place> {
        let mut places = batch
            .taken
            .as_ref()
            .map(|taken| taken.places(self.inbox.name()))
            .unwrap_or_default();
        places.push(self.at(batch.offset));
        places
    }

    /// Reads one record. A batch is left in `waiting`. False at the end.
    ///
    /// # Errors
    /// Journal or inbox cannot be read.
    pub fn advance(&mut self, findings: &mut Findings) -> Result<bool, SourceError> {
        let Some(record) = self.next.take() else {
            self.ended = true;
            return Ok(false);
        };
        self.next = self.records.next()?;
        match self.chain.step(&record.value) {
            Judged::Created(created) => {
                self.stream = Name::try_from(&created.stream_id[..]).unwrap_or_default();
                self.inbox_id = Name::try_from(&created.inbox_id[..]).unwrap_or_default();
            }
            Judged::Opened => self.seen.opened = self.seen.opened.saturating_add(1),
            Judged::Passed(why) => {
                let count = self.seen.passed.entry(why).or_default();
                *count = count.saturating_add(1);
            }
            Judged::Broken(why) => {
                findings.add(Rule::Chain, why, vec![self.at(record.offset)]);
                self.next = None;
                self.ended = true;
                return Ok(false);
            }
            Judged::Decided(decisions) => {
                self.seen.decisions = self.seen.decisions.saturating_add(1);
                self.decided(record.offset, *decisions, findings)?;
            }
        }
        Ok(true)
    }

    fn decided(
        &mut self,
        offset: u64,
        decisions: Decisions,
        findings: &mut Findings,
    ) -> Result<(), SourceError> {
        let here = self.at(offset);
        if decisions.decided_at < self.decided_at {
            let text = format!(
                "decided at {}, and the record before it at {}: lane time went back",
                decisions.decided_at, self.decided_at
            );
            findings.add(Rule::Chain, text, vec![here.clone()]);
        }
        self.decided_at = decisions.decided_at;
        if let Ok(id) = Name::try_from(&decisions.inbox_id[..]) {
            self.inbox_id = id;
            self.inbox_next = 0;
        }
        if decisions.inbox_next < self.inbox_next {
            let text = format!(
                "its inbox was consumed below {}, and now only below {}",
                self.inbox_next, decisions.inbox_next
            );
            findings.add(Rule::Message, text, vec![here]);
        }
        self.inbox_next = decisions.inbox_next;
        let taken = self.consume(offset, &decisions, findings)?;
        self.waiting = Some(Batch {
            offset,
            decisions,
            taken,
        });
        Ok(())
    }

    /// Consumes what the batch says it consumed, and compares how far each stream is then.
    fn consume(
        &mut self,
        offset: u64,
        decisions: &Decisions,
        findings: &mut Findings,
    ) -> Result<Option<Taken>, SourceError> {
        let mut told: HashMap<Name, (Received, Sender)> = HashMap::new();
        for mark in &decisions.received {
            if let (Ok(stream), Ok(digest)) = (
                Name::try_from(&mark.stream_id[..]),
                mark.digest[..].try_into(),
            ) {
                let received = Received { n: mark.n, digest };
                let sender = Sender {
                    service: mark.from_service.clone(),
                    lane: mark.from_lane,
                };
                told.insert(stream, (received, sender));
            }
        }
        if self.inbox.id() != Some(self.inbox_id) {
            // That inbox was made anew since: there is nothing left to compare with.
            for (stream, (received, _)) in &told {
                self.inbox.believe(*stream, *received);
            }
            return Ok(None);
        }
        let passed = too_large(self.inbox.name(), decisions);
        let parts = told
            .iter()
            .map(|(stream, (received, _))| (*stream, received.n))
            .collect();
        let Some(mut taken) = self.inbox.consume(decisions.inbox_next, &passed, &parts)? else {
            if decisions.inbox_next > 0 && decisions.inbox_next > self.inbox.below() {
                let text = format!(
                    "it says that its inbox is consumed below {}, and the inbox ends at {}",
                    decisions.inbox_next,
                    self.inbox.below()
                );
                findings.add(Rule::Message, text, vec![self.at(offset)]);
            }
            return Ok(Some(Taken::default()));
        };
        self.seen.duplicates = self.seen.duplicates.saturating_add(taken.duplicates);
        self.seen.early = self.seen.early.saturating_add(taken.early);
        for relay in taken.contradictions.drain(..) {
            let text = "a message that was taken before comes again with another content";
            let shown = vec![
                place(self.inbox.name(), relay),
                place(&self.journal, offset),
            ];
            findings.add(Rule::Message, text, shown);
        }
        let mut shown = taken.places(self.inbox.name());
        shown.push(place(&self.journal, offset));
        for (stream, (received, sender)) in &taken.streams {
            match told.remove(stream) {
                Some((says, _)) if says == *received => {}
                Some((says, _)) => {
                    let text = format!(
                        "it says that it received {}/{} up to {}, and its inbox brought {}{}",
                        sender.service,
                        sender.lane,
                        says.n,
                        received.n,
                        if says.n == received.n {
                            " of other content"
                        } else {
                            ""
                        }
                    );
                    findings.add(Rule::Message, text, shown.clone());
                }
                None => {
                    let text = format!(
                        "it consumed messages of {}/{} up to {} and does not say so",
                        sender.service, sender.lane, received.n
                    );
                    findings.add(Rule::Message, text, shown.clone());
                }
            }
        }
        for (stream, (says, sender)) in told {
            let text = format!(
                "it says that it received {}/{} up to {}, and consumed nothing of it",
                sender.service, sender.lane, says.n
            );
            findings.add(Rule::Message, text, shown.clone());
            taken.streams.insert(stream, (says, sender));
        }
        Ok(Some(taken))
    }
}

/// Inbox records that this batch dead-letters as a whole.
fn too_large(inbox: &LaneName, decisions: &Decisions) -> BTreeSet<u64> {
    decisions
        .messages
        .iter()
        .filter(|message| message.topic == "dead-letters")
        .filter_map(|message| DeadLetter::decode(message.body.clone()).ok())
        .filter(|letter| letter.reason == TOO_LARGE)
        .filter_map(|letter| {
            let (lane, offset) = letter.origin.split_once('@')?;
            (lane == inbox.to_string()).then(|| offset.parse().ok())?
        })
        .collect()
}
