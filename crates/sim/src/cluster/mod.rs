//! The services: their instances, who shall own which lane, and what happens to them.

pub mod instance;
pub mod release;
pub mod service;

use crate::depot::Depot;
use crate::disk::Disk;
use crate::faults::Fault;
use crate::host::Host;
use crate::log::SimLog;
use crate::shared::{MS, SECOND, Shared, What, lock};
use instance::{Instance, Making};
use rand::rngs::StdRng;
use service::{Service, pick, suggest};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tenfold_runtime::lane::init::create_lanes_with;
use tenfold_runtime::log::{Log, Retention, Topic, TopicPlan};

/// The services, in the order of their numbers here.
pub const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

/// How long the group waits for a member that is silent.
const SESSION: u64 = 8 * SECOND;

/// Who owns which lane, as far as callers know; and which lanes stopped.
#[derive(Default)]
pub struct Directory {
    owners: Mutex<BTreeMap<(usize, u32), usize>>,
    stopped: Mutex<Vec<(u64, u32, String)>>,
}

impl Directory {
    fn owned(&self, service: usize, lane: u32, instance: usize) {
        lock(&self.owners).insert((service, lane), instance);
    }

    fn stopped(&self, host: &Host, lane: u32, reason: String) {
        lock(&self.stopped).push((host.id, lane, reason));
    }

    /// Who is said to own a lane.
    #[must_use]
    pub fn owner(&self, service: usize, lane: u32) -> Option<usize> {
        lock(&self.owners).get(&(service, lane)).copied()
    }
}

/// See the module.
pub struct Cluster {
    /// The run.
    pub shared: Arc<Shared>,
    /// Who owns what.
    pub directory: Arc<Directory>,
    /// The services.
    pub services: Vec<Service>,
    /// The snapshots of all services.
    pub depot: Arc<Depot>,
    topics: HashMap<String, u32>,
    hosts: u64,
}

/// How large the services are.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Lanes by service.
    pub lanes: [u32; 3],
    /// Instances by service.
    pub instances: [usize; 3],
}

impl Cluster {
    /// Topics are made, and all instances start.
    ///
    /// # Errors
    /// The topics cannot be made.
    pub fn new(shared: &Arc<Shared>, size: Size, chance: &mut StdRng) -> anyhow::Result<Self> {
        let mut topics = HashMap::new();
        let mut plans = Vec::new();
        let mut plan = |topic: Topic, lanes| {
            topics.insert(topic.as_str().to_owned(), lanes);
            plans.push(TopicPlan {
                topic,
                lanes,
                retention: Retention::Forever,
            });
        };
        for (service, lanes) in SERVICES.iter().zip(size.lanes) {
            plan(Topic::inbox(service), lanes);
            plan(Topic::journal(service), lanes);
        }
        plan(Topic::named("reports"), size.lanes[2]);
        plan(Topic::named("dead-letters"), 1);
        let log = SimLog {
            shared: Arc::clone(shared),
            host: Host::outside(0),
        };
        log.create(&plans).map_err(anyhow::Error::msg)?;
        shared.log().at_once = true;
        let entropy = crate::host::HostEntropy(Arc::clone(shared));
        for service in SERVICES {
            create_lanes_with(&log, service, &entropy).map_err(anyhow::Error::msg)?;
        }
        shared.log().at_once = false;
        let services = (0..SERVICES.len())
            .map(|service| Service::new(size.lanes[service], size.instances[service], chance))
            .collect();
        let mut cluster = Self {
            shared: Arc::clone(shared),
            directory: Arc::default(),
            services,
            depot: Depot::new(chance),
            topics,
            hosts: 1,
        };
        for service in 0..SERVICES.len() {
            for instance in 0..size.instances[service] {
                cluster.restart(service, instance);
            }
        }
        Ok(cluster)
    }

    /// The lane of a key.
    #[must_use]
    pub fn lane_of(&self, service: usize, key: &str) -> u32 {
        tenfold_runtime::lane_of(key, self.services[service].lanes)
    }

    /// Starts an instance that is down.
    pub fn restart(&mut self, service: usize, instance: usize) {
        let shared = Arc::clone(&self.shared);
        let found = &mut self.services[service];
        if found.instances[instance].is_some() {
            return;
        }
        if found.levels[instance] == release::OLD && shared.strikes(Fault::Upgrade) {
            found.levels[instance] = release::NEW;
        }
        self.hosts += 1;
        let host = Host::new(self.hosts, service, instance, shared.now());
        shared.say(|| format!("{host} starts at level {}", found.levels[instance]));
        let started = Instance::start(Making {
            shared: &shared,
            host: Arc::clone(&host),
            disk: &found.disks[instance],
            depot: &self.depot,
            limits: found.limits.clone(),
            standby: found.standby,
            topics: &self.topics,
            lanes: found.lanes,
            level: found.levels[instance],
            directory: Arc::clone(&self.directory),
        });
        found.instances[instance] = Some(started);
        for lane in 0..found.lanes {
            if found.wanted[lane as usize] == instance {
                suggest(&shared, &host, lane, true);
            }
        }
    }

    /// The instance that a process is, if it still is.
    pub fn of(&mut self, host: &Host) -> Option<&mut Instance> {
        self.services
            .get_mut(host.service)?
            .instances
            .get_mut(host.instance)?
            .as_mut()
            .filter(|instance| instance.host.id == host.id)
    }

    /// Takes away a process that was killed, and lets it come back.
    pub fn bury(&mut self, host: &Host) {
        if !host.is_dead() || self.of(host).is_none() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let service = &mut self.services[host.service];
        service.instances[host.instance] = None;
        service.disks[host.instance].down(&shared);
        let back = shared.delay(100 * MS, 4 * SECOND, 40 * SECOND);
        shared.after(back, What::Restart(host.service, host.instance));
        if shared.one_in(2) {
            shared.after(shared.draw(100 * MS..SESSION), What::Assign);
        }
    }

    /// The group looks who is there, and moves lanes of those who are not.
    pub fn assign(&mut self) {
        let now = self.shared.now();
        for service in &mut self.services {
            let there = |instance: &Option<Instance>| {
                instance
                    .as_ref()
                    .is_some_and(|i| !i.host.is_dead() && i.host.stalled_until() < now + SECOND)
            };
            let living: Vec<usize> = (0..service.instances.len())
                .filter(|n| there(&service.instances[*n]))
                .collect();
            if living.is_empty() {
                continue;
            }
            for lane in 0..service.lanes {
                if !living.contains(&service.wanted[lane as usize]) {
                    let to = living[pick(&self.shared, living.len())];
                    service.give(&self.shared, lane, to);
                }
            }
        }
    }

    /// Something that comes by time happens to the services.
    pub fn disturb(&mut self) {
        let shared = Arc::clone(&self.shared);
        let service = pick(&shared, self.services.len());
        let service = &mut self.services[service];
        let lane = pick(&shared, service.lanes as usize) as u32;
        let to = pick(&shared, service.instances.len());
        if shared.strikes(Fault::LaneMoved) {
            service.give(&shared, lane, to);
        }
        if shared.strikes(Fault::TwoOwners)
            && let Some(instance) = &service.instances[to]
        {
            service.also.push((lane, to));
            suggest(&shared, &instance.host, lane, true);
        }
        for (fault, jump) in [
            (Fault::ClockAhead, 3_600_000),
            (Fault::ClockBack, -3_600_000),
        ] {
            if shared.strikes(fault)
                && let Some(instance) = &mut service.instances[to]
            {
                instance.host.jump(jump);
                instance.jumped = true;
            }
        }
    }

    /// Lanes that stopped: those of an older release that met a newer one's record get the newer release;
    /// all others are problems.
    pub fn look_after_stopped(&mut self) {
        let stopped = std::mem::take(&mut *lock(&self.directory.stopped));
        for (host, lane, reason) in stopped {
            let found = self.services.iter_mut().find_map(|service| {
                service
                    .instances
                    .iter()
                    .position(|i| i.as_ref().is_some_and(|i| i.host.id == host))
                    .map(|at| (service, at))
            });
            let newer = reason.contains("Level {") || reason.contains("has level");
            match found {
                Some((service, at))
                    if newer
                        && service.instances[at]
                            .as_ref()
                            .is_some_and(|i| i.level == release::OLD) =>
                {
                    service.levels[at] = release::NEW;
                    if let Some(instance) = &service.instances[at] {
                        instance.host.kill();
                    }
                }
                None if newer => {}
                _ => self
                    .shared
                    .problem(format!("lane {lane} of {host} stopped: {reason}")),
            }
        }
        let dead: Vec<Arc<Host>> = self.hosts().filter(|h| h.is_dead()).collect();
        for host in dead {
            self.bury(&host);
        }
    }

    fn hosts(&self) -> impl Iterator<Item = Arc<Host>> + '_ {
        self.services
            .iter()
            .flat_map(|service| service.instances.iter().flatten())
            .map(|instance| Arc::clone(&instance.host))
    }

    /// Nothing goes wrong any more: whoever is down comes back, clocks are right, each lane has one owner.
    pub fn heal(&mut self) {
        let shared = Arc::clone(&self.shared);
        let jumped: Vec<Arc<Host>> = self
            .services
            .iter()
            .flat_map(|service| service.instances.iter().flatten())
            .filter(|instance| instance.jumped)
            .map(|instance| Arc::clone(&instance.host))
            .collect();
        for host in jumped {
            host.kill();
            self.bury(&host);
        }
        for number in 0..self.services.len() {
            for instance in 0..self.services[number].instances.len() {
                self.restart(number, instance);
            }
            let service = &mut self.services[number];
            for (lane, instance) in std::mem::take(&mut service.also) {
                if service.wanted[lane as usize] != instance
                    && let Some(instance) = &service.instances[instance]
                {
                    suggest(&shared, &instance.host, lane, false);
                }
            }
        }
        self.assign();
    }

    /// Every lane is owned by somebody, and the caches have everything.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.services.iter().all(|service| {
            (0..service.lanes).all(|lane| {
                service.instances.iter().flatten().any(|instance| {
                    instance
                        .statuses()
                        .nth(lane as usize)
                        .is_some_and(|s| s.phase == "owned")
                })
            }) && service
                .instances
                .iter()
                .flatten()
                .all(|i| i.unapplied() == 0)
        })
    }

    /// Where each lane is, for people.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (name, service) in SERVICES.iter().zip(&self.services) {
            for (number, instance) in service.instances.iter().enumerate() {
                match instance {
                    None => told.push(format!("{name}-{number}: down")),
                    Some(instance) => {
                        for s in instance.statuses() {
                            told.push(format!(
                                "{name}-{number} lane {}: {} epoch {} seq {} {}",
                                s.lane, s.phase, s.epoch, s.seq, s.problem
                            ));
                        }
                    }
                }
            }
        }
        told
    }

    /// The disks, by service.
    pub fn disks(&self) -> impl Iterator<Item = (usize, &Arc<Disk>)> {
        self.services
            .iter()
            .enumerate()
            .flat_map(|(number, service)| service.disks.iter().map(move |disk| (number, disk)))
    }
}
