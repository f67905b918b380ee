//! What several records wrote gathers, and goes to the cache once; whatever happens meanwhile, the cache is a state of the journal.

use crate::bed::{Bed, limits};
use crate::by_hand::{Hand, memory};
use crate::ledger::Ledger;
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::cache::{Cache, MemoryCache};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::lane::digest::compare;
use tenfold_runtime::limits::Limits;

/// How long records gather here.
const GATHER: Duration = Duration::from_millis(100);

/// A lane whose rows gather for so long, or until there are so many.
fn owner(bed: &Bed, cache: &MemoryCache, gather_rows_max: usize) -> Hand {
    let limits = Limits {
        gather: GATHER,
        gather_rows_max,
        ..limits()
    };
    let mut hand = Hand::within(bed, "intake", Arc::new(cache.clone()), limits);
    hand.hear(Event::Wanted(true));
    hand.own();
    // Its first record, too, is in the cache.
    hand.wait(GATHER);
    hand
}

/// Three commands, each a record of its own; and their answers.
fn three(hand: &mut Hand) -> [String; 3] {
    let answers = ["1", "2", "3"].map(|id| {
        let answer = hand.command(id, "add 5");
        answer.unwrap_or_else(|| panic!("command {id} is not durable"))
    });
    assert_eq!(hand.ask("sum"), "15");
    answers
}

/// The seq that the cache stands behind, and it is what the journal makes up to there.
fn stands_at(hand: &Hand, cache: &MemoryCache) -> u64 {
    let rows = cache.open(0).unwrap();
    let compared = compare(hand.port.as_ref(), &Ledger("intake"), rows.as_ref(), 0).unwrap();
    assert_eq!(compared.difference, None);
    compared.seq
}

#[test]
fn records_gather_until_their_time_has_come() {
    let (_log, bed) = memory();
    let cache = MemoryCache::default();
    let mut hand = owner(&bed, &cache, usize::MAX);
    let before = stands_at(&hand, &cache);
    three(&mut hand);
    assert_eq!(stands_at(&hand, &cache), before, "not yet");
    let wakes = hand.lane.next_wake();
    hand.wait(GATHER - Duration::from_millis(1));
    assert_eq!(
        hand.lane.next_wake(),
        wakes,
        "it wakes when their time has come, and not a second after each look"
    );
    assert_eq!(stands_at(&hand, &cache), before, "a moment too soon");
    hand.wait(Duration::from_millis(1));
    assert_eq!(stands_at(&hand, &cache), before + 3);
}

#[test]
fn what_has_gathered_long_enough_goes_before_more_is_decided() {
    let (_log, bed) = memory();
    let cache = MemoryCache::default();
    let mut hand = owner(&bed, &cache, usize::MAX);
    let before = stands_at(&hand, &cache);
    three(&mut hand);
    // Nothing wakes the lane meanwhile.
    hand.let_time_pass(GATHER);
    hand.command("4", "add 1");
    assert_eq!(stands_at(&hand, &cache), before + 3);
    hand.wait(GATHER);
    assert_eq!(stands_at(&hand, &cache), before + 4);
}

#[test]
fn so_many_rows_do_not_wait_for_their_time() {
    let (_log, bed) = memory();
    let cache = MemoryCache::default();
    let mut hand = owner(&bed, &cache, 1);
    let before = stands_at(&hand, &cache);
    three(&mut hand);
    assert_eq!(stands_at(&hand, &cache), before + 3);
}

#[test]
fn a_lane_that_goes_gives_its_cache_what_has_gathered() {
    let (_log, bed) = memory();
    let cache = MemoryCache::default();
    let mut hand = owner(&bed, &cache, usize::MAX);
    let before = stands_at(&hand, &cache);
    three(&mut hand);
    hand.hear(Event::Wanted(false));
    assert_eq!(hand.status().phase, "idle");
    assert_eq!(stands_at(&hand, &cache), before + 3);
}

#[test]
fn what_had_gathered_when_a_process_died_is_read_from_the_journal() {
    let (_log, bed) = memory();
    let cache = MemoryCache::default();
    let mut dead = owner(&bed, &cache, usize::MAX);
    let before = stands_at(&dead, &cache);
    let answers = three(&mut dead);
    drop(dead);
    let mut next = owner(&bed, &cache, usize::MAX);
    assert_eq!(next.ask("sum"), "15");
    assert!(stands_at(&next, &cache) >= before + 3, "taking it wrote it");
    assert_eq!(three(&mut next), answers, "the same requests again");
}

#[test]
fn what_gathers_is_not_given_before_all_that_was_decided_is_durable() {
    let (_log, bed) = memory();
    let cache = MemoryCache::default();
    let mut hand = owner(&bed, &cache, usize::MAX);
    let before = stands_at(&hand, &cache);
    hand.log.hold();
    assert_eq!(hand.command("1", "add 5"), None, "not durable");
    hand.wait(GATHER * 2);
    assert_eq!(hand.command("2", "add 5"), None);
    assert_eq!(stands_at(&hand, &cache), before, "the log has not answered");
    hand.log.release(false);
    hand.settle();
    assert_eq!(stands_at(&hand, &cache), before + 2);
    assert_eq!(hand.ask("sum"), "10");
}
