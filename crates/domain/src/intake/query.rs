//! Questions about a lane's state.

use super::board::LabBoard;
use super::state::{Counters, Entry, Life, OpenOrder, Outcome, Verdict};
use crate::ids::{Barcode, LabId, SiteId};
use crate::sample::Flag;
use crate::tables::{Read, ReadExt};
use crate::time::Timestamp;
use std::ops::ControlFlow;

/// Rows that one question looks at; the answer says where to go on.
pub const SCANNED_MAX: u64 = 5_000;

/// What is known of a barcode.
#[must_use]
pub fn entry(state: &dyn Read, barcode: &Barcode) -> Option<Entry> {
    state
        .find::<Entry>(barcode.as_str())
        .map(|(_, entry)| entry)
}

/// The board by lab.
#[must_use]
pub fn board(state: &dyn Read) -> Vec<(LabId, LabBoard)> {
    let rows = state.all::<LabBoard>();
    rows.into_iter()
        .map(|(lab, row)| (lab.into(), row))
        .collect()
}

/// Open orders from `after` on (a number of this lane), `most` at most, of one site if given; and the
/// number to go on from, `None` at the end.
#[must_use]
pub fn orders(
    state: &dyn Read,
    site: Option<&SiteId>,
    after: u64,
    most: usize,
) -> (Vec<OpenOrder>, Option<u64>) {
    let mut found = Vec::new();
    let mut go_on = None;
    let mut scanned = 0;
    state.scan::<OpenOrder>(&after.saturating_add(1), |number, row| {
        if found.len() >= most || scanned >= SCANNED_MAX {
            go_on = Some(number.saturating_sub(1));
            return ControlFlow::Break(());
        }
        scanned += 1;
        if site.is_none_or(|site| row.site.as_ref() == Some(site)) {
            found.push(row);
        }
        ControlFlow::Continue(())
    });
    (found, go_on)
}

/// Open orders, and those whose result was due before `now`.
#[must_use]
pub fn orders_open(state: &dyn Read, now: Timestamp) -> (u64, u64) {
    let (mut open, mut overdue) = (0_u64, 0_u64);
    state.scan::<OpenOrder>(&0, |_, row| {
        open = open.saturating_add(1);
        overdue = overdue.saturating_add(u64::from(row.due < now));
        ControlFlow::Continue(())
    });
    (open, overdue)
}

/// How far a watcher of outcomes has come in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Entries up to this number are told.
    pub entry: u64,
    /// Outcomes up to this number are told.
    pub outcome: u64,
}

/// One thing a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A registration is in force.
    Accepted {
        /// Its number in the source's stream, where it is known.
        sequence: u64,
        /// The barcode.
        barcode: Barcode,
        /// The version in force.
        version: u32,
    },
    /// A registration was refused.
    Refused(Outcome),
}

/// What a watcher is told, where it stands then, and how many outcomes were dropped before it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// The outcomes.
    pub told: Vec<Told>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Outcomes of any source that were dropped unseen, because the lane keeps a bounded number.
    pub dropped: u64,
    /// There may be more now.
    pub more: bool,
}

/// Outcomes of one source after a cursor, in the order of each table. New entries are read from the
/// entries themselves, so that accepting a registration costs no row of its own.
#[must_use]
pub fn outcomes(state: &dyn Read, source: &str, after: Cursor, most: usize) -> Telling {
    let mut telling = Telling {
        cursor: after,
        ..Telling::default()
    };
    let mut scanned = 0;
    state.scan::<Entry>(&after.entry.saturating_add(1), |number, entry| {
        if telling.told.len() >= most || scanned >= SCANNED_MAX {
            telling.more = true;
            return ControlFlow::Break(());
        }
        scanned += 1;
        telling.cursor.entry = number;
        telling.told.extend(accepted(&entry, source));
        ControlFlow::Continue(())
    });
    let counters = state.get::<Counters>(&()).unwrap_or_default();
    let kept_from = state
        .first::<Outcome>()
        .map_or(counters.outcome.saturating_add(1), |(number, _)| number);
    telling.dropped = kept_from.saturating_sub(after.outcome.saturating_add(1));
    let mut scanned = 0;
    state.scan::<Outcome>(&after.outcome.saturating_add(1), |number, outcome| {
        if telling.told.len() >= most || scanned >= SCANNED_MAX {
            telling.more = true;
            return ControlFlow::Break(());
        }
        scanned += 1;
        telling.cursor.outcome = number;
        if outcome.source == source {
            telling.told.push(match outcome.verdict {
                Verdict::Stated { version } => Told::Accepted {
                    sequence: outcome.sequence,
                    barcode: outcome.barcode,
                    version,
                },
                Verdict::Refused(_) => Told::Refused(outcome),
            });
        }
        ControlFlow::Continue(())
    });
    telling
}

/// The end of both tables now: for a watcher that wants only what comes.
#[must_use]
pub fn end(state: &dyn Read) -> Cursor {
    let counters = state.get::<Counters>(&()).unwrap_or_default();
    Cursor {
        entry: counters.entry,
        outcome: counters.outcome,
    }
}

fn accepted(entry: &Entry, source: &str) -> Option<Told> {
    // A tube that was seen first has a row of its own among the outcomes.
    if let Life::Open(open) = &entry.life
        && open.sample.flags.contains(&Flag::RegisteredAfterReceipt)
    {
        return None;
    }
    let (by, version) = entry.stated()?;
    (by == source).then(|| Told::Accepted {
        sequence: 0,
        barcode: entry.barcode().clone(),
        version,
    })
}
