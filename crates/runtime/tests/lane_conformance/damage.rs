//! Logs that were broken: what must be refused, and what heals. On the log in memory, which can be
//! broken on purpose.

use crate::bed::{Bed, eventually};
use crate::ledger::Ledger;
use std::sync::Arc;
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::lane::digest::compare;
use tenfold_runtime::lane::init::create_lanes;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{Log, Topic};

pub fn bed() -> (MemoryLog, Bed) {
    let log = MemoryLog::new();
    log.set_now(tenfold_runtime::clock::Clock::wall(
        &tenfold_runtime::clock::SystemClock::default(),
    ));
    let port: Arc<dyn Log> = Arc::new(log.clone());
    (log, Bed::new(port))
}

pub fn named(bed: &Bed, topic: &Topic) -> Topic {
    Topic::named(&format!("{}{topic}", bed.prefix))
}

pub fn stopped(bed: &Bed, cache: &MemoryCache, why: &str) {
    let node = bed.node_of("intake", "again", cache.clone());
    node.log.suggest(&[0]);
    node.wait_phase("stopped");
    let problem = node.instance.status()[&0].problem.clone();
    assert!(problem.contains(why), "{problem}");
}

/// A lane with ten decisions in journal and cache, and nobody who owns it.
pub fn worked(bed: &Bed) -> MemoryCache {
    let cache = MemoryCache::default();
    let node = bed.node_of("intake", "a", cache.clone());
    node.take();
    for n in 0..10 {
        bed.command(&node, &n.to_string(), "add 1").unwrap();
    }
    node.instance.shutdown(std::time::Duration::from_secs(5));
    cache
}

#[test]
fn a_cache_ahead_of_the_log_is_an_alarm_and_never_wiped() {
    let (log, bed) = bed();
    let cache = worked(&bed);
    log.truncate(&named(&bed, &Topic::journal("intake")), 0, 0, 5);
    let rows = cache.edit(0, |rows| rows.clone());
    stopped(&bed, &cache, "ahead of the log");
    assert_eq!(cache.edit(0, |now| now.clone()), rows);
}

#[test]
fn an_emptied_journal_is_refused() {
    let (log, bed) = bed();
    let cache = worked(&bed);
    log.recreate(&named(&bed, &Topic::journal("intake")));
    stopped(&bed, &cache, "is empty");
}

#[test]
fn a_journal_made_anew_is_refused_until_a_person_removes_the_cache() {
    let (log, bed) = bed();
    let cache = worked(&bed);
    log.recreate(&named(&bed, &Topic::journal("intake")));
    let port = crate::faulty::FaultyLog::new(Arc::clone(&bed.log), &bed.prefix);
    create_lanes(port.as_ref(), "intake").unwrap();
    stopped(&bed, &cache, "made anew");
}

#[test]
fn a_journal_without_its_head_is_refused() {
    let (log, bed) = bed();
    let cache = worked(&bed);
    log.truncate(&named(&bed, &Topic::journal("intake")), 0, 3, 12);
    stopped(&bed, &cache, "head is missing");
}

#[test]
fn a_damaged_record_in_the_middle_stops_a_fold_from_zero() {
    let (log, bed) = bed();
    drop(worked(&bed));
    // The fifth record of the journal: its hash no longer fits the next, or it cannot be read and the
    // next is out of order; either way nothing behind it may be folded as if it were whole.
    log.damage(&named(&bed, &Topic::journal("intake")), 0, 5, |bytes| {
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
    });
    let node = bed.node_of("intake", "again", MemoryCache::default());
    node.log.suggest(&[0]);
    node.wait_phase("stopped");
    let problem = node.instance.status()[&0].problem.clone();
    assert!(problem.contains("cannot"), "{problem}");
}

#[test]
fn an_inbox_that_lost_its_tail_stops_the_lane() {
    let (log, bed) = bed();
    let cache = MemoryCache::default();
    let receiver = bed.node_of("pooling", "p", cache.clone());
    receiver.take();
    let sender = bed.owner("a");
    for n in 0..5 {
        bed.command(&sender, &n.to_string(), &format!("tell pooling m{n}"))
            .unwrap();
    }
    eventually("all arrive", || bed.ask(&receiver, "notes").ends_with("m4"));
    drop(receiver);
    drop(sender);
    log.truncate(&named(&bed, &Topic::inbox("pooling")), 0, 0, 2);
    let again = bed.node_of("pooling", "q", cache);
    again.log.suggest(&[0]);
    again.wait_phase("stopped");
    let problem = again.instance.status()[&0].problem.clone();
    assert!(problem.contains("inbox's tail"), "{problem}");
}

#[test]
fn an_inbox_made_anew_is_read_from_its_start_and_what_was_lost_is_sent_again() {
    let (log, bed) = bed();
    let cache = MemoryCache::default();
    let receiver = bed.node_of("pooling", "p", cache.clone());
    receiver.take();
    let sender = bed.owner("a");
    for n in 1..=3 {
        bed.command(&sender, &n.to_string(), &format!("tell pooling m{n}"))
            .unwrap();
    }
    eventually("three arrive", || bed.ask(&receiver, "notes") == "m1,m2,m3");
    drop(receiver);
    // Two more reach the inbox, are acknowledged to the sender, and are lost with the inbox.
    for n in 4..=5 {
        bed.command(&sender, &n.to_string(), &format!("tell pooling m{n}"))
            .unwrap();
    }
    let inbox = named(&bed, &Topic::inbox("pooling"));
    eventually("five are in the inbox", || {
        log.records(&inbox, 0).len() >= 5
    });
    std::thread::sleep(std::time::Duration::from_millis(100));
    log.recreate(&inbox);
    let port = crate::faulty::FaultyLog::new(Arc::clone(&bed.log), &bed.prefix);
    create_lanes(port.as_ref(), "pooling").unwrap();
    let again = bed.node_of("pooling", "q", cache);
    again.take();
    bed.command(&sender, "6", "tell pooling m6").unwrap();
    eventually("all six are there", || {
        bed.ask(&again, "notes") == "m1,m2,m3,m4,m5,m6"
    });
    bed.agrees(&again);
}

#[test]
fn a_cache_is_what_its_journal_makes_until_somebody_changes_a_row() {
    let (_, bed) = bed();
    let cache = worked(&bed);
    let port = crate::faulty::FaultyLog::new(Arc::clone(&bed.log), &bed.prefix);
    let look = || {
        let rows = cache.open(0).unwrap();
        compare(port.as_ref(), &Ledger("intake"), rows.as_ref(), 0).unwrap()
    };
    let same = look();
    assert_eq!(same.difference, None);
    assert_eq!(same.cache, same.journal);
    assert!(same.rows > 0 && same.seq >= 10, "{same:?}");

    let (key, value) = cache.edit(0, |rows| {
        let (key, value) = rows.iter_mut().next().unwrap();
        let before = value.clone();
        *value = b"other".as_slice().into();
        (key.clone(), before)
    });
    let other = look();
    assert_ne!(other.cache, other.journal);
    let difference = other.difference.expect("it is found");
    assert_eq!(difference.key, key.slice(1..));
    assert_eq!(difference.cache.as_deref(), Some(b"other".as_slice()));
    assert_eq!(difference.journal, Some(value));

    cache.edit(0, |rows| rows.remove(&key));
    let missing = look().difference.expect("it is found");
    assert_eq!((missing.key, missing.cache), (key.slice(1..), None));
}
