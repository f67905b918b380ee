//! What a sample costs when there are many: in one lab, from a hundred thousand to ten million; and a number of samples spread over one,
//! ten and a thousand labs.
//!
//! Pooling is a process of its own on a broker of its own (`city`). One lab grows from size to size in one process; of each size the
//! cost is that of the samples since the size before, so that what is cheap does not hide what is dear. Labs start anew for each
//! number of them, with the samples of the smallest size.

use crate::bed::Bed;
use crate::city::{City, Crew, Grown};
use crate::curve::{Curve, Number, Walk};
use crate::figure::{Metric, Took};
use crate::tubes::{Load, RACK};
use anyhow::ensure;
use std::sync::Arc;
use std::time::Duration;

/// Scans a second: few, so that none waits for another.
const SCANS: u32 = 100;

/// The cache writes what it has within this time; then scans begin.
const SETTLED: Duration = Duration::from_secs(3);

/// A gibibyte, in megabytes.
const GIB: f64 = 1_073.741_824;

/// CPU, scans, memory and disk.
const fn numbers(growth: Option<f64>) -> [Number; 4] {
    [
        Number {
            metric: Metric::cost("us CPU a sample"),
            growth,
            at_most: None,
        },
        Number {
            metric: Metric::cost("scan p99 ms"),
            growth,
            at_most: None,
        },
        Number {
            metric: Metric::cost("peak RSS MB"),
            growth: None,
            at_most: Some(GIB),
        },
        Number::told(Metric::cost("cache B a sample")),
    ]
}

/// See the module.
pub const SAMPLES: Curve = Curve {
    name: "growth",
    ours: "`tenfold-pooling` as a process of its own on a broker, one lab: registrations in its inbox, racks received, planned and \
           confirmed over gRPC, up to each size; processor time of the process a sample since the size before, p99 of 100 scans/s \
           then (open loop), the most memory it ever had, disk of its cache by samples",
    axis: "samples in one lab",
    sizes: |bed| bed.samples.clone(),
    numbers: &numbers(Some(1.2)),
    takes: "10 to 20 minutes at 1e5,1e6,1e7, and some 12 GB of disk; --sizes 1e5,1e6 two minutes",
    start: |bed| {
        Ok(Box::new(Samples {
            seconds: bed.size.seconds,
            city: City::start(Load::spread(1), Crew::ONE)?,
        }))
    },
};

/// See the module.
pub const LABS: Curve = Curve {
    name: "growth-labs",
    ours: "the same with the samples of the smallest size spread over so many labs on eight lanes, each number of labs from a fresh \
           start (a rack a lab at least)",
    axis: "labs",
    sizes: |bed| bed.size.spread.to_vec(),
    numbers: &numbers(None),
    takes: "two minutes",
    start: |bed| Ok(Box::new(Labs(Arc::clone(bed)))),
};

struct Samples {
    seconds: u64,
    city: City,
}

impl Walk for Samples {
    fn at(&mut self, size: u64) -> anyhow::Result<Took> {
        let more = usize::try_from(size)?.saturating_sub(self.city.samples());
        measured(&mut self.city, more.div_ceil(RACK), self.seconds)
    }
}

struct Labs(Arc<Bed>);

impl Walk for Labs {
    fn at(&mut self, labs: u64) -> anyhow::Result<Took> {
        let labs = usize::try_from(labs)?;
        let samples = usize::try_from(self.0.samples.first().copied().unwrap_or(0))?;
        let racks = samples.div_ceil(RACK).div_ceil(labs).max(1);
        let mut city = City::start(Load::spread(labs), Crew::ONE)?;
        measured(&mut city, racks, self.0.size.seconds)
    }
}

/// Grows by so many racks a lab, then scans.
fn measured(city: &mut City, racks: usize, seconds: u64) -> anyhow::Result<Took> {
    ensure!(racks > 0, "sizes must grow by a rack at least");
    let before = city.samples();
    let Grown {
        cpu,
        registered,
        racked,
    } = city.grow(racks)?;
    let more = (city.samples() - before) as f64;
    std::thread::sleep(SETTLED);
    let count = usize::try_from(seconds)? * SCANS as usize;
    let times = city.scan(SCANS, count)?;
    let complaints = city.complaints();
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    let (memory, disk) = (city.memory()?, city.disk()?);
    let note = format!(
        "{more} more, registered at {:.0}/s, then racked at {:.0}/s; scans: p50 {:.1} ms, longest {:.1} ms; cache {:.0} MB",
        more / registered.as_secs_f64(),
        more / racked.as_secs_f64(),
        times.percentile(50),
        times.percentile(100),
        disk as f64 / 1e6,
    );
    let numbers = [
        cpu * 1e6 / more,
        times.percentile(99),
        memory as f64 / 1e6,
        disk as f64 / city.samples() as f64,
    ];
    Ok(Took::all(&numbers, note))
}
