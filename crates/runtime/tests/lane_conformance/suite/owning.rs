//! Of two who want one lane only one counts, whoever was paused, fenced or first.

use crate::bed::{Bed, eventually};

pub(super) fn never_created(bed: Bed) {
    let bare = Bed::bare(std::sync::Arc::clone(&bed.log), 1);
    let a = bare.node("a");
    a.log.suggest(&[0]);
    a.wait_phase("stopped");
    let status = a.instance.status();
    assert!(status[&0].problem.contains("is empty"), "{status:?}");
}

/// A decides, but its append is held; B takes the lane; then A's append lands.
pub(super) fn late_append(bed: Bed) {
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
pub(super) fn paused_process(bed: Bed) {
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
pub(super) fn same_epoch(bed: Bed) {
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

pub(super) fn second_opener(bed: Bed) {
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
pub(super) fn stale_answers(bed: Bed) {
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
pub(super) fn idle_owner(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let b = bed.owner("b");
    bed.command(&b, "2", "add 10").unwrap();
    a.wait_phase("following");
    a.give_up();
    assert_eq!(bed.ask(&b, "sum"), "11");
}

pub(super) fn graceful(bed: Bed) {
    let a = bed.owner("a");
    bed.command(&a, "1", "add 1").unwrap();
    let began = std::time::Instant::now();
    a.instance.shutdown(std::time::Duration::from_secs(2));
    assert!(began.elapsed() < std::time::Duration::from_secs(2));
    let b = bed.owner("b");
    assert_eq!(bed.command(&b, "2", "add 1").unwrap(), "2");
    bed.agrees(&b);
}
