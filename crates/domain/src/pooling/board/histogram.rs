//! Durations in a few fixed buckets: small enough to be part of the state, good enough for a board.

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Upper bounds of the buckets in minutes; what is longer goes into a last one.
const BOUNDS_MINUTES: [i64; 20] = [
    1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1_440, 2_880,
];

/// When this many durations are in, all counts are halved: so the board shows the recent past.
const COUNT_MAX: u32 = 20_000;

/// Counts of durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    counts: [u32; BOUNDS_MINUTES.len() + 1],
}

impl Histogram {
    /// Counts `times` samples that took this long.
    pub fn add(&mut self, length: Millis, times: u64) {
        let bucket = BOUNDS_MINUTES
            .iter()
            .position(|minutes| length <= Millis::from_mins(*minutes))
            .unwrap_or(BOUNDS_MINUTES.len());
        let times = u32::try_from(times).unwrap_or(COUNT_MAX).min(COUNT_MAX);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(times);
        }
        if self.total() > COUNT_MAX {
            for count in &mut self.counts {
                *count /= 2;
            }
        }
    }

    fn total(&self) -> u32 {
        self.counts.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// At least this many of a hundred took no longer than this; the upper bound of its bucket.
    /// `None` if nothing was counted.
    #[must_use]
    pub fn percentile(&self, of_hundred: u32) -> Option<Millis> {
        let total = u64::from(self.total());
        if total == 0 {
            return None;
        }
        let wanted = (total * u64::from(of_hundred.min(100)))
            .div_ceil(100)
            .max(1);
        let mut sum = 0_u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            sum += u64::from(*count);
            if sum >= wanted {
                let last = BOUNDS_MINUTES.last().copied().unwrap_or_default();
                let minutes = BOUNDS_MINUTES.get(bucket).copied().unwrap_or(2 * last);
                return Some(Millis::from_mins(minutes));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_upper_bounds() {
        let mut times = Histogram::default();
        assert_eq!(times.percentile(50), None);
        times.add(Millis::from_mins(4), 90);
        times.add(Millis::from_mins(100), 9);
        times.add(Millis::from_hours(100), 1);
        assert_eq!(times.percentile(50), Some(Millis::from_mins(5)));
        assert_eq!(times.percentile(95), Some(Millis::from_mins(120)));
        assert_eq!(times.percentile(100), Some(Millis::from_mins(5_760)));
    }

    #[test]
    fn the_past_fades() {
        let mut times = Histogram::default();
        times.add(Millis::from_hours(10), 20_000);
        for _ in 0..10 {
            times.add(Millis::from_mins(1), 10_000);
        }
        assert_eq!(times.percentile(95), Some(Millis::from_mins(1)));
    }
}
