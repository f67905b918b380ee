//! Where the time goes when the same racks are spread over more lanes, more threads, more instances.
//!
//! Pooling is a library in this process, as in the figure `pooling`, so that threads can be told apart by name; several instances have a
//! log, a cache and a name of their own each. A lab a lane; its racks are brought to whoever owns it. On a machine of two cores more of
//! anything shows what it costs, and not what it wins.

use super::pooling::{LANES_MAX, Owner, prepare};
use crate::bed::Bed;
use crate::cpu;
use crate::curve::{Curve, Number, Walk};
use crate::figure::{Metric, Took};
use crate::kafka::{Filler, drop_topics, fresh};
use crate::pooler::{self, Pooled, RACKS_AT_ONCE};
use crate::robot::Way;
use crate::tubes::Load;
use anyhow::{Context as _, ensure};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lanes where they are not what is varied.
const LANES_ELSE: u32 = 16;

/// Lanes, cache and log: how the names of their threads begin. The rest of this process is the callers'.
const PARTS: [&[&str]; 3] = [
    &["pooling-lanes", "pooling-clock"],
    &["pooling-cache", "cache-", "sled"],
    &["rdk:", "log-", "owners", "kafka"],
];

const NUMBERS: &[Number] = &[
    Number::told(Metric::rate("samples/s")),
    Number::told(Metric::cost("us lanes")),
    Number::told(Metric::cost("us cache")),
    Number::told(Metric::cost("us log")),
    Number::told(Metric::cost("us callers")),
    Number::told(Metric::cost("us broker and others")),
];

/// See the module.
pub const LANES: Curve = Curve {
    name: "lanes",
    ours: "the same racks spread over so many lanes, a lab each, one instance, one thread for all lanes: samples/s from the first \
           registration in the inbox to the last rack confirmed, and microseconds of processor time a sample, by what its threads do; 64 racks under way in \
           all, one a lab at least",
    axis: "lanes",
    sizes: |bed| bed.size.lanes.to_vec(),
    numbers: NUMBERS,
    takes: "two or three minutes",
    start: |bed| {
        walk(bed, |lanes| Spread {
            lanes,
            workers: 1,
            instances: 1,
        })
    },
};

/// See the module.
pub const WORKERS: Curve = Curve {
    name: "lanes-workers",
    ours: "the same over 16 lanes, one instance, with so many threads that run lanes",
    axis: "workers",
    sizes: |_| vec![1, 2],
    numbers: NUMBERS,
    takes: "a minute",
    start: |bed| {
        walk(bed, |workers| Spread {
            lanes: LANES_ELSE,
            workers,
            instances: 1,
        })
    },
};

/// See the module.
pub const INSTANCES: Curve = Curve {
    name: "lanes-instances",
    ours: "the same over 16 lanes, with so many instances of one thread each, a cache and a connection to the log of their own, in one \
           process",
    axis: "instances",
    sizes: |_| vec![1, 2, 3],
    numbers: NUMBERS,
    takes: "one or two minutes",
    start: |bed| {
        walk(bed, |instances| Spread {
            lanes: LANES_ELSE,
            workers: 1,
            instances,
        })
    },
};

/// What the work is spread over.
#[derive(Clone, Copy, Debug)]
struct Spread {
    lanes: u32,
    workers: u32,
    instances: u32,
}

struct Spreading {
    bed: Arc<Bed>,
    spread: fn(u32) -> Spread,
    runtime: tokio::runtime::Runtime,
}

fn walk(bed: &Arc<Bed>, spread: fn(u32) -> Spread) -> anyhow::Result<Box<dyn Walk>> {
    Ok(Box::new(Spreading {
        bed: Arc::clone(bed),
        spread,
        runtime: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("callers")
            .enable_all()
            .build()?,
    }))
}

impl Walk for Spreading {
    fn at(&mut self, size: u64) -> anyhow::Result<Took> {
        let spread = (self.spread)(u32::try_from(size)?);
        let racks = self.bed.size.lane_racks.div_ceil(spread.lanes as usize);
        let load = Load::new(spread.lanes, racks);
        let (bootstrap, run) = (self.bed.kafka().bootstrap(), fresh("run-"));
        // Lanes are taken before the clock runs: their first records are the policy.
        let policy: Vec<_> = load.labs.iter().map(|_| vec![load.policy()]).collect();
        prepare(bootstrap, &run, &policy)?;
        let packed: Vec<_> = (0..load.labs.len()).map(|lane| load.packed(lane)).collect();
        let folder = tempfile::tempdir()?;
        let owners = (1..=spread.instances)
            .map(|number| {
                let name = format!("bench-{number}");
                let cache = folder.path().join(&name);
                Owner::begin(bootstrap, &run, &cache, &name, spread.workers as usize)
            })
            .collect::<anyhow::Result<Vec<Owner>>>()?;
        let owner_of = shared(&owners, spread.lanes)?;
        let ways: Vec<Way> = owners
            .iter()
            .map(|owner| Way::Within(owner.instance.gateway()))
            .collect();
        let ways = owner_of
            .iter()
            .map(|owner| ways.get(*owner).context("an owner"))
            .collect::<anyhow::Result<Vec<&Way>>>()?;
        let inbox = Filler::to(bootstrap, &format!("tenfold.{run}.pooling.inbox"))?;
        let before = Taken::now()?;
        let began = Instant::now();
        for (lane, records) in (0_u32..).zip(&packed) {
            for record in records {
                inbox.put(lane, record)?;
            }
        }
        inbox.done()?;
        let way = |lane: usize| *ways.get(lane).unwrap_or(&ways[0]);
        // As many in all, however many labs: otherwise calls would wait for each other until they are given up.
        let at_once = (RACKS_AT_ONCE / load.labs.len()).max(1);
        self.runtime.block_on(pooler::work(&load, at_once, way))?;
        let took = began.elapsed().as_secs_f64();
        let taken = Taken::now()?.since(&before);
        check(owners, &load)?;
        drop_topics(bootstrap, &format!("tenfold.{run}."));
        let samples = load.tubes() as f64;
        let mut numbers = vec![samples / took];
        numbers.extend(taken.parts().map(|seconds| seconds * 1e6 / samples));
        let note = format!(
            "{samples} samples, {} lanes, {} threads an instance, {} instances; {:.0} % of the machine's time taken",
            spread.lanes,
            spread.workers,
            spread.instances,
            taken.machine * 100.0 / (took * cores()),
        );
        Ok(Took::all(&numbers, note))
    }
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

/// Waits until all lanes are owned, and every instance has its share; answers the owner of each lane.
fn shared(owners: &[Owner], lanes: u32) -> anyhow::Result<Vec<usize>> {
    let least = lanes as usize / owners.len().max(1);
    let until = Instant::now() + LANES_MAX;
    loop {
        let owned: Vec<Vec<u32>> = owners.iter().map(|owner| owner.instance.owned()).collect();
        let all: BTreeMap<u32, usize> = owned
            .iter()
            .enumerate()
            .flat_map(|(owner, lanes)| lanes.iter().map(move |lane| (*lane, owner)))
            .collect();
        if all.len() == lanes as usize && owned.iter().all(|lanes| lanes.len() >= least) {
            return Ok(all.into_values().collect());
        }
        let counts: Vec<usize> = owned.iter().map(Vec::len).collect();
        ensure!(
            Instant::now() < until,
            "{lanes} lanes are not shared: the instances own {counts:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends the instances in order, and counts what the journals hold.
fn check(owners: Vec<Owner>, load: &Load) -> anyhow::Result<()> {
    let logs: Vec<_> = owners.into_iter().map(Owner::leave).collect();
    let log = logs.first().context("an instance")?;
    let counted = pooler::count(log.as_ref(), load.lanes()).context("reading the journal")?;
    let right = Pooled {
        expected: load.tubes(),
        assigned: load.tubes(),
        sealed: load.pools(),
    };
    ensure!(
        counted == right,
        "the journals hold {counted:?}, not {right:?}"
    );
    Ok(())
}

/// Seconds of processor time.
struct Taken {
    threads: BTreeMap<String, (String, f64)>,
    process: f64,
    machine: f64,
}

impl Taken {
    fn now() -> anyhow::Result<Self> {
        Ok(Self {
            threads: cpu::threads()?,
            process: cpu::process(std::process::id())?,
            machine: cpu::machine()?,
        })
    }

    fn since(mut self, before: &Self) -> Self {
        for (id, (name, seconds)) in &mut self.threads {
            // An id may come again for another thread.
            if let Some((_, was)) = before.threads.get(id).filter(|(was, _)| was == name) {
                *seconds = (*seconds - was).max(0.0);
            }
        }
        self.process -= before.process;
        self.machine -= before.machine;
        self
    }

    /// Of the parts, of the callers (whatever else this process did), and of all other processes.
    fn parts(&self) -> impl Iterator<Item = f64> {
        let part = |begins: &[&str]| {
            let threads = self.threads.values();
            threads
                .filter(|(name, _)| begins.iter().any(|begin| name.starts_with(begin)))
                .map(|(_, seconds)| seconds)
                .sum::<f64>()
        };
        let parts: Vec<f64> = PARTS.iter().map(|begins| part(begins)).collect();
        let rest = (self.process - parts.iter().sum::<f64>()).max(0.0);
        let others = (self.machine - self.process).max(0.0);
        parts.into_iter().chain([rest, others])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(threads: &[(&str, &str, f64)], process: f64, machine: f64) -> Taken {
        let threads = threads
            .iter()
            .map(|(id, name, seconds)| ((*id).to_owned(), ((*name).to_owned(), *seconds)));
        Taken {
            threads: threads.collect(),
            process,
            machine,
        }
    }

    #[test]
    fn time_goes_to_the_part_whose_thread_took_it_and_the_rest_to_callers_and_others() {
        let before = taken(
            &[("1", "pooling-lanes-0", 1.0), ("2", "ended", 5.0)],
            10.0,
            100.0,
        );
        let after = taken(
            &[
                ("1", "pooling-lanes-0", 4.0),
                ("2", "rdk:broker1", 0.5),
                ("3", "cache-flush", 2.0),
                ("4", "callers", 9.0),
            ],
            17.0,
            120.0,
        );
        let parts: Vec<f64> = after.since(&before).parts().collect();
        assert_eq!(parts, [3.0, 2.0, 0.5, 1.5, 13.0]);
    }
}
