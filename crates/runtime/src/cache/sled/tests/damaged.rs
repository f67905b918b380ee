//! Leaves that are not what was written: sled stored them wrongly, or somebody changed them.

use super::*;

/// Bytes that cannot be pressed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(step).collect()
}

/// A cache with one row of so many bytes, closed again.
fn one_row(path: &Path, length: usize) {
    let cache = SledCache::open(path, 1 << 24).unwrap();
    let lane = cache.open(0).unwrap();
    let row = (bytes("k"), Some(Bytes::from(noise(length))));
    lane.apply(vec![row]).unwrap();
}

/// Of the lengths around the one that sled stores wrongly none gives back anything else than what was written: what is wrong
/// is told, and another store takes its place.
#[test]
fn a_leaf_that_sled_stores_over_its_own_length_is_never_taken_for_sound() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("probe");
    one_row(&path, 60_000);
    let slot = std::fs::read(path.join("slabs/65536")).unwrap();
    let leaf = u32::from_le_bytes(slot[65_528..65_532].try_into().unwrap()) as usize;
    let wrong = 60_000 + 65_529 - leaf;
    for length in [wrong - 1, wrong, wrong + 1] {
        let path = dir.path().join(format!("cache-{length}"));
        one_row(&path, length);
        let cache = SledCache::open(&path, 1 << 24).unwrap();
        let read = cache.open(0).and_then(|lane| lane.get(b"k"));
        if length != wrong {
            assert_eq!(read.unwrap(), Some(noise(length).into()), "{length} bytes");
            continue;
        }
        assert!(read.is_err(), "what sled stored wrongly is taken for sound");
        cache.wipe(0).unwrap();
        let anew = cache.open(0).unwrap();
        assert_eq!(anew.get(b"k").unwrap(), None, "another store is in use");
    }
}

/// What is in a leaf is not what zstd wrote, though its checksum is right: sled panics.
#[test]
fn a_leaf_that_cannot_be_unpacked_fails_the_store_and_not_whoever_asks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    {
        let cache = SledCache::open(&path, 1 << 20).unwrap();
        let rows = (0..200).map(|number| row(number, 3)).collect();
        cache.open(0).unwrap().apply(rows).unwrap();
    }
    assert!(tenfold_tests::leaves::change(&path).unwrap() > 0);
    let cache = SledCache::open(&path, 1 << 20).unwrap();
    let read = cache.open(0).and_then(|lane| lane.get(&row(7, 3).0));
    assert!(read.is_err(), "{read:?}");
    cache.wipe(0).unwrap();
    let anew = cache.open(0).unwrap();
    anew.apply(vec![row(0, 1)]).unwrap();
    check(anew.as_ref(), 1, 1);
}

/// Reading what a running service has must not write into its files (`tenfold digest` beside it): not even into a leaf that is
/// to be spoiled.
#[test]
fn a_store_that_somebody_has_open_is_refused_and_nothing_is_written_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    let cache = SledCache::open(&path, 1 << 20).unwrap();
    cache.open(0).unwrap().apply(vec![row(0, 1)]).unwrap();
    // The last bytes of a slot: the length that sled stores wrongly, and a checksum.
    let mut slot = noise(65_536);
    slot[65_528..65_532].copy_from_slice(&65_529_u32.to_le_bytes());
    let file = path.join("slabs/65536");
    let before = std::fs::read(&file).unwrap_or_default().len();
    assert_eq!(before, 0, "so small a store has no leaf of this size");
    std::fs::write(&file, &slot).unwrap();
    assert!(SledCache::open_to_read(&path, 1 << 20).is_err());
    assert!(std::fs::read(&file).unwrap() == slot, "it was written to");
}
