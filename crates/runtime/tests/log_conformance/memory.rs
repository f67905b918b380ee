//! The log in memory, with its faults.

use crate::support::{append, append_text, start_append, topic};
use std::sync::{Arc, Mutex};
use tenfold_runtime::log::memory::{Fault, MemoryLog};
use tenfold_runtime::log::{AppendError, Appended, Log, NewRecord};

crate::every_case!(Box::new(MemoryLog::new()));

#[test]
fn a_topic_made_by_the_log_has_no_settings_problems() {
    crate::suite::a_topic_made_by_the_log_has_no_settings_problems(&MemoryLog::new());
}

#[test]
fn each_fault_ends_as_it_says_and_only_once() {
    let log = MemoryLog::new();
    let topic = topic(&log, "faults", 1);
    let faults = [
        Fault::NotSent,
        Fault::UnknownLost,
        Fault::UnknownLanded,
        Fault::UnknownLate,
        Fault::OffsetReported(None),
    ];
    log.fail_next(&topic, 0, faults);
    let end = |text: &'static str| append(&log, &topic, 0, NewRecord::of(text));
    assert!(matches!(end("a"), Err(AppendError::NotSent(_))));
    assert!(matches!(end("b"), Err(AppendError::Unknown(_))));
    assert!(matches!(end("c"), Err(AppendError::Unknown(_))));
    assert!(matches!(end("d"), Err(AppendError::Unknown(_))));
    assert_eq!(end("e"), Ok(Appended { offset: None }));
    assert_eq!(end("f"), Ok(Appended { offset: Some(2) }));
    assert_eq!(log.land_late(), 1);
    let values: Vec<_> = log
        .records(&topic, 0)
        .into_iter()
        .map(|r| r.value)
        .collect();
    assert_eq!(values, ["c", "e", "f", "d"]);
}

#[test]
fn a_connection_that_is_held_does_not_hold_another() {
    let log = MemoryLog::new();
    let topic = topic(&log, "held", 1);
    let other = log.client();
    log.hold_appends();
    let waiting = start_append(&log, &topic, 0, NewRecord::of("late"));
    assert_eq!(append_text(&other, &topic, 0, "early"), 0);
    assert!(waiting.try_recv().is_err());
    assert_eq!(log.release_appends(), 1);
    assert_eq!(waiting.recv().unwrap(), Ok(Appended { offset: Some(1) }));
}

#[test]
fn lanes_are_spread_over_members_and_move_when_one_leaves() {
    let log = MemoryLog::new();
    let topic = topic(&log, "group", 4);
    type Told = (&'static str, Vec<u32>);
    let seen: Arc<Mutex<Vec<Told>>> = Arc::default();
    let join = |name: &'static str| {
        let seen = seen.clone();
        let suggest = Arc::new(move |lanes| seen.lock().unwrap().push((name, lanes)));
        log.join("g", name, &topic, suggest).unwrap()
    };
    let _a = join("a");
    let b = join("b");
    b.leave();
    let expected = [
        ("a", vec![0, 1, 2, 3]),
        ("a", vec![0, 2]),
        ("b", vec![1, 3]),
        ("b", vec![]),
        ("a", vec![0, 1, 2, 3]),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}
