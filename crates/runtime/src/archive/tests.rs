//! Reading a lane whole, from a log whose answers are set beforehand.

use super::{ArchiveError, read_lane};
use crate::log::walk::walk_with_patience;
use crate::log::{
    Class, Done, Extent, Log, LogRecord, Membership, NewRecord, ReadError, Reader, Suggest, Topic,
    TopicPlan, Wake,
};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use tenfold_domain::Timestamp;

/// A log of one lane: the offsets that each poll brings, the same for every reader. It wakes after each poll, so
/// one that brings nothing is a wake in vain.
struct Script(Vec<Vec<u64>>);

struct ScriptReader {
    polls: VecDeque<Vec<u64>>,
    wake: Wake,
}

impl Reader for ScriptReader {
    fn poll(&mut self, _: usize) -> Result<Vec<LogRecord>, ReadError> {
        let Some(offsets) = self.polls.pop_front() else {
            return Ok(Vec::new());
        };
        (self.wake)();
        Ok(offsets.into_iter().map(record).collect())
    }
}

fn record(offset: u64) -> LogRecord {
    LogRecord {
        offset,
        appended_at: Timestamp(0),
        key: None,
        value: Bytes::new(),
        headers: Vec::new(),
    }
}

impl Log for Script {
    fn reader(&self, _: &Topic, _: u32, _: u64, wake: Wake) -> Result<Box<dyn Reader>, ReadError> {
        let polls = self.0.clone().into();
        Ok(Box::new(ScriptReader { polls, wake }))
    }

    fn append(&self, _: Class, _: &Topic, _: u32, _: NewRecord, _: Done) {
        unreachable!("it is only read")
    }

    fn extent(&self, _: &Topic, _: u32) -> Result<Extent, ReadError> {
        unreachable!("it is only read")
    }

    fn trim(&self, _: &Topic, _: u32, _: u64) -> Result<u64, ReadError> {
        unreachable!("it is only read")
    }

    fn lanes(&self, _: &Topic) -> Result<u32, ReadError> {
        unreachable!("it is only read")
    }

    fn create(&self, _: &[TopicPlan]) -> Result<(), String> {
        unreachable!("it is only read")
    }

    fn settings_problems(&self, _: &[TopicPlan]) -> Vec<String> {
        unreachable!("it is only read")
    }

    fn join(
        &self,
        _: &str,
        _: &str,
        _: &Topic,
        _: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        unreachable!("it is only read")
    }

    fn position(&self, _: &str, _: &Topic, _: u32) -> Result<Option<u64>, ReadError> {
        unreachable!("it is only read")
    }

    fn store_position(&self, _: &str, _: &Topic, _: u32, _: u64) -> Result<(), ReadError> {
        unreachable!("it is only read")
    }
}

/// Offsets visited up to an end, and how it ended.
fn read(polls: &[&[u64]], end: u64) -> (Vec<u64>, Result<(), ArchiveError>) {
    let log = Script(polls.iter().map(|poll| poll.to_vec()).collect());
    let mut visited = Vec::new();
    let ended = read_lane(&log, &Topic::named("reports"), 3, end, &mut |record| {
        visited.push(record.offset);
        Ok(())
    });
    (visited, ended)
}

#[test]
fn a_lane_is_read_to_its_end_and_no_further_though_polls_bring_nothing_for_a_while() {
    let (visited, ended) = read(&[&[], &[0, 1], &[], &[], &[2, 3, 4]], 4);
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(visited, [0, 1, 2, 3]);
    let (visited, ended) = read(&[], 0);
    assert!(ended.is_ok(), "an empty lane waits for nobody: {ended:?}");
    assert_eq!(visited, [0; 0]);
}

#[test]
fn a_lane_with_a_gap_is_refused_wherever_the_gap_is() {
    let told = |polls: &[&[u64]]| match read(polls, 4) {
        (visited, Err(ArchiveError::Refused(why))) => (visited, why),
        other => panic!("it was not refused: {other:?}"),
    };
    let (visited, why) = told(&[&[0, 1], &[3]]);
    assert_eq!(visited, [0, 1]);
    assert_eq!(
        why,
        "reports/3 has a gap: offset 3 follows where 2 should be"
    );
    let (_, why) = told(&[&[2, 3]]);
    assert_eq!(
        why,
        "reports/3 has a gap: offset 2 follows where 0 should be"
    );
    let (visited, why) = told(&[&[0, 1, 2, 5]]);
    assert_eq!(
        visited,
        [0, 1, 2],
        "what stands behind the end is no matter"
    );
    assert_eq!(why, "reports/3 has a gap: nothing stands where 3 should be");
}

#[test]
fn a_log_that_falls_silent_before_the_end_is_given_up() {
    let log = Script(vec![vec![0], vec![]]);
    let patience = Duration::from_millis(20);
    let topic = Topic::named("reports");
    let ended = walk_with_patience(&log, &topic, 3, (0, 2), patience, &mut |_| {
        Ok::<_, ReadError>(())
    });
    let why = "reports/3 brings nothing more at offset 1, and should have 2";
    assert_eq!(ended, Err(ReadError::Unavailable(why.to_owned())));
}
