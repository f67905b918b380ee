use super::*;
use crate::lane::record::{Hash, Id};
use crate::log::memory::MemoryLog;
use crate::log::{Class, NewRecord, Retention, TopicPlan};
use bytes::Bytes;
use tenfold_proto::lane::{LaneCreated, LaneOpened};

const LEVEL: u32 = 1;

struct Journal {
    log: MemoryLog,
    topic: Topic,
    chain: Chain,
}

impl Journal {
    fn new() -> Self {
        let log = MemoryLog::new();
        let topic = Topic::journal("ledger");
        let plan = TopicPlan {
            topic: topic.clone(),
            lanes: 1,
            retention: Retention::Forever,
        };
        log.create(&[plan]).expect("created");
        let journal = Self {
            log,
            topic,
            chain: Chain::default(),
        };
        journal.append(record::created(&LaneCreated::default()));
        journal
    }

    fn append(&self, value: Bytes) {
        let done = Box::new(|_| {});
        self.log
            .append(Class::Commit, &self.topic, 0, NewRecord::of(value), done);
    }

    fn open(&mut self) {
        let (epoch, owner) = (self.chain.epoch + 1, self.chain.epoch + 1);
        let owner = Id([u8::try_from(owner % 250).expect("small"); 16]);
        self.append(record::opened(epoch, owner, &LaneOpened::default()));
        self.chain.epoch = epoch;
        self.chain.owner = owner;
    }

    fn decide(&mut self, at: i64) {
        let bytes = self.next(at);
        self.chain.seq += 1;
        self.chain.hash = Hash::of(&bytes);
        self.append(bytes);
    }

    fn next(&self, at: i64) -> Bytes {
        let decisions = Decisions {
            decided_at: at,
            ..Decisions::default()
        };
        record::decisions(&self.chain, LEVEL, &decisions)
    }

    fn between(&self, from: i64, to: i64) -> Result<Vec<i64>, StretchError> {
        let stretch = Stretch {
            log: &self.log,
            service: "ledger",
            lane: 0,
            level: LEVEL,
            from: Timestamp(from),
            to: Timestamp(to),
        };
        Ok(stretch.read()?.iter().map(|d| d.decided_at).collect())
    }
}

#[test]
fn a_stretch_holds_what_was_decided_in_it_and_nothing_else() {
    let mut journal = Journal::new();
    journal.open();
    let times: Vec<i64> = (0..900).map(|n| 1_000 + n / 3 * 10).collect();
    for (number, at) in times.iter().enumerate() {
        if number % 70 == 69 {
            journal.open();
        }
        journal.decide(*at);
    }
    for (from, to) in [
        (0, 900),
        (1_000, 1_000),
        (1_005, 1_010),
        (2_500, 2_990),
        (3_990, 9_000),
        (5_000, 9_000),
        (0, 9_000),
    ] {
        let wanted: Vec<i64> = times
            .iter()
            .copied()
            .filter(|at| (from..=to).contains(at))
            .collect();
        assert_eq!(journal.between(from, to), Ok(wanted), "{from} to {to}");
    }
}

#[test]
fn records_of_fenced_owners_are_not_in_it_wherever_they_stand() {
    let mut journal = Journal::new();
    journal.open();
    let mut times = Vec::new();
    for at in 0..600_i64 {
        if at % 50 == 20 {
            let fenced = Chain {
                epoch: journal.chain.epoch,
                ..journal.chain
            };
            journal.open();
            let (owner, now) = (journal.chain.owner, journal.chain);
            // The old owner goes on for a while, in a chain of its own, with a clock that is ahead.
            journal.chain = fenced;
            for late in 0..30 {
                let bytes = journal.next(100_000 + at + late);
                journal.chain.seq += 1;
                journal.chain.hash = Hash::of(&bytes);
                journal.append(bytes);
            }
            journal.chain = now;
            assert_eq!(journal.chain.owner, owner);
        }
        journal.decide(at * 10);
        times.push(at * 10);
    }
    for from in (0..6_000).step_by(170) {
        let to = from + 400;
        let wanted: Vec<i64> = times
            .iter()
            .copied()
            .filter(|at| (from..=to).contains(at))
            .collect();
        assert_eq!(journal.between(from, to), Ok(wanted), "{from} to {to}");
    }
}

#[test]
fn a_stretch_that_begins_before_the_journal_is_not_answered_in_part() {
    let mut journal = Journal::new();
    journal.open();
    for at in 0..500 {
        journal.decide(at * 10);
    }
    let end = journal
        .log
        .extent(&journal.topic, 0)
        .expect("an extent")
        .end;
    journal.log.truncate(&journal.topic, 0, 300, end);
    assert_eq!(
        journal.between(1_000, 1_100),
        Err(StretchError::Gone(Timestamp(1_000)))
    );
    assert_eq!(journal.between(4_500, 4_510), Ok(vec![4_500, 4_510]));
}
