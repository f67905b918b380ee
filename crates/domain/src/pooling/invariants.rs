//! What is always true of pooling's state, as predicates that tests, the simulator, the auditor and a
//! query share. Each lists what violates it.

use super::board::{self, Stage, Tally};
use super::lab::{LabRecord, lab_of, pool_id, tube_id};
use super::plate::{Plate, PlateState, stands_on};
use super::pool::{Pool, PoolState};
use super::queue::{Entry, Item, Queue};
use super::tube::{Expected, Tube, TubeState};
use crate::tables::{Read, ReadExt};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Most violations listed of one invariant: the first ones say enough.
pub const VIOLATIONS_MAX: usize = 100;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Such as `INV-02`.
    pub invariant: &'static str,
    /// What is wrong, with ids.
    pub what: String,
}

struct Found {
    invariant: &'static str,
    violations: Vec<Violation>,
}

impl Found {
    const fn new(invariant: &'static str) -> Self {
        Self {
            invariant,
            violations: Vec::new(),
        }
    }

    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(Violation {
                invariant: self.invariant,
                what: what(),
            });
        }
    }
}

/// All invariants of pooling, over every lab in the state. Reads every record.
#[must_use]
pub fn check(state: &dyn Read) -> Vec<Violation> {
    [inv_01, inv_02, inv_03, inv_04]
        .into_iter()
        .flat_map(|invariant| invariant(state))
        .collect()
}

/// INV-01, pooling's part: every sample is in exactly one stage, and the board's counts add up to them.
#[must_use]
pub fn inv_01(state: &dyn Read) -> Vec<Violation> {
    let mut found = Found::new("INV-01");
    let mut counts: BTreeMap<(u64, Stage), Tally> = BTreeMap::new();
    let mut queued: BTreeSet<Item> = BTreeSet::new();
    state.scan::<Entry>(
        &super::queue::Place::new(
            0,
            Queue::Expected,
            true,
            crate::Timestamp(i64::MIN),
            Item::Expected(0),
        ),
        |place, _| {
            let new = queued.insert(place.item);
            found.check(new, || format!("{:?} stands in two queues", place.item));
            ControlFlow::Continue(())
        },
    );
    state.scan::<Expected>(&0, |key, _| {
        add(
            &mut counts,
            key,
            Stage::Expected,
            Tally::one(super::event::Mark::InTime),
        );
        found.check(queued.contains(&Item::Expected(key)), || {
            format!("expected sample {key} stands in no queue")
        });
        ControlFlow::Continue(())
    });
    state.scan::<Tube>(&0, |key, tube| {
        let pool = match tube.state {
            TubeState::Pooled { pool } => state.get::<Pool>(&pool),
            _ => None,
        };
        let stage = tube.stage().or_else(|| pool.and_then(|pool| pool.stage()));
        match stage {
            Some(stage) => {
                add(&mut counts, key, stage, Tally::one(tube.mark));
                let waits = tube.stage().is_some() && !stage.is_end();
                found.check(queued.contains(&Item::Tube(key)) == waits, || {
                    format!(
                        "tube {} is {stage:?} and its queue disagrees",
                        tube_id(state, key)
                    )
                });
            }
            None => found.check(false, || {
                format!(
                    "tube {} is in a pool that is void or missing",
                    tube_id(state, key)
                )
            }),
        }
        ControlFlow::Continue(())
    });
    for (lab, record) in state.all::<LabRecord>() {
        let board = board::of(state, lab);
        for stage in Stage::ALL {
            let counted = counts.get(&(lab, stage)).copied().unwrap_or_default();
            let shown = board.tally(stage);
            found.check(counted == shown, || {
                format!(
                    "lab {}: {stage:?} holds {counted:?}, the board says {shown:?}",
                    record.id
                )
            });
        }
    }
    found.violations
}

fn add(counts: &mut BTreeMap<(u64, Stage), Tally>, key: u64, stage: Stage, tally: Tally) {
    let count = counts.entry((lab_of(key), stage)).or_default();
    *count = count.plus(tally);
}

/// INV-02: a tube is in at most one open or sealed pool a round; a slot holds one tube; no pool exceeds
/// its limit; a sealed pool misses no transfer.
#[must_use]
pub fn inv_02(state: &dyn Read) -> Vec<Violation> {
    let mut found = Found::new("INV-02");
    let mut tested: BTreeMap<(u64, u32), u64> = BTreeMap::new();
    state.scan::<Pool>(&0, |key, pool| {
        let id = pool_id(state, key);
        found.check(pool.members.len() <= usize::from(pool.limit), || {
            format!(
                "pool {id} has {} members, its limit is {}",
                pool.members.len(),
                pool.limit
            )
        });
        let slots: BTreeSet<u8> = pool.members.iter().map(|m| m.slot).collect();
        found.check(slots.len() == pool.members.len(), || {
            format!("pool {id} has two tubes in one slot")
        });
        if matches!(pool.state, PoolState::Sealed(_)) {
            found.check(pool.untransferred().next().is_none(), || {
                format!("pool {id} is sealed and misses a transfer")
            });
            found.check(!pool.members.is_empty(), || {
                format!("pool {id} is sealed and empty")
            });
        }
        if !matches!(pool.state, PoolState::Void { .. }) {
            for member in &pool.members {
                let other = tested.insert((member.tube, member.round), key);
                found.check(other.is_none(), || {
                    format!(
                        "tube {} is in pool {id} and another in round {}",
                        tube_id(state, member.tube),
                        member.round
                    )
                });
            }
        }
        let live = pool.members.iter().filter(|m| {
            state
                .get::<Tube>(&m.tube)
                .is_some_and(|tube| tube.state == TubeState::Pooled { pool: key })
        });
        found.check(live.count() as u64 == pool.live.count, || {
            format!("pool {id} counts {} live members wrongly", pool.live.count)
        });
        ControlFlow::Continue(())
    });
    state.scan::<Tube>(&0, |key, tube| {
        if let TubeState::Pooled { pool } = tube.state {
            let known = state
                .get::<Pool>(&pool)
                .is_some_and(|pool| pool.member(key).is_some());
            found.check(known, || {
                format!(
                    "tube {} is in a pool that does not know it",
                    tube_id(state, key)
                )
            });
        }
        ControlFlow::Continue(())
    });
    found.violations
}

/// INV-03: a pool of pools does not exist; kinds and specimen types of one pool are one, unless a later
/// amendment made them differ: then the pool is held or void, or a person released it.
#[must_use]
pub fn inv_03(state: &dyn Read) -> Vec<Violation> {
    let mut found = Found::new("INV-03");
    state.scan::<Pool>(&0, |key, pool| {
        let stopped = pool.hold.is_some()
            || matches!(pool.state, PoolState::Void { .. })
            || pool
                .steps
                .as_slice()
                .iter()
                .any(|s| s.kind == super::step::StepKind::Released);
        if stopped {
            return ControlFlow::Continue(());
        }
        for member in &pool.members {
            let with_it = |tube: &Tube| tube.state == (TubeState::Pooled { pool: key });
            let Some(sample) = state
                .get::<Tube>(&member.tube)
                .filter(with_it)
                .and_then(|tube| tube.sample)
            else {
                continue;
            };
            let tube = tube_id(state, member.tube);
            let id = pool_id(state, key);
            found.check(!sample.collection_pool, || {
                format!("collection pool {tube} is in pool {id}")
            });
            let same =
                sample.kind == pool.mix.kind && sample.specimen_type == pool.mix.specimen_type;
            found.check(same, || {
                format!(
                    "tube {tube} ({:?}, {}) is in pool {id} of {:?}, {}",
                    sample.kind, sample.specimen_type, pool.mix.kind, pool.mix.specimen_type
                )
            });
        }
        ControlFlow::Continue(())
    });
    found.violations
}

/// INV-04: a well holds at most one thing and is on the plate; no content stands on a control; a sealed
/// plate misses no transfer; what stands on an open plate says so too.
#[must_use]
pub fn inv_04(state: &dyn Read) -> Vec<Violation> {
    let mut found = Found::new("INV-04");
    let mut contents: BTreeMap<Item, u64> = BTreeMap::new();
    state.scan::<Plate>(&0, |key, plate| {
        let name = plate.barcode.clone();
        let mut taken = BTreeSet::new();
        let controls = plate.controls.iter().map(|(well, _)| *well);
        for well in controls.chain(plate.wells.iter().map(|w| w.well)) {
            found.check(taken.insert(well), || {
                format!("well {well} of plate {name:?} holds two things")
            });
            found.check(well.fits(plate.size), || {
                format!("well {well} is not on plate {name:?}")
            });
        }
        let sealed = matches!(plate.state, PlateState::Sealed | PlateState::Loaded { .. });
        for entry in plate.occupied() {
            found.check(!sealed || entry.transfer.is_some(), || {
                format!(
                    "plate {name:?} is sealed and misses the transfer into {}",
                    entry.well
                )
            });
            if stands_on(state, entry.item, key) {
                let other = contents.insert(entry.item, key);
                found.check(other.is_none(), || {
                    format!("{:?} stands in two wells", entry.item)
                });
            } else {
                found.check(plate.state != PlateState::Open, || {
                    format!(
                        "well {} of plate {name:?} holds something that is elsewhere",
                        entry.well
                    )
                });
            }
        }
        ControlFlow::Continue(())
    });
    found.violations
}
