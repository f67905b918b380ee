//! What the log in memory holds, and how an append goes through it.

use super::faults::Fault;
use super::refused;
use crate::log::{
    AppendError, Appended, Done, LogRecord, NewRecord, RECORD_BYTES_MAX, ReadError, Suggest, Topic,
    Wake,
};
use std::collections::{BTreeMap, VecDeque};
use tenfold_domain::Timestamp;

pub(super) type Place = (Topic, u32);
pub(super) type Call = Box<dyn FnOnce() + Send>;

pub(super) struct State {
    pub(super) topics: BTreeMap<Topic, u32>,
    pub(super) lanes: BTreeMap<Place, Lane>,
    pub(super) clients: Vec<Client>,
    pub(super) groups: BTreeMap<(String, Topic), BTreeMap<String, Member>>,
    pub(super) positions: BTreeMap<(String, Topic, u32), u64>,
    pub(super) next_reader: u64,
    pub(super) now: Timestamp,
    pub(super) balancing: bool,
    /// Calls to make once the state is not locked; only one thread makes them at a time.
    pub(super) calls: VecDeque<Call>,
    pub(super) calling: bool,
}

/// One lane.
#[derive(Default)]
pub(super) struct Lane {
    pub(super) records: BTreeMap<u64, LogRecord>,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Readers and extents see the lane only below this offset.
    pub(super) shown_below: Option<u64>,
    pub(super) waiters: Vec<(u64, Wake)>,
}

/// One connection: its faults to come, and what it holds back.
#[derive(Default)]
pub(super) struct Client {
    pub(super) faults: BTreeMap<Place, VecDeque<Fault>>,
    pub(super) appends_held: bool,
    pub(super) held: VecDeque<(Place, NewRecord, Done)>,
    pub(super) reports_held: bool,
    pub(super) reports: VecDeque<Call>,
    /// Appends whose outcome was told as unknown and that have not landed yet.
    pub(super) late: VecDeque<(Place, NewRecord)>,
    pub(super) reads_fail: bool,
}

/// One member of a group.
pub(super) struct Member {
    pub(super) suggest: Suggest,
    pub(super) lanes: Vec<u32>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            topics: BTreeMap::new(),
            lanes: BTreeMap::new(),
            clients: vec![Client::default()],
            groups: BTreeMap::new(),
            positions: BTreeMap::new(),
            next_reader: 0,
            now: Timestamp(0),
            balancing: true,
            calls: VecDeque::new(),
            calling: false,
        }
    }

    pub(super) fn lane(&self, place: &Place) -> Result<&Lane, ReadError> {
        self.lanes
            .get(place)
            .ok_or_else(|| ReadError::Refused(format!("topic {} has no lane {}", place.0, place.1)))
    }

    pub(super) fn append(&mut self, client: usize, place: Place, record: NewRecord, done: Done) {
        match self.clients.get_mut(client) {
            Some(client) if client.appends_held => client.held.push_back((place, record, done)),
            _ => self.append_now(client, place, record, done),
        }
    }

    pub(super) fn append_now(
        &mut self,
        client: usize,
        place: Place,
        record: NewRecord,
        done: Done,
    ) {
        let bytes = record.bytes();
        let outcome = if !self.lanes.contains_key(&place) {
            refused(format!("topic {} has no lane {}", place.0, place.1))
        } else if bytes > RECORD_BYTES_MAX {
            refused(format!(
                "record of {bytes} bytes is too large: the limit is {RECORD_BYTES_MAX}"
            ))
        } else {
            let fault = self
                .clients
                .get_mut(client)
                .and_then(|client| client.faults.get_mut(&place)?.pop_front());
            self.with_fault(client, place, record, fault)
        };
        self.report(client, outcome, done);
    }

    fn with_fault(
        &mut self,
        client: usize,
        place: Place,
        record: NewRecord,
        fault: Option<Fault>,
    ) -> Result<Appended, AppendError> {
        let by_order = "by order of the test".to_owned();
        match fault {
            None => Ok(Appended {
                offset: self.write(&place, record),
            }),
            Some(Fault::OffsetReported(offset)) => {
                self.write(&place, record);
                Ok(Appended { offset })
            }
            Some(Fault::UnknownLanded) => {
                self.write(&place, record);
                Err(AppendError::Unknown(by_order))
            }
            Some(Fault::UnknownLost) => Err(AppendError::Unknown(by_order)),
            Some(Fault::UnknownLate) => {
                if let Some(client) = self.clients.get_mut(client) {
                    client.late.push_back((place, record));
                }
                Err(AppendError::Unknown(by_order))
            }
            Some(Fault::Doubled) => {
                let offset = self.write(&place, record.clone());
                self.write(&place, record);
                Ok(Appended { offset })
            }
            Some(Fault::NotSent) => Err(AppendError::NotSent(by_order)),
            Some(Fault::Refused) => Err(AppendError::Refused(by_order)),
            Some(Fault::NoRoom) => Err(AppendError::NoRoom(by_order)),
        }
    }

    /// Writes a record at the end of a lane and wakes its readers.
    pub(super) fn write(&mut self, place: &Place, record: NewRecord) -> Option<u64> {
        let now = self.now;
        let lane = self.lanes.get_mut(place)?;
        let offset = lane.end;
        let last = lane
            .records
            .last_key_value()
            .map(|(_, last)| last.appended_at);
        lane.records.insert(
            offset,
            LogRecord {
                offset,
                appended_at: last.map_or(now, |last| last.max(now)),
                key: record.key,
                value: record.value,
                headers: record.headers,
            },
        );
        lane.end = offset.saturating_add(1);
        self.wake(place);
        Some(offset)
    }

    /// Calls the readers of a lane.
    pub(super) fn wake(&mut self, place: &Place) {
        if let Some(lane) = self.lanes.get(place) {
            for (_, wake) in &lane.waiters {
                let wake = wake.clone();
                self.calls.push_back(Box::new(move || wake()));
            }
        }
    }

    fn report(&mut self, client: usize, outcome: Result<Appended, AppendError>, done: Done) {
        let call: Call = Box::new(move || done(outcome));
        match self.clients.get_mut(client) {
            Some(client) if client.reports_held => client.reports.push_back(call),
            _ => self.calls.push_back(call),
        }
    }

    /// Spreads a group's lanes over its members in turn, and tells those whose lanes changed.
    pub(super) fn balance(&mut self, group: &(String, Topic)) {
        let lanes = self.topics.get(&group.1).copied().unwrap_or(0);
        if !self.balancing {
            return;
        }
        let Some(members) = self.groups.get_mut(group) else {
            return;
        };
        let count = members.len().max(1);
        for (place, member) in members.values_mut().enumerate() {
            let new: Vec<u32> = (0..lanes)
                .filter(|lane| *lane as usize % count == place)
                .collect();
            if new != member.lanes {
                member.lanes.clone_from(&new);
                let suggest = member.suggest.clone();
                self.calls.push_back(Box::new(move || suggest(new)));
            }
        }
    }
}

impl Lane {
    /// One above the last offset readers can see.
    pub(super) fn shown(&self) -> u64 {
        self.shown_below
            .map_or(self.end, |below| below.min(self.end))
    }

    /// The end readers can see, if the position is inside what the lane has.
    pub(super) fn in_range(&self, wanted: u64) -> Result<u64, ReadError> {
        if wanted < self.start || wanted > self.end {
            return Err(ReadError::OutOfRange {
                wanted,
                start: self.start,
                end: self.end,
            });
        }
        Ok(self.shown().max(wanted))
    }
}
