//! One service: its instances, their disks, and who shall own its lanes.

use super::instance::Instance;
use super::release;
use crate::disk::Disk;
use crate::host::Host;
use crate::shared::{MS, SECOND, Shared, What};
use rand::Rng;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::limits::Limits;

/// One service.
pub struct Service {
    /// Number of its lanes.
    pub lanes: u32,
    /// Its instances; none where one is down.
    pub instances: Vec<Option<Instance>>,
    pub(super) disks: Vec<Arc<Disk>>,
    pub(super) levels: Vec<u32>,
    pub(super) limits: Limits,
    /// Lanes of others are followed.
    pub(super) standby: bool,
    /// Which instance shall own each lane.
    pub(super) wanted: Vec<usize>,
    /// Lanes that a second instance was told to own as well.
    pub(super) also: Vec<(u32, usize)>,
}

impl Service {
    pub(super) fn new(lanes: u32, instances: usize, chance: &mut StdRng) -> Self {
        Self {
            lanes,
            instances: (0..instances).map(|_| None).collect(),
            disks: (0..instances).map(|_| Arc::default()).collect(),
            levels: vec![release::OLD; instances],
            limits: limits(chance),
            standby: chance.random_bool(0.4),
            wanted: (0..lanes as usize).map(|lane| lane % instances).collect(),
            also: Vec::new(),
        }
    }

    pub(super) fn give(&mut self, shared: &Shared, lane: u32, to: usize) {
        let from = std::mem::replace(&mut self.wanted[lane as usize], to);
        if from == to {
            return;
        }
        shared.say(|| format!("lane {lane} is given from {from} to {to}"));
        if let Some(instance) = &self.instances[from] {
            suggest(shared, &instance.host, lane, false);
        }
        if let Some(instance) = &self.instances[to] {
            suggest(shared, &instance.host, lane, true);
        }
    }
}

pub(super) fn suggest(shared: &Shared, host: &Arc<Host>, lane: u32, wanted: bool) {
    let soon = shared.delay(MS, 50 * MS, 5 * SECOND);
    let at = host.in_order(shared.now() + soon);
    let event = Event::Wanted(wanted);
    shared.at(at, What::Deliver(Arc::clone(host), lane, event));
}

pub(super) fn pick(shared: &Shared, of: usize) -> usize {
    usize::try_from(shared.draw(0..of.max(1) as u64)).unwrap_or(0)
}

/// Bounds near those of production, and often so small that they matter on a small day.
fn limits(chance: &mut StdRng) -> Limits {
    let usual = Limits::default();
    let small = chance.random_bool(0.6);
    if !small {
        return usual;
    }
    Limits {
        batch_inputs_max: chance.random_range(1..8),
        batch_bytes_max: chance.random_range(2_000..20_000),
        in_flight_max: chance.random_range(1..=5),
        small_record_bytes: if chance.random_bool(0.5) {
            0
        } else {
            chance.random_range(200..2_000)
        },
        commands_waiting_max: chance.random_range(3..12),
        gather: if chance.random_bool(0.3) {
            Duration::ZERO
        } else {
            Duration::from_millis(chance.random_range(1..3_000))
        },
        gather_rows_max: chance.random_range(1..300),
        unapplied_bytes_max: chance.random_range(20_000..200_000),
        relay_window_records: chance.random_range(1..4),
        relay_pack_messages: chance.random_range(1..4),
        relay_pack_bytes: chance.random_range(500..5_000),
        relay_gather: if chance.random_bool(0.3) {
            Duration::ZERO
        } else {
            Duration::from_millis(chance.random_range(1..3_000))
        },
        relay_bytes_max: chance.random_range(20_000..200_000),
        resend_after: Duration::from_secs(chance.random_range(2..30)),
        ..usual
    }
}
