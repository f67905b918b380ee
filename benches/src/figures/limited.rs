//! What one more instance gives: the same racks at one, two and three processes of pooling, each with a quarter of a core and no more,
//! so that this machine's cores are not what ends first. `tenfold capacity` reckons with cores, whoever has them: what a sample takes of
//! them must not grow with the instances, nor be above what it reckons with.

use crate::bed::Bed;
use crate::city::{City, Crew};
use crate::curve::{Curve, Number, Walk};
use crate::figure::{Metric, Took};
use crate::tubes::Load;
use anyhow::ensure;
use std::sync::Arc;
use tenfold_capacity::machines::Costs;

/// Cores of each instance: three of them leave more than half of two cores to broker and callers.
const CORES: f64 = 0.25;

/// Lanes, a lab each: one, two and three instances have the same number.
const LANES: u32 = 12;

const NUMBERS: &[Number] = &[
    Number::told(Metric::rate("samples/s")),
    Number {
        metric: Metric::cost("us CPU a sample"),
        growth: Some(1.2),
        at_most: Some(Costs::MEASURED.pooling_us),
    },
    Number::told(Metric::rate("part of their cores")),
];

/// See the module.
pub const CURVE: Curve = Curve {
    name: "instances-limited",
    ours: "`tenfold-pooling` as one, two and three processes of 0.25 cores each (a control group; needs root) that share 12 lanes on one \
           broker: registrations in the inbox, racks received, planned and confirmed over gRPC, at whichever instance; samples/s in all, processor time \
           of all a sample, and the part of their cores that they took",
    axis: "instances",
    sizes: |_| vec![1, 2, 3],
    numbers: NUMBERS,
    takes: "three minutes",
    start: |bed| Ok(Box::new(Limited(Arc::clone(bed)))),
};

struct Limited(Arc<Bed>);

impl Walk for Limited {
    fn at(&mut self, instances: u64) -> anyhow::Result<Took> {
        let crew = Crew {
            instances: u32::try_from(instances)?,
            lanes: LANES,
            cores: Some(CORES),
            ..Crew::ONE
        };
        let mut city = City::start(Load::new(LANES, 0), crew)?;
        let racks = self.0.size.lane_racks.div_ceil(LANES as usize);
        let grown = city.grow(racks)?;
        let complaints = city.complaints();
        ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
        let samples = city.samples() as f64;
        let seconds = (grown.registered + grown.racked).as_secs_f64();
        let cores = f64::from(crew.instances) * CORES;
        let note = format!(
            "registered at {:.0}/s, then racked at {:.0}/s",
            samples / grown.registered.as_secs_f64(),
            samples / grown.racked.as_secs_f64(),
        );
        let numbers = [
            samples / seconds,
            grown.cpu * 1e6 / samples,
            grown.cpu / (cores * seconds),
        ];
        Ok(Took::all(&numbers, note))
    }
}
