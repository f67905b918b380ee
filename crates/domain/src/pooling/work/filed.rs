//! Results has filed samples: their tubes leave the state, and with the last of them their pools and plates.
//!
//! Only what is over goes, and the event names all of it. A tube stays whose label another tube bears that is not over:
//! what intake says of the label is told to results by the older one. A plate's name and state stay for ever.

use super::super::board;
use super::super::draft::{Draft, To};
use super::super::event::{PlateRef, What};
use super::super::evolve::FoldProblem;
use super::super::lab::{key_of, lab_of, number, number_of, tube_id};
use super::super::plate::{self, Plate};
use super::super::pool::{Pool, PoolState};
use super::super::queue::Item;
use super::super::tube::lookup::{by_barcode, expected_in, is_over};
use super::super::tube::{Home, Tube, TubeState, Vessel};
use crate::ids::{Barcode, LabId, TubeId};
use crate::message::{MemberAmended, Message, SampleFiled, SamplesFiled};
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt, Write, WriteExt};
use std::collections::{BTreeMap, BTreeSet};

/// Files the tubes of filed samples. The same again changes nothing, and neither does a tube that is not over.
///
/// # Errors
/// A bug of ours.
pub fn filed(draft: &mut Draft<'_>, message: &SamplesFiled) -> Result<(), Rejection> {
    let Some(lab) = number(draft.state(), &message.lab) else {
        return Ok(());
    };
    let mut tubes = BTreeSet::new();
    for sample in &message.samples {
        crossed(draft, &message.lab, sample)?;
        let key = key_of(lab, sample.tube);
        if may_go(draft.state(), &message.lab, key) {
            tubes.insert(key);
        }
    }
    if tubes.is_empty() {
        return Ok(());
    }
    let rest = Emptied::by(draft.state(), &message.lab, &tubes);
    let numbers = |keys: BTreeSet<u64>| keys.into_iter().map(number_of).collect();
    draft.emit(What::TubesFiled {
        lab: message.lab.clone(),
        tubes: numbers(tubes),
        pools: numbers(rest.pools),
        plates: rest.plates.into_values().collect(),
    })
}

/// A newer version of a filed sample's registration came when its tube was gone, and was taken for that of a tube to
/// come: results must hear of it instead.
fn crossed(draft: &mut Draft<'_>, lab: &LabId, sample: &SampleFiled) -> Result<(), Rejection> {
    let Some((_, expected)) = expected_in(draft.state(), lab, &sample.barcode) else {
        return Ok(());
    };
    draft.emit(What::ExpectedWithdrawn {
        lab: lab.clone(),
        barcode: sample.barcode.clone(),
        version: expected.sample.version,
        reason: "its tube was tested and filed".to_owned(),
    })?;
    if expected.sample.version > sample.version {
        let amended = MemberAmended {
            tube: TubeId::new(lab.clone(), sample.tube),
            sample: Some(expected.sample.as_ref().clone()),
            withdrawn: false,
        };
        draft.send(To::Results(lab.clone()), Message::MemberAmended(amended));
    }
    Ok(())
}

/// It is here and over, and no other tube that bears a label of it is still on its way.
fn may_go(state: &dyn Read, lab: &LabId, key: u64) -> bool {
    let Some(tube) = state.get_shared::<Tube>(&key).filter(|tube| is_over(tube)) else {
        return false;
    };
    !tube.barcodes.iter().any(|label| {
        by_barcode(state, lab, label)
            .iter()
            .any(|(other, twin)| *other != key && !is_over(twin))
    })
}

/// Pools and plates that go with tubes.
#[derive(Default)]
struct Emptied {
    pools: BTreeSet<u64>,
    plates: BTreeMap<u64, Barcode>,
}

impl Emptied {
    fn by(state: &dyn Read, lab: &LabId, tubes: &BTreeSet<u64>) -> Self {
        let mut emptied = Self::default();
        let mut look_at = BTreeSet::new();
        for tube in tubes.iter().filter_map(|key| state.get_shared::<Tube>(key)) {
            for home in &tube.was_in {
                match home {
                    Home::Pool(pool) => emptied.pool(state, tubes, *pool, &mut look_at),
                    Home::Plate(plate) => drop(look_at.insert(*plate)),
                }
            }
        }
        // A plate is looked at again with each pool that it held and that goes: so this ends.
        while let Some(key) = look_at.pop_first() {
            if let Some(plate) = state.get_shared::<Plate>(&key).filter(|plate| !plate.filed) {
                emptied.plate(state, lab, tubes, key, &plate, &mut look_at);
            }
        }
        emptied
    }

    /// Takes a plate if nothing at hand stood on it.
    fn plate(
        &mut self,
        state: &dyn Read,
        lab: &LabId,
        tubes: &BTreeSet<u64>,
        key: u64,
        plate: &Plate,
        look_at: &mut BTreeSet<u64>,
    ) {
        // A pool whose last member went while its plate was not read yet has waited for another of this plate.
        for well in &plate.wells {
            if let Item::Pool(pool) = well.item {
                self.pool(state, tubes, pool, look_at);
            }
        }
        let gone = |item: Item| match item {
            Item::Pool(pool) => {
                self.pools.contains(&pool) || state.get_shared::<Pool>(&pool).is_none()
            }
            Item::Tube(tube) => is_gone(state, tubes, tube),
            Item::Expected(_) => true,
        };
        if plate.is_over(state, lab) && plate.wells.iter().all(|well| gone(well.item)) {
            self.plates.insert(key, plate.barcode.clone());
        }
    }

    /// Takes a pool if nobody at hand was in it; then its plates are looked at.
    fn pool(
        &mut self,
        state: &dyn Read,
        tubes: &BTreeSet<u64>,
        key: u64,
        look_at: &mut BTreeSet<u64>,
    ) {
        let Some(pool) = state.get_shared::<Pool>(&key) else {
            return;
        };
        if self.pools.contains(&key) || !pool_may_go(state, tubes, &pool) {
            return;
        }
        self.pools.insert(key);
        look_at.extend(pool.was_on.iter().chain(pool.plate().as_ref()));
    }
}

/// Nobody who is at hand was in it, and its liquid is on no plate that is still to be read.
fn pool_may_go(state: &dyn Read, tubes: &BTreeSet<u64>, pool: &Pool) -> bool {
    let still = match &pool.state {
        PoolState::Open | PoolState::Sealed(Vessel::Plated { .. }) => true,
        PoolState::Sealed(Vessel::Ready | Vessel::Loaded { .. }) | PoolState::Void { .. } => false,
    };
    let members = pool.members.iter().map(|member| member.tube);
    let mut all = members.chain(pool.left.iter().map(|left| left.tube));
    !still && all.all(|tube| is_gone(state, tubes, tube))
}

/// It is filed, or it will never be: results hears nothing of a tube that was cancelled or thrown away before it was
/// in an instrument.
fn is_gone(state: &dyn Read, tubes: &BTreeSet<u64>, key: u64) -> bool {
    tubes.contains(&key)
        || state
            .get_shared::<Tube>(&key)
            .is_none_or(|tube| matches!(tube.state, TubeState::Withdrawn | TubeState::Discarded))
}

/// Removes the rows.
pub(super) fn evolve(
    state: &mut dyn Write,
    lab: &LabId,
    tubes: &[u64],
    pools: &[u64],
    plates: &[Barcode],
) -> Result<(), FoldProblem> {
    let no = number(state, lab).ok_or_else(|| FoldProblem::missing("lab", lab))?;
    for key in tubes.iter().map(|tube| key_of(no, *tube)) {
        let over = state.get_shared::<Tube>(&key).filter(|tube| is_over(tube));
        let stage = over.and_then(|tube| tube.stage());
        let Some(stage) = stage else {
            let id = tube_id(state, key);
            return Err(FoldProblem(format!("tube {id} is filed, and is not over")));
        };
        board::filed(state, lab_of(key), stage, 1);
        state.delete::<Tube>(&key);
    }
    for pool in pools {
        let key = key_of(no, *pool);
        let Some(row) = state.get_shared::<Pool>(&key) else {
            return Err(FoldProblem::missing("pool", pool));
        };
        if row.is_open() || row.live.count > 0 {
            let problem = format!("pool {lab}/P{pool} is filed, and somebody is in it");
            return Err(FoldProblem(problem));
        }
        state.delete::<Pool>(&key);
    }
    for barcode in plates {
        let plate = PlateRef {
            lab: lab.clone(),
            barcode: barcode.clone(),
        };
        plate::filed(state, &plate)?;
    }
    Ok(())
}
