//! Curves as their points come in, in any order.

use super::Curve;
use crate::bounds::{CYCLES_MAX, REACTIONS_MAX};
use crate::refusal::{Reason, Refusal};
use std::collections::{BTreeMap, HashMap};

/// Fewer points than this are no curve.
const POINTS_MIN: usize = 3;

/// What is gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    names: Vec<(String, String)>,
    points: Vec<BTreeMap<u16, f32>>,
    known: HashMap<String, HashMap<String, usize>>,
}

impl Gathering {
    /// Takes a point. Of a cycle that is there twice the first counts; a cycle that no instrument runs is passed over.
    ///
    /// # Errors
    /// There are more curves than a file may have reactions.
    pub fn add(&mut self, well: &str, target: &str, point: (u16, f32)) -> Result<(), Refusal> {
        let (cycle, value) = point;
        if !(1..=CYCLES_MAX).contains(&cycle) {
            return Ok(());
        }
        let at = self.known.get(well).and_then(|of| of.get(target)).copied();
        let at = match at {
            Some(at) => at,
            None => self.another(well, target)?,
        };
        if let Some(points) = self.points.get_mut(at) {
            points.entry(cycle).or_insert(value);
        }
        Ok(())
    }

    fn another(&mut self, well: &str, target: &str) -> Result<usize, Refusal> {
        let at = self.names.len();
        if at >= REACTIONS_MAX {
            return Err(Refusal::whole(
                Reason::TooLong,
                format!("more than {REACTIONS_MAX} curves"),
            ));
        }
        self.names.push((well.to_owned(), target.to_owned()));
        self.points.push(BTreeMap::new());
        let of = self.known.entry(well.to_owned()).or_default();
        of.insert(target.to_owned(), at);
        Ok(at)
    }

    /// The curves, in the order in which the file began them.
    pub fn curves(self) -> Vec<Curve> {
        let curves = self.names.into_iter().zip(self.points);
        curves
            .filter(|(_, points)| points.len() >= POINTS_MIN)
            .map(|((well, target), points)| Curve {
                well,
                target,
                points: points.into_iter().collect(),
            })
            .collect()
    }
}
