use super::*;
use crate::cache::{Cache, LaneCache, MemoryCache, Scratch, Visit};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A cache whose next writes fail, as one that is made anew in the middle does; the last of them panics.
#[derive(Clone, Default)]
struct Failing(MemoryCache, Arc<AtomicU32>);

impl Cache for Failing {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        Ok(Box::new(FailingLane(
            self.0.open(lane)?,
            Arc::clone(&self.1),
        )))
    }
    fn wipe(&self, lane: u32) -> io::Result<()> {
        self.0.wipe(lane)
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        self.0.scratch()
    }
}

struct FailingLane(Box<dyn LaneCache>, Arc<AtomicU32>);

impl LaneCache for FailingLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.0.get(key)
    }
    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        self.0.scan(from, to, visit)
    }
    fn apply(&self, writes: Writes) -> io::Result<()> {
        match self
            .1
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        {
            Ok(1) => panic!("by order of the test"),
            Ok(_) => Err(io::ErrorKind::StorageFull.into()),
            Err(_) => self.0.apply(writes),
        }
    }
}

#[test]
fn behind_a_batch_that_was_not_applied_none_is_until_the_lane_is_read_anew() {
    let cache = Failing::default();
    let applier = Applier::spawn("intake", BasedCache::over(Arc::new(cache.clone()))).unwrap();
    let (tell, told) = channel();
    let apply = |key: &'static str| {
        let tell = tell.clone();
        let writes = vec![(Bytes::from(key), Some(Bytes::from("1")))];
        let done = move |end: io::Result<()>| tell.send((key, end.is_ok())).unwrap();
        applier.apply(3, writes, Box::new(done));
    };
    let anew = || {
        let tell = tell.clone();
        applier.after(3, Box::new(move || tell.send(("anew", true)).unwrap()));
    };
    cache.1.store(2, Ordering::SeqCst);
    apply("full");
    apply("b");
    anew();
    apply("panics");
    apply("c");
    anew();
    apply("d");
    let ends: Vec<_> = told.iter().take(7).collect();
    let bad = |name| (name, false);
    let well = |name| (name, true);
    assert_eq!(
        ends,
        [
            bad("full"),
            bad("b"),
            well("anew"),
            bad("panics"),
            bad("c"),
            well("anew"),
            well("d")
        ]
    );
    let lane = cache.open(3).unwrap();
    assert_eq!(lane.get(b"b").unwrap(), None, "it would be behind a gap");
}
