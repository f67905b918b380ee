//! What the services need: from what one tube was measured to cost.

use crate::plan::Plan;
use serde::Serialize;

/// What one tube costs, from its registration to its accepted report. Measured; `docs/capacity.md` says how and when.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Costs {
    /// Processor time of intake, in microseconds.
    pub intake_us: f64,
    /// Of pooling.
    pub pooling_us: f64,
    /// Of results.
    pub results_us: f64,
    /// Bytes in all topics, one copy.
    pub log_bytes: f64,
    /// Bytes of all caches.
    pub cache_bytes: f64,
}

impl Costs {
    /// As measured: see `docs/capacity.md`. Upper bounds: every tube came by itself, and what the processes do when
    /// nothing comes is counted in.
    pub const MEASURED: Self = Self {
        intake_us: 1_650.0,
        pooling_us: 1_730.0,
        results_us: 900.0,
        log_bytes: 7_000.0,
        cache_bytes: 530.0,
    };
}

/// The machines one would buy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// Cores of one instance.
    pub cores: f64,
    /// Part of them that may be busy at the peak: what is left takes over when an instance dies.
    pub busy: f64,
    /// Bytes a second that one broker writes, all its copies together.
    pub broker_bytes: f64,
    /// Copies of each record.
    pub copies: f64,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            cores: 4.0,
            busy: 0.5,
            broker_bytes: 100e6,
            copies: 3.0,
        }
    }
}

/// Fewest of each service and of brokers: one may die.
const INSTANCES_MIN: f64 = 2.0;
const BROKERS_MIN: f64 = 3.0;
/// A lane is one thread, and should be busy for a quarter of its time at most.
const LANE_BUSY: f64 = 0.25;
/// Lanes by default: they are fixed when topics are made.
const INTAKE_LANES: f64 = 16.0;
const OTHER_LANES: f64 = 8.0;

/// What is needed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Machines {
    /// Tubes a second in the busiest minute.
    pub peak: f64,
    /// Instances of intake.
    pub intake: u64,
    /// Of pooling.
    pub pooling: u64,
    /// Of results.
    pub results: u64,
    /// Lanes of intake.
    pub intake_lanes: u64,
    /// Lanes of pooling and of results.
    pub other_lanes: u64,
    /// Brokers.
    pub brokers: u64,
    /// Disk of all brokers, in bytes, for this round.
    pub log_disk: f64,
    /// Disk of all caches, in bytes, for this round.
    pub cache_disk: f64,
    /// Processor hours of the whole round.
    pub processor_hours: f64,
}

fn whole(value: f64) -> u64 {
    value.ceil().max(0.0) as u64
}

/// Machines for a plan.
#[must_use]
pub fn needed(plan: &Plan, costs: &Costs, machine: Machine) -> Machines {
    let tubes = plan.tubes() + plan.retests();
    let peak = plan.tubes() / (plan.collecting_hours * 3_600.0) * plan.peak;
    let per_instance = machine.cores * machine.busy * 1e6;
    let instances = |us: f64| whole((peak * us / per_instance).max(INSTANCES_MIN));
    let lanes = |us: f64, usual: f64| {
        let wanted = (peak * us / (LANE_BUSY * 1e6)).max(usual);
        (whole(wanted)).next_power_of_two()
    };
    let bytes = tubes * costs.log_bytes * machine.copies;
    Machines {
        peak,
        intake: instances(costs.intake_us),
        pooling: instances(costs.pooling_us),
        results: instances(costs.results_us),
        intake_lanes: lanes(costs.intake_us, INTAKE_LANES),
        other_lanes: lanes(costs.pooling_us.max(costs.results_us), OTHER_LANES),
        brokers: whole(
            (peak * costs.log_bytes * machine.copies / machine.broker_bytes).max(BROKERS_MIN),
        ),
        log_disk: bytes,
        cache_disk: tubes * costs.cache_bytes,
        processor_hours: tubes * (costs.intake_us + costs.pooling_us + costs.results_us) / 3.6e9,
    }
}

/// Tubes a second that so many instances of the costliest service carry, at the part of their cores that may be busy.
#[must_use]
pub fn carried(instances: [u64; 3], costs: &Costs, machine: Machine) -> f64 {
    [costs.intake_us, costs.pooling_us, costs.results_us]
        .into_iter()
        .zip(instances)
        .map(|(us, count)| {
            count as f64 * machine.cores * machine.busy * 1e6 / us.max(f64::MIN_POSITIVE)
        })
        .fold(f64::INFINITY, f64::min)
}
