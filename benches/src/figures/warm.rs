//! A takeover of a lane that another process kept warm (`cache.standby`): what a lab waits for when a process is stopped for an
//! upgrade, or dies.

use crate::city::{City, Crew, End};
use crate::curve::{Curve, Number, Walk};
use crate::figure::{Metric, Took};
use crate::tubes::{Load, RACK};
use anyhow::ensure;
use std::time::Duration;

/// What was decided last is followed within this time.
const FOLLOWED: Duration = Duration::from_secs(10);

/// Lanes, a lab each. A process without any is not ready: there are as many as processes.
const LANES: u32 = 2;

/// Seconds that a takeover may take once it has begun.
const TAKEOVER: f64 = 1.0;

const NUMBERS: &[Number] = &[
    Number {
        metric: Metric::cost("s after a stop"),
        growth: None,
        at_most: Some(TAKEOVER),
    },
    Number::told(Metric::cost("s after a kill")),
];

/// See the module.
pub const CURVE: Curve = Curve {
    name: "takeover-warm",
    ours: "two processes of `tenfold-pooling` with a lane and a lab each, of which each keeps the other's warm: seconds from ending one until \
           the other has both lanes and knows the last tube of both; stopped in order, and killed with -9 (then the group waits for the end of its \
           session first)",
    axis: "samples in two labs",
    sizes: |bed| bed.samples.clone(),
    numbers: NUMBERS,
    takes: "20 minutes at 1e5,1e6,1e7, and twice the disk of `growth`; --sizes 1e5,1e6 four minutes",
    start: |_| {
        let crew = Crew {
            instances: 2,
            lanes: LANES,
            standby: true,
            ..Crew::ONE
        };
        Ok(Box::new(Warm(City::start(Load::new(LANES, 0), crew)?)))
    },
};

struct Warm(City);

impl Walk for Warm {
    fn at(&mut self, size: u64) -> anyhow::Result<Took> {
        let city = &mut self.0;
        let more = usize::try_from(size)?.saturating_sub(city.samples());
        city.grow(more.div_ceil(RACK * LANES as usize))?;
        std::thread::sleep(FOLLOWED);
        let stopped = city.hand_over(End::Stopped)?;
        // Whoever was started again reads its cache, and follows.
        std::thread::sleep(FOLLOWED);
        let killed = city.hand_over(End::Killed)?;
        let complaints = city.complaints();
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        Ok(Took::all(&[stopped, killed], String::new()))
    }
}
