//! Measures ours and its yardsticks in turn, so that what else the machine does hits all alike.

use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Measured, Row, Spread, Took, Yardstick};
use indicatif::{ProgressBar, ProgressStyle};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// One side, with what its runs gave so far.
struct Side {
    name: &'static str,
    contestant: Result<Box<dyn Contestant>, String>,
    runs: Vec<Took>,
}

impl Side {
    fn start(bed: &Arc<Bed>, name: &'static str, start: crate::figure::Start) -> Self {
        let contestant = guarded(|| start(bed));
        Self {
            name,
            contestant,
            runs: Vec::new(),
        }
    }

    /// After a failure it is not run again: a figure needs all its runs.
    fn run(&mut self, counted: bool) {
        let Ok(contestant) = &mut self.contestant else {
            return;
        };
        match guarded(|| contestant.run()) {
            Ok(took) if counted => self.runs.push(took),
            Ok(_) => {}
            Err(reason) => self.contestant = Err(reason),
        }
    }

    fn value(&self, run: usize, metric: usize) -> Option<f64> {
        self.runs.get(run)?.values.get(metric).copied().flatten()
    }

    fn problem(&self) -> Option<String> {
        self.contestant
            .as_ref()
            .err()
            .map(|reason| format!("{}: {reason}", self.name))
    }

    fn note(&self) -> String {
        let note = self
            .runs
            .last()
            .map(|took| took.note.clone())
            .unwrap_or_default();
        if note.is_empty() {
            note
        } else {
            format!("{}: {note}", self.name)
        }
    }
}

/// What the starting of brokers and programs panics with is a reason like any other.
pub(crate) fn guarded<T>(work: impl FnOnce() -> anyhow::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "it panicked".to_owned()))
        }
    }
}

/// Measures a figure against these of its yardsticks.
pub fn measure(
    bed: &Arc<Bed>,
    figure: &'static Figure,
    yardsticks: &[&'static Yardstick],
) -> Vec<Row> {
    let rounds = bed.runs + bed.size.warm_ups;
    let steps = u64::from(rounds) * (yardsticks.len() as u64 + 1);
    let bar = bar(steps);
    bar.set_prefix(figure.name);
    bar.set_message("getting ready");
    let mut ours = Side::start(bed, "ours", figure.start);
    let mut others: Vec<Side> = yardsticks
        .iter()
        .map(|yardstick| {
            bar.set_message(format!("getting ready: {}", yardstick.name));
            Side::start(bed, yardstick.name, yardstick.start)
        })
        .collect();
    for round in 0..rounds {
        for side in std::iter::once(&mut ours).chain(&mut others) {
            let counted = round >= bed.size.warm_ups;
            let which = if counted {
                round - bed.size.warm_ups + 1
            } else {
                0
            };
            bar.set_message(format!("run {which} of {}: {}", bed.runs, side.name));
            side.run(counted);
            bar.inc(1);
        }
    }
    bar.finish_with_message("measured");
    let mut rows = Vec::new();
    for (yardstick, other) in yardsticks.iter().zip(&others) {
        for (index, metric) in figure.metrics.iter().enumerate() {
            let aim = yardstick.aims.get(index).copied().flatten();
            let outcome = match compare(&ours, other, index) {
                Ok(None) if aim.is_none() => continue,
                Ok(None) => Err("a run was too short to give this number".to_owned()),
                Ok(Some(measured)) => Ok(measured),
                Err(reason) => Err(reason),
            };
            rows.push(Row {
                figure: figure.name,
                yardstick: yardstick.name,
                how: yardstick.how,
                metric: *metric,
                aim,
                outcome,
            });
        }
    }
    for bound in figure.bounds {
        let Some(metric) = figure.metrics.get(bound.metric) else {
            continue;
        };
        let values = (0..ours.runs.len())
            .filter_map(|run| ours.value(run, bound.metric))
            .collect();
        let outcome = match (ours.problem(), Spread::of(values)) {
            (Some(problem), _) => Err(problem),
            (None, None) => Err("no run gave this number".to_owned()),
            (None, Some(spread)) => Ok(Measured {
                ours: spread,
                yardstick: None,
                ratio: None,
                notes: vec![ours.note()],
            }),
        };
        rows.push(Row {
            figure: figure.name,
            yardstick: "",
            how: "",
            metric: *metric,
            aim: bound.at_most,
            outcome,
        });
    }
    rows
}

/// `Ok(None)` = one of the two has no such number.
fn compare(ours: &Side, other: &Side, metric: usize) -> Result<Option<Measured>, String> {
    if let Some(problem) = ours.problem().or_else(|| other.problem()) {
        return Err(problem);
    }
    let pairs: Option<Vec<(f64, f64)>> = (0..ours.runs.len())
        .map(|run| Some((ours.value(run, metric)?, other.value(run, metric)?)))
        .collect();
    let Some(pairs) = pairs else {
        return Ok(None);
    };
    if pairs
        .iter()
        .any(|(a, b)| !a.is_finite() || !b.is_finite() || *b <= 0.0)
    {
        return Err("a run gave no positive number".to_owned());
    }
    let spread = |values: Vec<f64>| Spread::of(values).ok_or_else(|| "no run".to_owned());
    Ok(Some(Measured {
        ours: spread(pairs.iter().map(|(a, _)| *a).collect())?,
        yardstick: Some(spread(pairs.iter().map(|(_, b)| *b).collect())?),
        ratio: Some(spread(pairs.iter().map(|(a, b)| a / b).collect())?),
        notes: vec![ours.note(), other.note()],
    }))
}

/// The bar that every figure shows while it is measured.
pub(crate) fn bar(steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    if let Ok(style) =
        ProgressStyle::with_template("{prefix:14} [{bar:30}] {pos}/{len} {elapsed} {msg}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
