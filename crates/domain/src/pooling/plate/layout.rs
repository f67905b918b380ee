//! Where a plate's controls stand: the kit's at the layout's wells, the batch's at drawn wells.
//!
//! The draw depends on the seed alone, and the seed is in the plate's event: so anybody can draw again.
//! Positions that move from plate to plate make a swapped plate visible by its control fingerprint.

use crate::message::Control;
use crate::policy::{FillOrder, Layout};
use crate::well::Well;

/// The control wells of a plate, in the order of the wells.
#[must_use]
pub fn controls(layout: &Layout, seed: u64) -> Vec<(Well, Control)> {
    let mut controls: Vec<(Well, Control)> = layout
        .positive
        .iter()
        .map(|well| (*well, Control::Positive))
        .chain(
            layout
                .negative
                .iter()
                .map(|well| (*well, Control::Negative)),
        )
        .chain(
            layout
                .extraction
                .iter()
                .map(|well| (*well, Control::Extraction)),
        )
        .collect();
    let mut free: Vec<Well> = (0..layout.size.wells())
        .filter_map(|index| Well::from_row_major(layout.size, index))
        .filter(|well| controls.iter().all(|(taken, _)| taken != well))
        .collect();
    let drawn = std::iter::repeat_n(Control::WeakPositive, layout.weak_positives.into()).chain(
        std::iter::repeat_n(Control::BatchNegative, layout.batch_negatives.into()),
    );
    let mut draw = Draw(seed);
    for control in drawn {
        let index = draw.below(free.len());
        if index < free.len() {
            controls.push((free.swap_remove(index), control));
        }
    }
    controls.sort_unstable();
    controls
}

/// The wells of a plate in the order they are filled.
#[must_use]
pub fn fill_order(layout_size: crate::well::PlateSize, order: FillOrder) -> Vec<Well> {
    (0..layout_size.wells())
        .filter_map(|index| match order {
            FillOrder::Columns => Well::from_column_major(layout_size, index),
            FillOrder::Rows => Well::from_row_major(layout_size, index),
        })
        .collect()
}

/// Splitmix64 (Steele, Lea, Flood 2014): the draw is part of the journal's meaning, so its algorithm is
/// fixed here for ever, and not left to a library that may change.
struct Draw(u64);

impl Draw {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias at bounds of a few hundred is below 2^-55.
    const fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        (self.next() % bound as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::well::PlateSize;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn splitmix64_gives_its_published_numbers() {
        let mut draw = Draw(1_234_567);
        assert_eq!(
            [draw.next(), draw.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn wells_are_filled_down_the_columns_or_along_the_rows() {
        let text = |order| -> Vec<String> {
            fill_order(PlateSize::P96, order)
                .iter()
                .take(3)
                .map(ToString::to_string)
                .collect()
        };
        assert_eq!(text(FillOrder::Columns), ["A1", "B1", "C1"]);
        assert_eq!(text(FillOrder::Rows), ["A1", "A2", "A3"]);
    }

    proptest! {
        #[test]
        fn a_standard_plate_has_six_controls_wherever_they_are_drawn(seed: u64) {
            let drawn = controls(&Layout::default(), seed);
            prop_assert_eq!(drawn.len(), 6);
            let wells: BTreeSet<Well> = drawn.iter().map(|(well, _)| *well).collect();
            prop_assert_eq!(wells.len(), 6, "two in one well");
            let count = |wanted| drawn.iter().filter(|(_, control)| *control == wanted).count();
            prop_assert_eq!(count(Control::WeakPositive), 1);
            prop_assert_eq!(count(Control::BatchNegative), 3);
            prop_assert_eq!(drawn, controls(&Layout::default(), seed));
        }

        #[test]
        fn a_plate_turned_round_is_seen_by_its_controls(seed: u64) {
            let drawn = controls(&Layout::default(), seed);
            let mut turned: Vec<(Well, Control)> = drawn
                .iter()
                .filter_map(|(well, control)| {
                    Some((Well::at(PlateSize::P96, 7 - well.row(), 11 - well.column())?, *control))
                })
                .collect();
            turned.sort_unstable();
            prop_assert_ne!(drawn, turned);
        }
    }
}
