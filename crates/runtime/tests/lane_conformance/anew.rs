//! An inbox that was made anew: what was lost with it is asked for until it is here, whatever else is lost.

use crate::bed::Bed;
use crate::by_hand::{Hand, memory};
use crate::faulty::Fault;
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use tenfold_proto::lane::{InboxRecord, inbox_record::Content};
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::lane::context::Event;
use tenfold_runtime::lane::init::create_lanes;
use tenfold_runtime::log::Topic;
use tenfold_runtime::log::memory::MemoryLog;

fn owner(bed: &Bed, service: &'static str) -> Hand {
    let mut hand = Hand::new(bed, service, Arc::new(MemoryCache::default()));
    hand.hear(Event::Wanted(true));
    hand.own();
    hand
}

fn named(bed: &Bed, topic: &Topic) -> Topic {
    Topic::named(&format!("{}{topic}", bed.prefix))
}

/// Requests to send again that stand in the sender's inbox.
fn requests(log: &MemoryLog, bed: &Bed) -> usize {
    log.records(&named(bed, &Topic::inbox("intake")), 0)
        .into_iter()
        .filter_map(|record| InboxRecord::decode(record.value).ok()?.content)
        .filter(|content| matches!(content, Content::Resend(_)))
        .count()
}

/// Three messages were taken; two more were acknowledged to their sender, and lost with the inbox.
fn two_lost(log: &MemoryLog, bed: &Bed) -> Hand {
    let mut sender = owner(bed, "intake");
    let mut receiver = owner(bed, "pooling");
    for (id, text) in [
        ("1", "tell pooling m1"),
        ("2", "tell pooling m2"),
        ("3", "tell pooling m3"),
    ] {
        sender.command(id, text).unwrap();
    }
    receiver.settle();
    assert_eq!(receiver.ask("notes"), "m1,m2,m3");
    receiver.hear(Event::Wanted(false));
    sender.command("4", "tell pooling m4").unwrap();
    sender.command("5", "tell pooling m5").unwrap();
    sender.settle();
    log.recreate(&named(bed, &Topic::inbox("pooling")));
    create_lanes(sender.log.as_ref(), "pooling").unwrap();
    sender
}

#[test]
fn what_an_inbox_lost_is_asked_for_until_it_is_here_though_requests_and_answers_are_lost() {
    let (log, bed) = memory();
    let mut sender = two_lost(&log, &bed);
    let mut receiver = Hand::new(&bed, "pooling", Arc::new(MemoryCache::default()));
    receiver
        .log
        .fail_next(&Topic::inbox("intake"), Fault::UnknownLost);
    receiver.hear(Event::Wanted(true));
    receiver.own();
    sender.settle();
    assert_eq!(requests(&log, &bed), 0, "the first one is lost");

    receiver.wait(Duration::from_millis(300));
    assert_eq!(requests(&log, &bed), 1);
    sender
        .log
        .fail_next(&Topic::inbox("pooling"), Fault::UnknownLost);
    sender.settle();
    drop(sender.take_work());
    receiver.settle();
    assert_eq!(receiver.ask("notes"), "m1,m2,m3", "all answers are lost");
    drop(receiver);

    // The next owner finds the inbox named in the journal, and that the sender did not answer.
    let mut receiver = owner(&bed, "pooling");
    assert_eq!(requests(&log, &bed), 2);
    sender.settle();
    drop(sender.take_work());
    receiver.settle();
    drop(receiver);

    // Now the sender has said how far its messages went, but they are not here.
    let mut receiver = owner(&bed, "pooling");
    assert_eq!(requests(&log, &bed), 3);
    sender.settle();
    sender.work();
    receiver.settle();
    assert_eq!(receiver.ask("notes"), "m1,m2,m3,m4,m5");
    let asked = requests(&log, &bed);
    receiver.wait(Duration::from_secs(3_600));
    drop(receiver);
    let mut receiver = owner(&bed, "pooling");
    receiver.wait(Duration::from_secs(3_600));
    assert_eq!(requests(&log, &bed), asked, "nobody is asked any more");
}

#[test]
fn a_sender_that_does_not_answer_is_asked_more_and_more_seldom() {
    let (log, bed) = memory();
    drop(two_lost(&log, &bed));
    let mut receiver = owner(&bed, "pooling");
    for _ in 0..24 * 60 {
        receiver.wait(Duration::from_secs(60));
    }
    let asked = requests(&log, &bed);
    assert!((100..200).contains(&asked), "{asked} times in a day");
}
