//! Pairs, what is sent when, and what counts as arrived.

use super::*;

fn pair() -> Pair {
    ("pooling.inbox".to_owned(), 0)
}

fn limits() -> Limits {
    Limits {
        relay_pack_messages: 1,
        retry_min: Duration::ZERO,
        retry_max: Duration::ZERO,
        ..Limits::default()
    }
}

fn message(to: &Pair, n: u64) -> (OutMessage, Hash) {
    let message = OutMessage {
        topic: to.0.clone(),
        lane: to.1,
        n,
        ..OutMessage::default()
    };
    (message, Hash::default())
}

fn pump(outbox: &mut Outbox) -> Vec<Ticket> {
    let stream = Bytes::from_static(&[1; 16]);
    let sends = outbox.pump(&stream, "intake", 0, Duration::ZERO, &limits());
    sends.into_iter().map(|send| send.ticket).collect()
}

fn sent(to: &Pair, messages: u64) -> (Outbox, Vec<Ticket>) {
    let mut outbox = Outbox::default();
    let messages = (1..=messages).map(|n| message(to, n)).collect();
    outbox.add(Anchor::default(), messages, "", None);
    let tickets = pump(&mut outbox);
    (outbox, tickets)
}

fn ended(outbox: &mut Outbox, ticket: &Ticket, offset: Option<u64>) {
    let appended = Some(Appended { offset });
    outbox.ended(ticket, appended, Duration::ZERO, &limits());
}

#[test]
fn messages_that_land_in_order_have_arrived() {
    let (mut outbox, tickets) = sent(&pair(), 3);
    for (ticket, offset) in tickets.iter().zip([4, 5, 9]) {
        ended(&mut outbox, ticket, Some(offset));
    }
    assert_eq!(outbox.acked(&pair()), 3);
    assert!(pump(&mut outbox).is_empty());
}

/// The receiver has passed over the second, which came too early.
#[test]
fn a_message_that_landed_before_its_predecessor_is_sent_again() {
    let (mut outbox, tickets) = sent(&pair(), 3);
    ended(&mut outbox, &tickets[0], Some(5));
    ended(&mut outbox, &tickets[1], Some(4));
    ended(&mut outbox, &tickets[2], Some(6));
    assert_eq!(outbox.acked(&pair()), 1);
    let again = pump(&mut outbox);
    assert_eq!(again.iter().map(|t| t.last).collect::<Vec<_>>(), [2, 3]);
    ended(&mut outbox, &again[0], Some(7));
    ended(&mut outbox, &again[1], Some(8));
    assert_eq!(outbox.acked(&pair()), 3);
}

#[test]
fn a_message_of_which_nobody_knows_where_it_landed_is_sent_again() {
    let (mut outbox, tickets) = sent(&pair(), 2);
    ended(&mut outbox, &tickets[0], None);
    ended(&mut outbox, &tickets[1], Some(4));
    assert_eq!(outbox.acked(&pair()), 0);
    assert_eq!(pump(&mut outbox).len(), 2);
}

#[test]
fn a_public_topic_has_no_order_to_keep() {
    let reports = ("reports".to_owned(), 0);
    let (mut outbox, tickets) = sent(&reports, 3);
    for (ticket, offset) in tickets.iter().zip([Some(5), Some(4), None]) {
        ended(&mut outbox, ticket, offset);
    }
    assert_eq!(outbox.acked(&reports), 3);
}

const GATHER: Duration = Duration::from_millis(250);

/// Records of up to a hundred messages, and time to gather them.
fn gathering() -> Limits {
    Limits {
        relay_gather: GATHER,
        relay_pack_messages: 100,
        ..limits()
    }
}

/// A message comes at this moment.
fn add(outbox: &mut Outbox, n: u64, may_wait: bool, now: Duration) {
    let (message, digest) = message(&pair(), n);
    let message = OutMessage {
        may_wait,
        ..message
    };
    outbox.add(Anchor::default(), vec![(message, digest)], "", Some(now));
}

/// Last numbers of the records sent at this moment.
fn pumped(outbox: &mut Outbox, now: Duration) -> Vec<u64> {
    let stream = Bytes::from_static(&[1; 16]);
    let sends = outbox.pump(&stream, "intake", 0, now, &gathering());
    sends.into_iter().map(|send| send.ticket.last).collect()
}

#[test]
fn messages_that_nobody_waits_for_go_together_when_the_first_has_waited_long_enough() {
    let mut outbox = Outbox::default();
    let half = GATHER / 2;
    add(&mut outbox, 1, true, Duration::ZERO);
    add(&mut outbox, 2, true, half);
    assert!(pumped(&mut outbox, half).is_empty());
    assert_eq!(outbox.next_try(half, &gathering()), Some(GATHER));
    assert_eq!(pumped(&mut outbox, GATHER), [2], "one record with both");
    assert_eq!(outbox.next_try(GATHER, &gathering()), None);
    add(&mut outbox, 3, true, GATHER);
    assert!(
        pumped(&mut outbox, GATHER).is_empty(),
        "the next gathers anew"
    );
}

#[test]
fn a_message_that_somebody_waits_for_goes_at_once_and_takes_those_before_it_along() {
    let mut outbox = Outbox::default();
    add(&mut outbox, 1, true, Duration::ZERO);
    add(&mut outbox, 2, false, Duration::ZERO);
    add(&mut outbox, 3, true, Duration::ZERO);
    assert_eq!(pumped(&mut outbox, Duration::ZERO), [3]);
}

#[test]
fn a_full_record_waits_for_nothing() {
    let mut outbox = Outbox::default();
    for n in 1..=99 {
        add(&mut outbox, n, true, Duration::ZERO);
    }
    assert!(pumped(&mut outbox, Duration::ZERO).is_empty());
    add(&mut outbox, 100, true, Duration::ZERO);
    assert_eq!(pumped(&mut outbox, Duration::ZERO), [100]);
}

#[test]
fn an_owner_that_leaves_sends_what_gathers() {
    let mut outbox = Outbox::default();
    add(&mut outbox, 1, true, Duration::ZERO);
    outbox.hurry();
    assert_eq!(pumped(&mut outbox, Duration::ZERO), [1]);
}

#[test]
fn what_an_earlier_owner_decided_gathers_no_more() {
    let mut outbox = Outbox::default();
    let (message, digest) = message(&pair(), 1);
    let message = OutMessage {
        may_wait: true,
        ..message
    };
    outbox.add(Anchor::default(), vec![(message, digest)], "", None);
    assert_eq!(pumped(&mut outbox, Duration::ZERO), [1]);
}

/// Otherwise its lane would be woken again and again for a pair that cannot send.
#[test]
fn a_pair_that_cannot_send_wakes_nobody_for_what_has_gathered() {
    let mut outbox = Outbox::default();
    add(&mut outbox, 1, false, Duration::ZERO);
    assert_eq!(pumped(&mut outbox, Duration::ZERO), [1]);
    let limits = Limits {
        relay_window_records: 1,
        ..gathering()
    };
    add(&mut outbox, 2, true, Duration::ZERO);
    let stream = Bytes::from_static(&[1; 16]);
    let sends = outbox.pump(&stream, "intake", 0, GATHER, &limits);
    assert!(sends.is_empty(), "one record may fly, and does");
    assert_eq!(outbox.next_try(GATHER, &limits), None);
}
