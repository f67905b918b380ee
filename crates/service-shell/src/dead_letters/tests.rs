use super::*;
use tenfold_proto::lane::{External, InboxRecord, Relay, inbox_record::Content};
use tenfold_runtime::log::memory::MemoryLog;
use tenfold_runtime::log::{LogRecord, Retention, TopicPlan};

/// A log with the topics that letters come from and go to.
fn desk() -> (MemoryLog, DeadLetters) {
    let log = MemoryLog::new();
    let plan = |name: &str| TopicPlan {
        topic: Topic::named(name),
        lanes: 2,
        retention: Retention::Forever,
    };
    log.create(&[
        plan("registrations"),
        plan("intake.inbox"),
        plan(DEAD_LETTERS),
    ])
    .expect("topics");
    let letters = DeadLetters::new(Arc::new(log.clone()));
    (log, letters)
}

fn put(log: &MemoryLog, topic: &str, lane: u32, record: NewRecord) {
    append(log, &Topic::named(topic), lane, record).expect("appended");
}

fn letter(log: &MemoryLog, origin: &str, content: &[u8]) {
    let letter = DeadLetter {
        origin: origin.to_owned(),
        reason: "not JSON".to_owned(),
        content: Bytes::copy_from_slice(content),
        at: 1_767_225_600_000,
        ..DeadLetter::default()
    };
    put(log, DEAD_LETTERS, 0, NewRecord::of(letter.encode_to_vec()));
}

fn inbox(content: Content) -> NewRecord {
    let record = InboxRecord {
        content: Some(content),
        ..InboxRecord::default()
    };
    NewRecord::of(record.encode_to_vec())
}

fn records(log: &MemoryLog, topic: &str, lane: u32) -> Vec<LogRecord> {
    log.records(&Topic::named(topic), lane)
}

fn retry(number: u64, request_id: &str) -> Wish {
    Wish {
        number,
        actor: "admin-1".to_owned(),
        request_id: request_id.to_owned(),
        what: What::Retry,
    }
}

fn discard(number: u64, why: &str) -> Wish {
    Wish {
        what: What::Discard(why.to_owned()),
        ..retry(number, "d-1")
    }
}

fn waiting(letters: &DeadLetters) -> Vec<u64> {
    let reply = letters.list(false, 0, 0).expect("a list");
    reply.letters.iter().map(|letter| letter.number).collect()
}

#[test]
fn a_posted_record_goes_back_as_it_came_and_the_same_request_does_it_once() {
    let (log, letters) = desk();
    let posted = NewRecord {
        headers: vec![("content-type".to_owned(), Bytes::from_static(b"text/csv"))],
        ..NewRecord::of(&b"{oops"[..])
    };
    put(&log, "registrations", 1, posted);
    letter(&log, "registrations/1@0", b"{oops");
    assert_eq!(waiting(&letters), [0]);
    let told = letters.handle(&retry(0, "r-1")).expect("put back");
    assert_eq!(
        (told.how.as_str(), told.put_back.as_str()),
        ("retried", "registrations/1")
    );
    assert_eq!(letters.handle(&retry(0, "r-1")), Ok(told));
    let posted = records(&log, "registrations", 1);
    assert_eq!(posted.len(), 2, "once");
    assert_eq!(posted[0].value, posted[1].value);
    assert_eq!(posted[0].headers, posted[1].headers);
    assert_eq!(waiting(&letters), [] as [u64; 0]);
    let another = letters.handle(&retry(0, "r-2")).expect_err("handled");
    assert_eq!(another.reason, "DEAD_LETTER_HANDLED");
    assert_eq!(letters.list(true, 0, 0).expect("a list").letters.len(), 1);
}

#[test]
fn one_input_of_a_record_goes_back_alone() {
    let (log, letters) = desk();
    let items = vec![Bytes::from_static(b"good"), Bytes::from_static(b"bad")];
    let external = External {
        origin: "a file".to_owned(),
        items,
    };
    put(&log, "intake.inbox", 0, inbox(Content::External(external)));
    letter(&log, "intake.inbox/0@0", b"bad");
    letters.handle(&retry(0, "r-1")).expect("put back");
    let again = records(&log, "intake.inbox", 0).pop().expect("a record");
    let again = InboxRecord::decode(again.value).expect("an inbox record");
    let Some(Content::External(again)) = again.content else {
        panic!("{again:?}");
    };
    assert_eq!(again.items, [Bytes::from_static(b"bad")]);
    assert!(again.origin.contains("admin-1"), "{}", again.origin);
}

#[test]
fn a_whole_record_that_nobody_can_read_goes_back_whole() {
    let (log, letters) = desk();
    put(&log, "intake.inbox", 1, NewRecord::of(&b"\xff\xff"[..]));
    letter(&log, "intake.inbox/1@0", b"\xff\xff");
    letters.handle(&retry(0, "r-1")).expect("put back");
    assert_eq!(records(&log, "intake.inbox", 1).len(), 2);
}

#[test]
fn what_cannot_be_put_back_is_refused_and_waits_until_it_is_discarded_with_a_reason() {
    let (log, letters) = desk();
    let relay = Relay {
        first_n: 1,
        ..Relay::default()
    };
    put(&log, "intake.inbox", 0, inbox(Content::Relay(relay)));
    letter(&log, "intake.inbox/0@0", b"bad");
    letter(&log, "command", b"bad");
    letter(&log, "intake.inbox/0@99", b"gone");
    letter(&log, "nowhere/0@0", b"odd");
    for number in 0..4 {
        let refused = letters.handle(&retry(number, "r-1")).expect_err("refused");
        assert_eq!(refused.reason, "DEAD_LETTER_STAYS", "{refused}");
    }
    // The fifth message of a record, as a lane tells it.
    letter(&log, "intake.inbox/0@0#5", b"large");
    let refused = letters.handle(&retry(4, "r-1")).expect_err("refused");
    assert!(refused.message.contains("another lane"), "{refused}");
    letters.handle(&discard(4, "known")).expect("done");
    assert_eq!(records(&log, "intake.inbox", 0).len(), 1);
    assert_eq!(waiting(&letters), [0, 1, 2, 3]);
    let refused = letters.handle(&discard(2, " ")).expect_err("no reason");
    assert_eq!(refused.reason, "REASON_MISSING");
    let told = letters
        .handle(&discard(2, "sent again by hand"))
        .expect("done");
    assert_eq!(
        (told.how.as_str(), told.reason.as_str()),
        ("discarded", "sent again by hand")
    );
    assert_eq!(waiting(&letters), [0, 1, 3]);
    let refused = letters.handle(&retry(9, "r-1")).expect_err("unknown");
    assert_eq!(refused.reason, "DEAD_LETTER_UNKNOWN");
    // A mark is no letter.
    let refused = letters.handle(&retry(5, "r-1")).expect_err("unknown");
    assert_eq!(refused.reason, "DEAD_LETTER_UNKNOWN");
}

#[test]
fn what_is_only_a_beginning_is_never_put_back_for_the_whole() {
    let (log, letters) = desk();
    let begins = DeadLetter {
        origin: "registrations/0@99".to_owned(),
        content: Bytes::from_static(b"{\"barc"),
        cut_from: 70_000,
        ..DeadLetter::default()
    };
    put(&log, DEAD_LETTERS, 0, NewRecord::of(begins.encode_to_vec()));
    letter(&log, "registrations/0@99", b"{oops");
    let refused = letters.handle(&retry(0, "r-1")).expect_err("cut");
    assert_eq!(refused.reason, "DEAD_LETTER_STAYS");
    assert_eq!(letters.get(0).expect("shown").size, 70_000);
    letters.handle(&retry(1, "r-2")).expect("whole");
    assert_eq!(records(&log, "registrations", 0).len(), 1);
}

#[test]
fn letters_come_in_pages_and_what_the_topic_holds_twice_is_one() {
    let (log, letters) = desk();
    for n in [0, 1, 1, 2] {
        letter(&log, &format!("registrations/0@{n}"), b"x");
    }
    put(
        &log,
        DEAD_LETTERS,
        0,
        NewRecord::of(&b"\xff\xffno letter"[..]),
    );
    let page = letters.list(false, 0, 2).expect("a list");
    assert_eq!(page.letters.len(), 2);
    assert!(
        page.letters
            .iter()
            .all(|l| l.content.is_empty() && l.size == 1)
    );
    assert_eq!(page.next, 3);
    let rest = letters.list(false, page.next, 0).expect("a list");
    assert_eq!(rest.next, 0);
    let reasons: Vec<&str> = rest.letters.iter().map(|l| l.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[1].contains("no dead letter"), "{reasons:?}");
    let odd = letters.get(4).expect("shown");
    assert_eq!(&odd.content[..], b"\xff\xffno letter");
}
