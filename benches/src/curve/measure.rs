//! Goes along a curve, once or several times.

use super::{Curve, Point, Walked};
use crate::bed::Bed;
use crate::contest::{bar, guarded};
use crate::figure::{Spread, Took};
use std::sync::Arc;

/// Measures a curve at all its sizes, so many times, each time from a fresh start.
pub fn measure(bed: &Arc<Bed>, curve: &'static Curve, runs: u32) -> Walked {
    let sizes = (curve.sizes)(bed);
    let mut taken: Vec<Vec<Took>> = vec![Vec::new(); sizes.len()];
    let bar = bar(u64::from(runs) * sizes.len() as u64);
    bar.set_prefix(curve.name);
    let mut problem = None;
    for run in 1..=runs {
        bar.set_message(format!("run {run} of {runs}: getting ready"));
        problem = once(bed, curve, &sizes, &mut taken, |size| {
            bar.set_message(format!("run {run} of {runs}: {size} {}", curve.axis));
            bar.inc(u64::from(
                size != sizes.first().copied().unwrap_or(0) || run > 1,
            ));
        });
        if problem.is_some() {
            break;
        }
    }
    if problem.is_none() {
        bar.set_position(u64::from(runs) * sizes.len() as u64);
    }
    bar.finish_with_message(if problem.is_none() {
        "measured"
    } else {
        "not measured to its end"
    });
    // A size that only some of the runs reached has no figure.
    let complete = |taken: &&(u64, Vec<Took>)| taken.1.len() == runs as usize;
    let all: Vec<(u64, Vec<Took>)> = sizes.into_iter().zip(taken).collect();
    let points = all.iter().filter(complete).map(|(size, taken)| Point {
        size: *size,
        values: (0..curve.numbers.len())
            .map(|number| {
                let values = taken.iter().filter_map(|took| *took.values.get(number)?);
                Spread::of(values.collect())
            })
            .collect(),
        note: taken
            .last()
            .map(|took| took.note.clone())
            .unwrap_or_default(),
    });
    Walked {
        curve,
        points: points.collect(),
        problem,
    }
}

/// One run; answers why it ended early.
fn once(
    bed: &Arc<Bed>,
    curve: &'static Curve,
    sizes: &[u64],
    taken: &mut [Vec<Took>],
    at: impl Fn(u64),
) -> Option<String> {
    let mut walk = match guarded(|| (curve.start)(bed)) {
        Ok(walk) => walk,
        Err(reason) => return Some(reason),
    };
    for (size, taken) in sizes.iter().zip(taken) {
        at(*size);
        match guarded(|| walk.at(*size)) {
            Ok(took) => taken.push(took),
            Err(reason) => return Some(format!("at {size} {}: {reason}", curve.axis)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bed::{Bed, Size};
    use crate::curve::tests::{BEYOND, SIDEWAYS};

    #[test]
    fn every_size_has_every_run() {
        let bed = Bed::new(Size::QUICK, 1);
        let walked = measure(&bed, &SIDEWAYS, 3);
        assert_eq!(walked.problem, None);
        let sizes: Vec<u64> = walked.points.iter().map(|point| point.size).collect();
        assert_eq!(sizes, [10, 100]);
        for point in &walked.points {
            let runs = point
                .values
                .iter()
                .flatten()
                .map(|spread| spread.runs.len());
            assert_eq!(runs.collect::<Vec<_>>(), [3, 3]);
        }
        assert_eq!(walked.growth(0), Some(10.0));
    }

    #[test]
    fn what_was_measured_before_it_broke_is_told_and_why_it_broke() {
        let bed = Bed::new(Size::QUICK, 1);
        let walked = measure(&bed, &BEYOND, 2);
        assert_eq!(walked.points.len(), 0, "a second run never came");
        let once = measure(&bed, &BEYOND, 1);
        assert_eq!(once.points.len(), 1);
        assert_eq!(
            once.problem.as_deref(),
            Some("at 5000 things: 5000 is too much")
        );
        assert_eq!(once.reached(0), None);
    }
}
