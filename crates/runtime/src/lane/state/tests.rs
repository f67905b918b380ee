use super::*;
use crate::cache::{Cache, MemoryCache};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tenfold_domain::tables::{Key, MemoryTables, Read, ReadExt, Record, WriteExt};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tube(String);

impl Record for Tube {
    const TABLE: TableId = 7;
    const NAME: &'static str = "tubes";
    type Key = u64;
    const NAMED: bool = true;
    fn names(&self) -> tenfold_domain::tables::Names<'_> {
        tenfold_domain::tables::Names::from_slice(&[self.0.as_str()])
    }
}

const TABLES: [TableDef; 1] = [TableDef::of::<Tube>()];

#[derive(Clone, Debug)]
enum Step {
    Put(u64, u8),
    Delete(u64),
    /// Take it, give it another name, put it back.
    Change(u64, u8),
    Close,
    Seal,
    Apply,
    /// Write something and take it back.
    Undone(u64, u8),
    /// Write something, then something else that is taken back, then all of it.
    UndoneTwice(u64, u8),
    Reload,
}

/// Numbers of records, on several pages of the name index, at their edges and within.
fn number() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 1, 255, 256, 257, 600, 1_000])
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (number(), any::<u8>()).prop_map(|(k, v)| Step::Put(k, v % 5)),
        2 => number().prop_map(Step::Delete),
        2 => (number(), any::<u8>()).prop_map(|(k, v)| Step::Change(k, v % 5)),
        2 => Just(Step::Close),
        2 => Just(Step::Seal),
        2 => Just(Step::Apply),
        1 => (number(), any::<u8>()).prop_map(|(k, v)| Step::Undone(k, v % 5)),
        1 => (number(), any::<u8>()).prop_map(|(k, v)| Step::UndoneTwice(k, v % 5)),
        1 => Just(Step::Reload),
    ];
    prop::collection::vec(step, 0..80)
}

fn change(tables: &mut impl WriteExt, key: u64, name: String) {
    if let Some(mut tube) = tables.take::<Tube>(&key) {
        Arc::make_mut(&mut tube).0 = name;
        tables.put_shared(&key, tube);
    }
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
                Step::Change(key, value) => {
                    change(&mut state, key, format!("T{value}"));
                    change(&mut model, key, format!("T{value}"));
                }
                Step::Close => state.close_record(),
                Step::Seal => waiting.push_back(state.seal()),
                Step::Apply => if let Some((batch, writes)) = waiting.pop_front() {
                    cache.open(0).unwrap().apply(writes).unwrap();
                    state.applied(batch);
                },
                Step::Undone(key, value) => {
                    let (mark, names) = (state.mark(), state.names());
                    change(&mut state, key, format!("W{value}"));
                    change(&mut state, key, format!("X{value}"));
                    state.put(&key, &Tube(format!("U{value}")));
                    change(&mut state, key + 1, format!("W{value}"));
                    state.delete::<Tube>(&(key + 1));
                    let first = state.first::<Tube>();
                    prop_assert_eq!(first, state.all::<Tube>().into_iter().next());
                    state.rollback(mark);
                    prop_assert_eq!(state.names(), names, "names of what never was");
                }
                Step::UndoneTwice(key, value) => {
                    let outer = state.mark();
                    let written = Tube(format!("U{value}"));
                    state.put(&key, &written);
                    let inner = state.mark();
                    change(&mut state, key, format!("W{value}"));
                    state.put(&key, &Tube(format!("V{value}")));
                    state.delete::<Tube>(&key);
                    let first = state.first::<Tube>();
                    prop_assert_eq!(first, state.all::<Tube>().into_iter().next());
                    state.rollback(inner);
                    prop_assert_eq!(state.get::<Tube>(&key), Some(written));
                    state.rollback(outer);
                }
                Step::Reload => {
                    waiting.push_back(state.seal());
                    for (_, writes) in waiting.drain(..) {
                        cache.open(0).unwrap().apply(writes).unwrap();
                    }
                    state = LaneState::load(cache.open(0).unwrap(), &TABLES).unwrap();
                    // Byte for byte what plain tables have.
                    let rows = cache.edit(0, |rows| rows.clone());
                    let rows = rows.into_iter().filter(|(key, _)| !rows::is_the_caches_own(key));
                    let plain = model.rows().map(|((table, key), value)| {
                        (Bytes::from(full_key(*table, key).to_vec()), Bytes::from(value.clone()))
                    });
                    prop_assert!(rows.eq(plain));
                }
            }
            // Twice: what was read may be kept.
            for number in [0, 1, 2, 255, 256, 257, 600, 601, 1_000, 1_001].repeat(2) {
                prop_assert_eq!(state.get::<Tube>(&number), model.get::<Tube>(&number));
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
            Bytes::from(full_key(7, &3u64.to_bytes()).to_vec()),
            Bytes::from_static(&[0xff]),
        );
    });
    assert!(LaneState::load(cache.open(0).unwrap(), &TABLES).is_err());

    let empty = MemoryCache::default();
    let state = LaneState::load(empty.open(0).unwrap(), &TABLES).unwrap();
    empty.edit(0, |rows| {
        rows.insert(
            Bytes::from(full_key(7, &3u64.to_bytes()).to_vec()),
            Bytes::from_static(&[0xff]),
        );
    });
    assert_eq!(state.get::<Tube>(&3), None);
    assert!(state.failed());
}

/// Seals, and applies.
fn commit(cache: &MemoryCache, state: &mut LaneState) {
    let (batch, writes) = state.seal();
    cache.open(0).unwrap().apply(writes).unwrap();
    state.applied(batch);
}

/// A state of a thousand tubes, as a start finds it.
fn a_thousand() -> (MemoryCache, LaneState) {
    let cache = MemoryCache::default();
    let mut state = LaneState::load(cache.open(0).unwrap(), &TABLES).unwrap();
    for number in 0..1_000 {
        state.put(&number, &Tube(format!("T{number}")));
        if number % 100 == 99 {
            commit(&cache, &mut state);
        }
    }
    let state = LaneState::load(cache.open(0).unwrap(), &TABLES).unwrap();
    (cache, state)
}

/// Makes the row of a tube unreadable.
fn spoil_row(cache: &MemoryCache, number: u64) {
    let key = Bytes::from(full_key(7, &number.to_bytes()).to_vec());
    cache.edit(0, |rows| {
        rows.insert(key, Bytes::from_static(&[0xff]));
    });
}

#[test]
fn a_start_reads_the_names_of_old_records_from_pages_and_not_from_their_rows() {
    let (cache, state) = a_thousand();
    assert_eq!(state.find::<Tube>("T3").map(|(number, _)| number), Some(3));
    assert_eq!(state.names(), 1_000);
    // What is not read cannot be missed: the row of an old tube.
    spoil_row(&cache, 3);
    assert!(LaneState::load(cache.open(0).unwrap(), &TABLES).is_ok());
    // The last page is still being filled: its rows are read.
    spoil_row(&cache, 999);
    assert!(LaneState::load(cache.open(0).unwrap(), &TABLES).is_err());
}

#[test]
fn a_tube_that_is_renamed_or_goes_spoils_its_page_until_the_rows_were_read_again() {
    let (cache, mut state) = a_thousand();
    state.put(&5, &Tube("renamed".to_owned()));
    state.delete::<Tube>(&300);
    commit(&cache, &mut state);
    let mut state = LaneState::load(cache.open(0).unwrap(), &TABLES).unwrap();
    assert_eq!(state.find::<Tube>("renamed").map(|(n, _)| n), Some(5));
    assert_eq!(state.find::<Tube>("T5"), None);
    assert_eq!(state.find::<Tube>("T300"), None);
    assert_eq!(state.names(), 999, "neither the old name nor the tube");
    // With the next batch both pages are there again.
    state.put(&1_000, &Tube("T1000".to_owned()));
    commit(&cache, &mut state);
    spoil_row(&cache, 6);
    spoil_row(&cache, 301);
    assert!(LaneState::load(cache.open(0).unwrap(), &TABLES).is_ok());
}

#[test]
fn a_page_that_is_cut_is_damage_and_not_an_end_of_names() {
    let (cache, _) = a_thousand();
    cache.edit(0, |rows| {
        let prefix = [rows::NAME_PAGES, &[7]].concat();
        let page = rows.iter_mut().find(|(key, _)| key.starts_with(&prefix));
        let (_, value) = page.expect("a page");
        value.truncate(value.len() - 1);
    });
    assert!(LaneState::load(cache.open(0).unwrap(), &TABLES).is_err());
}

#[test]
fn the_hash_of_a_name_is_the_same_in_every_release() {
    assert_eq!(names::hash(7, "T00000001"), 4_022_540_237_815_368_495);
}

#[test]
fn what_is_known_of_a_name_ends_with_the_row_that_was_gone_back_to() {
    let cache = MemoryCache::default();
    let mut state = LaneState::load(cache.open(0).unwrap(), &TABLES).unwrap();
    let number = |state: &LaneState, name: &str| {
        let found = |number: Option<(u64, Arc<Tube>)>| number.map(|(number, _)| number);
        let look = &mut || found(state.find_shared(name, |_, _| true));
        state.number_of(Tube::TABLE, name, look)
    };
    let mark = state.mark();
    state.put(&1, &Tube("A".to_owned()));
    assert_eq!(number(&state, "A"), Some(1));
    let again = state.number_of(Tube::TABLE, "A", &mut || None);
    assert_eq!(again, Some(1), "it is not looked for again");
    state.rollback(mark);
    assert_eq!(number(&state, "A"), None);
    state.put(&1, &Tube("B".to_owned()));
    assert_eq!(number(&state, "B"), Some(1));
}
