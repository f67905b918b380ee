//! A log in memory for tests: the same every time, and able to misbehave on demand.
//!
//! [`MemoryLog::client`] makes another connection to the same log, as another process has it: faults
//! and holds belong to a connection ([`Fault`], [`MemoryLog::hold_appends`]), damage to the log
//! itself ([`MemoryLog::truncate`], [`MemoryLog::stray`]). Callbacks run on a thread that is calling
//! the log, one at a time, in order, and never while a lock of the log is held.

mod faults;
mod state;

pub use faults::Fault;

use super::{
    AppendError, Class, Done, Extent, Log, LogRecord, Membership, NewRecord, ReadError, Reader,
    Suggest, Topic, TopicPlan, Wake,
};
use state::{Call, Client, Lane, Member, State};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A connection to a log in memory. A clone is the same connection.
#[derive(Clone)]
pub struct MemoryLog {
    state: Arc<Mutex<State>>,
    client: usize,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log without topics, at time 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new())),
            client: 0,
        }
    }

    /// Another connection to the same log.
    #[must_use]
    pub fn client(&self) -> Self {
        let mut state = self.lock();
        state.clients.push(Client::default());
        Self {
            state: self.state.clone(),
            client: state.clients.len() - 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a step on the state, then the calls it caused.
    fn step<T>(&self, run: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = run(&mut state);
        if state.calling {
            return result;
        }
        state.calling = true;
        while let Some(call) = state.calls.pop_front() {
            drop(state);
            call();
            state = self.lock();
        }
        state.calling = false;
        result
    }
}

impl Log for MemoryLog {
    fn append(&self, _class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done) {
        self.step(|state| state.append(self.client, (topic.clone(), lane), record, done));
    }

    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError> {
        let place = (topic.clone(), lane);
        let number = self.step(|state| {
            let at = state.lane(&place)?.in_range(from)?;
            state.next_reader = state.next_reader.wrapping_add(1);
            let number = state.next_reader;
            if at > from {
                let wake = wake.clone();
                state.calls.push_back(Box::new(move || wake()));
            }
            if let Some(lane) = state.lanes.get_mut(&place) {
                lane.waiters.push((number, wake));
            }
            Ok(number)
        })?;
        Ok(Box::new(MemoryReader {
            log: self.clone(),
            place,
            next: from,
            number,
        }))
    }

    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        let state = self.lock();
        let lane = state.lane(&(topic.clone(), lane))?;
        Ok(Extent {
            start: lane.start,
            end: lane.shown(),
        })
    }

    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError> {
        let place = (topic.clone(), lane);
        let mut state = self.lock();
        state.lane(&place)?;
        let Some(lane) = state.lanes.get_mut(&place) else {
            return Ok(0);
        };
        let below = below.min(lane.end.saturating_sub(1)).max(lane.start);
        lane.records = lane.records.split_off(&below);
        lane.start = below;
        Ok(below)
    }

    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        self.lock()
            .topics
            .get(topic)
            .copied()
            .ok_or_else(|| ReadError::Refused(format!("topic {topic} does not exist")))
    }

    fn create(&self, plans: &[TopicPlan]) -> Result<(), String> {
        let mut state = self.lock();
        for plan in plans {
            match state.topics.get(&plan.topic) {
                Some(lanes) if *lanes != plan.lanes => {
                    return Err(format!(
                        "topic {} has {lanes} lanes, {} are wanted: lanes are fixed when a topic is made",
                        plan.topic, plan.lanes
                    ));
                }
                Some(_) => {}
                None if plan.lanes == 0 => {
                    return Err(format!("topic {} needs at least 1 lane", plan.topic));
                }
                None => {
                    state.topics.insert(plan.topic.clone(), plan.lanes);
                    for lane in 0..plan.lanes {
                        state
                            .lanes
                            .insert((plan.topic.clone(), lane), Lane::default());
                    }
                }
            }
        }
        Ok(())
    }

    fn settings_problems(&self, plans: &[TopicPlan]) -> Vec<String> {
        let state = self.lock();
        plans
            .iter()
            .filter(|plan| state.topics.get(&plan.topic) != Some(&plan.lanes))
            .map(|plan| {
                format!(
                    "topic {} is not there with {} lanes",
                    plan.topic, plan.lanes
                )
            })
            .collect()
    }

    fn join(
        &self,
        group: &str,
        instance: &str,
        topic: &Topic,
        suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        self.lanes(topic)?;
        let group = (group.to_owned(), topic.clone());
        self.step(|state| {
            let member = Member {
                suggest,
                lanes: Vec::new(),
            };
            let members = state.groups.entry(group.clone()).or_default();
            members.insert(instance.to_owned(), member);
            state.balance(&group);
        });
        Ok(Box::new(MemoryMembership {
            log: self.clone(),
            group,
            instance: instance.to_owned(),
        }))
    }

    fn position(&self, group: &str, topic: &Topic, lane: u32) -> Result<Option<u64>, ReadError> {
        let key = (group.to_owned(), topic.clone(), lane);
        Ok(self.lock().positions.get(&key).copied())
    }

    fn store_position(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError> {
        let key = (group.to_owned(), topic.clone(), lane);
        self.lock().positions.insert(key, next);
        Ok(())
    }
}

struct MemoryReader {
    log: MemoryLog,
    place: (Topic, u32),
    next: u64,
    number: u64,
}

impl Reader for MemoryReader {
    fn poll(&mut self, max_bytes: usize) -> Result<Vec<LogRecord>, ReadError> {
        let state = self.log.lock();
        if state
            .clients
            .get(self.log.client)
            .is_some_and(|client| client.reads_fail)
        {
            return Err(ReadError::Unavailable("reads fail by order".into()));
        }
        let lane = state.lane(&self.place)?;
        let end = lane.in_range(self.next)?;
        let mut bytes = 0_usize;
        let mut taken = Vec::new();
        for (_, record) in lane.records.range(self.next..end) {
            bytes = bytes.saturating_add(record.bytes());
            if bytes > max_bytes && !taken.is_empty() {
                break;
            }
            taken.push(record.clone());
        }
        if let Some(last) = taken.last() {
            self.next = last.offset.saturating_add(1);
        }
        Ok(taken)
    }
}

impl Drop for MemoryReader {
    fn drop(&mut self) {
        if let Some(lane) = self.log.lock().lanes.get_mut(&self.place) {
            lane.waiters.retain(|(number, _)| *number != self.number);
        }
    }
}

struct MemoryMembership {
    log: MemoryLog,
    group: (String, Topic),
    instance: String,
}

impl Membership for MemoryMembership {
    fn leave(&self) {
        self.log.step(|state| {
            let members = state.groups.entry(self.group.clone()).or_default();
            if let Some(member) = members.remove(&self.instance) {
                let call: Call = Box::new(move || (member.suggest)(Vec::new()));
                state.calls.push_back(call);
                state.balance(&self.group);
            }
        });
    }
}

impl Drop for MemoryMembership {
    fn drop(&mut self) {
        self.leave();
    }
}

fn refused(reason: String) -> Result<super::Appended, AppendError> {
    Err(AppendError::Refused(reason))
}
