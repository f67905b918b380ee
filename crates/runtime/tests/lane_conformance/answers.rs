//! Answers to requests are known for as long as is set, and forgotten then: their rows must not grow for ever, and what
//! may have been done must not be done again.

use crate::bed::limits;
use crate::by_hand::{Hand, memory};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tenfold_domain::tables::Record;
use tenfold_runtime::cache::{Cache as _, MemoryCache};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::lane::rows::OutcomeRow;
use tenfold_runtime::limits::Limits;

const MINUTE: Duration = Duration::from_secs(60);

/// Made when the clocks of [`Hand`] begin, at 1,700,000,000,000 ms: what a console sends.
const MADE: &str = "018bcfe5-6800-7abc-8def-0123456789ab";

/// A lane that knows answers for ten minutes.
fn ten_minutes(cache: &Arc<MemoryCache>) -> Hand {
    let (_, bed) = memory();
    let limits = Limits {
        outcome_kept: 10 * MINUTE,
        ..limits()
    };
    let mut hand = Hand::within(&bed, "intake", Arc::clone(cache) as _, limits);
    hand.hear(Event::Wanted(true));
    hand.own();
    hand
}

/// Rows of answers in the lane's cache.
fn answers(cache: &MemoryCache) -> usize {
    let mut rows = 0;
    let table = <OutcomeRow as Record>::TABLE;
    let lane = cache.open(0).unwrap();
    let visited = lane.scan(&[table], &[table + 1], &mut |_, _| {
        rows += 1;
        ControlFlow::Continue(())
    });
    visited.unwrap();
    rows
}

#[test]
fn a_retry_in_time_has_the_first_answer() {
    let mut hand = ten_minutes(&Arc::default());
    assert_eq!(hand.command(MADE, "add 5").unwrap(), "5");
    hand.let_time_pass(9 * MINUTE);
    assert_eq!(hand.command(MADE, "add 5").unwrap(), "5");
    assert_eq!(hand.ask("sum"), "5");
}

#[test]
fn a_retry_that_comes_too_late_is_refused_and_not_done_again() {
    let mut hand = ten_minutes(&Arc::default());
    assert_eq!(hand.command(MADE, "add 5").unwrap(), "5");
    hand.let_time_pass(11 * MINUTE);
    let refused = hand.refused(MADE, "add 5");
    assert_eq!(refused.reason, "REQUEST_ID_EXPIRED");
    assert!(
        refused.message.contains("answers are kept for 10 minutes"),
        "{}",
        refused.message
    );
    assert_eq!(hand.ask("sum"), "5");
}

#[test]
fn rows_of_answers_do_not_grow_for_ever() {
    let cache = Arc::default();
    let mut hand = ten_minutes(&cache);
    for id in ["1", "2", "3"] {
        hand.command(id, "add 1").unwrap();
    }
    hand.wait(MINUTE);
    assert_eq!(answers(&cache), 3);
    hand.let_time_pass(11 * MINUTE);
    hand.command("4", "add 1").unwrap();
    hand.wait(MINUTE);
    assert_eq!(answers(&cache), 1, "that of the last alone");
}
