//! Tubes of which a service keeps nothing any more: one bit each, for ever.

use super::ids::{TubeKey, lab_of, number_of};
use std::collections::HashMap;

/// Words of one page.
const PAGE: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Gone {
    pages: HashMap<(u64, usize), Box<[u64; PAGE]>>,
    /// How many there are.
    pub count: u64,
}

impl Gone {
    fn place(key: TubeKey) -> ((u64, usize), usize, u64) {
        let number = usize::try_from(number_of(key)).unwrap_or(usize::MAX);
        let word = number / 64;
        let page = (lab_of(key), word / PAGE);
        (page, word % PAGE, 1 << (number % 64))
    }

    /// A tube goes; false if it had gone before.
    pub fn insert(&mut self, key: TubeKey) -> bool {
        let (page, word, bit) = Self::place(key);
        let page = self
            .pages
            .entry(page)
            .or_insert_with(|| Box::new([0; PAGE]));
        let Some(word) = page.get_mut(word).filter(|word| **word & bit == 0) else {
            return false;
        };
        *word |= bit;
        self.count = self.count.saturating_add(1);
        true
    }

    /// It has gone.
    #[must_use]
    pub fn has(&self, key: TubeKey) -> bool {
        let (page, word, bit) = Self::place(key);
        let page = self.pages.get(&page);
        page.and_then(|page| page.get(word))
            .is_some_and(|word| word & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tube_goes_once() {
        let mut gone = Gone::default();
        for key in [0, 63, 64, 4_095, 4_096, 1 << 40 | 7] {
            assert!(!gone.has(key));
            assert!(gone.insert(key) && !gone.insert(key) && gone.has(key));
        }
        assert!(!gone.has(7), "another lab's");
        assert_eq!(gone.count, 6);
    }
}
