use super::*;
use crate::cache::MemoryCache;
use proptest::prelude::*;
use std::ops::ControlFlow;

const STAMP: &[u8] = &[255, 0];

type Model = BTreeMap<Bytes, Bytes>;

/// A lane on a base, and the rows that it has to have.
struct Bed {
    memory: MemoryCache,
    cache: BasedCache,
    lane: BasedLane,
    model: Model,
}

fn key(number: u16) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// Large enough that some dozen rows make a block.
fn value(number: u8) -> Bytes {
    Bytes::from(vec![number; 2_500])
}

fn write(model: &mut Model, writes: &Writes) {
    for (key, value) in writes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

impl Bed {
    /// The rows of a snapshot, as it has them: in pieces, some rows changed again.
    fn on(pieces: &[Writes]) -> Self {
        let memory = MemoryCache::default();
        let cache = BasedCache::over(Arc::new(memory.clone()));
        let mut laying = cache.laying(0).unwrap();
        let mut model = Model::new();
        for piece in pieces {
            write(&mut model, piece);
            laying.add(piece.clone()).unwrap();
        }
        let first = Bytes::from_static(b"stamp 1");
        laying.lay([(STAMP, first.clone())]).unwrap();
        model.insert(Bytes::from_static(STAMP), first);
        let lane = cache.handle(0).unwrap();
        Self {
            memory,
            cache,
            lane,
            model,
        }
    }

    fn apply(&mut self, writes: Writes) {
        write(&mut self.model, &writes);
        self.lane.apply(writes).unwrap();
    }

    fn rows(&self, from: &[u8], to: &[u8]) -> Vec<(Bytes, Bytes)> {
        let mut rows = Vec::new();
        self.lane
            .scan(from, to, &mut |key, value| {
                rows.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
                ControlFlow::Continue(())
            })
            .unwrap();
        for (key, value) in &rows {
            assert_eq!(self.lane.get(key).unwrap().as_ref(), Some(value));
        }
        rows
    }

    fn is_as_the_model(&self, from: u16, to: u16) {
        let (from, to) = (key(from), key(to));
        let within = self.model.range(from.clone()..).map(both);
        let want: Vec<_> = within.take_while(|(key, _)| *key < to).collect();
        assert_eq!(self.rows(&from, &to), want);
    }

    fn is_whole(&self) {
        let want: Vec<_> = self.model.iter().map(both).collect();
        assert_eq!(self.rows(&[], &[255; 3]), want);
    }
}

fn both((key, value): (&Bytes, &Bytes)) -> (Bytes, Bytes) {
    (key.clone(), value.clone())
}

#[derive(Clone, Debug)]
enum Act {
    Write(Vec<(u16, Option<u8>)>, u8),
    Settle,
    Look(u16, u16),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let row = (0u16..900, prop::option::of(any::<u8>()));
    let act = prop_oneof![
        3 => (prop::collection::vec(row, 1..6), any::<u8>()).prop_map(|(rows, stamp)| Act::Write(rows, stamp)),
        2 => Just(Act::Settle),
        2 => (0u16..900, 1u16..900).prop_map(|(from, long)| Act::Look(from, from + long)),
    ];
    prop::collection::vec(act, 1..25)
}

fn rows(rows: Vec<(u16, Option<u8>)>) -> Writes {
    let rows = rows.into_iter();
    rows.map(|(number, with)| (key(number), with.map(value)))
        .collect()
}

/// Three pieces: rows in order, and before the next of them what was changed among the earlier ones.
fn pieces() -> impl Strategy<Value = Vec<Writes>> {
    let present = prop::collection::btree_set(0u16..900, 0..300);
    let again = prop::collection::vec((0u16..900, prop::option::of(any::<u8>())), 0..20);
    (present, again, 0u16..900).prop_map(|(present, again, cut)| {
        let first: Vec<_> = present.range(..cut).map(|n| (*n, Some(1))).collect();
        let last = first.last().map(|(number, _)| *number);
        let again = again.into_iter().filter(|(n, _)| Some(*n) <= last);
        let second = again.chain(present.range(cut..).map(|n| (*n, Some(2))));
        vec![rows(first), rows(second.collect()), Writes::new()]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_has_the_rows_of_the_snapshot_and_what_was_written_since_wherever_they_are(
        pieces in pieces(), acts in acts(),
    ) {
        let mut bed = Bed::on(&pieces);
        bed.is_whole();
        let mut more = true;
        for act in acts {
            match act {
                Act::Write(written, stamp) => {
                    let mut writes = rows(written);
                    writes.push((Bytes::from_static(STAMP), Some(Bytes::from(vec![stamp]))));
                    bed.apply(writes);
                }
                Act::Settle => {
                    more = bed.lane.settle().unwrap();
                    let stamp = bed.memory.edit(0, |rows| rows.contains_key(STAMP));
                    prop_assert_eq!(stamp, !more, "a stamp says that all is there");
                }
                Act::Look(from, to) => bed.is_as_the_model(from, to),
            }
        }
        bed.is_whole();
        while more {
            more = bed.lane.settle().unwrap();
        }
        bed.is_whole();
        prop_assert_eq!(bed.memory.edit(0, |rows| rows.clone()), bed.model);
    }
}

#[test]
fn a_lane_that_is_wiped_stands_on_nothing() {
    let mut bed = Bed::on(&[rows((0..500).map(|n| (n, Some(1))).collect())]);
    assert!(bed.lane.settle().unwrap());
    bed.cache.wipe(0).unwrap();
    bed.model.clear();
    bed.is_whole();
    assert!(!bed.lane.settle().unwrap());
    bed.apply(rows(vec![(7, Some(7))]));
    bed.is_whole();
    assert_eq!(bed.memory.edit(0, |rows| rows.len()), 1);
}

#[test]
fn a_visit_that_ends_early_reads_little_of_the_base() {
    let bed = Bed::on(&[rows((0..900).map(|n| (n, Some(1))).collect())]);
    let mut visited = 0;
    let mut visit = |_: &[u8], _: &[u8]| {
        visited += 1;
        ControlFlow::Break(())
    };
    bed.lane.scan(&key(450), &[255; 3], &mut visit).unwrap();
    assert_eq!(visited, 1);
    let slot = bed.lane.slot.read();
    let read = slot.as_ref().unwrap().base.at_hand();
    assert_eq!(read, 1, "blocks of some 70");
}

#[test]
fn a_base_in_a_file_is_read_as_one_in_memory_and_leaves_nothing() {
    use crate::cache::scratch::FileScratch;
    let folder = tempfile::tempdir().unwrap();
    let mut filling = base::Filling::into(Box::new(FileScratch::within(folder.path()).unwrap()));
    for number in (0..900).step_by(2) {
        filling.add(key(number), value(number as u8)).unwrap();
    }
    let base = filling.finish().unwrap();
    for number in (0..900).rev() {
        let want = (number % 2 == 0).then(|| value(number as u8));
        assert_eq!(base.get(&key(number)).unwrap(), want, "{number}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "it has no name");
}
