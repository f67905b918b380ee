//! One fault, from its beginning until everything runs again.

use crate::bed::{BROKERS, Bed, SERVICES, cache_of};
use crate::fault::{Fault, Kind};
use crate::proxy::Mode;
use anyhow::{Context as _, ensure};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tenfold_tests::leaves;

/// Longest wait until an instance is ready again: a cache may have to be rebuilt.
const READY_MAX: Duration = Duration::from_secs(60);

/// How long an instance that was killed stays down.
const DOWN: Duration = Duration::from_secs(1);

/// How long one stays down whose lanes must move: its session, and a little.
const DOWN_LONG: Duration = Duration::from_secs(10);

/// How long a broker stays down.
const BROKER_DOWN: Duration = Duration::from_secs(6);

/// How long a zombie sleeps: twice its session.
const ASLEEP: Duration = Duration::from_secs(20);

/// How long the network is bad.
const NETWORK_BAD: Duration = Duration::from_secs(6);

/// Added to everything on a slow network, each way.
const SLOW: Duration = Duration::from_millis(150);

/// Longest wait for a crash at a place.
const CRASH_WITHIN: Duration = Duration::from_secs(30);

/// What a strike came to.
#[derive(Clone, Debug, Default)]
pub struct Struck {
    /// Who was hit.
    pub victim: String,
    /// A crash point that was not reached.
    pub missed: bool,
}

/// Does it, and waits until everything runs again.
///
/// # Errors
/// Something does not come back.
pub fn strike(bed: &mut Bed, fault: &Fault) -> anyhow::Result<Struck> {
    let victim = fault.victim;
    let service = victim / 2;
    let name = bed
        .instances
        .get(victim)
        .context("no such instance")?
        .name()
        .to_owned();
    let mut struck = Struck {
        victim: name,
        missed: false,
    };
    match fault.kind {
        Kind::KillInstance => killed(bed, victim, DOWN, |_| Ok(()))?,
        Kind::LoseInstance => killed(bed, victim, DOWN_LONG, |_| Ok(()))?,
        Kind::DeleteCache => killed(bed, victim, DOWN, |cache| Ok(fs::remove_dir_all(cache)?))?,
        Kind::TruncateCache => killed(bed, victim, DOWN, truncate)?,
        Kind::ChangeLeaves => killed(bed, victim, DOWN, change_leaves)?,
        Kind::CrashPoint => struck.missed = !crashed(bed, fault)?,
        Kind::KillBroker => {
            let broker = u32::try_from(victim).unwrap_or(0) % BROKERS;
            struck.victim = format!("broker {broker}");
            bed.kafka.kill(broker);
            std::thread::sleep(BROKER_DOWN);
            bed.kafka.start_broker(broker);
        }
        Kind::Zombie => {
            let served = bed.instances.get(victim).context("no such instance")?;
            served.signal("STOP");
            std::thread::sleep(ASLEEP);
            served.signal("CONT");
            Bed::ready(served, READY_MAX)?;
        }
        Kind::Cut => network(bed, service, Mode::Cut),
        Kind::Silent => network(bed, service, Mode::Silent),
        Kind::NoAnswers => network(bed, service, Mode::NoAnswers),
        Kind::Slow => network(bed, service, Mode::Slow(SLOW)),
        Kind::RollingRestart => {
            "every instance".clone_into(&mut struck.victim);
            for served in &mut bed.instances {
                served.signal("TERM");
                ensure!(
                    served.ended_within(Duration::from_secs(30)),
                    "{} does not stop when told to:\n{}",
                    served.name(),
                    served.log_tail()
                );
                served.start();
                Bed::ready(served, READY_MAX)?;
            }
        }
        Kind::ThirdInstance => {
            "one more of each".clone_into(&mut struck.victim);
            let mut third: Vec<_> = (0..SERVICES.len())
                .map(|service| bed.third(service))
                .collect();
            for served in &mut third {
                served.start();
            }
            for served in &third {
                Bed::ready(served, READY_MAX)?;
            }
            std::thread::sleep(Duration::from_secs(4));
            for served in &mut third {
                served.signal("TERM");
                ensure!(
                    served.ended_within(Duration::from_secs(30)),
                    "{} does not stop",
                    served.name()
                );
            }
        }
    }
    if matches!(
        fault.kind,
        Kind::Cut | Kind::Silent | Kind::NoAnswers | Kind::Slow
    ) {
        let served = bed.instances.get(service * 2).context("no such instance")?;
        served.name().clone_into(&mut struck.victim);
        Bed::ready(served, READY_MAX)?;
    }
    Ok(struck)
}

fn network(bed: &Bed, service: usize, mode: Mode) {
    bed.network(service, mode);
    std::thread::sleep(NETWORK_BAD);
    bed.network(service, Mode::Pass);
}

/// Kills an instance, does something to its cache while it is down, and starts it again.
fn killed(
    bed: &mut Bed,
    victim: usize,
    down: Duration,
    meanwhile: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let served = bed.instances.get_mut(victim).context("no such instance")?;
    served.kill();
    let cache = cache_of(served);
    if cache.exists() {
        meanwhile(&cache).with_context(|| format!("cache of {}", served.name()))?;
    }
    std::thread::sleep(down);
    served.start();
    Bed::ready(served, READY_MAX)?;
    Ok(())
}

/// Half of the largest file of a cache is gone.
fn truncate(cache: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    find_files(cache, &mut files)?;
    let largest = files.into_iter().max_by_key(|(_, bytes)| *bytes);
    let (path, bytes) = largest.context("the cache has no files")?;
    OpenOptions::new()
        .write(true)
        .open(path)?
        .set_len(bytes / 2)?;
    Ok(())
}

/// Rows of a cache are not what they were, and its files do not say so.
fn change_leaves(cache: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    find_files(cache, &mut files)?;
    let stores: BTreeSet<&Path> = files
        .iter()
        .filter_map(|(path, _)| path.parent().filter(|slabs| slabs.ends_with("slabs")))
        .filter_map(Path::parent)
        .collect();
    let mut changed = 0;
    for store in stores {
        changed += leaves::change(store)?;
    }
    ensure!(changed > 0, "the cache has no leaves");
    Ok(())
}

fn find_files(folder: &Path, found: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_dir() {
            find_files(&entry.path(), found)?;
        } else {
            found.push((entry.path(), about.len()));
        }
    }
    Ok(())
}

/// Starts an instance so that it crashes at a place, waits for that, and starts it again. Answers whether it
/// crashed there.
fn crashed(bed: &mut Bed, fault: &Fault) -> anyhow::Result<bool> {
    let served = bed
        .instances
        .get_mut(fault.victim)
        .context("no such instance")?;
    served.kill();
    let points = format!("{}={}*off->return", fault.place, fault.after);
    served.start_with(&[("FAILPOINTS", &points)]);
    let hit = served.ended_within(CRASH_WITHIN);
    served.kill();
    served.start();
    Bed::ready(served, READY_MAX)?;
    Ok(hit)
}
