//! What a figure is: something of ours, in numbers, and the yardsticks that do the same job.

use crate::bed::Bed;
use std::sync::Arc;

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Rates.
    Higher,
    /// Times and sizes.
    Lower,
}

/// One number of a figure.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Such as `samples/s`.
    pub name: &'static str,
    /// Which way is good.
    pub better: Better,
}

impl Metric {
    /// A rate.
    #[must_use]
    pub const fn rate(name: &'static str) -> Self {
        Self {
            name,
            better: Better::Higher,
        }
    }

    /// A time or a size.
    #[must_use]
    pub const fn cost(name: &'static str) -> Self {
        Self {
            name,
            better: Better::Lower,
        }
    }
}

/// What one run gave: a number for each metric (`None` = this side has none), and what else a reader should know.
#[derive(Clone, Debug, Default)]
pub struct Took {
    /// In the order of the figure's metrics.
    pub values: Vec<Option<f64>>,
    /// In words.
    pub note: String,
}

impl Took {
    /// Numbers for all metrics.
    #[must_use]
    pub fn all(values: &[f64], note: String) -> Self {
        Self {
            values: values.iter().copied().map(Some).collect(),
            note,
        }
    }
}

/// Somebody who does the job once, and checks that it was done.
pub trait Contestant {
    /// Does the job from a fresh start. What is prepared before the clock runs is not measured.
    ///
    /// # Errors
    /// It could not be done, or its outcome is wrong: then there is no figure.
    fn run(&mut self) -> anyhow::Result<Took>;
}

/// Makes a contestant ready: starts brokers, compiles programs, writes inputs.
pub type Start = fn(&Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>>;

/// What ours is measured against.
pub struct Yardstick {
    /// Second half of the pair's name.
    pub name: &'static str,
    /// What it is, and how it was tuned.
    pub how: &'static str,
    /// For each metric: the ratio aimed at.
    pub aims: &'static [Option<f64>],
    /// Makes it ready.
    pub start: Start,
}

/// A number of ours that has no yardstick, and must be below something.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Which metric, by its place.
    pub metric: usize,
    /// Aim.
    pub at_most: Option<f64>,
}

/// A figure.
pub struct Figure {
    /// First half of the pair's name.
    pub name: &'static str,
    /// What of ours is measured, and how.
    pub ours: &'static str,
    /// The numbers.
    pub metrics: &'static [Metric],
    /// Makes ours ready.
    pub start: Start,
    /// What it is measured against.
    pub yardsticks: &'static [Yardstick],
    /// Numbers without a yardstick.
    pub bounds: &'static [Bound],
}

/// Least, middle and most of the runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Every run, in order.
    pub runs: Vec<f64>,
    /// Half of the runs gave less.
    pub median: f64,
    /// Least.
    pub min: f64,
    /// Most.
    pub max: f64,
}

impl Spread {
    /// Of these runs; `None` if there is none.
    #[must_use]
    pub fn of(runs: Vec<f64>) -> Option<Self> {
        let mut sorted = runs.clone();
        sorted.sort_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self {
            runs,
            median: f64::midpoint(lower, upper),
            min: first,
            max: last,
        })
    }
}

/// What was measured of one metric.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Ours.
    pub ours: Spread,
    /// The yardstick's; `None` = there is none, only a bound.
    pub yardstick: Option<Spread>,
    /// Ours divided by the yardstick's, run by run.
    pub ratio: Option<Spread>,
    /// Notes of the last runs: ours, the yardstick's.
    pub notes: Vec<String>,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The figure's name.
    pub figure: &'static str,
    /// The yardstick's name; empty = none.
    pub yardstick: &'static str,
    /// How it was tuned.
    pub how: &'static str,
    /// The metric.
    pub metric: Metric,
    /// Ratio aimed at, or the most a number without a yardstick may be.
    pub aim: Option<f64>,
    /// What was measured, or why nothing was.
    pub outcome: Result<Measured, String>,
}

impl Row {
    /// Whether the median reaches the aim; `None` = there is no aim or no figure.
    #[must_use]
    pub fn reached(&self) -> Option<bool> {
        let measured = self.outcome.as_ref().ok()?;
        let aim = self.aim?;
        let is = measured.ratio.as_ref().unwrap_or(&measured.ours).median;
        Some(match self.metric.better {
            Better::Higher => is >= aim,
            Better::Lower => is <= aim,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_the_two_in_the_middle() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).expect("four runs");
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.5, 4.0));
        assert_eq!(spread.runs, [4.0, 1.0, 3.0, 2.0], "the runs stay in order");
        assert_eq!(Spread::of(vec![7.0]).expect("one run").median, 7.0);
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn an_aim_is_a_floor_for_rates_and_a_ceiling_for_times() {
        let row = |metric, ratio: f64| Row {
            figure: "f",
            yardstick: "y",
            how: "",
            metric,
            aim: Some(2.0),
            outcome: Ok(Measured {
                ours: Spread::of(vec![1.0]).expect("a run"),
                yardstick: None,
                ratio: Spread::of(vec![ratio]),
                notes: Vec::new(),
            }),
        };
        assert_eq!(row(Metric::rate("a"), 2.5).reached(), Some(true));
        assert_eq!(row(Metric::rate("a"), 1.5).reached(), Some(false));
        assert_eq!(row(Metric::cost("a"), 1.5).reached(), Some(true));
        assert_eq!(row(Metric::cost("a"), 2.5).reached(), Some(false));
        let void = Row {
            outcome: Err("no Java".to_owned()),
            ..row(Metric::rate("a"), 2.5)
        };
        assert_eq!(
            void.reached(),
            None,
            "what was not measured reaches nothing"
        );
    }
}
