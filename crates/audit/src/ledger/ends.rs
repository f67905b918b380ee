//! When tubes were closed, or filed since, to the hour, and of which nothing is left: two bytes a tube, because it is
//! asked weeks later of every single one.

use super::ids::{TubeKey, lab_of, number_of};
use std::collections::HashMap;

/// Tubes of one page.
const PAGE: usize = 4_096;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// It was filed; the other bits are hours since the first closing, from 1, until it was closed, or filed.
const FILED: u16 = 0x8000;

/// Hours that are too many to be told.
const HOURS_MAX: u16 = FILED - 2;

/// Its card was dropped, too.
const DROPPED: u16 = u16::MAX;

/// See the module.
#[derive(Debug, Default)]
pub struct Ends {
    /// When the first tube was closed.
    origin: Option<i64>,
    pages: HashMap<(u64, usize), Box<[u16; PAGE]>>,
}

/// How a tube ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// It was not closed (if filed: not filed) before this; `None` = too long after the first to be told.
    pub not_before: Option<i64>,
    /// It was filed.
    pub filed: bool,
    /// And its card was dropped.
    pub dropped: bool,
}

impl Ends {
    fn slot(&mut self, key: TubeKey) -> Option<&mut u16> {
        let number = usize::try_from(number_of(key)).ok()?;
        self.pages
            .entry((lab_of(key), number / PAGE))
            .or_insert_with(|| Box::new([0; PAGE]))
            .get_mut(number % PAGE)
    }

    fn hours(&mut self, at: i64) -> u16 {
        let origin = *self.origin.get_or_insert(at);
        let hours = at.saturating_sub(origin).div_euclid(HOUR_MS);
        let hours = u16::try_from(hours.saturating_add(1)).unwrap_or(HOURS_MAX);
        hours.clamp(1, HOURS_MAX)
    }

    /// A tube is closed, for the first time or again. After it was filed that is wrong, and changes nothing.
    pub fn close(&mut self, key: TubeKey, at: i64) {
        let hours = self.hours(at);
        if let Some(slot) = self.slot(key).filter(|slot| **slot & FILED == 0) {
            *slot = hours;
        }
    }

    /// It is filed.
    pub fn file(&mut self, key: TubeKey, at: i64) {
        let hours = self.hours(at);
        if let Some(slot) = self.slot(key).filter(|slot| **slot & FILED == 0) {
            *slot = FILED | hours;
        }
    }

    /// Its card is dropped.
    pub fn drop_card(&mut self, key: TubeKey) {
        if let Some(slot) = self.slot(key) {
            *slot = DROPPED;
        }
    }

    /// How it ended; `None` = it was never closed.
    #[must_use]
    pub fn of(&self, key: TubeKey) -> Option<End> {
        let number = usize::try_from(number_of(key)).ok()?;
        let page = self.pages.get(&(lab_of(key), number / PAGE))?;
        let slot = page.get(number % PAGE).copied().filter(|slot| *slot > 0)?;
        let hours = i64::from(slot & !FILED);
        let known = (1..i64::from(HOURS_MAX)).contains(&hours);
        Some(End {
            not_before: self
                .origin
                .filter(|_| known)
                .map(|origin| origin.saturating_add((hours - 1).saturating_mul(HOUR_MS))),
            filed: slot & FILED != 0,
            dropped: slot == DROPPED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_is_known_to_the_hour_and_never_too_early() {
        let mut ends = Ends::default();
        let first = 1_767_225_600_000;
        assert_eq!(ends.of(7), None);
        for (key, after) in [(7, 0), (8, HOUR_MS - 1), (9, 30 * 24 * HOUR_MS + 5)] {
            ends.close(key, first + after);
            let end = ends.of(key).expect("closed");
            let not_before = end.not_before.expect("known");
            assert!((0..HOUR_MS).contains(&(first + after - not_before)));
            assert!(!end.filed);
        }
        ends.file(8, first + 20 * 24 * HOUR_MS);
        let end = ends.of(8).expect("closed");
        assert!(end.filed && !end.dropped && !ends.of(7).expect("closed").filed);
        assert_eq!(end.not_before, Some(first + 20 * 24 * HOUR_MS));
        ends.close(8, first);
        assert_eq!(ends.of(8), Some(end), "when it was filed is kept");
        ends.drop_card(8);
        let end = ends.of(8).expect("closed");
        assert!(end.filed && end.dropped && end.not_before.is_none());
        ends.close(9, first + 10 * 365 * 24 * HOUR_MS);
        assert_eq!(ends.of(9).expect("closed").not_before, None, "years later");
    }
}
