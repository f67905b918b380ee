//! One instance of one service: the real lanes, on a simulated process.

use super::release::Release;
use super::{Directory, SERVICES};
use crate::depot::Depot;
use crate::disk::{Disk, SimCache};
use crate::faults::Step;
use crate::host::{Host, HostClock, HostEntropy};
use crate::log::SimLog;
use crate::shared::{MS, Micros, SECOND, Shared, What};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tenfold_intake::IntakeProcessor;
use tenfold_pooling::PoolingProcessor;
use tenfold_results::ResultsProcessor;
use tenfold_runtime::cache::{Applier, BasedCache};
use tenfold_runtime::heads::Heads;
use tenfold_runtime::heads::whole::Whole;
use tenfold_runtime::lane::context::{Background, Context, Event, Notice};
use tenfold_runtime::lane::early::{Early, Tables};
use tenfold_runtime::lane::{Lane, Status};
use tenfold_runtime::limits::Limits;
use tenfold_runtime::processor::Processor;
use tenfold_runtime::snapshot::store::MemoryStore;

/// A lane, whatever its service.
trait AnyLane {
    fn handle(&mut self, event: Event);
    fn turn(&mut self) -> bool;
    fn next_wake(&self) -> Option<Duration>;
    fn status(&self) -> Status;
}

impl<P: Processor> AnyLane for Lane<P> {
    fn handle(&mut self, event: Event) {
        Self::handle(self, event);
    }
    fn turn(&mut self) -> bool {
        Self::turn(self)
    }
    fn next_wake(&self) -> Option<Duration> {
        Self::next_wake(self)
    }
    fn status(&self) -> Status {
        Self::status(self)
    }
}

/// A lane's seat in its instance.
struct Seat {
    lane: Box<dyn AnyLane>,
    /// The turn that counts: an earlier one was found since.
    turn_at: Option<Micros>,
}

/// See the module.
pub struct Instance {
    /// Its process.
    pub host: Arc<Host>,
    /// The level of its release.
    pub level: u32,
    /// The clock jumped: the lanes it owns may not be trusted with timers.
    pub jumped: bool,
    applier: Arc<Applier>,
    /// Steps of the applier that are scheduled.
    steps: usize,
    seats: Vec<Seat>,
    shared: Arc<Shared>,
}

/// What an instance is made of.
pub struct Making<'a> {
    /// The run.
    pub shared: &'a Arc<Shared>,
    /// Its process.
    pub host: Arc<Host>,
    /// Its disk.
    pub disk: &'a Arc<Disk>,
    /// Where its snapshots go.
    pub depot: &'a Arc<Depot>,
    /// Its bounds.
    pub limits: Limits,
    /// Lanes of others are followed.
    pub standby: bool,
    /// Number of lanes of each topic.
    pub topics: &'a HashMap<String, u32>,
    /// Number of its lanes.
    pub lanes: u32,
    /// The level of its release.
    pub level: u32,
    /// Told who owns what.
    pub directory: Arc<Directory>,
}

/// What a snapshot gave moves into the cache in pieces of some rows, so that much happens between two of them.
const PIECE_BYTES: usize = 600;

impl Instance {
    /// Starts it.
    #[must_use]
    pub fn start(making: Making<'_>) -> Self {
        let Making {
            shared,
            host,
            disk,
            depot,
            limits,
            standby,
            topics,
            lanes,
            level,
            directory,
        } = making;
        let cache = BasedCache::over(Arc::new(SimCache {
            shared: Arc::clone(shared),
            host: Arc::clone(&host),
            disk: Arc::clone(disk),
        }))
        .in_pieces_of(PIECE_BYTES);
        let tables = match host.service {
            0 => tables(IntakeProcessor::new(), level),
            1 => tables(PoolingProcessor::new(), level),
            _ => tables(ResultsProcessor::new(), level),
        };
        // Some processes read their caches before they do anything else.
        let early = match shared.draw(0..2) {
            0 => Early::default(),
            _ => Early::read(&cache, &tables, lanes),
        };
        let applier = Arc::new(Applier::stepped(cache.clone()));
        let (snapshots, background) = (depot.of(shared, &host), background(shared, &host));
        let log = Arc::new(SimLog {
            shared: Arc::clone(shared),
            host: Arc::clone(&host),
        });
        let heads = Heads::new(
            log,
            Arc::clone(&snapshots.store),
            Arc::new(MemoryStore::default()),
            depot.heads,
            at_once_in_the_background(shared, &background),
        );
        let context = Arc::new(Context {
            service: SERVICES[host.service],
            instance: format!("{}-{}", SERVICES[host.service], host.instance),
            address: format!("http://{}:{}", host.service, host.instance),
            log: Arc::new(Whole(Arc::clone(&heads))),
            cache,
            early,
            applier: Arc::clone(&applier),
            snapshots: Some(snapshots),
            heads: Some(heads),
            clock: Arc::new(HostClock {
                shared: Arc::clone(shared),
                host: Arc::clone(&host),
            }),
            entropy: Arc::new(HostEntropy(Arc::clone(shared))),
            hurried: Arc::default(),
            limits,
            standby,
            lanes: topics.clone(),
            mailbox: mailbox(shared, &host),
            notify: notify(shared, &host, directory),
            background,
        });
        let lane = |number| match host.service {
            0 => seat(number, &context, IntakeProcessor::new(), level),
            1 => seat(number, &context, PoolingProcessor::new(), level),
            _ => seat(number, &context, ResultsProcessor::new(), level),
        };
        Self {
            seats: (0..lanes).map(lane).collect(),
            host,
            level,
            jumped: false,
            applier,
            steps: 0,
            shared: Arc::clone(shared),
        }
    }

    /// A lane hears something, and will have a turn.
    pub fn deliver(&mut self, lane: u32, event: Event) {
        let step = step_of(&event);
        if let Some(step) = step
            && self.shared.point(&self.host, step, false)
        {
            return;
        }
        let Some(seat) = self.seats.get_mut(lane as usize) else {
            return;
        };
        seat.lane.handle(event);
        if let Some(step) = step {
            self.shared.point(&self.host, step, true);
        }
        let soon = self.shared.draw(10..MS);
        self.turn_by(lane, self.shared.now() + soon);
        self.apply_soon();
    }

    /// A lane's turn.
    pub fn turn(&mut self, lane: u32) {
        let now = self.shared.now();
        let slack = if self.shared.faults().is_healed() {
            20 * SECOND
        } else {
            4 * SECOND
        };
        let Some(seat) = self.seats.get_mut(lane as usize) else {
            return;
        };
        if seat.turn_at != Some(now) || self.shared.point(&self.host, Step::Turn, false) {
            return;
        }
        seat.turn_at = None;
        let more = seat.lane.turn();
        if self.host.is_dead() || self.shared.point(&self.host, Step::Turn, true) {
            return;
        }
        let wake = seat.lane.next_wake();
        if more {
            let soon = self.shared.draw(10..2 * MS);
            self.turn_by(lane, now + soon);
        } else if let Some(wake) = wake {
            let born = Duration::from_micros(100 * SECOND);
            let at = u64::try_from(wake.saturating_sub(born).as_micros()).unwrap_or(u64::MAX);
            // A thread may be late; that keeps idle lanes cheap, too.
            let late = self.shared.draw(0..slack);
            self.turn_by(lane, (self.host.born + at).max(now + MS) + late);
        }
        self.apply_soon();
    }

    fn turn_by(&mut self, lane: u32, at: Micros) {
        let Some(seat) = self.seats.get_mut(lane as usize) else {
            return;
        };
        if seat.turn_at.is_none_or(|known| at < known) {
            seat.turn_at = Some(at);
            self.shared.at(at, What::Turn(Arc::clone(&self.host), lane));
        }
    }

    /// The turn of a lane that slept while its process stood still.
    pub fn turn_late(&mut self, lane: u32) {
        if let Some(seat) = self.seats.get_mut(lane as usize) {
            seat.turn_at = None;
        }
        let now = self.shared.now();
        self.turn_by(lane, now.max(self.host.stalled_until()));
    }

    /// Sees to it that what waits for the cache's writer is done.
    pub fn apply_soon(&mut self) {
        while self.steps < self.applier.waiting() {
            self.steps += 1;
            let soon = self.shared.delay(50, 5 * MS, 2 * SECOND);
            self.shared.after(soon, What::Apply(Arc::clone(&self.host)));
        }
    }

    /// The cache's writer does a job.
    pub fn apply(&mut self) {
        self.steps = self.steps.saturating_sub(1);
        self.applier.step();
        self.apply_soon();
    }

    /// What its lanes look like.
    pub fn statuses(&self) -> impl Iterator<Item = Status> + '_ {
        self.seats.iter().map(|seat| seat.lane.status())
    }

    /// Jobs that wait for the cache's writer.
    #[must_use]
    pub fn unapplied(&self) -> usize {
        self.applier.waiting()
    }
}

fn tables<P: Processor>(rules: P, level: u32) -> Tables {
    Tables::of(&Release { rules, level })
}

fn seat<P: Processor>(number: u32, context: &Arc<Context>, rules: P, level: u32) -> Seat {
    let processor = Arc::new(Release { rules, level });
    Seat {
        lane: Box::new(Lane::new(number, Arc::clone(context), processor)),
        turn_at: None,
    }
}

fn step_of(event: &Event) -> Option<Step> {
    Some(match event {
        Event::Wanted(_) => Step::Wanted,
        Event::Call(_) => Step::CallTaken,
        Event::Loaded { .. } | Event::Looked { .. } => Step::Loaded,
        Event::Appended { seq: 0, .. } => Step::OpenedAcknowledged,
        Event::Appended { .. } => Step::DecisionsAcknowledged,
        Event::Relayed { .. } => Step::RelayAcknowledged,
        Event::Applied { .. } => Step::CacheAcknowledged,
        Event::Snapshot { .. } => Step::SnapshotHeard,
        Event::Wake => return None,
    })
}

fn mailbox(shared: &Arc<Shared>, host: &Arc<Host>) -> tenfold_runtime::lane::context::Mailbox {
    let (shared, host) = (Arc::clone(shared), Arc::clone(host));
    Arc::new(move |lane, event| {
        if !host.is_dead() {
            let at = host.in_order(shared.now() + shared.draw(1..200));
            shared.at(at, What::Deliver(Arc::clone(&host), lane, event));
        }
    })
}

fn notify(
    shared: &Arc<Shared>,
    host: &Arc<Host>,
    directory: Arc<Directory>,
) -> tenfold_runtime::lane::context::Notify {
    let (shared, host) = (Arc::clone(shared), Arc::clone(host));
    Arc::new(move |lane, notice| {
        let step = match notice {
            Notice::Owned { .. } => Step::OpenedRead,
            Notice::Lost { .. } | Notice::Stopped { .. } => Step::LaneLost,
        };
        if shared.point(&host, step, false) {
            return;
        }
        shared.say(|| format!("{host} lane {lane}: {notice:?}"));
        match notice {
            Notice::Owned { .. } => directory.owned(host.service, lane, host.instance),
            Notice::Lost { .. } => {}
            Notice::Stopped { reason } => directory.stopped(&host, lane, reason),
        }
        shared.point(&host, step, true);
    })
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.applier.lose();
    }
}

/// Work that is asked for in the background is done there and then: what asked waits for it, and nothing here may wait.
fn at_once_in_the_background(shared: &Arc<Shared>, background: &Background) -> Background {
    let (shared, background) = (Arc::clone(shared), Arc::clone(background));
    Arc::new(move |work| {
        if shared.in_background() {
            work();
        } else {
            background(work);
        }
    })
}

fn background(shared: &Arc<Shared>, host: &Arc<Host>) -> Background {
    let (shared, host) = (Arc::clone(shared), Arc::clone(host));
    Arc::new(move |work| {
        let soon = shared.delay(100, 20 * MS, 3 * SECOND);
        shared.after(soon, What::Background(Arc::clone(&host), work));
    })
}
