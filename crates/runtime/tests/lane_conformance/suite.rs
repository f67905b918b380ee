//! Owning and deciding: what must hold on any log.

use crate::bed::{Bed, Node, eventually};
use crate::faulty::Fault;
use bytes::Bytes;
use prost::Message as _;
use tenfold_domain::Code;
use tenfold_proto::lane::{Decisions, External, InboxRecord, LaneOpened, inbox_record::Content};
use tenfold_runtime::cache::MemoryCache;
use tenfold_runtime::gateway::CallError;
use tenfold_runtime::lane::record::{self, Hash, Id};
use tenfold_runtime::lane::validity::Chain;
use tenfold_runtime::log::Topic;

/// A scenario.
pub type Scenario = fn(Bed);

pub const SCENARIOS: &[(&str, Scenario)] = &[
    (
        "a command is answered once, and its retry gets the same answer",
        retries,
    ),
    (
        "a command to a lane that never had a record is decided",
        first_command,
    ),
    ("a lane that was never created is refused", never_created),
    (
        "a record of a fenced owner that lands late never counts",
        late_append,
    ),
    (
        "a paused process that wakes changes nothing",
        paused_process,
    ),
    ("of two owners with the same epoch one counts", same_epoch),
    (
        "an append of unknown outcome that landed is not decided twice",
        unknown_landed,
    ),
    (
        "an append of unknown outcome that was lost is decided again",
        unknown_lost,
    ),
    (
        "an append of unknown outcome that lands behind the next owner is void",
        unknown_late,
    ),
    ("stray records between valid ones are passed over", strays),
    (
        "reports with false or missing offsets are checked against the journal",
        false_offsets,
    ),
    ("a second opener fences the first", second_opener),
    (
        "an idle owner that was fenced answers nothing from stale state",
        stale_answers,
    ),
    (
        "an owner who has nothing to do learns that another took the lane",
        idle_owner,
    ),
    (
        "a crash between commit and cache loses nothing",
        crash_before_cache,
    ),
    (
        "a cache that is deleted, behind or of another journal is rebuilt or refused",
        caches,
    ),
    (
        "a decision that panics or cannot be read goes to the dead letters",
        dead_letters,
    ),
    (
        "without room commands are refused, questions are answered, and work goes on by itself",
        no_room,
    ),
    ("timers fire once, also across owners", timers),
    (
        "a graceful end hands the lane over within two seconds",
        graceful,
    ),
];

fn journal() -> Topic {
    Topic::journal("intake")
}

fn retries(bed: Bed) {
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

fn first_command(bed: Bed) {
    let a = bed.owner("a");
    assert_eq!(a.epoch(), 1);
    assert_eq!(bed.command(&a, "1", "add 1").unwrap(), "1");
    bed.agrees(&a);
}

fn never_created(bed: Bed) {
    let bare = Bed::bare(std::sync::Arc::clone(&bed.log));
    let a = bare.node("a");
    a.log.suggest(&[0]);
    a.wait_phase("stopped");
    let status = a.instance.status();
    assert!(status[&0].problem.contains("is empty"), "{status:?}");
}

/// A decides, but its append is held; B takes the lane; then A's append lands.
fn late_append(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    a.log.hold();
    let waiting = bed.send(&a, "2", "add 10");
    eventually("the append is held", || a.log.held() >= 1);
    let b = bed.owner("b");
    assert_eq!(bed.command(&b, "3", "add 100").unwrap(), "101");
    a.log.release(false);
    a.wait_phase("following");
    a.give_up();
    assert!(!waiting.is_finished(), "A answered though it was fenced");
    assert_eq!(bed.ask(&b, "sum"), "101");
    // The client retries where the lane is now.
    assert_eq!(bed.command(&b, "2", "add 10").unwrap(), "111");
    bed.agrees(&b);
}

/// Five records in flight, then a long pause, then everything lands, in order or turned round.
fn paused_process(bed: Bed) {
    for reversed in [false, true] {
        let a = bed.owner("a");
        let before: i64 = bed.ask(&a, "sum").parse().unwrap();
        a.log.hold();
        let mut waiting = Vec::new();
        for n in 1..=5 {
            waiting.push(bed.send(&a, &format!("{reversed}-{n}"), "add 1000"));
            eventually("it is held", || a.log.held() == n);
        }
        let b = bed.owner("b");
        bed.command(&b, &format!("{reversed}-b"), "add 1").unwrap();
        a.log.release(reversed);
        a.wait_phase("following");
        a.give_up();
        assert_eq!(bed.ask(&b, "sum"), (before + 1).to_string());
        assert!(
            waiting.iter().all(|w| !w.is_finished()),
            "a zombie answered"
        );
        bed.agrees(&b);
        for w in waiting {
            w.abort();
        }
    }
}

/// Both append `LaneOpened` with the same epoch; A's gets through second.
fn same_epoch(bed: Bed) {
    let a = bed.node("a");
    a.log.hold();
    a.log.suggest(&[0]);
    eventually("A wants to open", || a.log.held() == 1);
    let b = bed.owner("b");
    assert_eq!(b.epoch(), 1);
    a.log.release(false);
    a.wait_phase("following");
    a.give_up();
    assert_eq!(bed.command(&b, "1", "add 1").unwrap(), "1");
    assert_eq!(b.phase(), "owned");
    bed.agrees(&b);
}

fn unknown(bed: &Bed, fault: Fault) -> Node {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    a.log.fail_next(&journal(), fault);
    assert_eq!(bed.command(&a, "2", "add 10").unwrap(), "11");
    assert_eq!(bed.command(&a, "3", "add 100").unwrap(), "111");
    assert_eq!(a.epoch(), 2, "the lane was taken again");
    a
}

fn unknown_landed(bed: Bed) {
    let a = unknown(&bed, Fault::UnknownLanded);
    bed.agrees(&a);
}

fn unknown_lost(bed: Bed) {
    let a = unknown(&bed, Fault::UnknownLost);
    bed.agrees(&a);
}

fn unknown_late(bed: Bed) {
    let a = unknown(&bed, Fault::UnknownLate);
    assert_eq!(a.log.land_late(), 1);
    assert_eq!(bed.command(&a, "4", "add 1000").unwrap(), "1111");
    bed.agrees(&a);
}

fn strays(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let never = Chain {
        epoch: 1,
        owner: Id([7; 16]),
        seq: 1,
        hash: Hash([7; 32]),
    };
    let strays: [Bytes; 5] = [
        Bytes::from_static(b"rubbish"),
        Bytes::new(),
        record::decisions(&never, 1, &Decisions::default()),
        record::decisions(&Chain { epoch: 9, ..never }, 1, &Decisions::default()),
        record::opened(1, Id([8; 16]), &LaneOpened::default()),
    ];
    for (n, stray) in strays.into_iter().enumerate() {
        bed.stray(&journal(), stray);
        bed.command(&a, &format!("s{n}"), "add 1").unwrap();
    }
    assert_eq!(bed.ask(&a, "sum"), "6");
    assert_eq!(a.epoch(), 1, "strays do not fence");
    bed.agrees(&a);
}

fn false_offsets(bed: Bed) {
    let a = bed.owner("a");
    for (n, offset) in [None, Some(0), Some(1), Some(7_777)]
        .into_iter()
        .enumerate()
    {
        a.log.fail_next(&journal(), Fault::FalseOffset(offset));
        let sum = bed.command(&a, &format!("{n}"), "add 1").unwrap();
        assert_eq!(sum, (n + 1).to_string());
    }
    assert_eq!(a.epoch(), 1, "what stands in the journal counts");
    bed.agrees(&a);
}

fn second_opener(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let b = bed.owner("b");
    let waiting = bed.send(&a, "2", "add 10");
    a.wait_phase("following");
    assert!(!waiting.is_finished());
    assert_eq!(bed.command(&b, "2", "add 10").unwrap(), "11");
    bed.agrees(&b);
    drop(b);
    // B is gone for longer than a session: A takes the lane back by itself, and answers its caller.
    let answer = bed.runtime.block_on(waiting).unwrap();
    assert_eq!(answer.as_deref(), Ok("11"), "{:?}", a.instance.status());
}

/// A retry, which decides nothing, must wait for a commit too.
fn stale_answers(bed: Bed) {
    let a = bed.owner("a");
    assert_eq!(bed.command(&a, "1", "add 1").unwrap(), "1");
    let b = bed.owner("b");
    let waiting = bed.send(&a, "1", "add 1");
    a.wait_phase("following");
    a.give_up();
    assert!(!waiting.is_finished(), "a zombie answered a retry");
    drop(b);
}

/// It appends nothing, so no offset tells it: its questions and timers would be those of the past for ever.
fn idle_owner(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let b = bed.owner("b");
    bed.command(&b, "2", "add 10").unwrap();
    a.wait_phase("following");
    a.give_up();
    assert_eq!(bed.ask(&b, "sum"), "11");
}

fn crash_before_cache(bed: Bed) {
    let cache = MemoryCache::default();
    let a = bed.node_of("intake", "a", cache.clone());
    a.take();
    bed.command(&a, "1", "add 1").unwrap();
    eventually("the cache has it", || cache.edit(0, |rows| rows.len()) > 2);
    let old = cache.edit(0, |rows| rows.clone());
    bed.command(&a, "2", "add 10").unwrap();
    drop(a);
    cache.edit(0, |rows| *rows = old);
    let a = bed.node_of("intake", "a", cache);
    a.take();
    assert_eq!(
        bed.command(&a, "2", "add 10").unwrap(),
        "11",
        "the answer is kept"
    );
    assert_eq!(bed.ask(&a, "sum"), "11");
    bed.agrees(&a);
}

fn caches(bed: Bed) {
    let cache = MemoryCache::default();
    let a = bed.node_of("intake", "a", cache.clone());
    a.take();
    for n in 0..20 {
        bed.command(&a, &n.to_string(), "add 1").unwrap();
    }
    drop(a);
    cache.edit(0, |rows| rows.clear());
    let a = bed.node_of("intake", "a", cache.clone());
    a.take();
    assert_eq!(bed.ask(&a, "sum"), "20", "deleted: rebuilt");
    drop(a);
    // Another journal's cache is never taken for ours, and never wiped by itself.
    let other = Bed::new(std::sync::Arc::clone(&bed.log));
    let o = other.node_of("intake", "o", cache.clone());
    o.log.suggest(&[0]);
    o.wait_phase("stopped");
    let problem = o.instance.status()[&0].problem.clone();
    assert!(problem.contains("made anew"), "{problem}");
    drop(o);
    // A damaged record in the cache: rebuilt.
    cache.edit(0, |rows| {
        for (key, value) in rows.iter_mut().filter(|(key, _)| key[0] < 250) {
            assert!(!key.is_empty());
            *value = Bytes::from_static(&[0xff; 3]);
        }
    });
    let a = bed.node_of("intake", "a", cache);
    a.take();
    eventually("the damaged cache is rebuilt", || {
        a.phase() == "owned" && bed.ask(&a, "sum") == "20"
    });
    bed.agrees(&a);
}

fn dead_letters(bed: Bed) {
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

fn timers(bed: Bed) {
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

fn no_room(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    a.log.set_full(true);
    for id in ["2", "3", "2"] {
        let refused = bed.command(&a, id, "add 10").unwrap_err();
        let CallError::Rejected(rejection) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(rejection.code, Code::ResourceExhausted, "{rejection:?}");
        assert!(rejection.message.contains("no room"), "{rejection:?}");
        assert_eq!(bed.ask(&a, "sum"), "1", "what is committed can be read");
    }
    a.log.set_full(false);
    eventually("work goes on", || bed.command(&a, "2", "add 10").is_ok());
    assert_eq!(bed.command(&a, "2", "add 10").unwrap(), "11");
    assert_eq!(bed.command(&a, "3", "add 10").unwrap(), "21");
    bed.agrees(&a);
}

fn graceful(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let began = std::time::Instant::now();
    a.instance.shutdown(std::time::Duration::from_secs(2));
    assert!(began.elapsed() < std::time::Duration::from_secs(2));
    let b = bed.owner("b");
    assert_eq!(bed.command(&b, "2", "add 1").unwrap(), "2");
    bed.agrees(&b);
}
