//! Reading the journal: every reader judges every record, and folds those that count.
//!
//! What counts is decided by the function that the product uses: `tenfold_runtime::lane::validity::judge`.

use super::record::{Decided, LEVEL, Record};
use crate::flaw::Flaw;
use tenfold_runtime::lane::record::Hash;
use tenfold_runtime::lane::validity::{Broken, Chain, Stray, Verdict, judge};

/// The last message taken from the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Received {
    /// Its number.
    pub n: u64,
    /// Digest of all messages up to it.
    pub digest: Hash,
}

/// What the decisions so far lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Folded {
    /// Calls or messages that took effect, in order.
    pub done: Vec<u8>,
    /// The inbox is consumed below this offset.
    pub inbox_next: u64,
    /// The last message taken.
    pub received: Option<Received>,
}

impl Folded {
    /// Folds one batch of decisions.
    pub fn apply(&mut self, decided: &Decided) {
        self.done.extend(&decided.effects);
        self.inbox_next = decided.inbox_next;
        if decided.received.is_some() {
            self.received = decided.received;
        }
    }
}

/// A reader of the journal, or a cache of one: where it stands, and what it made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct View {
    /// It has read the journal below this offset.
    pub next: u64,
    /// Where the valid prefix stands.
    pub chain: Chain,
    /// What it says.
    pub folded: Folded,
}

impl View {
    /// Reads the next record.
    pub fn read(&mut self, record: &Record, flaw: Option<Flaw>) -> Verdict {
        let verdict = verdict(&self.chain, self.next == 0, record, flaw);
        self.next += 1;
        self.follow(record, verdict);
        verdict
    }

    /// Goes on to after a record that was judged so.
    pub fn follow(&mut self, record: &Record, verdict: Verdict) {
        let stored = record.stored();
        if let Some(envelope) = &stored.envelope {
            self.chain = self.chain.after(verdict, envelope, &stored.bytes);
        }
        if let (Verdict::Decisions, Record::Decisions { decided, .. }) = (verdict, record) {
            self.folded.apply(decided);
        }
    }

    /// Reads on to an offset.
    pub fn read_to(&mut self, log: &[Record], end: u64, flaw: Option<Flaw>) {
        while self.next < end
            && let Some(record) = log.get(at(self.next))
        {
            self.read(record, flaw);
        }
    }
}

/// Is this record valid next?
pub fn verdict(chain: &Chain, first: bool, record: &Record, flaw: Option<Flaw>) -> Verdict {
    let stored = record.stored();
    let verdict = judge(chain, first, stored.envelope.as_ref(), LEVEL);
    match (flaw, verdict) {
        // Planted: what is missing is not missed. The hash cannot fit either then.
        (Some(Flaw::SeqGapIgnored), Verdict::Ignored(Stray::OutOfOrder))
            if record.seq() > chain.seq =>
        {
            Verdict::Decisions
        }
        (Some(Flaw::SeqGapIgnored), Verdict::Stop(Broken::Hash)) => Verdict::Decisions,
        _ => verdict,
    }
}

/// An offset as an index.
pub fn at(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
