//! The log thread: takes all that waits, commits it with one fsync, then answers.
//!
//! ```text
//! take -> insert -> commit -> publish ends -> done, done, ... -> wake readers
//!            |         |
//!            |         +- failed: unknown outcome; open the database again; look whether it is there
//!            +- failed: not written; open the database again
//! ```

use super::EmbeddedOptions;
use super::lock::DirectoryLock;
use super::obstacle::{Full, is_full};
use super::reserve::Reserve;
use super::shared::{Op, Shared};
use super::store::{LaneEnds, Opener, Place, TopicInfo, Writing};
use crate::log::{AppendError, Appended, Done, TopicPlan};
use redb::{Database, Durability};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{SystemTime, UNIX_EPOCH};
use tenfold_domain::Timestamp;

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) opener: Opener,
    pub(super) reserve: Arc<dyn Reserve>,
    /// Since when there is no room, until it is looked for again.
    pub(super) full: Option<Full>,
    options: EmbeddedOptions,
    /// Given up last, when the database is closed.
    _lock: Option<DirectoryLock>,
}

/// Who waits for a transaction.
enum Waiting {
    Append(Place, u64, Done),
    Reply(Sender<Result<(), String>>),
}

/// A transaction under way: who waits, and what will be true after it.
#[derive(Default)]
struct Batch {
    waiting: Vec<Waiting>,
    ends: BTreeMap<Place, LaneEnds>,
    topics: Option<HashMap<String, TopicInfo>>,
}

/// How a transaction failed.
enum Failure {
    /// Before the commit was started: nothing of it is in the log.
    NotWritten(redb::Error),
    /// While committing: all of it is in the log, or nothing.
    Unknown(redb::Error),
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        opener: Opener,
        reserve: Arc<dyn Reserve>,
        options: EmbeddedOptions,
        lock: Option<DirectoryLock>,
    ) -> Self {
        Self {
            shared,
            opener,
            reserve,
            full: None,
            options,
            _lock: lock,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let ops = self.shared.take(self.options.commit_bytes_max);
            if ops.is_empty() {
                break;
            }
            match self.obstacle() {
                None => self.commit(ops),
                Some(obstacle) => Self::refuse(ops, &obstacle),
            }
        }
    }

    fn commit(&self, ops: Vec<Op>) {
        let (mut rejected, ops): (Vec<_>, Vec<_>) =
            ops.into_iter().partition(|op| matches!(op, Op::Reject(..)));
        let mut batch = Batch::default();
        let written = if ops.is_empty() {
            Ok(())
        } else {
            self.write(ops, &mut batch)
        };
        let wakes = match written {
            Ok(()) => self.succeed(batch),
            Err(failure) => self.fail(batch, failure),
        };
        for op in rejected.drain(..) {
            if let Op::Reject(error, done) = op {
                done(Err(error));
            }
        }
        for wake in wakes {
            wake();
        }
    }

    fn write(&self, ops: Vec<Op>, batch: &mut Batch) -> Result<(), Failure> {
        let mut ops = ops.into_iter();
        let result = self
            .shared
            .with_database(|database| Ok(self.transact(database, &mut ops, batch)))
            .unwrap_or_else(|error| {
                let closed = io::Error::other(error.to_string());
                Err(Failure::NotWritten(redb::Error::Io(closed)))
            });
        // What was not reached shares the fate of the rest.
        for op in ops {
            self.wait_only(op, batch);
        }
        result
    }

    fn transact(
        &self,
        database: &Database,
        ops: &mut impl Iterator<Item = Op>,
        batch: &mut Batch,
    ) -> Result<(), Failure> {
        let not_written = |error: redb::Error| Failure::NotWritten(error);
        let mut transaction = database
            .begin_write()
            .map_err(|error| not_written(error.into()))?;
        transaction
            .set_durability(Durability::Immediate)
            .map_err(|error| not_written(error.into()))?;
        transaction.set_quick_repair(self.options.quick_repair);
        {
            let mut writing = Writing::new(&transaction).map_err(not_written)?;
            let now = wall_clock();
            for op in ops {
                self.apply(op, now, &mut writing, batch)
                    .map_err(not_written)?;
            }
        }
        transaction
            .commit()
            .map_err(|error| Failure::Unknown(error.into()))?;
        self.shared.committed(true);
        Ok(())
    }

    fn apply(
        &self,
        op: Op,
        now: Timestamp,
        writing: &mut Writing<'_>,
        batch: &mut Batch,
    ) -> Result<(), redb::Error> {
        match op {
            Op::Append {
                place,
                record,
                done,
            } => {
                let (offset, at) = batch.next(&self.shared, place, now);
                batch.waiting.push(Waiting::Append(place, offset, done));
                writing.record(place, offset, at, record)
            }
            Op::StorePosition {
                group,
                place,
                next,
                reply,
            } => {
                batch.waiting.push(Waiting::Reply(reply));
                writing.position(&group, place, next)
            }
            Op::Trim {
                place,
                below,
                reply,
            } => {
                batch.waiting.push(Waiting::Reply(reply));
                let ends = batch.ends(&self.shared, place);
                // The last record stays: by it a start knows where the lane ends.
                let below = below.min(ends.end.saturating_sub(1));
                ends.start = writing.trim(place, ends.start, below)?;
                Ok(())
            }
            Op::Create { plans, reply } => {
                let old = batch.topics.take().unwrap_or_else(|| self.shared.topics());
                match with_topics(&old, &plans) {
                    // Its caller may have given up waiting.
                    Err(reason) => drop(reply.send(Err(reason))),
                    Ok(new) => {
                        batch.waiting.push(Waiting::Reply(reply));
                        self.add_topics(&old, &plans, &new, writing, batch)?;
                        batch.topics = Some(new);
                        return Ok(());
                    }
                }
                batch.topics = Some(old);
                Ok(())
            }
            Op::Reject(error, done) => {
                done(Err(error));
                Ok(())
            }
        }
    }

    fn add_topics(
        &self,
        old: &HashMap<String, TopicInfo>,
        plans: &[TopicPlan],
        new: &HashMap<String, TopicInfo>,
        writing: &mut Writing<'_>,
        batch: &mut Batch,
    ) -> Result<(), redb::Error> {
        for plan in plans {
            let name = plan.topic.as_str();
            if let (None, Some(info)) = (old.get(name), new.get(name)) {
                writing.topic(&plan.topic, *info)?;
                for lane in 0..info.lanes {
                    batch.ends.insert((info.id, lane), LaneEnds::EMPTY);
                }
            }
        }
        Ok(())
    }

    fn wait_only(&self, op: Op, batch: &mut Batch) {
        match op {
            Op::Append { place, done, .. } => {
                let (offset, _) = batch.next(&self.shared, place, Timestamp(0));
                batch.waiting.push(Waiting::Append(place, offset, done));
            }
            Op::StorePosition { reply, .. } | Op::Trim { reply, .. } | Op::Create { reply, .. } => {
                batch.waiting.push(Waiting::Reply(reply));
            }
            Op::Reject(error, done) => done(Err(error)),
        }
    }

    fn succeed(&self, batch: Batch) -> Vec<crate::log::Wake> {
        if let Some(topics) = batch.topics {
            self.shared.set_topics(topics);
        }
        let wakes = self.shared.publish(batch.ends);
        for waiting in batch.waiting {
            match waiting {
                Waiting::Append(_, offset, done) => done(Ok(Appended {
                    offset: Some(offset),
                })),
                // Its caller may have given up waiting.
                Waiting::Reply(reply) => drop(reply.send(Ok(()))),
            }
        }
        wakes
    }

    /// Opens the database again before anything else, then answers.
    fn fail(&self, batch: Batch, failure: Failure) -> Vec<crate::log::Wake> {
        let (error, unknown) = match &failure {
            Failure::NotWritten(error) => (error, false),
            Failure::Unknown(error) => (error, true),
        };
        self.shared.committed(false);
        tracing::error!(%error, unknown, "log: a commit failed; opening the log again");
        let opened = self.reopen();
        let wakes = match opened {
            Ok(()) => self.reload(),
            Err(_) => Vec::new(),
        };
        let full = is_full(error) || opened.as_ref().is_err_and(|reopening| reopening.full);
        let text = match &opened {
            Err(reopening) if !is_full(error) => reopening.reason.clone(),
            _ => error.to_string(),
        };
        for waiting in batch.waiting {
            match waiting {
                Waiting::Append(place, offset, done) => {
                    // Opening again ends in a commit of its own, so what is not there then never
                    // will be. Only a full disk is worth telling apart: the rest stays unknown.
                    let absent =
                        !unknown || (opened.is_ok() && self.shared.ends(place).end <= offset);
                    done(Err(match (full, absent, unknown) {
                        (true, true, _) => AppendError::NoRoom(text.clone()),
                        (_, _, false) => AppendError::NotSent(text.clone()),
                        _ => AppendError::Unknown(text.clone()),
                    }));
                }
                Waiting::Reply(reply) => drop(reply.send(Err(text.clone()))),
            }
        }
        wakes
    }
}

impl Drop for Writer {
    /// Closes the file, also if a `done` panicked, and leaves nobody waiting.
    fn drop(&mut self) {
        self.shared.close();
        self.shared.replace_database(|| None);
        for op in self.shared.take(usize::MAX) {
            if let Op::Append { done, .. } = op {
                done(Err(AppendError::NotSent("the log is closed".into())));
            }
        }
    }
}

impl Batch {
    /// The offset and time of the next record of a lane.
    fn next(&mut self, shared: &Shared, place: Place, now: Timestamp) -> (u64, Timestamp) {
        let ends = self.ends(shared, place);
        let offset = ends.end;
        ends.end = ends.end.saturating_add(1);
        ends.last_at = ends.last_at.max(now);
        (offset, ends.last_at)
    }

    fn ends(&mut self, shared: &Shared, place: Place) -> &mut LaneEnds {
        self.ends.entry(place).or_insert_with(|| shared.ends(place))
    }
}

/// The topics after a plan was carried out; an error if one is there with other lanes.
fn with_topics(
    old: &HashMap<String, TopicInfo>,
    plans: &[TopicPlan],
) -> Result<HashMap<String, TopicInfo>, String> {
    let mut topics = old.clone();
    for plan in plans {
        match topics.get(plan.topic.as_str()) {
            Some(info) if info.lanes == plan.lanes => {}
            Some(info) => {
                return Err(format!(
                    "topic {} has {} lanes, {} are wanted: lanes are fixed when a topic is made",
                    plan.topic, info.lanes, plan.lanes
                ));
            }
            None if plan.lanes == 0 => {
                return Err(format!("topic {} needs at least 1 lane", plan.topic));
            }
            None => {
                let id = topics
                    .values()
                    .map(|info| info.id)
                    .max()
                    .map_or(1, |id| id.saturating_add(1));
                let lanes = plan.lanes;
                topics.insert(plan.topic.as_str().to_owned(), TopicInfo { id, lanes });
            }
        }
    }
    Ok(topics)
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}
