//! Messages that cause more than one record may hold: they are taken in parts, and hold nobody up.

use crate::bed::{Bed, limits};
use crate::by_hand::{Hand, memory};
use crate::faulty::Fault;
use std::sync::Arc;
use std::time::Duration;
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::lane::calls::{Ask, Call};
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::limits::Limits;
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{Log, Topic};

/// Bytes of one ordinary message.
const SIZE: usize = 100;

fn receiver(bed: &Bed) -> Hand {
    let small = Limits {
        record_bytes_max: 10 * SIZE,
        // Time stands still here: every batch may have its record of the inbox.
        inbox_waits: Duration::ZERO,
        ..limits()
    };
    let mut hand = Hand::within(bed, "pooling", Arc::new(MemoryCache::default()), small);
    hand.hear(Event::Wanted(true));
    hand.own();
    hand
}

fn message(n: usize) -> String {
    format!("m{n:0width$}", width = SIZE - 1)
}

/// One record in the receiver's inbox with all these messages.
fn packed(bed: &Bed, messages: &[String]) -> Hand {
    let mut sender = Hand::new(bed, "intake", Arc::new(MemoryCache::default()));
    sender.hear(Event::Wanted(true));
    sender.own();
    // The first is lost, and goes again with all behind it.
    sender
        .log
        .fail_next(&Topic::inbox("pooling"), Fault::UnknownLost);
    for (n, text) in messages.iter().enumerate() {
        let text = format!("tell pooling {text}").leak();
        sender.command(&n.to_string(), text).unwrap();
    }
    sender.wait(Duration::from_secs(1));
    sender
}

fn dead_letters(log: &MemoryLog, bed: &Bed) -> u64 {
    let topic = Topic::named(&format!("{}dead-letters", bed.prefix));
    log.extent(&topic, 0).unwrap().end
}

#[test]
fn messages_that_together_cause_too_much_are_taken_in_parts_and_in_order() {
    let (log, bed) = memory();
    let mut receiver = receiver(&bed);
    let messages: Vec<String> = (0..50).map(message).collect();
    let _sender = packed(&bed, &messages);
    let inbox = Topic::named(&format!("{}pooling.inbox", bed.prefix));
    assert_eq!(log.extent(&inbox, 0).unwrap().end, 2, "one record");
    receiver.settle();
    assert_eq!(receiver.ask("notes"), messages.join(","));
    assert_eq!(dead_letters(&log, &bed), 0);
}

#[test]
fn a_message_that_alone_causes_too_much_goes_to_the_dead_letters_and_the_others_are_taken() {
    let (log, bed) = memory();
    let mut receiver = receiver(&bed);
    let mut messages: Vec<String> = (0..20).map(message).collect();
    messages[7] = "x".repeat(20 * SIZE);
    let mut sender = packed(&bed, &messages);
    receiver.settle();
    sender.command("later", "tell pooling later").unwrap();
    receiver.settle();
    messages.remove(7);
    messages.push("later".to_owned());
    assert_eq!(receiver.ask("notes"), messages.join(","));
    assert_eq!(dead_letters(&log, &bed), 1);
}

/// A batch begins with the calls that wait, and what the inbox's next record causes does not fit behind them.
#[test]
fn a_record_that_needs_one_of_its_own_gets_it_though_calls_never_end() {
    let (_, bed) = memory();
    let mut receiver = receiver(&bed);
    let large = "x".repeat(9 * SIZE);
    let _sender = packed(&bed, std::slice::from_ref(&large));
    for n in 0..4 {
        // Deciding goes on only when this one is at hand, so every batch has a call.
        let call = Call {
            ask: Ask::Command {
                actor: "tester".to_owned(),
                request_id: n.to_string(),
                body: "y".repeat(3 * SIZE).into(),
            },
            queued_at: Duration::ZERO,
            traceparent: String::new(),
            reply: Box::new(|_| {}),
        };
        receiver.lane.handle(Event::Call(call));
        receiver.lane.turn();
    }
    assert_eq!(
        receiver.ask("notes").matches(&large).count(),
        1,
        "it is there before the calls end"
    );
}
