//! The cases. Each uses topics of its own, so that one log serves them all.

use crate::support::{PATIENCE, append, append_text, read_from, start_append, text, texts, topic};
use bytes::Bytes;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tenfold_runtime::log::{
    AppendError, Extent, Log, NewRecord, RECORD_BYTES_MAX, ReadError, Retention, Topic, TopicPlan,
};

/// Runs every case on the log an expression makes.
#[macro_export]
macro_rules! every_case {
    ($log:expr) => {
        $crate::every_case!(@ $log;
            appends_keep_their_order_and_offsets_grow,
            many_lanes_at_once_are_all_acknowledged,
            a_reader_sees_everything_in_order_and_is_woken,
            a_reader_starts_at_any_offset,
            two_readers_of_one_lane_do_not_disturb_each_other,
            a_new_reader_of_a_lane_gets_nothing_meant_for_the_old_one,
            a_reader_takes_little_at_a_time_but_at_least_one,
            positions_outside_the_lane_are_out_of_range,
            a_lane_without_records_can_be_read_from_its_start,
            making_a_topic_again_changes_nothing_and_other_lanes_are_refused,
            what_does_not_exist_is_refused,
            extents_say_where_a_lane_begins_and_ends,
            positions_are_kept_for_each_group,
            keys_headers_and_append_times_are_kept,
            a_record_too_large_is_refused_and_the_next_one_taken,
            what_is_trimmed_is_gone_and_the_rest_stays_where_it_was,
            a_reader_that_stands_in_what_is_trimmed_is_told,
        );
    };
    (@ $log:expr; $($case:ident,)+) => {
        $(#[test]
        fn $case() {
            let log = $log;
            $crate::suite::$case(&*log);
        })+
    };
}

pub fn appends_keep_their_order_and_offsets_grow(log: &dyn Log) {
    let topic = topic(log, "order", 2);
    let ends: Vec<_> = (0..500)
        .map(|n| start_append(log, &topic, 1, NewRecord::of(n.to_string())))
        .collect();
    let offsets: Vec<u64> = ends
        .iter()
        .map(|end| {
            end.recv()
                .expect("an end")
                .expect("appended")
                .offset
                .expect("where")
        })
        .collect();
    assert!(
        offsets.windows(2).all(|pair| pair[0] < pair[1]),
        "{offsets:?}"
    );
    let records = read_from(log, &topic, 1, 0).take(500);
    let expected: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    assert_eq!(texts(&records), expected);
    let read: Vec<u64> = records.iter().map(|record| record.offset).collect();
    assert_eq!(read, offsets);
}

pub fn many_lanes_at_once_are_all_acknowledged(log: &dyn Log) {
    let topic = topic(log, "many", 16);
    std::thread::scope(|threads| {
        for lane in 0..16 {
            let topic = &topic;
            threads.spawn(move || {
                let ends: Vec<_> = (0..100)
                    .map(|n| start_append(log, topic, lane, NewRecord::of(format!("{lane}-{n}"))))
                    .collect();
                for end in ends {
                    end.recv().expect("an end").expect("appended");
                }
            });
        }
    });
    for lane in 0..16 {
        let records = read_from(log, &topic, lane, 0).take(100);
        let expected: Vec<String> = (0..100).map(|n| format!("{lane}-{n}")).collect();
        assert_eq!(texts(&records), expected);
    }
}

pub fn a_reader_sees_everything_in_order_and_is_woken(log: &dyn Log) {
    let topic = topic(log, "woken", 1);
    let mut reading = read_from(log, &topic, 0, 0);
    for round in 0..20 {
        append_text(log, &topic, 0, &format!("round {round}"));
        // `take` polls after a wake only: a wake that is lost fails here.
        assert_eq!(texts(&reading.take(1)), [format!("round {round}")]);
    }
}

pub fn a_reader_starts_at_any_offset(log: &dyn Log) {
    let topic = topic(log, "from", 1);
    let offsets: Vec<u64> = (0..10)
        .map(|n| append_text(log, &topic, 0, &n.to_string()))
        .collect();
    for (n, from) in offsets.iter().enumerate() {
        let records = read_from(log, &topic, 0, *from).take(10 - n);
        assert_eq!(records[0].offset, *from);
        assert_eq!(text(&records[0].value), n.to_string());
        assert_eq!(records.len(), 10 - n);
    }
    let end = log.extent(&topic, 0).expect("extent").end;
    let mut at_end = read_from(log, &topic, 0, end);
    append_text(log, &topic, 0, "next");
    assert_eq!(texts(&at_end.take(1)), ["next"]);
}

pub fn two_readers_of_one_lane_do_not_disturb_each_other(log: &dyn Log) {
    let topic = topic(log, "two", 1);
    let offsets: Vec<u64> = (0..100)
        .map(|n| append_text(log, &topic, 0, &n.to_string()))
        .collect();
    let mut first = read_from(log, &topic, 0, 0);
    assert_eq!(first.take(100).len(), 100);
    let mut second = read_from(log, &topic, 0, offsets[50]);
    append_text(log, &topic, 0, "new");
    assert_eq!(texts(&first.take(1)), ["new"]);
    assert_eq!(second.take(51).len(), 51);
    drop(first);
    append_text(log, &topic, 0, "newer");
    assert_eq!(texts(&second.take(1)), ["newer"]);
}

pub fn a_new_reader_of_a_lane_gets_nothing_meant_for_the_old_one(log: &dyn Log) {
    let topic = topic(log, "again", 1);
    let offsets: Vec<u64> = (0..200)
        .map(|n| append_text(log, &topic, 0, &n.to_string()))
        .collect();
    for round in 0..10 {
        let old = read_from(log, &topic, 0, 0);
        drop(old);
        let from = offsets[100 + round];
        let records = read_from(log, &topic, 0, from).take(100 - round);
        assert_eq!(records[0].offset, from);
        assert_eq!(records.len(), 100 - round);
    }
}

pub fn a_reader_takes_little_at_a_time_but_at_least_one(log: &dyn Log) {
    let topic = topic(log, "little", 1);
    for _ in 0..20 {
        append(log, &topic, 0, NewRecord::of(vec![7; 1000])).expect("appended");
    }
    let mut reading = read_from(log, &topic, 0, 0);
    let mut heard = 0;
    let mut seen = 0;
    while seen < 20 {
        let some = reading.reader.poll(1).expect("readable");
        assert!(some.len() <= 1, "{} records for 1 byte", some.len());
        if some.is_empty() {
            heard = reading
                .bell
                .wait(heard, std::time::Instant::now() + crate::support::PATIENCE);
        }
        seen += some.len();
    }
}

pub fn positions_outside_the_lane_are_out_of_range(log: &dyn Log) {
    let topic = topic(log, "range", 1);
    for n in 0..3 {
        append_text(log, &topic, 0, &n.to_string());
    }
    let wanted = ReadError::OutOfRange {
        wanted: 1000,
        start: 0,
        end: 3,
    };
    let bell = crate::support::Bell::default();
    let error = match log.reader(&topic, 0, 1000, bell.wake()) {
        Err(error) => error,
        Ok(reader) => crate::support::Reading { reader, bell }.error(),
    };
    assert_eq!(error, wanted);
}

pub fn a_lane_without_records_can_be_read_from_its_start(log: &dyn Log) {
    let topic = topic(log, "empty", 1);
    let mut reading = read_from(log, &topic, 0, 0);
    assert!(reading.reader.poll(1000).expect("readable").is_empty());
    append_text(log, &topic, 0, "first");
    assert_eq!(texts(&reading.take(1)), ["first"]);
}

pub fn making_a_topic_again_changes_nothing_and_other_lanes_are_refused(log: &dyn Log) {
    let made = topic(log, "made", 4);
    append_text(log, &made, 3, "kept");
    topic(log, "made", 4);
    assert_eq!(log.lanes(&made), Ok(4));
    assert_eq!(texts(&read_from(log, &made, 3, 0).take(1)), ["kept"]);
    let other = TopicPlan {
        topic: made.clone(),
        lanes: 5,
        retention: Retention::Forever,
    };
    let error = log.create(&[other]).expect_err("other lanes");
    assert!(
        error.contains("made") && error.contains('4') && error.contains('5'),
        "{error}"
    );
}

pub fn what_does_not_exist_is_refused(log: &dyn Log) {
    let there = topic(log, "there", 1);
    let missing = Topic::named("missing");
    assert!(matches!(log.lanes(&missing), Err(ReadError::Refused(_))));
    for (topic, lane) in [(&missing, 0), (&there, 1)] {
        let end = append(log, topic, lane, NewRecord::of("lost"));
        assert!(matches!(end, Err(AppendError::Refused(_))), "{end:?}");
        let bell = crate::support::Bell::default();
        let error = match log.reader(topic, lane, 0, bell.wake()) {
            Err(error) => error,
            Ok(reader) => crate::support::Reading { reader, bell }.error(),
        };
        assert!(matches!(error, ReadError::Refused(_)), "{error:?}");
        let extent = log.extent(topic, lane);
        assert!(matches!(extent, Err(ReadError::Refused(_))), "{extent:?}");
    }
}

pub fn extents_say_where_a_lane_begins_and_ends(log: &dyn Log) {
    let topic = topic(log, "extent", 2);
    assert_eq!(log.extent(&topic, 0), Ok(Extent { start: 0, end: 0 }));
    for n in 0..7 {
        append_text(log, &topic, 0, &n.to_string());
    }
    assert_eq!(log.extent(&topic, 0), Ok(Extent { start: 0, end: 7 }));
    assert_eq!(log.extent(&topic, 1), Ok(Extent { start: 0, end: 0 }));
}

pub fn positions_are_kept_for_each_group(log: &dyn Log) {
    let topic = topic(log, "positions", 2);
    assert_eq!(log.position("routers", &topic, 0), Ok(None));
    log.store_position("routers", &topic, 0, 41)
        .expect("stored");
    log.store_position("routers", &topic, 0, 42)
        .expect("stored");
    log.store_position("routers", &topic, 1, 7).expect("stored");
    assert_eq!(log.position("routers", &topic, 0), Ok(Some(42)));
    assert_eq!(log.position("routers", &topic, 1), Ok(Some(7)));
    assert_eq!(log.position("others", &topic, 0), Ok(None));
}

pub fn keys_headers_and_append_times_are_kept(log: &dyn Log) {
    let topic = topic(log, "whole", 1);
    let record = NewRecord {
        key: Some(Bytes::from_static(b"key")),
        value: Bytes::from_static(b"value"),
        headers: vec![
            (
                "content-type".into(),
                Bytes::from_static(b"application/json"),
            ),
            ("empty".into(), Bytes::new()),
        ],
    };
    append(log, &topic, 0, record.clone()).expect("appended");
    append(log, &topic, 0, NewRecord::of(Bytes::new())).expect("appended");
    let read = read_from(log, &topic, 0, 0).take(2);
    assert_eq!(read[0].key, record.key);
    assert_eq!(read[0].value, record.value);
    assert_eq!(read[0].headers, record.headers);
    assert_eq!(
        (read[1].key.clone(), read[1].value.clone()),
        (None, Bytes::new())
    );
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let wall = i64::try_from(wall.as_millis()).expect("in range");
    if read[0].appended_at.0 != 0 {
        assert!((wall - read[0].appended_at.0).abs() < 120_000, "{read:?}");
    }
    assert!(read[0].appended_at <= read[1].appended_at);
}

pub fn a_record_too_large_is_refused_and_the_next_one_taken(log: &dyn Log) {
    let topic = topic(log, "large", 1);
    let end = append(log, &topic, 0, NewRecord::of(vec![1; RECORD_BYTES_MAX + 1]));
    assert!(matches!(end, Err(AppendError::Refused(_))), "{end:?}");
    append(log, &topic, 0, NewRecord::of(vec![2; RECORD_BYTES_MAX])).expect("as large as allowed");
    let read = read_from(log, &topic, 0, 0).take(1);
    assert_eq!(read[0].value.len(), RECORD_BYTES_MAX);
}

pub fn what_is_trimmed_is_gone_and_the_rest_stays_where_it_was(log: &dyn Log) {
    let topic = topic(log, "trimmed", 2);
    for n in 0..3_000 {
        start_append(log, &topic, 1, NewRecord::of(n.to_string()));
    }
    append_text(log, &topic, 1, "3000");
    append_text(log, &topic, 0, "another lane's");
    assert_eq!(log.trim(&topic, 1, 2_500), Ok(2_500));
    // Kafka's end and start come from its leader, which has heard of it.
    let extent = log.extent(&topic, 1).expect("extent");
    assert_eq!((extent.start, extent.end), (2_500, 3_001));
    let records = read_from(log, &topic, 1, 2_500).take(501);
    let expected: Vec<String> = (2_500..=3_000).map(|n| n.to_string()).collect();
    assert_eq!(texts(&records), expected);
    assert_eq!(records[0].offset, 2_500);
    assert_eq!(log.trim(&topic, 1, 100), Ok(2_500), "nothing comes back");
    // The last record stays, and with it the place of the next.
    assert_eq!(log.trim(&topic, 1, u64::MAX / 2), Ok(3_000));
    assert_eq!(append_text(log, &topic, 1, "next"), 3_001);
    assert_eq!(
        texts(&read_from(log, &topic, 1, 3_000).take(2)),
        ["3000", "next"]
    );
    assert_eq!(
        texts(&read_from(log, &topic, 0, 0).take(1)),
        ["another lane's"]
    );
    let unknown = log.trim(&Topic::named("no-such-topic"), 0, 1);
    assert!(matches!(unknown, Err(ReadError::Refused(_))), "{unknown:?}");
}

pub fn a_reader_that_stands_in_what_is_trimmed_is_told(log: &dyn Log) {
    let topic = topic(log, "trimmed-read", 1);
    let record = || NewRecord::of(vec![b'x'; 100_000]);
    for _ in 0..100 {
        append(log, &topic, 0, record()).expect("appended");
    }
    let mut reading = read_from(log, &topic, 0, 0);
    let mut next = 0;
    while next == 0 {
        next += reading.reader.poll(1).expect("readable").len() as u64;
    }
    assert_eq!(log.trim(&topic, 0, 90), Ok(90));
    // What a reader had fetched before, it may still give; then it is told, and never skips anything.
    let until = Instant::now() + PATIENCE;
    let error = loop {
        match reading.reader.poll(1) {
            Ok(records) => {
                for record in records {
                    assert_eq!(record.offset, next, "skipped");
                    next += 1;
                }
            }
            Err(error) => break error,
        }
        assert!(next <= 90, "read what is gone");
        assert!(Instant::now() < until, "no error came; read up to {next}");
    };
    assert!(
        matches!(error, ReadError::OutOfRange { wanted, start: 90, .. } if wanted == next),
        "{error:?} at {next}"
    );
    // From before its start a new reader is told, too: at once or at its first poll.
    let bell = crate::support::Bell::default();
    let told = match log.reader(&topic, 0, 5, bell.wake()) {
        Err(error) => error,
        Ok(reader) => crate::support::Reading { reader, bell }.error(),
    };
    assert!(
        matches!(
            told,
            ReadError::OutOfRange {
                wanted: 5,
                start: 90,
                ..
            }
        ),
        "{told:?}"
    );
}

pub fn a_topic_made_by_the_log_has_no_settings_problems(log: &dyn Log) {
    let plans: Vec<TopicPlan> = [
        ("set.journal", Retention::Forever),
        ("set.registrations", Retention::Days(30)),
        ("set.owners", Retention::Compacted),
    ]
    .into_iter()
    .map(|(name, retention)| TopicPlan {
        topic: Topic::named(name),
        lanes: 2,
        retention,
    })
    .collect();
    assert_eq!(log.settings_problems(&plans).len(), 3, "none is there yet");
    log.create(&plans).expect("made");
    assert_eq!(log.settings_problems(&plans), Vec::<String>::new());
}
