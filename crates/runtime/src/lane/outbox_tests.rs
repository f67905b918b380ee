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
    outbox.add(Anchor::default(), messages, "");
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
