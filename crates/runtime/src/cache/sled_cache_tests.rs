use super::*;
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
    empty(&path.join("slabs"));
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
    cache.store().failed.store(true, Ordering::SeqCst);
    let late = vec![(bytes("b"), Some(bytes("2")))];
    assert!(old.apply(late.clone()).is_err() && old.get(b"a").is_err());
    let new = cache.open(1).unwrap();
    assert_eq!(new.get(b"a").unwrap(), None, "the journal rebuilds it");
    assert!(old.apply(late.clone()).is_err(), "nobody writes to the old");
    new.apply(late).unwrap();
    cache.flush().unwrap();
    drop((old, new, cache));
    let cache = SledCache::open(&path, 1 << 20).unwrap();
    let there = cache.open(1).unwrap().get(b"b").unwrap();
    assert_eq!(there, Some(bytes("2")), "the newest is found at a start");
    assert!(!path.exists(), "the failed one is gone");
}
