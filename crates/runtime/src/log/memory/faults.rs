//! How the log in memory can be made to misbehave, and looked into.

use super::MemoryLog;
use super::state::{Lane, Place};
use crate::log::{LogRecord, NewRecord, Topic};
use tenfold_domain::Timestamp;

/// What goes wrong with one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is in the log; the caller is told that this is unknown.
    UnknownLanded,
    /// It never will be in the log; the caller is told that this is unknown.
    UnknownLost,
    /// The caller is told that it is unknown; it gets into the log at [`MemoryLog::land_late`].
    UnknownLate,
    /// It is in the log, and success is reported with this offset instead of the true one.
    OffsetReported(Option<u64>),
    /// It is in the log twice; success is reported with the first offset.
    Doubled,
    /// It was not sent.
    NotSent,
    /// The log refuses it for good.
    Refused,
    /// The log is full.
    NoRoom,
}

/// Faults of this connection.
impl MemoryLog {
    /// The next appends of this connection to a lane end so, one fault each.
    pub fn fail_next(&self, topic: &Topic, lane: u32, faults: impl IntoIterator<Item = Fault>) {
        let client = self.client;
        self.step(|state| {
            if let Some(client) = state.clients.get_mut(client) {
                let queue = client.faults.entry((topic.clone(), lane)).or_default();
                queue.extend(faults);
            }
        });
    }

    /// Appends of this connection wait, as in a process that was stopped or cut off.
    pub fn hold_appends(&self) {
        let client = self.client;
        self.step(|state| {
            if let Some(client) = state.clients.get_mut(client) {
                client.appends_held = true;
            }
        });
    }

    /// Held appends are carried out in order, and new ones at once; returns how many were held.
    pub fn release_appends(&self) -> usize {
        let client = self.client;
        self.step(|state| {
            let Some(held) = state.clients.get_mut(client).map(|client| {
                client.appends_held = false;
                std::mem::take(&mut client.held)
            }) else {
                return 0;
            };
            let count = held.len();
            for (place, record, done) in held {
                state.append_now(client, place, record, done);
            }
            count
        })
    }

    /// How many appends are held.
    #[must_use]
    pub fn appends_held(&self) -> usize {
        let state = self.lock();
        state
            .clients
            .get(self.client)
            .map_or(0, |client| client.held.len())
    }

    /// Appends are carried out, but their ends are not told.
    pub fn hold_reports(&self) {
        let client = self.client;
        self.step(|state| {
            if let Some(client) = state.clients.get_mut(client) {
                client.reports_held = true;
            }
        });
    }

    /// Held ends are told in order, and new ones at once.
    pub fn release_reports(&self) {
        let client = self.client;
        self.step(|state| {
            if let Some(client) = state.clients.get_mut(client) {
                client.reports_held = false;
                let reports = std::mem::take(&mut client.reports);
                state.calls.extend(reports);
            }
        });
    }

    /// Appends that ended as [`Fault::UnknownLate`] get into the log now; returns how many.
    pub fn land_late(&self) -> usize {
        let client = self.client;
        self.step(|state| {
            let Some(client) = state.clients.get_mut(client) else {
                return 0;
            };
            let late = std::mem::take(&mut client.late);
            let count = late.len();
            for (place, record) in late {
                state.write(&place, record);
            }
            count
        })
    }

    /// Polls of this connection's readers fail from now on, or no longer.
    pub fn fail_reads(&self, fail: bool) {
        let client = self.client;
        self.step(|state| {
            if let Some(client) = state.clients.get_mut(client) {
                client.reads_fail = fail;
            }
        });
    }
}

/// Damage to the log itself, and looks into it.
impl MemoryLog {
    /// Sets the log's clock, from which records get their time.
    pub fn set_now(&self, now: Timestamp) {
        self.step(|state| state.now = now);
    }

    /// Writes a record that nobody sent; returns its offset, `None` if there is no such lane.
    pub fn stray(&self, topic: &Topic, lane: u32, record: NewRecord) -> Option<u64> {
        self.step(|state| state.write(&(topic.clone(), lane), record))
    }

    /// Leaves some offsets out.
    pub fn skip_offsets(&self, topic: &Topic, lane: u32, count: u64) {
        self.change(topic, lane, |lane| {
            lane.end = lane.end.saturating_add(count)
        });
    }

    /// Readers and extents see a lane only below an offset, or whole again; readers are woken.
    pub fn show_below(&self, topic: &Topic, lane: u32, below: Option<u64>) {
        self.change(topic, lane, |lane| lane.shown_below = below);
    }

    /// Takes records below `start` and from `end` on out of a lane: what was trimmed, and what a
    /// log lost.
    pub fn truncate(&self, topic: &Topic, lane: u32, start: u64, end: u64) {
        self.change(topic, lane, |lane| {
            lane.records
                .retain(|offset, _| (start..end).contains(offset));
            lane.end = lane.end.min(end);
            lane.start = start.min(lane.end);
        });
    }

    /// Empties every lane of a topic, as if it had been deleted and made again.
    pub fn recreate(&self, topic: &Topic) {
        let lanes = self.lock().topics.get(topic).copied().unwrap_or(0);
        for lane in 0..lanes {
            self.change(topic, lane, |lane| {
                lane.records.clear();
                lane.start = 0;
                lane.end = 0;
            });
        }
    }

    /// Changes the content of a record.
    pub fn damage(&self, topic: &Topic, lane: u32, offset: u64, change: impl FnOnce(&mut Vec<u8>)) {
        self.change(topic, lane, |lane| {
            if let Some(record) = lane.records.get_mut(&offset) {
                let mut value = record.value.to_vec();
                change(&mut value);
                record.value = value.into();
            }
        });
    }

    /// Every record of a lane, hidden ones too.
    #[must_use]
    pub fn records(&self, topic: &Topic, lane: u32) -> Vec<LogRecord> {
        let state = self.lock();
        state
            .lanes
            .get(&(topic.clone(), lane))
            .map(|lane| lane.records.values().cloned().collect())
            .unwrap_or_default()
    }

    /// Stops spreading lanes over the members of groups: only [`MemoryLog::suggest`] does.
    pub fn stop_balancing(&self) {
        self.step(|state| state.balancing = false);
    }

    /// Suggests lanes to a member of a group.
    pub fn suggest(&self, group: &str, topic: &Topic, instance: &str, lanes: &[u32]) {
        let group = (group.to_owned(), topic.clone());
        self.step(|state| {
            let member = state
                .groups
                .get_mut(&group)
                .and_then(|members| members.get_mut(instance));
            if let Some(member) = member {
                member.lanes = lanes.to_vec();
                let (suggest, lanes) = (member.suggest.clone(), lanes.to_vec());
                state.calls.push_back(Box::new(move || suggest(lanes)));
            }
        });
    }

    fn change(&self, topic: &Topic, lane: u32, change: impl FnOnce(&mut Lane)) {
        let place: Place = (topic.clone(), lane);
        self.step(|state| {
            if let Some(lane) = state.lanes.get_mut(&place) {
                change(lane);
                state.wake(&place);
            }
        });
    }
}
