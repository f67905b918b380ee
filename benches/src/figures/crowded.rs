//! A scan among others: while every lane of every service works, against a single lane that has the machine alone.
//!
//! Ours is `tenfold run` as a process of its own on three brokers (`crowd`). Client, service and brokers share this machine's cores, in
//! both: the ratio says what lanes cost each other, as long as there are cores for all of them.

use crate::bed::Bed;
use crate::crowd::Crowd;
use crate::figure::{Contestant, Figure, Metric, Took, Yardstick};
use crate::figures::scan::told;
use crate::lab::LABS;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
pub const FIGURE: Figure = Figure {
    name: "scan-crowded",
    ours: "250 scans/s (not 2,000: see crowd.rs) over 8 connections to `tenfold run` (a process of its own, all services) on three \
           brokers, at 8 labs on the 8 lanes of pooling, while 200 tubes/s go from registration to accepted report at 8 other labs on \
           the same lanes: each lane of intake, pooling and results must write a record every two seconds at least",
    metrics: &[Metric::cost("p50 ms"), Metric::cost("p99 ms")],
    start: |bed| start(bed, true),
    yardsticks: &[Yardstick {
        name: "one-lane",
        how: "the same number of scans a second over 8 connections at a single lab, nothing else running: Tenfold against itself, the \
              same process and brokers, in turn",
        aims: &[None, Some(2.0)],
        start: |bed| start(bed, false),
    }],
    bounds: &[],
};

struct Crowded {
    crowd: Arc<Mutex<Crowd>>,
    seconds: u64,
    all: bool,
}

fn start(bed: &Arc<Bed>, all: bool) -> anyhow::Result<Box<dyn Contestant>> {
    Ok(Box::new(Crowded {
        crowd: bed.crowd()?,
        seconds: bed.size.seconds,
        all,
    }))
}

impl Contestant for Crowded {
    fn run(&mut self) -> anyhow::Result<Took> {
        let labs = if self.all { LABS as usize } else { 1 };
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        let scanned = crowd.scan(labs, self.seconds, self.all)?;
        let beside = scanned.beside.map(|times| {
            format!(
                ", beside {} tubes reported after {:.0} ms (p50; p99 {:.0}); of {} lanes the idlest wrote {} records meanwhile",
                times.count(),
                times.percentile(50),
                times.percentile(99),
                scanned.lanes,
                scanned.least_records
            )
        });
        let beside = beside.unwrap_or_default();
        let cores = scanned.cores;
        let what = format!("scans, {cores:.1} cores of this machine busy{beside}");
        Ok(told(&scanned.times, &what))
    }
}
