//! How many tubes stand at which stage, and how long stages took: kept as sums, so that a board costs
//! one small record whatever the lab's size.

use super::{Sla, Specimen, Standing};
use crate::tables::{Record, TableId};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Stages of the board, in order.
pub const STAGES: [&str; 5] = [
    "loaded",
    "read",
    "pending-confirmation",
    "reported",
    "delivered",
];

/// Upper ends of the histogram's buckets in seconds; each about 1.5 times the one before, 5 s to 3 days.
const BUCKETS: [i64; 25] = [
    5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 1_350, 1_800, 2_700, 3_600, 5_400,
    7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 259_200,
];

/// A stretch of time that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Plate loaded to run imported.
    Run,
    /// First run imported to reported.
    Report,
    /// Reported to accepted by every receiver.
    Delivery,
    /// Retest ordered to its result.
    Retest,
}

/// Counts by length of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts one; what is negative (skewed clocks) counts as shortest.
    pub fn record(&mut self, length: Millis) {
        let at = BUCKETS
            .iter()
            .position(|end| length.0 <= end.saturating_mul(1_000))
            .unwrap_or(BUCKETS.len());
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(at) {
            *count = count.saturating_add(1);
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The end of the bucket in which the share (0 to 1) of all lies; `None` if nothing was counted.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Millis> {
        let total = self.total();
        let rank = ((total as f64) * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if total > 0 && seen >= rank {
                let end = BUCKETS.get(at).or(BUCKETS.last()).copied().unwrap_or(0);
                return Some(Millis::from_secs(end));
            }
        }
        None
    }

    /// Counts by bucket.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// A histogram of these counts; what is beyond the last bucket is dropped.
    #[must_use]
    pub fn of_counts(mut counts: Vec<u64>) -> Self {
        counts.truncate(BUCKETS.len() + 1);
        Self { counts }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, count) in self.counts.iter_mut().zip(&other.counts) {
            *own = own.saturating_add(*count);
        }
    }
}

/// A lab's board.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// Tubes by stage.
    pub count: [u64; 5],
    /// Of these, at risk.
    pub at_risk: [u64; 5],
    /// Of these, late.
    pub late: [u64; 5],
    /// Time from loaded to read.
    pub run: Histogram,
    /// Time from read to reported.
    pub report: Histogram,
    /// Time from reported to accepted.
    pub delivery: Histogram,
    /// Time from a retest order to its result.
    pub retest: Histogram,
    /// Reports by verdict: negative, positive, inconclusive, recollect, withdrawn, retracted.
    pub verdicts: [u64; 6],
    /// Tubes that were filed: no stage counts them any more.
    pub filed: u64,
}

impl Record for Board {
    const TABLE: TableId = 15;
    const NAME: &'static str = "boards";
    type Key = u64;
}

/// The stage of the board a tube counts under.
#[must_use]
pub const fn stage_of(standing: Standing) -> usize {
    match standing {
        Standing::Loaded => 0,
        Standing::AwaitingReplate | Standing::AwaitingRepeat => 1,
        Standing::PendingConfirmation => 2,
        Standing::Final => 3,
        Standing::Closed => 4,
    }
}

impl Board {
    /// Counts a tube in.
    pub fn enter(&mut self, specimen: &Specimen) {
        self.shift(specimen, true);
    }

    /// Counts a tube out.
    pub fn leave(&mut self, specimen: &Specimen) {
        self.shift(specimen, false);
    }

    fn shift(&mut self, specimen: &Specimen, inward: bool) {
        let at = stage_of(specimen.standing);
        let step = |counts: &mut [u64; 5]| {
            if let Some(count) = counts.get_mut(at) {
                *count = if inward {
                    count.saturating_add(1)
                } else {
                    count.saturating_sub(1)
                };
            }
        };
        step(&mut self.count);
        match specimen.sla {
            Sla::InTime => {}
            Sla::AtRisk => step(&mut self.at_risk),
            Sla::Late => step(&mut self.late),
        }
    }

    /// Counts a stretch of time.
    pub fn span(&mut self, kind: SpanKind, length: Millis) {
        match kind {
            SpanKind::Run => self.run.record(length),
            SpanKind::Report => self.report.record(length),
            SpanKind::Delivery => self.delivery.record(length),
            SpanKind::Retest => self.retest.record(length),
        }
    }

    /// Adds another lab's board.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.count, &other.count),
            (&mut self.at_risk, &other.at_risk),
            (&mut self.late, &other.late),
        ] {
            for (own, more) in own.iter_mut().zip(more) {
                *own = own.saturating_add(*more);
            }
        }
        for (own, more) in self.verdicts.iter_mut().zip(&other.verdicts) {
            *own = own.saturating_add(*more);
        }
        self.filed = self.filed.saturating_add(other.filed);
        self.run.add(&other.run);
        self.report.add(&other.report);
        self.delivery.add(&other.delivery);
        self.retest.add(&other.retest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_end_of_its_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for seconds in [1, 50, 50, 50, 4_000] {
            histogram.record(Millis::from_secs(seconds));
        }
        assert_eq!(histogram.quantile(0.5), Some(Millis::from_secs(60)));
        assert_eq!(histogram.quantile(0.95), Some(Millis::from_secs(5_400)));
    }

    #[test]
    fn skewed_clocks_and_weeks_are_counted_too() {
        let mut histogram = Histogram::default();
        histogram.record(Millis(-5));
        histogram.record(Millis::from_hours(24 * 30));
        assert_eq!(histogram.total(), 2);
    }
}
