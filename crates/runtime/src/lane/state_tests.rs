use super::*;
use crate::cache::{Cache, MemoryCache};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tenfold_domain::tables::{MemoryTables, ReadExt, Record, WriteExt};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tube(String);

impl Record for Tube {
    const TABLE: TableId = 7;
    const NAME: &'static str = "tubes";
    type Key = u64;
    fn names(&self) -> Vec<&str> {
        vec![&self.0]
    }
}

const TABLES: [TableDef; 1] = [TableDef::of::<Tube>()];

#[derive(Clone, Debug)]
enum Step {
    Put(u64, u8),
    Delete(u64),
    Seal,
    Apply,
    /// Write something and take it back.
    Undone(u64, u8),
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u64..6, any::<u8>()).prop_map(|(k, v)| Step::Put(k, v % 5)),
        2 => (0u64..6).prop_map(Step::Delete),
        2 => Just(Step::Seal),
        2 => Just(Step::Apply),
        1 => (0u64..6, any::<u8>()).prop_map(|(k, v)| Step::Undone(k, v % 5)),
        1 => Just(Step::Reload),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Overlay over cache, in whatever state of being applied, reads as plain tables would.
    #[test]
    fn it_reads_as_plain_tables(steps in steps()) {
        let cache = MemoryCache::default();
        let mut state = LaneState::load(cache.open(0).unwrap(), &TABLES).unwrap();
        let mut model = MemoryTables::default();
        let mut waiting: VecDeque<(Batch, Writes)> = VecDeque::new();
        for step in steps {
            match step {
                Step::Put(key, value) => {
                    let tube = Tube(format!("T{value}"));
                    state.put(&key, &tube);
                    model.put(&key, &tube);
                }
                Step::Delete(key) => {
                    state.delete::<Tube>(&key);
                    model.delete::<Tube>(&key);
                }
                Step::Seal => waiting.push_back(state.seal()),
                Step::Apply => if let Some((batch, writes)) = waiting.pop_front() {
                    cache.open(0).unwrap().apply(writes).unwrap();
                    state.applied(batch);
                },
                Step::Undone(key, value) => {
                    let mark = state.mark();
                    state.put(&key, &Tube(format!("U{value}")));
                    state.delete::<Tube>(&(key + 1));
                    state.rollback(mark);
                }
                Step::Reload => {
                    waiting.push_back(state.seal());
                    for (_, writes) in waiting.drain(..) {
                        cache.open(0).unwrap().apply(writes).unwrap();
                    }
                    state = LaneState::load(cache.open(0).unwrap(), &TABLES).unwrap();
                }
            }
            prop_assert_eq!(state.all::<Tube>(), model.all::<Tube>());
            prop_assert_eq!(state.first::<Tube>(), model.first::<Tube>());
            for value in 0..5 {
                let name = format!("T{value}");
                prop_assert_eq!(state.find_all::<Tube>(&name), model.find_all::<Tube>(&name));
            }
            prop_assert!(!state.failed());
        }
    }
}

#[test]
fn a_damaged_record_is_reported_and_not_taken_for_nothing() {
    let cache = MemoryCache::default();
    cache.edit(0, |rows| {
        rows.insert(
            Bytes::from(full_key(7, &3u64.to_bytes())),
            Bytes::from_static(&[0xff]),
        );
    });
    assert!(LaneState::load(cache.open(0).unwrap(), &TABLES).is_err());

    let empty = MemoryCache::default();
    let state = LaneState::load(empty.open(0).unwrap(), &TABLES).unwrap();
    empty.edit(0, |rows| {
        rows.insert(
            Bytes::from(full_key(7, &3u64.to_bytes())),
            Bytes::from_static(&[0xff]),
        );
    });
    assert_eq!(state.get::<Tube>(&3), None);
    assert!(state.failed());
}
