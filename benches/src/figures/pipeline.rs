//! The whole pipeline, from registration to accepted report, against the slowest of its parts alone.
//!
//! Ours is `tenfold run`, all three services in a process of its own, on a broker of its own: sites register, racks are received, planned
//! and confirmed, plates filled, sealed and read, reports taken and answered, all at the same time. The yardstick is the same process with
//! the same number of tubes, one part after another, so that each has the machine alone; told is the slowest.

use crate::bed::Bed;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::line::Line;
use crate::tubes::RACK;
use anyhow::Context as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "pipeline",
    ours: "`tenfold run` (a process of its own, all services) on a broker, 8 labs: tubes registered, received, planned and confirmed in \
           racks, pools plated, runs imported, reports taken and answered, all at the same time, until the last report is answered; \
           every tube's report must be there, and negative",
    metrics: &[Metric::rate("samples/s")],
    start: |bed| whole(bed, true),
    yardsticks: &[Yardstick {
        name: "slowest-part",
        how: "the same process, the same number of tubes, one part after another, each with the machine alone: registering until \
              pooling knows all; racks until all are confirmed; plates until the last report is answered. Told is the slowest",
        aims: &[Some(0.5)],
        start: |bed| whole(bed, false),
    }],
    bounds: &[],
};

struct Whole {
    line: Arc<Mutex<Line>>,
    racks: usize,
    at_once: bool,
}

fn whole(bed: &Arc<Bed>, at_once: bool) -> anyhow::Result<Box<dyn Contestant>> {
    let line = bed.line()?;
    let labs = line.lock().unwrap_or_else(PoisonError::into_inner).labs();
    let racks = bed.size.load().tubes() / RACK;
    Ok(Box::new(Whole {
        line,
        racks: (racks / labs).max(1),
        at_once,
    }))
}

impl Contestant for Whole {
    fn run(&mut self) -> anyhow::Result<Took> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let took = line.run(self.racks, self.at_once)?;
        let tubes = (self.racks * RACK * line.labs()) as f64;
        let rate = |part: Duration| tubes / part.as_secs_f64();
        let parts = [took.registering, took.pooling, took.results];
        let [registering, pooling, results] = parts.map(rate);
        let note = format!(
            "{tubes} tubes a run; registering {registering:.0}/s, pooling {pooling:.0}/s, results {results:.0}/s{}",
            if self.at_once {
                ", from the beginning"
            } else {
                ""
            }
        );
        let told = if self.at_once {
            rate(took.whole)
        } else {
            rate(parts.into_iter().max().context("a part")?)
        };
        Ok(Took::all(&[told], note))
    }
}
