//! One run: a seed, a short day under faults, healing, draining, judgement.

mod check;

use crate::cluster::{Cluster, Size};
use crate::faults::{Counts, Fault};
use crate::host::Host;
use crate::ledger::Ledger;
use crate::log;
use crate::oracle::fold::{Follower, Followers};
use crate::shared::{Micros, SECOND, Shared, What};
use crate::task::{Doors, Outside, Tasks};
use crate::world::plan::Plan;
use crate::world::{self, Person, World, receiver, trouble};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

/// More events than any healthy run needs: a loop without end.
const EVENTS_MAX: u64 = 6_000_000;

/// Problems told of one run: the first ones say enough.
const PROBLEMS_MAX: usize = 12;

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// Kinds of faults that are switched off.
    pub without: BTreeSet<Fault>,
    /// Most tubes; the seed's own number if none is given.
    pub tubes: Option<usize>,
    /// Seconds of the day under faults; the seed's own if none are given.
    pub day: Option<u64>,
    /// Print every step.
    pub told: bool,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What must not be; empty = all is well.
    pub problems: Vec<String>,
    /// What went wrong on purpose.
    pub counts: Counts,
    /// Hash of everything that happened.
    pub hash: u64,
    /// Events.
    pub events: u64,
    /// Simulated time.
    pub time: Micros,
    /// Tubes, reports, answered requests.
    pub tubes: usize,
    /// Reports told.
    pub reports: usize,
    /// Requests answered.
    pub requests: usize,
    /// Valid records of all journals.
    pub records: u64,
    /// Samples that were filed by intake, pooling and results.
    pub filed: [u64; 3],
    /// Cards of them that were dropped by intake, and by results.
    pub dropped: [u64; 2],
    /// Records that were trimmed from the log, and are read from the store.
    pub trimmed: u64,
}

/// Runs a seed.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    let shared = Shared::new(options.seed, &options.without, options.told);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut run = Run::new(options, &shared)?;
        run.play();
        Ok::<_, anyhow::Error>(run.outcome())
    }));
    let ended = matches!(caught, Ok(Ok(_)));
    let mut outcome = match caught {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => {
            shared.problem(format!("the run could not begin: {error}"));
            Outcome::default()
        }
        Err(panic) => {
            let words = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
                .unwrap_or_default();
            shared.problem(format!("panicked: {words}"));
            Outcome::default()
        }
    };
    shared.end();
    // Ten thousand runs of a process would fill its memory.
    if ended && Arc::strong_count(&shared) > 1 {
        shared.problem("the run is over, and something of it stays in memory".to_owned());
    }
    outcome.seed = options.seed;
    outcome.problems = shared.problems();
    outcome.problems.dedup();
    outcome.problems.truncate(PROBLEMS_MAX);
    outcome.counts = shared.faults().counts.clone();
    outcome.hash = shared.trace.hash();
    outcome
}

struct Run {
    shared: Arc<Shared>,
    cluster: Cluster,
    tasks: Tasks,
    doors: Doors,
    world: Rc<RefCell<World>>,
    ledger: Rc<RefCell<Ledger>>,
    followers: Followers,
    day: Micros,
    events: u64,
    kinds: BTreeMap<&'static str, u64>,
    done: bool,
}

impl Run {
    fn new(options: &Options, shared: &Arc<Shared>) -> anyhow::Result<Self> {
        let mut chance = StdRng::seed_from_u64(options.seed);
        let size = Size {
            lanes: [
                chance.random_range(1..4),
                chance.random_range(1..3),
                chance.random_range(1..3),
            ],
            instances: std::array::from_fn(|_| chance.random_range(2..=4)),
        };
        let labs = chance.random_range(1..4);
        let tubes = chance.random_range(6..40);
        let day = chance.random_range(240..900);
        let day = options.day.unwrap_or(day) * SECOND;
        let tubes = options.tubes.unwrap_or(usize::MAX).min(tubes);
        let plan = Plan::new(&mut chance, labs, tubes, day);
        let cluster = Cluster::new(shared, size, &mut chance)?;
        let doors = Doors::default();
        let ledger = Rc::new(RefCell::new(Ledger::default()));
        let outside = Outside {
            shared: Arc::clone(shared),
            directory: Arc::clone(&cluster.directory),
            doors: doors.clone(),
            lanes: size.lanes,
            ledger: Rc::clone(&ledger),
        };
        let mut tasks = Tasks::new(outside, options.seed);
        let world = Rc::new(RefCell::new(World {
            plan,
            desks: Default::default(),
            over: false,
            healed: false,
            policy: 0,
        }));
        world::open(&mut tasks, &world, size.lanes);
        let troubled = Rc::clone(&world);
        tasks.start("trouble", 0, move |hand| {
            trouble::work(Person::new(hand, "", &troubled))
        });
        let again = Rc::clone(&world);
        tasks.start("again", SECOND, move |hand| {
            receiver::recollect(Person::new(hand, "", &again))
        });
        shared.after(5 * SECOND, What::Chaos);
        shared.after(20 * SECOND, What::Check);
        let mut run = Self {
            shared: Arc::clone(shared),
            cluster,
            tasks,
            doors,
            world,
            ledger,
            followers: Followers::new(size.lanes)?,
            day,
            events: 0,
            kinds: BTreeMap::new(),
            done: false,
        };
        run.see_doors();
        Ok(run)
    }

    fn play(&mut self) {
        while !self.done {
            let Some(what) = self.shared.next() else {
                self.shared.problem("nothing happens any more");
                return;
            };
            self.events += 1;
            *self.kinds.entry(what.name()).or_default() += 1;
            self.happen(what);
            if self.events > EVENTS_MAX {
                self.stuck("too many events");
                return;
            }
            if !self.shared.problems().is_empty() {
                // The first problem is the one to look at.
                return;
            }
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Deliver(host, lane, event) => {
                if host.stalled_until() > self.shared.now() && !host.is_dead() {
                    // All at once when it wakes, in the order they came.
                    let at = host.stalled_until();
                    self.shared.at(at, What::Deliver(host, lane, event));
                    return;
                }
                self.in_host(&host, |instance| instance.deliver(lane, event));
            }
            What::Turn(host, lane) => {
                let stalled = host.stalled_until() > self.shared.now();
                self.in_host(&host, |instance| {
                    if stalled {
                        instance.turn_late(lane);
                    } else {
                        instance.turn(lane);
                    }
                });
            }
            What::Apply(host) => {
                if host.stalled_until() > self.shared.now() && !host.is_dead() {
                    self.shared.at(host.stalled_until(), What::Apply(host));
                    return;
                }
                self.in_host(&host, crate::cluster::instance::Instance::apply);
            }
            What::Background(host, work) => {
                if host.stalled_until() > self.shared.now() && !host.is_dead() {
                    self.shared
                        .at(host.stalled_until(), What::Background(host, work));
                } else if !host.is_dead() {
                    self.shared.run_background(work);
                    self.in_host(&host, crate::cluster::instance::Instance::apply_soon);
                }
            }
            What::Lands(number) => log::lands(&self.shared, number),
            What::Ends(number) => log::ends(&self.shared, number),
            What::Wake(host, wake) => {
                if !host.is_dead() {
                    wake();
                }
            }
            What::Task(task) => self.tasks.poll(task),
            What::Restart(service, instance) => {
                self.cluster.restart(service, instance);
                self.see_doors();
            }
            What::Assign => self.cluster.assign(),
            What::Chaos => self.chaos(),
            What::Check => self.check(),
        }
    }

    fn in_host(
        &mut self,
        host: &Arc<Host>,
        act: impl FnOnce(&mut crate::cluster::instance::Instance),
    ) {
        if host.is_dead() {
            if self.cluster.of(host).is_some() {
                self.cluster.bury(host);
                self.see_doors();
            }
            return;
        }
        if let Some(instance) = self.cluster.of(host) {
            act(instance);
        }
        if host.is_dead() {
            self.cluster.bury(host);
            self.see_doors();
        }
    }

    fn see_doors(&mut self) {
        let hosts = self
            .cluster
            .services
            .iter()
            .map(|service| {
                service
                    .instances
                    .iter()
                    .map(|i| i.as_ref().map(|i| Arc::clone(&i.host)))
                    .collect()
            })
            .collect();
        self.doors.set(hosts);
    }

    fn chaos(&mut self) {
        self.cluster.look_after_stopped();
        self.cluster.assign();
        if self.shared.now() < self.day {
            self.cluster.disturb();
        } else if !self.world.borrow().healed {
            self.shared.say(|| "HEALED".to_owned());
            self.shared.faults().heal();
            self.world.borrow_mut().healed = true;
            self.cluster.heal();
        }
        self.see_doors();
        let soon = self.shared.draw(3 * SECOND..15 * SECOND);
        self.shared.after(soon, What::Chaos);
    }

    fn outcome(&self) -> Outcome {
        let ledger = self.ledger.borrow();
        Outcome {
            events: self.events,
            time: self.shared.now(),
            tubes: ledger.tubes.len(),
            reports: ledger.reports.len(),
            requests: ledger.requests(),
            records: self.followers.0.iter().map(|f| f.valid).sum(),
            filed: [0, 1, 2].map(|service| {
                let lanes = self.followers.0.iter();
                let lanes = lanes.filter(|lane| lane.service == service);
                lanes.map(Follower::filed).sum()
            }),
            dropped: [0, 2].map(|service| {
                let lanes = self.followers.0.iter();
                let lanes = lanes.filter(|lane| lane.service == service);
                lanes.map(Follower::cards_dropped).sum()
            }),
            trimmed: self
                .shared
                .log()
                .lanes
                .values()
                .map(|lane| lane.start)
                .sum(),
            ..Outcome::default()
        }
    }
}
