//! The lab: its counters, and the small number that keys are made of.
//!
//! Ids that are seen outside hold the lab's id and a number ([`TubeId`]). Inside a lane a lab has a
//! small number of its own, given at its first appearance in the fold, and a record is kept under
//! `lab number << 40 | number`: a key of 8 bytes that grows.

use crate::ids::{LabId, PoolId, TubeId};
use crate::tables::{Read, ReadExt, Record, TableId, Write, WriteExt};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bits of a key that number things within a lab: a lab never makes 10^12 of anything.
const NUMBER_BITS: u32 = 40;

/// A lab and its counters: each is the last number given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LabRecord {
    pub id: LabId,
    pub expected: u64,
    pub tubes: u64,
    pub racks: u64,
    pub pools: u64,
    pub plates: u64,
}

impl Record for LabRecord {
    const TABLE: TableId = 1;
    const NAME: &'static str = "labs";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> crate::tables::Names<'_> {
        crate::tables::Names::from_slice(&[self.id.as_str()])
    }
}

/// The key of the thing with this number in the lab with this number.
#[must_use]
pub const fn key_of(lab: u64, number: u64) -> u64 {
    (lab << NUMBER_BITS) | (number & ((1 << NUMBER_BITS) - 1))
}

/// The lab's number in a key.
#[must_use]
pub const fn lab_of(key: u64) -> u64 {
    key >> NUMBER_BITS
}

/// The thing's number in a key.
#[must_use]
pub const fn number_of(key: u64) -> u64 {
    key & ((1 << NUMBER_BITS) - 1)
}

/// A lab that appeared before.
#[must_use]
pub fn find(state: &dyn Read, lab: &LabId) -> Option<(u64, Arc<LabRecord>)> {
    state.find_shared(lab.as_str(), |_, _| true)
}

/// The number of a lab that appeared before.
#[must_use]
pub fn number(state: &dyn Read, lab: &LabId) -> Option<u64> {
    state.number_of(LabRecord::TABLE, lab.as_str(), &mut || {
        find(state, lab).map(|(number, _)| number)
    })
}

/// Changes a lab's counters; it gets a new number if it never appeared before.
pub fn count<T>(
    state: &mut dyn Write,
    lab: &LabId,
    how: impl FnOnce(&mut LabRecord) -> T,
) -> (u64, T) {
    let number = find_or_add(state, lab);
    let mut record = state.take::<LabRecord>(&number).unwrap_or_default();
    let counted = how(Arc::make_mut(&mut record));
    state.put_shared(&number, record);
    (number, counted)
}

/// The number of a lab; a new one if it never appeared before.
fn find_or_add(state: &mut dyn Write, lab: &LabId) -> u64 {
    if let Some(number) = number(state, lab) {
        return number;
    }
    let mut last = 0;
    state.scan::<LabRecord>(&0, |number, _| {
        last = number;
        std::ops::ControlFlow::Continue(())
    });
    let record = LabRecord {
        id: lab.clone(),
        ..LabRecord::default()
    };
    let number = last.saturating_add(1);
    state.put(&number, &record);
    number
}

/// The id of the lab in a key; empty if there is none.
#[must_use]
pub fn id_in(state: &dyn Read, key: u64) -> LabId {
    let lab = lab_of(key);
    let look = &mut || {
        let record = state.get_shared::<LabRecord>(&lab)?;
        Some(record.id.as_str().into())
    };
    state
        .name_of(LabRecord::TABLE, lab, look)
        .map(LabId::new)
        .unwrap_or_default()
}

/// The key of a tube.
#[must_use]
pub fn tube_key(state: &dyn Read, tube: &TubeId) -> Option<u64> {
    number(state, &tube.lab).map(|lab| key_of(lab, tube.number))
}

/// The key of a pool.
#[must_use]
pub fn pool_key(state: &dyn Read, pool: &PoolId) -> Option<u64> {
    number(state, &pool.lab).map(|lab| key_of(lab, pool.number))
}

/// The tube under a key.
#[must_use]
pub fn tube_id(state: &dyn Read, key: u64) -> TubeId {
    TubeId::new(id_in(state, key), number_of(key))
}

/// The pool under a key.
#[must_use]
pub fn pool_id(state: &dyn Read, key: u64) -> PoolId {
    PoolId::new(id_in(state, key), number_of(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::MemoryTables;

    #[test]
    fn each_lab_gets_a_number_of_its_own_and_keeps_it() {
        let mut state = MemoryTables::default();
        let first = find_or_add(&mut state, &"lab-1".into());
        let second = find_or_add(&mut state, &"lab-2".into());
        assert_ne!(first, second);
        assert_eq!(find_or_add(&mut state, &"lab-1".into()), first);
        let (number, tubes) = count(&mut state, &"lab-2".into(), |lab| {
            lab.tubes += 1;
            lab.tubes
        });
        assert_eq!((number, tubes), (second, 1));
        let key = key_of(second, 17);
        assert_eq!(tube_id(&state, key), TubeId::new("lab-2", 17));
        assert_eq!((lab_of(key), number_of(key)), (second, 17));
    }
}
