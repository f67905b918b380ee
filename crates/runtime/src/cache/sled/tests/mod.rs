//! What the engine relies on, on sled itself.

mod damaged;

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[test]
fn a_batch_is_there_after_a_flush_and_a_new_open() {
    let dir = tempfile::tempdir().unwrap();
    {
        let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
        let lane = cache.open(3).unwrap();
        lane.apply(vec![
            (bytes("b"), Some(bytes("2"))),
            (bytes("a"), Some(bytes("1"))),
            (bytes("c"), None),
        ])
        .unwrap();
        cache.flush().unwrap();
    }
    let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
    let mut seen = Vec::new();
    cache
        .open(3)
        .unwrap()
        .scan(b"", b"z", &mut |key, value| {
            seen.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(
        seen,
        [
            (b"a".to_vec(), b"1".to_vec()),
            (b"b".to_vec(), b"2".to_vec())
        ]
    );
    assert_eq!(cache.open(4).unwrap().get(b"a").unwrap(), None);
}

#[test]
fn a_folder_full_of_rubbish_is_replaced_by_an_empty_cache() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    drop(SledCache::open(&path, 1 << 20).unwrap());
    for entry in std::fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::write(entry.path(), vec![0xA5; 4096]).unwrap();
        }
    }
    let cache = SledCache::open(&path, 1 << 20).unwrap();
    assert_eq!(cache.open(0).unwrap().get(b"a").unwrap(), None);
}

#[test]
fn a_cache_all_of_whose_files_were_emptied_is_given_up_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("intake");
    {
        let cache = SledCache::open(&path, 1 << 20).unwrap();
        let lane = cache.open(1).unwrap();
        lane.apply(vec![(bytes("a"), Some(bytes("1")))]).unwrap();
        cache.flush().unwrap();
    }
    folders::empty(&path.join("slabs"));
    let cache = SledCache::open_within(&path, 1 << 20, Duration::from_secs(3)).unwrap();
    let lane = cache.open(1).unwrap();
    assert_eq!(lane.get(b"a").unwrap(), None, "the journal rebuilds it");
    lane.apply(vec![(bytes("b"), Some(bytes("2")))]).unwrap();
}

#[test]
fn a_wiped_lane_is_empty_and_its_neighbours_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
    for lane in [1, 2] {
        let lane = cache.open(lane).unwrap();
        lane.apply(vec![(bytes("a"), Some(bytes("1")))]).unwrap();
    }
    cache.wipe(1).unwrap();
    assert_eq!(cache.open(1).unwrap().get(b"a").unwrap(), None);
    assert_eq!(cache.open(2).unwrap().get(b"a").unwrap(), Some(bytes("1")));
}

#[test]
fn a_store_that_failed_is_given_up_by_all_and_another_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("intake");
    let cache = SledCache::open(&path, 1 << 20).unwrap();
    let old = cache.open(1).unwrap();
    old.apply(vec![(bytes("a"), Some(bytes("1")))]).unwrap();
    cache.0.store().failed.store(true, Ordering::SeqCst);
    let late = vec![(bytes("b"), Some(bytes("2")))];
    assert!(old.apply(late.clone()).is_err() && old.get(b"a").is_err());
    let new = cache.open(1).unwrap();
    assert_eq!(new.get(b"a").unwrap(), None, "the journal rebuilds it");
    assert!(old.apply(late.clone()).is_err(), "nobody writes to the old");
    new.apply(late).unwrap();
    cache.scratch().expect("room for a snapshot's rows");
    cache.flush().unwrap();
    drop((old, new, cache));
    let cache = SledCache::open(&path, 1 << 20).unwrap();
    let there = cache.open(1).unwrap().get(b"b").unwrap();
    assert_eq!(there, Some(bytes("2")), "the newest is found at a start");
    assert!(!path.exists(), "the failed one is gone");
}

/// A kibibyte a row, with its number in it.
fn row(number: u32, times: u8) -> (Bytes, Option<Bytes>) {
    let mut value = vec![times; 1_024];
    value[..4].copy_from_slice(&number.to_be_bytes());
    (
        Bytes::copy_from_slice(&number.to_be_bytes()),
        Some(value.into()),
    )
}

/// Rows that were written are there as they were written last, each once.
fn check(lane: &dyn LaneCache, rows: u32, times: u8) {
    let mut next = 0_u32;
    lane.scan(&[], &[u8::MAX; 5], &mut |key, value| {
        assert_eq!(key, next.to_be_bytes());
        // A visit may ask for another row.
        let again = lane.get(key).unwrap().unwrap();
        assert_eq!(again, value);
        assert_eq!(Some(again), row(next, times).1);
        next += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(next, rows);
}

#[test]
fn a_cache_that_holds_more_than_it_may_is_opened_again_and_every_handle_goes_on() {
    const ROWS: u32 = 4_000;
    let dir = tempfile::tempdir().unwrap();
    let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
    let (writer, reader) = (cache.open(1).unwrap(), cache.open(1).unwrap());
    let neighbour = cache.open(2).unwrap();
    neighbour.apply(vec![row(0, 9)]).unwrap();
    let written = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        let written = &written;
        scope.spawn(move || {
            for number in 0..ROWS {
                writer.apply(vec![row(number, 1)]).unwrap();
                written.store(number + 1, Ordering::SeqCst);
            }
        });
        loop {
            let sure = written.load(Ordering::SeqCst);
            if let Some(last) = sure.checked_sub(1) {
                let found = reader.get(&last.to_be_bytes()).unwrap();
                assert_eq!(found, row(last, 1).1);
            }
            if sure == ROWS {
                break;
            }
        }
    });
    let renewals = cache.0.store().renewals;
    assert!(
        renewals >= 2,
        "{renewals} renewals after 4 MiB were written"
    );
    check(reader.as_ref(), ROWS, 1);
    assert_eq!(
        neighbour.get(&0_u32.to_be_bytes()).unwrap(),
        row(0, 9).1,
        "a handle that only waited goes on as well"
    );
}

#[test]
fn rows_that_are_written_again_and_again_are_no_reason_to_open_a_cache_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
    let lane = cache.open(1).unwrap();
    for times in 0..40 {
        let rows = (0..200).map(|number| row(number, times)).collect();
        lane.apply(rows).unwrap();
    }
    assert_eq!(cache.0.store().renewals, 0);
    check(lane.as_ref(), 200, 39);
}

#[test]
fn a_row_that_is_written_among_many_that_were_read_keeps_these_and_they_are_counted() {
    const ROWS: u64 = 20_000;
    let of_a_table = |number: u64| {
        let key = [&[7][..], &number.to_be_bytes()].concat();
        (Bytes::from(key), Some(Bytes::from(vec![1; 1_024])))
    };
    let dir = tempfile::tempdir().unwrap();
    let cache = SledCache::open(dir.path(), 64 << 20).unwrap();
    let rows = (0..ROWS).map(of_a_table).collect();
    cache.open(1).unwrap().apply(rows).unwrap();
    drop(cache);

    let cache = SledCache::open(dir.path(), 4 << 20).unwrap();
    let lane = cache.open(1).unwrap();
    for number in (0..ROWS).step_by(500) {
        lane.apply(vec![of_a_table(number)]).unwrap();
    }
    let renewals = cache.0.store().renewals;
    assert!(
        renewals >= 2,
        "{renewals} renewals after 40 rows of 1 KiB were written, each among hundreds of its leaf"
    );
}

#[test]
fn while_somebody_reads_a_cache_is_not_closed_under_him() {
    let dir = tempfile::tempdir().unwrap();
    let cache = SledCache::open(dir.path(), 1 << 20).unwrap();
    let (lane, other) = (cache.open(1).unwrap(), cache.open(2).unwrap());
    lane.apply(vec![row(0, 1)]).unwrap();
    lane.scan(&[], &[u8::MAX; 5], &mut |_, _| {
        let rows = (0..2_000).map(|number| row(number, 2)).collect();
        other.apply(rows).unwrap();
        assert_eq!(
            cache.0.store().renewals,
            0,
            "it waits for the end of the visit"
        );
        ControlFlow::Continue(())
    })
    .unwrap();
    other.apply(vec![row(0, 2)]).unwrap();
    assert_eq!(cache.0.store().renewals, 1);
    check(lane.as_ref(), 1, 1);
    check(other.as_ref(), 2_000, 2);
}

#[test]
fn a_scan_reads_no_further_than_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let numbers = 0..50 * u32::try_from(LEAF).unwrap();
    {
        let cache = SledCache::open(dir.path(), 64 << 20).unwrap();
        let lane = cache.open(0).unwrap();
        lane.apply(numbers.clone().map(|number| row(number, 1)).collect())
            .unwrap();
        cache.flush().unwrap();
    }
    let cache = SledCache::open(dir.path(), 64 << 20).unwrap();
    let lane = cache.open(0).unwrap();
    let seen = |from: &[u8], to: &[u8]| {
        let before = cache.0.store().misses().unwrap();
        let mut rows = 0;
        lane.scan(from, to, &mut |_, _| {
            rows += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        (rows, cache.0.store().misses().unwrap() - before)
    };
    // Behind the first rows, before the first, and the first three.
    let key = |number: u32| row(number, 1).0;
    let after = [&key(2)[..], b"+"].concat();
    for (from, to, rows) in [
        (&after[..], &key(3)[..], 0),
        (&b""[..], &key(0)[..], 0),
        (&key(0)[..], &key(3)[..], 3),
    ] {
        let (found, read) = seen(from, to);
        assert_eq!(found, rows);
        assert!(read <= 2, "{read} leaves read for {rows} rows");
    }
    let (found, read) = seen(b"", b"\xff");
    assert_eq!(found, numbers.len());
    assert!(
        read >= 40,
        "{read} leaves read for all rows: nothing is shown"
    );
}

/// A queue through which many rows went lies between two rows that stay.
#[test]
fn where_rows_were_a_scan_reads_no_leaves() {
    const BATCH: u32 = 5_000;
    let last = 100 * u32::try_from(LEAF).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = |number: u32| row(number, 1).0;
    {
        let cache = SledCache::open(dir.path(), 64 << 20).unwrap();
        let lane = cache.open(0).unwrap();
        let small = |number: u32| (key(number), Some(bytes("waits")));
        lane.apply(vec![small(0), small(last)]).unwrap();
        for first in (1..last).step_by(BATCH as usize) {
            let batch = first..last.min(first + BATCH);
            lane.apply(batch.map(small).collect()).unwrap();
        }
        for first in (1..last).step_by(BATCH as usize) {
            let batch = first..last.min(first + BATCH);
            lane.apply(batch.map(|number| (key(number), None)).collect())
                .unwrap();
        }
        cache.flush().unwrap();
    }
    let cache = SledCache::open(dir.path(), 64 << 20).unwrap();
    let lane = cache.open(0).unwrap();
    let before = cache.0.store().misses().unwrap();
    let mut found = Vec::new();
    lane.scan(&key(0), b"\xff", &mut |key, _| {
        found.push(Bytes::copy_from_slice(key));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found, [key(0), key(last)]);
    let read = cache.0.store().misses().unwrap() - before;
    assert!(read <= 2, "{read} leaves read for two rows");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Rows come and go in runs, as through a queue, while others read and what was written is flushed.
    #[test]
    fn it_holds_what_a_map_would_while_leaves_empty_and_merge(
        steps in prop::collection::vec((0_u32..20_000, 1_u32..4_000, prop::bool::weighted(0.4)), 40..80),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let cache = SledCache::open(dir.path(), 64 << 20).unwrap();
        let (lane, read) = (cache.open(0).unwrap(), cache.open(0).unwrap());
        let mut model = BTreeMap::new();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (cache, done) = (&cache, &done);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let mut last = None;
                    read.scan(&[], &[u8::MAX; 5], &mut |key, _| {
                        assert!(last.as_deref() < Some(key), "in order, each once");
                        last = Some(key.to_vec());
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                }
            });
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    cache.flush().unwrap();
                }
            });
            for (from, count, come) in steps {
                let rows: Writes = (from..from + count)
                    .map(|number| {
                        let key = Bytes::copy_from_slice(&number.to_be_bytes());
                        (key, come.then(|| Bytes::copy_from_slice(&from.to_be_bytes())))
                    })
                    .collect();
                for (key, value) in &rows {
                    match value {
                        Some(value) => model.insert(key.clone(), value.clone()),
                        None => model.remove(key),
                    };
                }
                lane.apply(rows).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        drop((lane, cache));
        let cache = SledCache::open(dir.path(), 64 << 20).unwrap();
        let mut found = BTreeMap::new();
        cache.open(0).unwrap().scan(&[], &[u8::MAX; 5], &mut |key, value| {
            found.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            ControlFlow::Continue(())
        })
        .unwrap();
        prop_assert_eq!(found, model);
    }
}
