//! Turnaround: how many are where, how late, and how long each stage takes.
//!
//! The board is part of the state and moves with each event, so reading it costs nothing; that it adds
//! up is INV-01. [`deadline`] looks at deadlines when their time comes, a minute's worth at once.

pub mod deadline;
pub mod histogram;

pub use histogram::Histogram;

use super::event::Mark;
use crate::tables::{Read, ReadExt, Record, TableId, Write, WriteExt};
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a sample is, for the board: each is in exactly one (INV-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Registered, not received.
    Expected,
    /// Received, its registration not known.
    Pending,
    /// May be pooled.
    Waiting,
    /// A person must decide.
    Held,
    /// In a pool, or chosen for a well of its own.
    Pooled,
    /// In a well.
    Plated,
    /// In an instrument.
    Loaded,
    /// To be tested again.
    AwaitingRetest,
    /// Final.
    Closed,
    /// Cancelled.
    Withdrawn,
    /// Thrown away.
    Discarded,
}

impl Stage {
    /// All, in the order of a sample's way.
    pub const ALL: [Self; 11] = [
        Self::Expected,
        Self::Pending,
        Self::Waiting,
        Self::Held,
        Self::Pooled,
        Self::Plated,
        Self::Loaded,
        Self::AwaitingRetest,
        Self::Closed,
        Self::Withdrawn,
        Self::Discarded,
    ];

    /// Nothing more happens there.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Closed | Self::Withdrawn | Self::Discarded)
    }
}

/// Samples of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them.
    pub count: u64,
    /// Those at risk, and not late.
    pub at_risk: u64,
    /// Those late.
    pub late: u64,
}

impl Tally {
    /// One sample with this mark.
    #[must_use]
    pub const fn one(mark: Mark) -> Self {
        Self {
            count: 1,
            at_risk: matches!(mark, Mark::AtRisk) as u64,
            late: matches!(mark, Mark::Late) as u64,
        }
    }

    /// These and those.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            at_risk: self.at_risk.saturating_add(other.at_risk),
            late: self.late.saturating_add(other.late),
        }
    }

    /// These without those.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_sub(other.count),
            at_risk: self.at_risk.saturating_sub(other.at_risk),
            late: self.late.saturating_sub(other.late),
        }
    }
}

/// The board of a lab, under its number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    tallies: [Tally; Stage::ALL.len()],
    durations: [Histogram; Stage::ALL.len()],
    /// Tubes that left the state: in no stage.
    pub filed: u64,
}

impl Record for Board {
    const TABLE: TableId = 11;
    const NAME: &'static str = "board";
    type Key = u64;
}

impl Board {
    /// The samples of a stage.
    #[must_use]
    pub fn tally(&self, stage: Stage) -> Tally {
        self.tallies
            .get(stage as usize)
            .copied()
            .unwrap_or_default()
    }

    /// How long samples stayed in a stage.
    #[must_use]
    pub fn durations(&self, stage: Stage) -> Histogram {
        self.durations
            .get(stage as usize)
            .copied()
            .unwrap_or_default()
    }

    /// The stage that is slow now: the most late samples, then the most at risk, then the slowest of
    /// twenty. `None` if nothing is late or at risk and nothing was measured.
    #[must_use]
    pub fn bottleneck(&self) -> Option<Stage> {
        Stage::ALL
            .into_iter()
            .filter(|stage| !stage.is_end())
            .map(|stage| {
                let tally = self.tally(stage);
                let slowest = self.durations(stage).percentile(95).unwrap_or_default();
                ((tally.late, tally.at_risk, slowest), stage)
            })
            .max_by_key(|(key, _)| *key)
            .filter(|(key, _)| *key != (0, 0, Millis(0)))
            .map(|(_, stage)| stage)
    }
}

/// A sample's (or a pool's samples') change of place.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    /// Where they were counted, if they were.
    pub from: Option<(Stage, Tally)>,
    /// Where they are counted from now on.
    pub to: Option<(Stage, Tally)>,
    /// Since when they were there.
    pub since: Timestamp,
}

/// Counts a change of place.
pub fn shift(state: &mut dyn Write, lab: u64, shift: Shift, at: Timestamp) {
    if shift.from == shift.to {
        return;
    }
    let mut shared = state.take::<Board>(&lab).unwrap_or_default();
    let board = Arc::make_mut(&mut shared);
    if let Some((stage, tally)) = shift.from {
        if let Some(mine) = board.tallies.get_mut(stage as usize) {
            *mine = mine.minus(tally);
        }
        let stay = shift
            .to
            .filter(|(to, _)| *to == stage)
            .map_or(0, |(_, tally)| tally.count);
        let gone = tally.count.saturating_sub(stay);
        if gone > 0
            && let Some(mine) = board.durations.get_mut(stage as usize)
        {
            mine.add(at.since(shift.since), gone);
        }
    }
    if let Some((stage, tally)) = shift.to
        && let Some(mine) = board.tallies.get_mut(stage as usize)
    {
        *mine = mine.plus(tally);
    }
    state.put_shared(&lab, shared);
}

/// Counts samples of a stage that leave the state. How long they stayed there is nobody's work, and no duration.
pub fn filed(state: &mut dyn Write, lab: u64, stage: Stage, count: u64) {
    let mut shared = state.take::<Board>(&lab).unwrap_or_default();
    let board = Arc::make_mut(&mut shared);
    if let Some(mine) = board.tallies.get_mut(stage as usize) {
        mine.count = mine.count.saturating_sub(count);
    }
    board.filed = board.filed.saturating_add(count);
    state.put_shared(&lab, shared);
}

/// The board of a lab.
#[must_use]
pub fn of(state: &dyn Read, lab: u64) -> Board {
    state.get(&lab).unwrap_or_default()
}

/// Deadlines to look at, by minute (of lane time) and tube.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch;

impl Record for Watch {
    const TABLE: TableId = 10;
    const NAME: &'static str = "watch";
    /// (minute since 1970, tube).
    type Key = (i64, u64);
}
