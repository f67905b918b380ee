//! One instance of a service: its lanes on their threads, its place in the group, its way in.

mod board;
mod caches;
mod directory;
mod forward;
mod local;
mod seat;
mod threads;
mod turns;
#[cfg(test)]
mod turns_tests;

pub use crate::lane::early::Tables;
pub use caches::Caches;
pub use directory::Directory;
pub use directory::OWNERS;
pub use forward::{Forwarded, lanes_server};
pub use local::Local;

use crate::cache::{Applier, BasedCache, Cache};
use crate::clock::{Clock, SystemClock};
use crate::entropy::SystemEntropy;
use crate::gateway::Gateway;
use crate::heads::Heads;
use crate::lane::context::{Context, Event, Mailbox, Notice, Notify};
use crate::lane::{Lane, Status};
use crate::limits::Limits;
use crate::log::{Log, Membership, Topic};
use crate::processor::Processor;
use crate::snapshot::Snapshots;
use seat::{SeatedLane, Statuses};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use threads::{Crew, SLEEP_MAX, Threads};
use turns::{Broken, Turns};

/// Topics that lanes send to, beside the inboxes.
pub const PUBLIC_TOPICS: [&str; 2] = ["reports", "dead-letters"];
/// Services of the system, each with an inbox and a journal.
pub const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

/// How an instance runs.
pub struct InstanceConfig {
    /// Name of the instance; stays the same when the process starts again, and differs between
    /// processes.
    pub instance: String,
    /// Where it answers calls of other instances, such as `http://127.0.0.1:7401`.
    pub address: String,
    /// Threads that run lanes.
    pub workers: usize,
    /// How far these stand back (`nice`) where threads want more cores than there are: 0 = not at all, 19 at most.
    pub niceness: u8,
    /// The caches of this service.
    pub caches: Caches,
    /// Where snapshots go; `None` = there are none.
    pub snapshots: Option<Snapshots>,
    /// Where heads of journals and inboxes go, with snapshots; the log then is [`crate::heads::whole::Whole`] over it.
    /// `None` = the log keeps them.
    pub heads: Option<Arc<Heads>>,
    /// Lanes that others own are followed, so that taking one needs no reading of its cache.
    pub standby: bool,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// The bounds.
    pub limits: Limits,
    /// How long a call waits for its answer.
    pub call_timeout: Duration,
}

impl InstanceConfig {
    /// A configuration with the machine's clocks and the default bounds.
    pub fn new(instance: &str, address: &str, cache: Arc<dyn Cache>) -> Self {
        Self::on(instance, address, Caches::over(cache))
    }

    /// The same with caches that may have been read.
    pub fn on(instance: &str, address: &str, caches: Caches) -> Self {
        Self {
            instance: instance.to_owned(),
            address: address.to_owned(),
            workers: 1,
            niceness: 0,
            caches,
            snapshots: None,
            heads: None,
            standby: false,
            clock: Arc::new(SystemClock::default()),
            limits: Limits::default(),
            call_timeout: Duration::from_secs(10),
        }
    }
}

/// Why an instance does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log does not answer, or lacks topics.
    #[error("the log cannot be used: {0}. `tenfold topics create` creates what is missing")]
    Log(#[from] crate::log::ReadError),
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// See the module. Dropping it ends it at once, as a crash would; [`Instance::shutdown`] leaves in order.
pub struct Instance {
    service: &'static str,
    lanes: u32,
    threads: Box<dyn Ending>,
    statuses: Statuses,
    local: Arc<Local>,
    membership: Option<Box<dyn Membership>>,
    cache: BasedCache,
    standby: bool,
    call_timeout: Duration,
}

impl Instance {
    /// Starts a service's lanes on a log. Blocks while it asks the log for its topics.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start<P: Processor>(
        log: Arc<dyn Log>,
        processor: P,
        directory: &Arc<Directory>,
        config: InstanceConfig,
    ) -> Result<Self, StartError> {
        let service = processor.service();
        let post_budget = config.limits.post_budget;
        let mut topics = HashMap::new();
        for name in SERVICES
            .map(|s| format!("{s}.inbox"))
            .iter()
            .map(String::as_str)
            .chain(PUBLIC_TOPICS)
        {
            // A service alone in a test needs no others.
            match log.lanes(&Topic::named(name)) {
                Ok(lanes) => {
                    topics.insert(name.to_owned(), lanes);
                }
                Err(error) => tracing::debug!(%error, topic = name, "topic is not there"),
            }
        }
        let lanes = log.lanes(&Topic::journal(service))?;
        let statuses = Statuses::default();
        let notify = notify(
            service,
            &config.instance,
            &config.address,
            Arc::clone(directory),
        );
        let hurried = Arc::default();
        let turns = Turns::new(
            lanes,
            Arc::clone(&config.clock),
            Arc::clone(&hurried),
            broken(service, Arc::clone(&statuses), Arc::clone(&notify)),
        );
        let mailbox: Mailbox = {
            let turns = Arc::clone(&turns);
            Arc::new(move |lane, event| turns.send(lane, event))
        };
        let Caches { cache, early } = config.caches;
        let context = Arc::new(Context {
            service,
            instance: config.instance.clone(),
            address: config.address.clone(),
            log: Arc::clone(&log),
            applier: Arc::new(Applier::spawn(service, cache.clone())?),
            cache: cache.clone(),
            early,
            snapshots: config.snapshots.clone(),
            heads: config.heads.clone(),
            clock: Arc::clone(&config.clock),
            entropy: Arc::new(SystemEntropy),
            hurried,
            limits: config.limits,
            standby: config.standby,
            lanes: topics.clone(),
            mailbox: Arc::clone(&mailbox),
            notify,
            background: Arc::new(|work| {
                if let Err(error) = std::thread::Builder::new()
                    .name("lane-background".to_owned())
                    .spawn(work)
                {
                    tracing::error!(%error, "no thread for background work");
                }
            }),
        });
        let processor = Arc::new(processor);
        for number in 0..lanes {
            let lane = Lane::new(number, Arc::clone(&context), Arc::clone(&processor));
            turns.sit(number, SeatedLane::new(lane, Arc::clone(&statuses)));
        }
        let workers = config.workers.clamp(1, lanes.max(1) as usize);
        let crew = Crew {
            name: service,
            count: workers,
            niceness: config.niceness,
        };
        let threads = Threads::start(turns, crew, SLEEP_MAX)?;
        let suggested = {
            let mailbox = Arc::clone(&mailbox);
            Arc::new(move |own: Vec<u32>| {
                for lane in 0..lanes {
                    mailbox(lane, Event::Wanted(own.contains(&lane)));
                }
            })
        };
        let membership = log.join(
            &format!("tenfold.{service}"),
            &config.instance,
            &Topic::inbox(service),
            suggested,
        )?;
        let local = Arc::new(Local::new(
            service,
            lanes,
            topics,
            mailbox,
            log,
            Arc::clone(directory),
            config.address,
            config.clock,
            post_budget,
        ));
        Ok(Self {
            service,
            lanes,
            threads: Box::new(threads),
            statuses,
            local,
            membership: Some(membership),
            cache,
            standby: config.standby,
            call_timeout: config.call_timeout,
        })
    }

    /// The service's name.
    pub const fn service(&self) -> &'static str {
        self.service
    }

    /// Number of lanes of the service.
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// The way in: takes calls for all lanes, and forwards those of lanes owned elsewhere.
    pub fn gateway(&self) -> Gateway {
        let lanes: Arc<dyn crate::gateway::Lanes> = Arc::clone(&self.local) as _;
        Gateway::new(lanes, self.call_timeout)
    }

    /// What other instances call for lanes owned here; see [`lanes_server`].
    pub fn calls(&self) -> Arc<Local> {
        Arc::clone(&self.local)
    }

    /// What each lane looks like.
    pub fn status(&self) -> BTreeMap<u32, Status> {
        self.statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lanes owned now.
    pub fn owned(&self) -> Vec<u32> {
        let owned = |s: &Status| (s.phase == "owned").then_some(s.lane);
        self.status().values().filter_map(owned).collect()
    }

    /// Waits until lanes are owned. True if they are within the time.
    pub fn wait_owned(&self, how_many: usize, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        while self.owned().len() < how_many {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Leaves in order: commits what is in flight, gives the lanes up, leaves the group. Blocks for
    /// `deadline` at most.
    pub fn shutdown(mut self, deadline: Duration) {
        let until = Instant::now() + deadline;
        for lane in 0..self.lanes {
            self.local.tell(lane, Event::Wanted(false));
        }
        // Where lanes are kept warm they never rest: one that was let go is followed.
        let resting = |lane: &Status| match lane.phase {
            "idle" | "stopped" => true,
            "owned" | "opening" => false,
            _ => self.standby,
        };
        while Instant::now() < until && !self.status().values().all(resting) {
            std::thread::sleep(Duration::from_millis(2));
        }
        if let Some(membership) = self.membership.take() {
            membership.leave();
        }
        self.threads.end();
        if let Err(error) = self.cache.flush() {
            tracing::warn!(%error, "the cache was not flushed: it is rebuilt at the next start");
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.threads.end();
    }
}

/// Threads of lanes of any service.
trait Ending: Send + Sync {
    fn end(&mut self);
}

impl<P: Processor> Ending for Threads<SeatedLane<P>> {
    fn end(&mut self) {
        Self::end(self);
    }
}

/// A lane whose turn panicked serves nobody until the instance starts again: its owner here is gone.
fn broken(service: &'static str, statuses: Statuses, notify: Notify) -> Broken {
    Arc::new(move |lane, panic| {
        let reason = format!(
            "a defect ended the lane's work: {panic}. Report it, with what the log says; starting the instance \
             again takes the lane up where its journal ends"
        );
        tracing::error!(service, lane, reason, "the lane is stopped");
        metrics::counter!(crate::metrics::LANES_STOPPED, "service" => service).increment(1);
        seat::broken(&statuses, lane, &reason);
        notify(lane, Notice::Stopped { reason });
    })
}

fn notify(
    service: &'static str,
    instance: &str,
    address: &str,
    directory: Arc<Directory>,
) -> Notify {
    let (instance, address) = (instance.to_owned(), address.to_owned());
    let owned = Mutex::new(0_i64);
    Arc::new(move |lane, notice| {
        let mut owned = owned.lock().unwrap_or_else(PoisonError::into_inner);
        match notice {
            Notice::Owned { epoch } => {
                *owned += 1;
                directory.owned(service, lane, epoch, &address, &instance);
            }
            Notice::Lost { .. } | Notice::Stopped { .. } => {
                if directory.lost(service, lane, &address) {
                    *owned -= 1;
                }
            }
        }
        metrics::gauge!(crate::metrics::LANES_OWNED, "service" => service).set(*owned as f64);
    })
}
