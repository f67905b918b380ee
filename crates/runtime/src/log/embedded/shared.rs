//! What the log thread, its callers and the readers share.

use super::store::{LaneEnds, Place, TopicInfo};
use crate::log::{AppendError, Done, Extent, NewRecord, ReadError, TopicPlan, Wake};
use redb::Database;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};

/// Something for the log thread to do.
pub(super) enum Op {
    /// Append a record.
    Append {
        place: Place,
        record: NewRecord,
        done: Done,
    },
    /// Tell a caller, from the log thread, that its append is not taken.
    Reject(AppendError, Done),
    /// Make the topics that are missing.
    Create {
        plans: Vec<TopicPlan>,
        reply: Sender<Result<(), String>>,
    },
    /// Remove some of a lane's records below an offset.
    Trim {
        place: Place,
        below: u64,
        reply: Sender<Result<(), String>>,
    },
    /// Store a group's position.
    StorePosition {
        group: String,
        place: Place,
        next: u64,
        reply: Sender<Result<(), String>>,
    },
}

impl Op {
    /// Bytes it holds in the queue.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { record, .. } => record.bytes(),
            _ => 0,
        }
    }
}

#[derive(Default)]
struct Queue {
    ops: VecDeque<Op>,
    bytes: usize,
    closed: bool,
}

/// A reader to wake: its number and its call.
type Waiter = (u64, Wake);

struct Lane {
    ends: LaneEnds,
    waiters: Vec<Waiter>,
}

pub(super) struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    queue_bytes_max: usize,
    /// `None` while it is being opened again, and after the log was closed.
    database: RwLock<Option<Database>>,
    topics: RwLock<HashMap<String, TopicInfo>>,
    lanes: Mutex<Lanes>,
    /// A commit failed, and none has succeeded since: what can be read may be of that commit, and the next
    /// failure may take it back.
    unsure: AtomicBool,
}

#[derive(Default)]
struct Lanes {
    of: BTreeMap<Place, Lane>,
    next_waiter: u64,
}

/// A lock's content even if a holder panicked: what is behind these locks is whole after every step.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        database: Database,
        topics: HashMap<String, TopicInfo>,
        lanes: BTreeMap<Place, LaneEnds>,
        queue_bytes_max: usize,
    ) -> Self {
        let shared = Self {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            queue_bytes_max,
            database: RwLock::new(Some(database)),
            topics: RwLock::new(topics),
            lanes: Mutex::default(),
            unsure: AtomicBool::new(false),
        };
        shared.publish(lanes);
        shared
    }

    /// What can be read stays, whatever happens next.
    pub(super) fn is_sure(&self) -> bool {
        !self.unsure.load(Ordering::Acquire)
    }

    /// A commit succeeded, or failed.
    pub(super) fn committed(&self, succeeded: bool) {
        self.unsure.store(!succeeded, Ordering::Release);
    }

    /// Queues an append; the log thread tells the caller if there is no room.
    pub(super) fn push_append(&self, op: Op, bytes: usize) {
        let mut queue = locked(&self.queue);
        let op = match op {
            Op::Append { done, .. } if queue.bytes.saturating_add(bytes) > self.queue_bytes_max => {
                Op::Reject(AppendError::NotSent("queue full".into()), done)
            }
            op => op,
        };
        let left = self.enqueue(&mut queue, op);
        drop(queue);
        if let Some(Op::Append { done, .. } | Op::Reject(_, done)) = left {
            done(Err(AppendError::NotSent("the log is closed".into())));
        }
    }

    /// Queues anything else. Dropped if the log is closed, which its caller sees by its channel.
    pub(super) fn push(&self, op: Op) {
        drop(self.enqueue(&mut locked(&self.queue), op));
    }

    fn enqueue(&self, queue: &mut Queue, op: Op) -> Option<Op> {
        if queue.closed {
            return Some(op);
        }
        queue.bytes = queue.bytes.saturating_add(op.bytes());
        queue.ops.push_back(op);
        self.arrived.notify_one();
        None
    }

    /// Waits for work and takes it, up to about `bytes_max`; empty = closed and nothing left.
    pub(super) fn take(&self, bytes_max: usize) -> Vec<Op> {
        let mut queue = locked(&self.queue);
        while queue.ops.is_empty() && !queue.closed {
            queue = self
                .arrived
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut taken = Vec::with_capacity(queue.ops.len());
        let mut bytes = 0_usize;
        while let Some(op) = queue.ops.pop_front() {
            let size = op.bytes();
            if !taken.is_empty() && bytes.saturating_add(size) > bytes_max {
                queue.ops.push_front(op);
                break;
            }
            bytes = bytes.saturating_add(size);
            taken.push(op);
        }
        queue.bytes = queue.bytes.saturating_sub(bytes);
        taken
    }

    /// No more work is taken; the log thread ends when it has done what waits.
    pub(super) fn close(&self) {
        locked(&self.queue).closed = true;
        self.arrived.notify_all();
    }

    pub(super) fn topic(&self, name: &str) -> Option<TopicInfo> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).copied()
    }

    pub(super) fn topics(&self) -> HashMap<String, TopicInfo> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.clone()
    }

    pub(super) fn set_topics(&self, new: HashMap<String, TopicInfo>) {
        *self.topics.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Runs with the open database.
    pub(super) fn with_database<T>(
        &self,
        run: impl FnOnce(&Database) -> Result<T, String>,
    ) -> Result<T, ReadError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        match database.as_ref() {
            Some(database) => run(database).map_err(ReadError::Unavailable),
            None => Err(ReadError::Unavailable("the log is closed".into())),
        }
    }

    /// Is the database open?
    pub(super) fn is_open(&self) -> bool {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database.is_some()
    }

    /// Closes the database once no reader is in it, and puts another in its place.
    pub(super) fn replace_database(&self, open: impl FnOnce() -> Option<Database>) {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        drop(database.take());
        *database = open();
    }

    pub(super) fn ends(&self, place: Place) -> LaneEnds {
        let lanes = locked(&self.lanes);
        lanes
            .of
            .get(&place)
            .map_or(LaneEnds::EMPTY, |lane| lane.ends)
    }

    /// Where every lane ends, at one commit.
    pub(super) fn all_ends(&self) -> Vec<(Place, LaneEnds)> {
        let lanes = locked(&self.lanes);
        lanes
            .of
            .iter()
            .map(|(place, lane)| (*place, lane.ends))
            .collect()
    }

    pub(super) fn extent(&self, place: Place) -> Extent {
        let ends = self.ends(place);
        Extent {
            start: ends.start,
            end: ends.end,
        }
    }

    /// Makes new ends visible to readers; returns the readers of lanes that moved, to be woken.
    pub(super) fn publish(&self, new: BTreeMap<Place, LaneEnds>) -> Vec<Wake> {
        let mut lanes = locked(&self.lanes);
        let mut wakes = Vec::new();
        for (place, ends) in new {
            let lane = lanes.of.entry(place).or_insert(Lane {
                ends: LaneEnds::EMPTY,
                waiters: Vec::new(),
            });
            if lane.ends != ends {
                lane.ends = ends;
                wakes.extend(lane.waiters.iter().map(|(_, wake)| wake.clone()));
            }
        }
        wakes
    }

    /// Adds a reader to wake; returns its number.
    pub(super) fn watch(&self, place: Place, wake: Wake) -> u64 {
        let mut lanes = locked(&self.lanes);
        lanes.next_waiter = lanes.next_waiter.wrapping_add(1);
        let number = lanes.next_waiter;
        if let Some(lane) = lanes.of.get_mut(&place) {
            lane.waiters.push((number, wake));
        }
        number
    }

    /// Removes a reader.
    pub(super) fn unwatch(&self, place: Place, number: u64) {
        if let Some(lane) = locked(&self.lanes).of.get_mut(&place) {
            lane.waiters.retain(|(waiter, _)| *waiter != number);
        }
    }
}
