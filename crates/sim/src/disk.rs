//! A process's disk: the rows of its caches, what they were before, and how they are damaged while nobody
//! looks. What is on it outlives the process.

use crate::faults::{Fault, Step};
use crate::host::Host;
use crate::shared::{Shared, lock};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tenfold_runtime::cache::{Cache, LaneCache, MemoryScratch, Scratch, Visit, Writes};
use tenfold_runtime::lane::rows::{MARK, STAMP};

/// Rows of a lane.
pub type Rows = BTreeMap<Bytes, Bytes>;

/// Older states kept of a lane, to come back silently.
const OLDER_MAX: usize = 4;

/// One in so many batches is kept to come back.
const KEPT_ONE_IN: u32 = 12;

#[derive(Debug, Default)]
struct LaneRows {
    rows: Rows,
    older: Vec<Rows>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Disk {
    /// Read while it is being read: a scan may look rows up.
    lanes: RwLock<BTreeMap<u32, LaneRows>>,
    /// Lanes with a damaged row that nobody may have met yet: what they hold says nothing.
    damaged: Mutex<BTreeSet<u32>>,
}

impl Disk {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<u32, LaneRows>> {
        self.lanes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<u32, LaneRows>> {
        self.lanes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of each lane that is not damaged.
    #[must_use]
    pub fn sound(&self) -> Vec<(u32, Rows)> {
        let damaged = lock(&self.damaged);
        self.read()
            .iter()
            .filter(|(lane, _)| !damaged.contains(lane))
            .map(|(lane, rows)| (*lane, rows.rows.clone()))
            .collect()
    }

    /// What becomes of it while its process is down.
    pub fn down(&self, shared: &Shared) {
        let mut lanes = self.write();
        if shared.strikes(Fault::CacheDeleted) {
            lanes.clear();
            lock(&self.damaged).clear();
        }
        for (number, lane) in lanes.iter_mut() {
            if !lane.older.is_empty() && shared.strikes(Fault::CacheOlder) {
                let at = shared.draw(0..lane.older.len() as u64);
                let at = usize::try_from(at).unwrap_or(0);
                lane.older.truncate(at + 1);
                lane.rows = lane.older.pop().unwrap_or_default();
            }
            if lane.rows.len() > 3 && shared.strikes(Fault::CacheTorn) {
                let at = usize::try_from(shared.draw(0..lane.rows.len() as u64)).unwrap_or(0);
                if let Some((key, value)) = lane.rows.iter_mut().nth(at)
                    && !value.is_empty()
                    && key.as_ref() != MARK
                {
                    value.truncate(value.len() - 1);
                    lock(&self.damaged).insert(*number);
                }
            }
            if shared.strikes(Fault::CacheStampLost)
                && let Some(stamp) = lane.rows.get_mut(STAMP)
            {
                stamp.truncate(stamp.len() / 2);
                lock(&self.damaged).insert(*number);
            }
        }
    }
}

/// The caches on a disk, as one process opens them.
pub struct SimCache {
    /// The run.
    pub shared: Arc<Shared>,
    /// The process.
    pub host: Arc<Host>,
    /// The disk.
    pub disk: Arc<Disk>,
}

impl Cache for SimCache {
    fn open(&self, lane: u32) -> io::Result<Box<dyn LaneCache>> {
        self.disk.write().entry(lane).or_default();
        Ok(Box::new(SimLane {
            shared: Arc::clone(&self.shared),
            host: Arc::clone(&self.host),
            disk: Arc::clone(&self.disk),
            lane,
        }))
    }

    fn wipe(&self, lane: u32) -> io::Result<()> {
        if !self.host.is_dead() {
            self.disk.write().insert(lane, LaneRows::default());
            lock(&self.disk.damaged).remove(&lane);
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn scratch(&self) -> io::Result<Box<dyn Scratch>> {
        Ok(Box::new(MemoryScratch::default()))
    }
}

struct SimLane {
    shared: Arc<Shared>,
    host: Arc<Host>,
    disk: Arc<Disk>,
    lane: u32,
}

impl SimLane {
    fn reads(&self) -> io::Result<()> {
        if self.host.may_fail() && self.shared.strikes(Fault::CacheReadFails) {
            return Err(io::Error::other("the cache cannot be read, by order"));
        }
        Ok(())
    }
}

impl LaneCache for SimLane {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.reads()?;
        let lanes = self.disk.read();
        Ok(lanes
            .get(&self.lane)
            .and_then(|lane| lane.rows.get(key))
            .cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> io::Result<()> {
        self.reads()?;
        let lanes = self.disk.read();
        let Some(lane) = lanes.get(&self.lane) else {
            return Ok(());
        };
        let range = (
            std::ops::Bound::Included(from),
            std::ops::Bound::Excluded(to),
        );
        for (key, value) in lane.rows.range::<[u8], _>(range) {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, writes: Writes) -> io::Result<()> {
        if self.shared.point(&self.host, Step::CacheApplied, false) {
            return Ok(());
        }
        if self.host.may_fail() && self.shared.strikes(Fault::CacheWriteFails) {
            return Err(io::Error::other("the cache cannot be written, by order"));
        }
        let keep = self.host.may_fail() && self.shared.one_in(KEPT_ONE_IN);
        {
            let mut lanes = self.disk.write();
            let lane = lanes.entry(self.lane).or_default();
            if keep {
                if lane.older.len() >= OLDER_MAX {
                    lane.older.remove(0);
                }
                lane.older.push(lane.rows.clone());
            }
            for (key, value) in writes {
                match value {
                    Some(value) => {
                        lane.rows.insert(key, value);
                    }
                    None => {
                        lane.rows.remove(&key);
                    }
                }
            }
        }
        self.shared.point(&self.host, Step::CacheApplied, true);
        Ok(())
    }
}
