//! Counts by lab and stage, kept by the fold.
//!
//! A gauge is a count of entries *now*. An entry is in exactly one gauge of one lab; the fold moves it
//! when it changes, so the gauges always add up to the entries (INV-01, intake's part).

use super::state::{Entry, Life, Standing};
use crate::ids::LabId;
use crate::sample::Sample;
use crate::tables::{Record, TableId, Write, WriteExt};
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where an entry is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gauge {
    /// A lab has it, no registration yet.
    Pending,
    /// Registered, not received, within its budget.
    Expected,
    /// Registered, not received, the budget of transport is used up.
    AtRisk,
    /// Registered, not received, its report was due.
    Late,
    /// Received and not closed.
    Received,
    /// Cancelled.
    Withdrawn,
    /// Closed, or filed since.
    Closed,
}

impl Gauge {
    /// All gauges, in the order of [`LabBoard::now`].
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Expected,
        Self::AtRisk,
        Self::Late,
        Self::Received,
        Self::Withdrawn,
        Self::Closed,
    ];

    /// Where an entry is counted.
    #[must_use]
    pub const fn of(entry: &Entry) -> Self {
        match &entry.life {
            Life::Seen(_) => Self::Pending,
            Life::Open(_) if entry.custody.is_some() => Self::Received,
            Life::Open(open) => match open.standing {
                Standing::OnTime => Self::Expected,
                Standing::AtRisk => Self::AtRisk,
                Standing::Late => Self::Late,
            },
            Life::Withdrawn(_) => Self::Withdrawn,
            Life::Closed(_) | Life::Filed(_) => Self::Closed,
        }
    }
}

/// Upper bounds of the bars of [`Spans`], in minutes; the last bar is open.
pub const SPAN_MINUTES: [i64; 19] = [
    1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1_080, 1_440, 2_880,
];

/// How long things took: counts by bars of growing width.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spans {
    /// Ended before it began: a clock is wrong. Shown, not hidden, and in no bar.
    pub backwards: u32,
    /// Counts by bar.
    pub bars: [u32; 20],
}

impl Spans {
    /// Counts one more.
    pub fn add(&mut self, span: Millis) {
        if span.0 < 0 {
            self.backwards = self.backwards.saturating_add(1);
            return;
        }
        let bar = SPAN_MINUTES
            .iter()
            .position(|minutes| span.0 < minutes.saturating_mul(60_000))
            .unwrap_or(SPAN_MINUTES.len());
        if let Some(count) = self.bars.get_mut(bar) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.backwards = self.backwards.saturating_add(other.backwards);
        for (mine, theirs) in self.bars.iter_mut().zip(other.bars) {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bars.iter().map(|n| u64::from(*n)).sum()
    }

    /// The span that `percent` of them did not exceed, as the upper bound of its bar (twice the last
    /// bound for the open bar); `None` if nothing was counted.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<Millis> {
        let wanted = self.count().saturating_mul(percent).div_ceil(100).max(1);
        let mut sum = 0_u64;
        for (bar, count) in self.bars.iter().enumerate() {
            sum = sum.saturating_add(u64::from(*count));
            if sum >= wanted {
                let last = SPAN_MINUTES.last().copied().unwrap_or(0);
                let minutes = SPAN_MINUTES.get(bar).copied().unwrap_or(last * 2);
                return Some(Millis::from_mins(minutes));
            }
        }
        None
    }
}

/// One lab's counts in one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabBoard {
    /// Entries now, by [`Gauge::ALL`].
    pub now: [u64; 7],
    /// Barcodes ever registered.
    pub registered: u64,
    /// Of them, with a hold when registered.
    pub held: u64,
    /// Entries that ever came at risk before receipt.
    pub at_risk: u64,
    /// Entries that ever were late before receipt.
    pub late: u64,
    /// From collection, as stated, to registration.
    pub entry: Spans,
    /// From registration to receipt.
    pub transport: Spans,
}

impl Record for LabBoard {
    const TABLE: TableId = 3;
    const NAME: &'static str = "board";
    type Key = String;
}

impl LabBoard {
    /// The count of one gauge.
    #[must_use]
    pub fn gauge(&self, gauge: Gauge) -> u64 {
        self.now.get(gauge as usize).copied().unwrap_or(0)
    }

    fn gauge_mut(&mut self, gauge: Gauge) -> Option<&mut u64> {
        self.now.get_mut(gauge as usize)
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.now.iter_mut().zip(other.now) {
            *mine = mine.saturating_add(theirs);
        }
        for (mine, theirs) in [
            (&mut self.registered, other.registered),
            (&mut self.held, other.held),
            (&mut self.at_risk, other.at_risk),
            (&mut self.late, other.late),
        ] {
            *mine = mine.saturating_add(theirs);
        }
        self.entry.merge(&other.entry);
        self.transport.merge(&other.transport);
    }
}

/// Moves an entry on the board from where it was counted to where it is now, and lets `also` count what
/// happened on the board of the lab it is at now.
pub(super) fn moved(
    state: &mut dyn Write,
    before: Option<(LabId, Gauge)>,
    after: &Entry,
    also: impl FnOnce(&mut LabBoard),
) {
    let lab = after.lab().map(ToString::to_string).unwrap_or_default();
    let left_here = match before {
        Some((old, gauge)) if old.as_str() != lab => {
            gone(state, Some((old, gauge)));
            None
        }
        before => before.map(|(_, gauge)| gauge),
    };
    let mut shared = state.take::<LabBoard>(&lab).unwrap_or_default();
    let board = Arc::make_mut(&mut shared);
    if let Some(gauge) = left_here {
        leave(board, gauge);
    }
    if let Some(count) = board.gauge_mut(Gauge::of(after)) {
        *count = count.saturating_add(1);
    }
    also(board);
    state.put_shared(&lab, shared);
}

/// Takes an entry that is no more off the board where it was counted.
pub(super) fn gone(state: &mut dyn Write, before: Option<(LabId, Gauge)>) {
    let Some((lab, gauge)) = before else { return };
    let lab = lab.to_string();
    let mut board = state.take::<LabBoard>(&lab).unwrap_or_default();
    leave(Arc::make_mut(&mut board), gauge);
    state.put_shared(&lab, board);
}

fn leave(board: &mut LabBoard, gauge: Gauge) {
    if let Some(count) = board.gauge_mut(gauge) {
        *count = count.saturating_sub(1);
    }
}

/// Counts a first registration.
pub(super) fn registered(board: &mut LabBoard, sample: &Sample) {
    board.registered = board.registered.saturating_add(1);
    board.held = board.held.saturating_add(u64::from(sample.hold.is_some()));
    if let Some(collected) = sample.collected_at {
        board.entry.add(sample.registered_at.since(collected));
    }
}

/// Counts a receipt.
pub(super) fn received(board: &mut LabBoard, registered_at: Timestamp, received_at: Timestamp) {
    board.transport.add(received_at.since(registered_at));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_tell_their_percentiles_and_show_clocks_that_run_backwards() {
        let mut spans = Spans::default();
        assert_eq!(spans.percentile(50), None);
        for minutes in [3, 3, 3, 100, -5, 100_000] {
            spans.add(Millis::from_mins(minutes));
        }
        assert_eq!(spans.backwards, 1);
        assert_eq!(spans.count(), 5);
        assert_eq!(spans.percentile(50), Some(Millis::from_mins(5)));
        assert_eq!(spans.percentile(80), Some(Millis::from_mins(120)));
        assert_eq!(spans.percentile(95), Some(Millis::from_mins(5_760)));
    }
}
