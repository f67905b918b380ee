//! Messages that nobody waits for gather: one record of an inbox instead of many.

use crate::bed::{Bed, limits};
use crate::by_hand::{Hand, memory};
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::limits::Limits;
use tenfold_runtime::log::Topic;

const GATHER: Duration = Duration::from_millis(250);

/// A lane that owns, and where its messages go.
fn sender() -> (Bed, Hand) {
    let (_, bed) = memory();
    let limits = Limits {
        relay_gather: GATHER,
        ..limits()
    };
    let cache = Arc::new(MemoryCache::default());
    let mut hand = Hand::within(&bed, "intake", cache, limits);
    hand.hear(Event::Wanted(true));
    hand.own();
    (bed, hand)
}

/// Records in the inbox of the lane that is told.
fn records(bed: &Bed) -> u64 {
    let inbox = Topic::named(&format!("{}pooling.inbox", bed.prefix));
    bed.log.extent(&inbox, 0).unwrap().end
}

#[test]
fn three_decisions_tell_in_one_record_what_nobody_waits_for() {
    let (bed, mut hand) = sender();
    let before = records(&bed);
    for (id, text) in [
        ("1", "tell pooling by and by m1"),
        ("2", "tell pooling by and by m2"),
        ("3", "tell pooling by and by m3"),
    ] {
        hand.command(id, text).expect("durable at once");
    }
    hand.wait(GATHER / 2);
    assert_eq!(records(&bed), before, "they wait for others");
    hand.wait(GATHER / 2);
    assert_eq!(records(&bed), before + 1);
}

#[test]
fn what_somebody_waits_for_is_told_at_once_with_all_before_it() {
    let (bed, mut hand) = sender();
    let before = records(&bed);
    hand.command("1", "tell pooling by and by m1").unwrap();
    hand.command("2", "tell pooling m2").unwrap();
    assert_eq!(records(&bed), before + 1, "both in one");
}

#[test]
fn a_lane_that_is_given_away_tells_first_what_gathers() {
    let (bed, mut hand) = sender();
    let before = records(&bed);
    hand.command("1", "tell pooling by and by m1").unwrap();
    hand.hear(Event::Wanted(false));
    hand.settle();
    assert_eq!(records(&bed), before + 1);
}
