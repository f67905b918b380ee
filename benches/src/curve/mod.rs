//! What a curve is: numbers of ours at each of several sizes, from the smallest to the largest. Its yardstick is itself at the
//! smallest size: what a sample costs must not grow with their number. Some have none, and show where the time goes.

mod measure;
mod picture;
mod told;

pub use measure::measure;
pub use picture::pictures;
pub use told::{json, list, table};

use crate::bed::Bed;
use crate::figure::{Better, Metric, Spread, Took};
use std::sync::Arc;

/// Somebody who goes from size to size.
pub trait Walk {
    /// Goes on to this size, and measures there. Sizes come in order, smallest first.
    ///
    /// # Errors
    /// It cannot be reached, or the outcome is wrong: there is no number from here on.
    fn at(&mut self, size: u64) -> anyhow::Result<Took>;
}

/// One number of a curve.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// What it is.
    pub metric: Metric,
    /// The most that it may be at the largest size, as a ratio of itself at the smallest.
    pub growth: Option<f64>,
    /// The most that it may be at any size.
    pub at_most: Option<f64>,
}

impl Number {
    /// Without an aim.
    #[must_use]
    pub const fn told(metric: Metric) -> Self {
        Self {
            metric,
            growth: None,
            at_most: None,
        }
    }
}

/// See the module.
pub struct Curve {
    /// Its name on the command line.
    pub name: &'static str,
    /// What is measured, and how.
    pub ours: &'static str,
    /// What the sizes are of.
    pub axis: &'static str,
    /// The sizes, smallest first.
    pub sizes: fn(&Bed) -> Vec<u64>,
    /// The numbers.
    pub numbers: &'static [Number],
    /// How long a run takes at full size, and how to have it shorter.
    pub takes: &'static str,
    /// Makes it ready; anew for each run.
    pub start: fn(&Arc<Bed>) -> anyhow::Result<Box<dyn Walk>>,
}

/// What was measured at one size.
#[derive(Clone, Debug)]
pub struct Point {
    /// The size.
    pub size: u64,
    /// For each number: all runs; `None` = none has it.
    pub values: Vec<Option<Spread>>,
    /// What the last run noted.
    pub note: String,
}

/// What was measured of a curve.
pub struct Walked {
    /// Of which.
    pub curve: &'static Curve,
    /// Smallest size first.
    pub points: Vec<Point>,
    /// Why it ended before the last size.
    pub problem: Option<String>,
}

impl Walked {
    /// A number at its largest size, divided by itself at the smallest; `None` = there are not two.
    #[must_use]
    pub fn growth(&self, number: usize) -> Option<f64> {
        let (first, rest) = self.points.split_first()?;
        let value = |point: &Point| Some(point.values.get(number)?.as_ref()?.median);
        let (first, last) = (value(first)?, value(rest.last()?)?);
        (first > 0.0).then_some(last / first)
    }

    /// Its worst at any size.
    #[must_use]
    pub fn worst(&self, number: usize) -> Option<f64> {
        let values = self.points.iter().filter_map(|point| {
            let spread = point.values.get(number)?.as_ref()?;
            Some(spread.median)
        });
        let better = self.curve.numbers.get(number)?.metric.better;
        values.reduce(|a, b| match better {
            Better::Higher => a.min(b),
            Better::Lower => a.max(b),
        })
    }

    /// Whether a number reaches its aims; `None` = it has none, or was not measured at every size.
    #[must_use]
    pub fn reached(&self, number: usize) -> Option<bool> {
        let aims = self.curve.numbers.get(number)?;
        if self.problem.is_some() {
            return None;
        }
        let growth = aims.growth.map(|aim| Some(self.growth(number)? <= aim));
        let at_most = aims.at_most.map(|aim| Some(self.worst(number)? <= aim));
        match (growth, at_most) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => one,
            // A single size shows nothing of growth: what is known fails or stays open.
            (Some(a), Some(b)) => match (a, b) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) struct Nothing;

    impl Walk for Nothing {
        fn at(&mut self, size: u64) -> anyhow::Result<Took> {
            anyhow::ensure!(size < 1_000, "{size} is too much");
            Ok(Took::all(&[size as f64, 8.0], format!("at {size}")))
        }
    }

    pub(crate) const CURVE: Curve = Curve {
        name: "sideways",
        ours: "nothing at all",
        axis: "things",
        sizes: |_| vec![10, 100],
        numbers: &[
            Number {
                metric: Metric::cost("us a thing"),
                growth: Some(1.2),
                at_most: None,
            },
            Number {
                metric: Metric::cost("MB"),
                growth: None,
                at_most: Some(10.0),
            },
        ],
        takes: "no time",
        start: |_| Ok(Box::new(Nothing)),
    };

    pub(crate) static SIDEWAYS: Curve = CURVE;

    pub(crate) static BEYOND: Curve = Curve {
        sizes: |_| vec![10, 5_000, 50_000],
        ..CURVE
    };

    fn walked(values: &[[f64; 2]]) -> Walked {
        let points = (1..).zip(values).map(|(size, values)| Point {
            size,
            values: values.map(|value| Spread::of(vec![value])).into(),
            note: String::new(),
        });
        Walked {
            curve: &SIDEWAYS,
            points: points.collect(),
            problem: None,
        }
    }

    #[test]
    fn growth_is_the_largest_size_against_the_smallest() {
        let grown = walked(&[[10.0, 1.0], [50.0, 1.0], [11.0, 1.0]]);
        assert_eq!(grown.growth(0), Some(1.1));
        assert_eq!(grown.reached(0), Some(true));
        let more = walked(&[[10.0, 1.0], [13.0, 1.0]]);
        assert_eq!(more.reached(0), Some(false));
        assert_eq!(
            walked(&[[10.0, 1.0]]).reached(0),
            None,
            "one size is no growth"
        );
    }

    #[test]
    fn a_bound_holds_at_every_size_and_nothing_is_reached_that_ended_early() {
        assert_eq!(walked(&[[1.0, 9.0], [1.0, 10.0]]).reached(1), Some(true));
        let mut above = walked(&[[1.0, 9.0], [1.0, 11.0], [1.0, 9.0]]);
        assert_eq!(above.reached(1), Some(false));
        above.problem = Some("it broke".to_owned());
        assert_eq!(above.reached(1), None);
    }
}
