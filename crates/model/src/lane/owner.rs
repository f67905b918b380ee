//! A would-be owner: what it has read, what it has in flight, and the rules it follows.
//!
//! The rules of when a lane is owned and when a record is committed are the product's own:
//! `tenfold_runtime::lane::rules`.

use super::fold::{View, at, verdict};
use super::record::{LEVEL, Record, name};
use crate::flaw::Flaw;
use tenfold_runtime::lane::rules::{self, Head, Look, Opening};
use tenfold_runtime::lane::validity::Verdict;
use tenfold_runtime::log::{AppendError, Appended};

/// How an append ended, as the log told it.
pub type Report = Result<Appended, AppendError>;

/// A process that may own the lane; at first, one that has never seen its journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// What it is doing.
    pub phase: Phase,
    /// What it knows to be committed.
    pub view: View,
    /// What its cache holds: the view as it was some time ago.
    pub cache: View,
    /// Its attempts have this number; 0 before the first.
    pub by: u8,
}

/// What a process is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It does not try for the lane.
    #[default]
    Away,
    /// Its `LaneOpened` is appended, and not yet read back.
    Opening {
        /// Under this name.
        name: u8,
        /// And this epoch.
        epoch: u64,
    },
    /// It believes that it owns the lane.
    Owns {
        /// Offset that the oldest record in flight must get.
        expected: u64,
        /// Appended and not committed, oldest first.
        flights: Vec<Flight>,
    },
    /// It found something that must not be, and needs a person.
    Stopped,
}

/// A record that is appended and not yet committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flight {
    /// What was appended.
    pub record: Record,
    /// Calls whose answer waits for it, by number.
    pub answers: Vec<u8>,
    /// How its append ended, once that is known.
    pub report: Option<Outcome>,
}

/// An append's good end: the offset that the log told, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome(pub Option<u64>);

/// What settling leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The oldest in flight is committed; it stands at this offset.
    Committed(u64),
    /// Another took the lane.
    Fenced,
    /// Something stands there that must not.
    Stopped,
    /// Not in the log as far as it is read: look again later.
    NotFound,
    /// Nothing to do yet.
    Wait,
}

impl Owner {
    /// It has taken part, or takes part, in the lane.
    pub const fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. } | Phase::Owns { .. })
    }

    /// It needs a person.
    pub const fn is_stopped(&self) -> bool {
        matches!(self.phase, Phase::Stopped)
    }

    /// What it decides on: what is committed, and over it what is in flight.
    pub fn overlay(&self) -> View {
        let mut view = self.view.clone();
        if let Phase::Owns { flights, .. } = &self.phase {
            for flight in flights {
                view.follow(&flight.record, Verdict::Decisions);
            }
        }
        view
    }

    /// Gives up what is in flight. The cache gets all that is committed, unless the process died before.
    pub fn leave(&mut self, cached: bool) {
        if cached {
            self.cache = self.view.clone();
        }
        self.view = self.cache.clone();
        self.phase = Phase::Away;
    }

    /// Taking: folds up to the own `LaneOpened`, which is in the log at `opened`.
    pub fn fold_on(&mut self, log: &[Record], opened: u64, flaw: Option<Flaw>) {
        let Phase::Opening { name: own, epoch } = self.phase else {
            return;
        };
        if flaw == Some(Flaw::OwnedUnread) {
            // Planted: that it was appended is taken as proof; what others wrote before is not read.
            self.view.next = opened + 1;
            self.view.chain.epoch = epoch;
            self.view.chain.owner = name(own);
            return self.own();
        }
        while let Some(record) = log.get(at(self.view.next)) {
            let verdict = self.view.read(record, flaw);
            if matches!(verdict, Verdict::Stop(_)) {
                self.phase = Phase::Stopped;
                return;
            }
            let stored = record.stored();
            match rules::opening(name(own), verdict, stored.envelope.as_ref()) {
                Opening::On => {}
                Opening::Owned => return self.own(),
                Opening::Fenced => return self.leave(true),
            }
        }
    }

    fn own(&mut self) {
        self.phase = Phase::Owns {
            expected: self.view.next,
            flights: Vec::new(),
        };
    }

    /// Committing: the oldest in flight, and nothing but the oldest.
    pub fn settle(&self, log: &[Record], flaw: Option<Flaw>) -> Settled {
        let Phase::Owns { expected, flights } = &self.phase else {
            return Settled::Wait;
        };
        let Some(head) = flights.first() else {
            return Settled::Wait;
        };
        let report = head.report.map(|Outcome(offset)| Ok(Appended { offset }));
        if flaw == Some(Flaw::OffsetIgnored) && report.is_some() {
            return Settled::Committed(*expected);
        }
        match rules::head(*expected, report.as_ref()) {
            Head::Wait | Head::Failed(_) => Settled::Wait,
            Head::Commit => Settled::Committed(*expected),
            Head::Look => self.look(log, *expected, head, flaw),
        }
    }

    /// The journal itself is read, from the expected offset on.
    fn look(&self, log: &[Record], from: u64, head: &Flight, flaw: Option<Flaw>) -> Settled {
        let own = head.record.stored().bytes;
        for (offset, record) in (from..).zip(&log[at(from).min(log.len())..]) {
            let looked = rules::look(&self.view.chain, &own, &record.stored().bytes, LEVEL);
            let planted = verdict(&self.view.chain, false, record, flaw);
            match looked {
                // A reader for whom more counts sees another record there.
                Look::On if planted == Verdict::Decisions => return Settled::Stopped,
                Look::On => {}
                Look::Committed => return Settled::Committed(offset),
                Look::Fenced => return Settled::Fenced,
                Look::Another => return Settled::Stopped,
            }
        }
        Settled::NotFound
    }

    /// The oldest in flight is committed. Returns it.
    pub fn commit(&mut self, offset: u64) -> Option<Flight> {
        let Phase::Owns { expected, flights } = &mut self.phase else {
            return None;
        };
        if flights.is_empty() {
            return None;
        }
        let head = flights.remove(0);
        *expected = offset + 1;
        self.view.follow(&head.record, Verdict::Decisions);
        self.view.next = offset + 1;
        Some(head)
    }
}
