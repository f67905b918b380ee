//! What callers, inboxes and clocks bring to a lane that is owned.

use crate::bed::{Bed, eventually};
use bytes::Bytes;
use prost::Message as _;
use tenfold_proto::lane::{External, InboxRecord, inbox_record::Content};
use tenfold_runtime::gateway::CallError;
use tenfold_runtime::log::Topic;

pub(super) fn retries(bed: Bed) {
    let a = bed.owner("a");
    assert_eq!(bed.command(&a, "1", "add 5").unwrap(), "5");
    assert_eq!(bed.command(&a, "1", "add 5").unwrap(), "5", "a retry");
    assert_eq!(
        bed.command(&a, "2", "add 5").unwrap(),
        "10",
        "another request"
    );
    let reused = bed.command(&a, "1", "add 7").unwrap_err();
    assert!(matches!(reused, CallError::Rejected(r) if r.reason == "REQUEST_ID_REUSED"));
    let missing = bed.command(&a, "", "add 7").unwrap_err();
    assert!(matches!(missing, CallError::Rejected(r) if r.reason == "REQUEST_ID_MISSING"));
    for _ in 0..2 {
        let refused = bed.command(&a, "3", "refuse").unwrap_err();
        assert!(matches!(refused, CallError::Rejected(r) if r.reason == "REFUSED"));
    }
    let b = bed.owner("b");
    assert_eq!(
        bed.command(&b, "1", "add 5").unwrap(),
        "5",
        "a retry at the next owner"
    );
    bed.agrees(&b);
}

pub(super) fn first_command(bed: Bed) {
    let a = bed.owner("a");
    assert_eq!(a.epoch(), 1);
    assert_eq!(bed.command(&a, "1", "add 1").unwrap(), "1");
    bed.agrees(&a);
}

pub(super) fn dead_letters(bed: Bed) {
    let a = bed.owner("a");
    let failed = bed.command(&a, "1", "panic").unwrap_err();
    assert!(matches!(failed, CallError::Rejected(r) if r.reason == "INTERNAL"));
    bed.stray(
        &Topic::inbox("intake"),
        Bytes::from_static(b"\xff\xffrubbish"),
    );
    for (id, how) in [("s1", "stumble"), ("s2", "stumble badly")] {
        let failed = bed.command(&a, id, how).unwrap_err();
        assert!(matches!(failed, CallError::Rejected(r) if r.reason == "INTERNAL"));
        bed.stray(&Topic::inbox("intake"), posted(how));
    }
    bed.command(&a, "2", "add 1").unwrap();
    let letters = Topic::named(&format!("{}dead-letters", bed.prefix));
    eventually("six dead letters", || {
        bed.log.extent(&letters, 0).unwrap().end == 6
    });
    assert_eq!(bed.ask(&a, "sum"), "1", "the lane goes on");
    bed.agrees(&a);
}

pub(super) fn half_way(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let refused = bed.command(&a, "2", "half refused").unwrap_err();
    assert!(matches!(refused, CallError::Rejected(r) if r.reason == "REFUSED"));
    let failed = bed.command(&a, "3", "half panicked").unwrap_err();
    assert!(matches!(failed, CallError::Rejected(r) if r.reason == "INTERNAL"));
    let unread = bed.command(&a, "4", "half unread").unwrap_err();
    assert!(matches!(unread, CallError::Rejected(r) if r.reason == "COMMAND_UNDECODABLE"));
    assert_eq!(bed.ask(&a, "sum"), "1", "nothing of them is left");
    assert_eq!(bed.ask(&a, "notes"), "");
    bed.command(&a, "5", "half unsaid").unwrap();
    assert_eq!(bed.ask(&a, "sum"), "1001", "folded once");
    bed.command(&a, "6", "half said").unwrap();
    assert_eq!(bed.ask(&a, "sum"), "2001", "folded once");
    assert_eq!(bed.command(&a, "7", "add 1").unwrap(), "2002");
    bed.agrees(&a);
}

/// Something from outside, as an inbox holds it.
pub fn posted(text: &str) -> Bytes {
    let external = External {
        origin: "test".to_owned(),
        items: vec![Bytes::copy_from_slice(text.as_bytes())],
    };
    InboxRecord {
        content: Some(Content::External(external)),
        ..InboxRecord::default()
    }
    .encode_to_vec()
    .into()
}

pub(super) fn timers(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "remind 100 soon").unwrap();
    bed.command(&a, "2", "remind 1500 later").unwrap();
    eventually("the first timer fires", || bed.ask(&a, "notes") == "soon");
    drop(a);
    let b = bed.owner("b");
    eventually("the second fires at the next owner", || {
        bed.ask(&b, "notes") == "soon,later"
    });
    bed.agrees(&b);
}
