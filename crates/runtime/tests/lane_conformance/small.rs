//! Small records go one by one: what comes while the log answers one gathers for the next.

use crate::bed::limits;
use crate::by_hand::{Hand, memory};
use std::sync::Arc;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::limits::Limits;
use tenfold_runtime::log::{Log, Topic};

/// Records appended, and not answered, after three commands; and the journal's records when all is answered.
fn three_commands(small_record_bytes: usize) -> (usize, u64) {
    let (log, bed) = memory();
    let limits = Limits {
        small_record_bytes,
        ..limits()
    };
    let mut hand = Hand::within(&bed, "intake", Arc::new(MemoryCache::default()), limits);
    hand.hear(Event::Wanted(true));
    hand.own();
    let journal = Topic::named(&format!("{}intake.journal", bed.prefix));
    let before = log.extent(&journal, 0).unwrap().end;
    hand.log.hold();
    for id in ["1", "2", "3"] {
        let answer = hand.command(id, "add 5");
        assert_eq!(answer, None, "command {id} is not durable");
    }
    let held = hand.log.held();
    hand.log.release(false);
    hand.settle();
    assert_eq!(hand.ask("sum"), "15");
    (held, log.extent(&journal, 0).unwrap().end - before)
}

#[test]
fn what_comes_behind_a_small_record_shares_the_next() {
    let (in_flight, records) = three_commands(4_096);
    assert_eq!(in_flight, 1, "the second and third wait for the first");
    assert_eq!(records, 2, "the first, and one for both others");
}

#[test]
fn what_comes_behind_a_large_record_goes_at_once() {
    let (in_flight, records) = three_commands(0);
    assert_eq!((in_flight, records), (3, 3));
}
