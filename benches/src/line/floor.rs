//! A lab's floor: which liquid is in which pool, known from what the robot did and not from what a service says later.

use crate::tubes::index;
use anyhow::{Context as _, anyhow};
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, PoisonError};
use tenfold_lab_day::bench::Hands;
use tenfold_lab_day::plan::Truth;
use tenfold_proto::v1;
use v1::planned_tube::Planned;
use v1::tube_placement::Placement;

/// See the module.
#[derive(Default)]
pub(super) struct Floor {
    /// What is where.
    pub(super) hands: Mutex<Hands>,
    /// Racks that are done.
    pub(super) racked: AtomicUsize,
}

impl Floor {
    /// The robot does what was planned for a rack; `tube` says barcode and content of the tube in a place.
    ///
    /// # Errors
    /// A tube is to go into no pool.
    pub(super) fn put(
        &self,
        planned: &[v1::PlannedTube],
        tube: impl Fn(usize) -> (String, Truth),
    ) -> anyhow::Result<()> {
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        for one in planned {
            let at = index(&one.position).with_context(|| format!("{:?}", one.position))?;
            let (barcode, truth) = tube(at);
            let Some(Planned::Placement(v1::TubePlacement {
                placement: Some(Placement::Pool(seat)),
            })) = &one.planned
            else {
                return Err(anyhow!("{barcode} gets no seat in a pool: {one:?}"));
            };
            let pool = hands.pools.entry(seat.pool.clone()).or_default();
            pool.push(barcode.clone());
            hands.truth.insert(barcode.clone(), truth);
            hands.tubes.insert(one.tube.clone(), barcode);
        }
        Ok(())
    }

    /// Pools.
    pub(super) fn pools(&self) -> usize {
        let hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        hands.pools.len()
    }

    /// Pools with a positive tube in them, and how many tubes they hold.
    pub(super) fn suspect(&self) -> (usize, usize) {
        let hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        let positive = |tube: &String| matches!(hands.truth.get(tube), Some(Truth::Virus(_)));
        let suspect = hands
            .pools
            .values()
            .filter(|pool| pool.iter().any(positive));
        suspect.fold((0, 0), |(pools, tubes), pool| {
            (pools + 1, tubes + pool.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(position: &str, pool: &str) -> v1::PlannedTube {
        let seat = v1::PoolSeat {
            pool: pool.to_owned(),
            ..Default::default()
        };
        let placement = v1::TubePlacement {
            placement: Some(Placement::Pool(seat)),
        };
        v1::PlannedTube {
            position: position.to_owned(),
            tube: format!("lab/{position}"),
            planned: Some(Planned::Placement(placement)),
        }
    }

    #[test]
    fn a_pool_with_a_positive_tube_is_suspect_with_all_its_members() {
        let floor = Floor::default();
        let rack = [planned("A1", "p"), planned("A2", "q"), planned("A3", "q")];
        let tube = |at| {
            let truth = [Truth::Negative, Truth::Virus(25.0), Truth::Negative][at];
            (format!("B{at}"), truth)
        };
        floor.put(&rack, tube).expect("seats");
        assert_eq!((floor.pools(), floor.suspect()), (2, (1, 2)));
        let mut hands = floor.hands.lock().expect("no panic");
        assert_eq!(hands.show("p").target, None);
        let shown = hands.show("q").target.expect("a Ct");
        assert!((shown - 26.0).abs() < 0.01, "{shown}");
        assert_eq!(hands.show("lab/A3").target, None);
        assert_eq!(hands.show("lab/A2").target, Some(25.0));
    }

    #[test]
    fn a_tube_without_a_seat_is_an_error() {
        let mut alone = planned("A1", "p");
        alone.planned = None;
        let put = Floor::default().put(&[alone], |_| ("B0".to_owned(), Truth::Negative));
        put.expect_err("no seat");
    }
}
