//! What a lane is given: its log, cache, clocks and bounds, and a way to hear what it waits for.

use super::calls::Call;
use super::early::Early;
use super::load::{Ends, LoadError, Loaded};
use super::outbox::Ticket;
use super::state::Batch;
use crate::cache::{Applier, BasedCache};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::heads::Heads;
use crate::limits::Limits;
use crate::log::{AppendError, Appended, Log, Topic};
use crate::snapshot::Snapshots;
use crate::snapshot::write::{NotWritten, Written};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Something a lane must hear.
pub enum Event {
    /// The group suggests that this instance own the lane, or no longer.
    Wanted(bool),
    /// A call.
    Call(Call),
    /// A reader has something new, or time has passed.
    Wake,
    /// The cache was read.
    Loaded {
        /// Of this attempt.
        attempt: u64,
        /// What was found.
        result: Result<Box<Loaded>, LoadError>,
    },
    /// The log was looked at once more, for a lane that is followed.
    Looked {
        /// Of this attempt.
        attempt: u64,
        /// What was found.
        result: Result<Box<Ends>, LoadError>,
    },
    /// An append to the journal ended.
    Appended {
        /// Of this attempt.
        attempt: u64,
        /// Its seq; 0 for the record that takes the lane.
        seq: u64,
        /// How.
        result: Result<Appended, AppendError>,
        /// When the log said so (monotonic): the lane may hear of it later.
        acked_at: Duration,
    },
    /// An append of a message ended.
    Relayed {
        /// Of this attempt.
        attempt: u64,
        /// Which.
        ticket: Ticket,
        /// That it arrived, and where.
        arrived: Option<Appended>,
    },
    /// The cache has a batch, or cannot be written.
    Applied {
        /// Of this load of the state.
        load: u64,
        /// Which.
        batch: Batch,
        /// How it ended.
        result: io::Result<()>,
    },
    /// Something about the lane's snapshots.
    Snapshot {
        /// Of this load of the state.
        load: u64,
        /// What.
        news: SnapshotNews,
    },
}

/// What a lane hears of its snapshots.
#[derive(Debug)]
pub enum SnapshotNews {
    /// The newest there is, if the store has one and says so.
    Newest(Option<Written>),
    /// One that was being written.
    Ended(Result<Written, NotWritten>),
}

/// Delivers an event to a lane; must not block.
pub type Mailbox = Arc<dyn Fn(u32, Event) + Send + Sync>;

/// What others may want to know of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// This instance owns the lane now.
    Owned {
        /// Under this epoch.
        epoch: u64,
    },
    /// It does not any more.
    Lost {
        /// Why, for people.
        reason: String,
    },
    /// The lane stopped and needs a person.
    Stopped {
        /// Why, and what to do.
        reason: String,
    },
}

/// Told of a lane's notices; must not block.
pub type Notify = Arc<dyn Fn(u32, Notice) + Send + Sync>;

/// Runs long work (reading a cache) away from the lane's thread.
pub type Background = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// See the module.
pub struct Context {
    /// The service's name.
    pub service: &'static str,
    /// Name of this instance.
    pub instance: String,
    /// Where it answers calls of other instances.
    pub address: String,
    /// The log.
    pub log: Arc<dyn Log>,
    /// The caches of this service.
    pub cache: BasedCache,
    /// What was read of them before the log was open.
    pub early: Early,
    /// Writes to them.
    pub applier: Arc<Applier>,
    /// Where snapshots go; `None` = there are none.
    pub snapshots: Option<Snapshots>,
    /// Where the heads of journals and inboxes go; `None` = the log keeps them.
    pub heads: Option<Arc<Heads>>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Names of owners, and the spread of pauses.
    pub entropy: Arc<dyn Entropy>,
    /// So many lanes of this instance wait for their turn for whom somebody waits.
    pub hurried: Arc<AtomicU32>,
    /// The bounds.
    pub limits: Limits,
    /// Lanes that others own are followed, so that taking one needs no reading of its cache.
    pub standby: bool,
    /// Number of lanes by topic without prefix, of every topic that messages go to.
    pub lanes: HashMap<String, u32>,
    /// To the lanes.
    pub mailbox: Mailbox,
    /// To the instance.
    pub notify: Notify,
    /// For long work.
    pub background: Background,
}

impl Context {
    /// The journal's topic.
    pub fn journal(&self) -> Topic {
        Topic::journal(self.service)
    }

    /// The inbox's topic.
    pub fn inbox(&self) -> Topic {
        Topic::inbox(self.service)
    }

    /// Somebody waits for another lane, which waits for its turn.
    pub fn others_hurry(&self) -> bool {
        self.hurried.load(Ordering::Relaxed) > 0
    }

    /// Wakes a lane.
    pub fn wake(&self, lane: u32) -> crate::log::Wake {
        let mailbox = Arc::clone(&self.mailbox);
        Arc::new(move || mailbox(lane, Event::Wake))
    }
}
