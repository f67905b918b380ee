//! A takeover with an empty cache from the newest snapshot: what a lab waits for when the machine that had its lane is gone for good.
//!
//! One lab, so one lane has everything, and one thread restores it; every sample waits in a pool, as in `growth`, and none was
//! filed. So it is more than any lane of a city has.

use crate::city::{City, Crew};
use crate::curve::{Curve, Number, Walk};
use crate::figure::{Metric, Took};
use crate::tubes::{Load, RACK};
use anyhow::ensure;
use std::time::Duration;

/// A snapshot that was begun is written within this time.
const SETTLED: Duration = Duration::from_secs(10);

/// Seconds that a takeover may take.
const TAKEOVER: f64 = 10.0;

const NUMBERS: &[Number] = &[
    Number {
        metric: Metric::cost("s until it answers"),
        growth: None,
        at_most: Some(TAKEOVER),
    },
    Number::told(Metric::cost("s reading the snapshot")),
    Number::told(Metric::cost("snapshots B a sample")),
];

/// See the module.
pub const CURVE: Curve = Curve {
    name: "takeover-restored",
    ours: "`tenfold-pooling` with one lab, killed with -9 and started again without its cache: seconds from the start of the process until it \
           knows the last tube, those in which the newest snapshot was read, and the disk that two snapshots take",
    axis: "samples in one lab",
    sizes: |bed| bed.samples.clone(),
    numbers: NUMBERS,
    takes: "10 to 20 minutes at 1e5,1e6,1e7, and some 12 GB of disk, as `growth`; --sizes 1e5,1e6 four minutes",
    start: |_| {
        let crew = Crew {
            snapshots: true,
            ..Crew::ONE
        };
        Ok(Box::new(Restored(City::start(Load::spread(1), crew)?)))
    },
};

struct Restored(City);

impl Walk for Restored {
    fn at(&mut self, size: u64) -> anyhow::Result<Took> {
        let city = &mut self.0;
        let more = usize::try_from(size)?.saturating_sub(city.samples());
        city.grow(more.div_ceil(RACK))?;
        std::thread::sleep(SETTLED);
        let bytes = city.snapshots()? as f64;
        let (took, reading) = city.lose_cache()?;
        let complaints = city.complaints();
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        let note = format!(
            "two snapshots {:.0} MB; {:.1} s for what came after the newest, and all else",
            bytes / 1e6,
            took - reading
        );
        Ok(Took::all(
            &[took, reading, bytes / city.samples() as f64],
            note,
        ))
    }
}
