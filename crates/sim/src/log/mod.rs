//! The simulated log: every append is an event that the scheduler completes when, and how, chance says.
//!
//! It keeps what [`tenfold_runtime::log::Log`] promises and nothing more: appends of one process to one lane
//! land in their order unless one fails; an outcome may be unknown; an acknowledgement may name no offset or a
//! false one; an end may be told too low; a reader may be slow.

mod reader;
pub mod state;

use crate::faults::{Fault, Step};
use crate::host::Host;
use crate::shared::{MS, SECOND, Shared, What};
use reader::SimReader;
use state::{LaneLog, Pending, Place};
use std::sync::Arc;
use tenfold_proto::lane::RecordKind;
use tenfold_runtime::lane::record;
use tenfold_runtime::log::{
    AppendError, Appended, Class, Done, Extent, Log, LogRecord, Membership, NewRecord, ReadError,
    Reader, Suggest, Topic, TopicPlan, Wake,
};

/// A false offset names a place up to so far behind the true one. Never one before it: what a log tells
/// wrongly must not be what the lane expects by chance, for then no protocol could tell.
const FALSE_BY: u64 = 5;

/// An end told too low hides what landed within this time.
const LAG: u64 = 1_200 * MS;

/// The log as one process sees it.
#[derive(Clone)]
pub struct SimLog {
    /// The run.
    pub shared: Arc<Shared>,
    /// The process.
    pub host: Arc<Host>,
}

impl SimLog {
    fn step(topic: &Topic, record: &NewRecord) -> Step {
        let name = topic.as_str();
        if name.ends_with(".journal") {
            match record::read(&record.value).map(|envelope| envelope.kind()) {
                Some(RecordKind::Decisions) => Step::DecisionsSent,
                _ => Step::OpenedSent,
            }
        } else if name.ends_with(".inbox") {
            Step::RelaySent
        } else {
            Step::PublicSent
        }
    }

    fn start(&self, place: Place, record: NewRecord, step: Step, done: Done) {
        let shared = &self.shared;
        let fate = if self.host.may_fail() {
            shared.faults().fate(step)
        } else {
            None
        };
        if let Some(fault) = fate {
            shared.say(|| format!("FAULT {} {} by {}", fault.name(), step.name(), self.host));
        }
        shared.trace.mix_bytes(&record.value);
        shared.say(|| {
            format!(
                "{} sends {} to {}/{} ({} bytes)",
                self.host,
                step.name(),
                place.0,
                place.1,
                record.value.len()
            )
        });
        let (travel, back) = (
            shared.delay(200, 2 * MS, 3 * SECOND),
            shared.delay(200, 2 * MS, 2 * SECOND),
        );
        let late = shared.draw(SECOND..45 * SECOND);
        let patience = shared.draw(500 * MS..20 * SECOND);
        let now = shared.now();
        let (number, lands, ends) = {
            let mut log = shared.log();
            let number = log.number();
            let order = log
                .order
                .entry((self.host.id, place.0.clone(), place.1))
                .or_default();
            let lands = (now + travel).max(order.0);
            let ends = (lands + back).max(order.1);
            let (lands, ends) = match fate {
                Some(Fault::UnknownLanded) => (Some(lands), now + patience),
                Some(Fault::UnknownLate) => (Some(now + late), now + patience.min(late)),
                Some(Fault::UnknownNever) => (None, now + patience),
                Some(Fault::NotSent | Fault::NoRoom) => (None, now + travel),
                _ => {
                    *order = (lands, ends);
                    (Some(lands), ends)
                }
            };
            let pending = Pending {
                place,
                record,
                step,
                fate,
                host: Arc::clone(&self.host),
                done: Some(done),
                offset: None,
                landings: 0,
            };
            log.pending.insert(number, pending);
            (number, lands, ends)
        };
        if let Some(at) = lands {
            shared.at(at, What::Lands(number));
            if fate == Some(Fault::Twice) {
                shared.at(at + late / 4, What::Lands(number));
            }
        }
        shared.at(ends, What::Ends(number));
    }
}

/// Puts a record into a lane.
fn land(shared: &Shared, place: &Place, record: NewRecord) -> u64 {
    let mut log = shared.log();
    let lane = log.lanes.entry(place.clone()).or_default();
    let offset = lane.records.len() as u64;
    lane.records.push(LogRecord {
        offset,
        appended_at: shared.wall(),
        key: record.key,
        value: record.value,
        headers: record.headers,
    });
    lane.landed_at.push(shared.now());
    let waiters = lane.waiters.clone();
    drop(log);
    shared.trace.mix(offset);
    for (_, host, wake) in waiters {
        let soon = shared.delay(50, 2 * MS, SECOND);
        shared.after(soon, What::Wake(host, wake));
    }
    offset
}

/// An append lands.
pub fn lands(shared: &Shared, number: u64) {
    let Some((place, record, step)) = ({
        let log = shared.log();
        log.pending
            .get(&number)
            .map(|p| (p.place.clone(), p.record.clone(), p.step))
    }) else {
        return;
    };
    let offset = land(shared, &place, record);
    shared.say(|| format!("{}/{}@{offset} {}", place.0, place.1, step.name()));
    let mut log = shared.log();
    if let Some(pending) = log.pending.get_mut(&number) {
        pending.offset.get_or_insert(offset);
        pending.landings += 1;
    }
    forget_if_over(&mut log, number);
}

/// An append ends for its caller.
pub fn ends(shared: &Shared, number: u64) {
    let ended = {
        let mut log = shared.log();
        let Some(pending) = log.pending.get_mut(&number) else {
            return;
        };
        let done = pending.done.take();
        let result = result(pending);
        let host = Arc::clone(&pending.host);
        forget_if_over(&mut log, number);
        done.map(|done| (done, result, host))
    };
    if let Some((done, result, host)) = ended
        && !host.is_dead()
    {
        done(result);
    }
}

/// A second landing may come after the end; then the record is still needed.
fn forget_if_over(log: &mut state::LogState, number: u64) {
    let over = log.pending.get(&number).is_some_and(|p| {
        p.done.is_none()
            && (p.offset.is_some()
                || matches!(
                    p.fate,
                    Some(Fault::UnknownNever | Fault::NotSent | Fault::NoRoom)
                ))
            && (p.fate != Some(Fault::Twice) || p.landings > 1)
    });
    if over {
        log.pending.remove(&number);
    }
}

fn result(pending: &Pending) -> Result<Appended, AppendError> {
    let unknown = || Err(AppendError::Unknown("no answer in time".to_owned()));
    match pending.fate {
        Some(Fault::UnknownLanded | Fault::UnknownLate | Fault::UnknownNever) => unknown(),
        Some(Fault::NotSent) => Err(AppendError::NotSent("by order".to_owned())),
        Some(Fault::NoRoom) => Err(AppendError::NoRoom("by order".to_owned())),
        Some(Fault::NoOffset) => Ok(Appended { offset: None }),
        Some(Fault::FalseOffset) => Ok(Appended {
            offset: pending.offset.map(|offset| offset + FALSE_BY),
        }),
        _ => match pending.offset {
            Some(offset) => Ok(Appended {
                offset: Some(offset),
            }),
            None => unknown(),
        },
    }
}

impl Log for SimLog {
    fn append(&self, _class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done) {
        if self.host.is_dead() {
            return;
        }
        let place = (topic.clone(), lane);
        if self.shared.log().at_once {
            let offset = land(&self.shared, &place, record);
            return done(Ok(Appended {
                offset: Some(offset),
            }));
        }
        let step = Self::step(topic, &record);
        if self.shared.point(&self.host, step, false) {
            return;
        }
        self.start(place, record, step, done);
        self.shared.point(&self.host, step, true);
    }

    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError> {
        if !self.shared.in_background()
            && self.host.may_fail()
            && self.shared.strikes(Fault::ReadFails)
        {
            return Err(ReadError::Unavailable("by order".to_owned()));
        }
        let place = (topic.clone(), lane);
        let mut log = self.shared.log();
        let number = log.number();
        let records = log
            .lanes
            .get_mut(&place)
            .ok_or_else(|| ReadError::Refused(format!("{topic}/{lane} is not there")))?;
        let end = records.records.len() as u64;
        let start = records.start;
        if from > end || from < start {
            return Err(ReadError::OutOfRange {
                wanted: from,
                start,
                end,
            });
        }
        records
            .waiters
            .push((number, Arc::clone(&self.host), Arc::clone(&wake)));
        drop(log);
        if from < end {
            self.shared
                .after(100, What::Wake(Arc::clone(&self.host), Arc::clone(&wake)));
        }
        Ok(Box::new(SimReader {
            log: self.clone(),
            place,
            next: from,
            number,
            wake,
        }))
    }

    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        let lags = self.host.may_fail() && self.shared.strikes(Fault::EndLags);
        let log = self.shared.log();
        let LaneLog {
            records,
            start,
            landed_at,
            ..
        } = log
            .lane(topic, lane)
            .ok_or_else(|| ReadError::Refused(format!("{topic}/{lane} is not there")))?;
        let mut end = records.len();
        let since = self.shared.now().saturating_sub(LAG);
        while lags && end > 1 && landed_at.get(end - 1).is_some_and(|at| *at > since) {
            end -= 1;
        }
        Ok(Extent {
            start: *start,
            end: (end as u64).max(*start),
        })
    }

    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError> {
        let mut log = self.shared.log();
        let place = (topic.clone(), lane);
        let lane = log
            .lanes
            .get_mut(&place)
            .ok_or_else(|| ReadError::Refused(format!("{topic}/{lane} is not there")))?;
        let last = (lane.records.len() as u64).saturating_sub(1);
        lane.start = lane.start.max(below.min(last));
        Ok(lane.start)
    }

    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        let log = self.shared.log();
        let lanes = log.topics.get(topic).copied();
        lanes.ok_or_else(|| ReadError::Refused(format!("topic {topic} is not there")))
    }

    fn create(&self, plans: &[TopicPlan]) -> Result<(), String> {
        let mut log = self.shared.log();
        for plan in plans {
            log.topics.insert(plan.topic.clone(), plan.lanes);
            for lane in 0..plan.lanes {
                log.lanes.entry((plan.topic.clone(), lane)).or_default();
            }
        }
        Ok(())
    }

    fn settings_problems(&self, _plans: &[TopicPlan]) -> Vec<String> {
        Vec::new()
    }

    fn join(
        &self,
        _group: &str,
        _instance: &str,
        _topic: &Topic,
        _suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        Err(ReadError::Refused("the scheduler is the group".to_owned()))
    }

    fn position(&self, _group: &str, _topic: &Topic, _lane: u32) -> Result<Option<u64>, ReadError> {
        Ok(None)
    }

    fn store_position(
        &self,
        _group: &str,
        _topic: &Topic,
        _lane: u32,
        _next: u64,
    ) -> Result<(), ReadError> {
        Ok(())
    }
}
