//! Calls and the inbox of one lane: what nobody waits for lets calls pass, and is not forgotten.

use crate::bed::{Bed, limits};
use crate::by_hand::{Hand, memory};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::lane::calls::{Ask, Reply};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::limits::Limits;

fn owner(bed: &Bed, service: &'static str) -> Hand {
    owner_within(bed, service, limits())
}

fn owner_within(bed: &Bed, service: &'static str, limits: Limits) -> Hand {
    let mut hand = Hand::within(bed, service, Arc::new(MemoryCache::default()), limits);
    hand.hear(Event::Wanted(true));
    hand.own();
    hand
}

/// What the lane knew when it was asked.
fn notes(answered: &Receiver<Reply>) -> String {
    match answered.try_recv() {
        Ok(Reply::Answer {
            answer: Ok(notes), ..
        }) => String::from_utf8(notes.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn question() -> Ask {
    Ask::Query("notes".into())
}

#[test]
fn while_calls_come_the_inbox_has_its_turn_every_so_often() {
    let waits = limits().inbox_waits;
    let (_, bed) = memory();
    let (mut receiver, mut sender) = (owner(&bed, "pooling"), owner(&bed, "intake"));
    sender.command("1", "tell pooling first").unwrap();
    receiver.wait(Duration::from_secs(1));
    assert!(receiver.ask("notes").contains("first"));
    sender.command("2", "tell pooling second").unwrap();
    receiver.let_time_pass(waits / 2);
    receiver.one_turn(Hand::asked("3", "a scan"));
    let soon = receiver.one_turn(question());
    receiver.let_time_pass(waits / 2);
    receiver.one_turn(Hand::asked("4", "another scan"));
    let later = receiver.one_turn(question());
    receiver.settle();
    let (soon, later) = (notes(&soon), notes(&later));
    assert!(
        soon.contains("a scan") && !soon.contains("second"),
        "{soon}"
    );
    assert!(later.contains("second"), "{later}");
}

#[test]
fn a_lane_closes_its_batch_of_the_inbox_early_when_somebody_waits_for_another() {
    for (hurried, taken) in [(0, 3), (1, 1)] {
        let (_, bed) = memory();
        // Time stands still here.
        let at_once = Limits {
            batch_time_hurried: Duration::ZERO,
            ..limits()
        };
        let mut receiver = owner_within(&bed, "pooling", at_once);
        let mut sender = owner(&bed, "intake");
        for n in ["1", "2", "3"] {
            sender.command(n, "tell pooling expected").unwrap();
        }
        receiver.hurried.store(hurried, Ordering::Relaxed);
        receiver.lane.turn();
        let then = receiver.one_turn(question());
        receiver.settle();
        let count = |notes: &str| notes.matches("expected").count();
        assert_eq!(
            count(&notes(&then)),
            taken,
            "{hurried} lanes are waited for"
        );
        assert_eq!(count(&receiver.ask("notes")), 3, "none is forgotten");
    }
}
