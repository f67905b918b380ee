//! Caches that are behind, deleted, damaged, or of another journal.

use crate::bed::{Bed, eventually};
use bytes::Bytes;
use tenfold_runtime::cache::MemoryCache;

pub(super) fn crash_before_cache(bed: Bed) {
    let cache = MemoryCache::default();
    let a = bed.node_of("intake", "a", cache.clone());
    a.take();
    bed.command(&a, "1", "add 1").unwrap();
    eventually("the cache has it", || cache.edit(0, |rows| rows.len()) > 2);
    let old = cache.edit(0, |rows| rows.clone());
    bed.command(&a, "2", "add 10").unwrap();
    drop(a);
    cache.edit(0, |rows| *rows = old);
    let a = bed.node_of("intake", "a", cache);
    a.take();
    assert_eq!(
        bed.command(&a, "2", "add 10").unwrap(),
        "11",
        "the answer is kept"
    );
    assert_eq!(bed.ask(&a, "sum"), "11");
    bed.agrees(&a);
}

pub(super) fn caches(bed: Bed) {
    let cache = MemoryCache::default();
    let a = bed.node_of("intake", "a", cache.clone());
    a.take();
    for n in 0..20 {
        bed.command(&a, &n.to_string(), "add 1").unwrap();
    }
    drop(a);
    cache.edit(0, |rows| rows.clear());
    let a = bed.node_of("intake", "a", cache.clone());
    a.take();
    assert_eq!(bed.ask(&a, "sum"), "20", "deleted: rebuilt");
    drop(a);
    // Another journal's cache is never taken for ours, and never wiped by itself.
    let other = Bed::new(std::sync::Arc::clone(&bed.log));
    let o = other.node_of("intake", "o", cache.clone());
    o.log.suggest(&[0]);
    o.wait_phase("stopped");
    let problem = o.instance.status()[&0].problem.clone();
    assert!(problem.contains("made anew"), "{problem}");
    drop(o);
    // A damaged record in the cache: rebuilt.
    cache.edit(0, |rows| {
        for (key, value) in rows.iter_mut().filter(|(key, _)| key[0] < 250) {
            assert!(!key.is_empty());
            *value = Bytes::from_static(&[0xff; 3]);
        }
    });
    let a = bed.node_of("intake", "a", cache);
    a.take();
    eventually("the damaged cache is rebuilt", || {
        a.phase() == "owned" && bed.ask(&a, "sum") == "20"
    });
    bed.agrees(&a);
}
