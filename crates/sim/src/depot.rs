//! Where snapshots are: one store for all instances, that damages what it keeps and tears what it is given; and the
//! judge of what it has: every whole snapshot must be a state of its journal, and what a lane was trimmed of must be there.

use crate::cluster::SERVICES;
use crate::faults::Fault;
use crate::host::Host;
use crate::log::state::LaneLog;
use crate::oracle::fold::Followers;
use crate::shared::{Shared, lock};
use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tenfold_runtime::heads::{self, part};
use tenfold_runtime::lane::rows::STAMP;
use tenfold_runtime::log::Topic;
use tenfold_runtime::snapshot::read::{Snapshot, Unusable};
use tenfold_runtime::snapshot::store::{Entry, MemoryStore, Store, StoreError};
use tenfold_runtime::snapshot::{Settings, Snapshots, locate};

/// See the module.
#[derive(Debug)]
pub struct Depot {
    objects: MemoryStore,
    settings: Settings,
    /// How heads of journals and inboxes are kept there.
    pub heads: heads::Settings,
    /// Snapshots that were damaged: what they say is nobody's fault.
    damaged: Mutex<BTreeSet<String>>,
    /// Snapshots that were judged.
    judged: Mutex<BTreeSet<String>>,
}

/// What an object's snapshot is called: everything before the last slash.
fn snapshot_of(object: &str) -> String {
    let folder = object.rsplit_once('/').map_or(object, |(folder, _)| folder);
    folder.to_owned()
}

impl Depot {
    /// An empty one, whose snapshots are small enough for small days.
    pub fn new(chance: &mut StdRng) -> Arc<Self> {
        Arc::new(Self {
            objects: MemoryStore::default(),
            settings: Settings {
                every_bytes: chance.random_range(2_000..60_000),
                keep: chance.random_range(1..4),
                chunk_bytes: chance.random_range(400..20_000),
                // One thread does everything here.
                read_ahead: false,
            },
            heads: heads::Settings {
                part_bytes: chance.random_range(200..20_000),
                trim: chance.random_bool(0.8),
            },
            damaged: Mutex::default(),
            judged: Mutex::default(),
        })
    }

    /// As one process has it.
    pub fn of(self: &Arc<Self>, shared: &Arc<Shared>, host: &Arc<Host>) -> Snapshots {
        Snapshots {
            store: Arc::new(SimStore {
                shared: Arc::clone(shared),
                host: Arc::clone(host),
                depot: Arc::clone(self),
            }),
            settings: self.settings,
        }
    }

    /// A bit of some object turns.
    fn rot(&self, shared: &Shared) {
        let mut objects = self.objects.objects();
        // Not of a head: what was trimmed is nowhere else, so its store must keep what it is given.
        let snapshots = |name: &str| !name.starts_with("heads/");
        let count = objects.keys().filter(|name| snapshots(name)).count();
        let at = shared.draw(0..count.max(1) as u64);
        let found = usize::try_from(at).ok().and_then(|at| {
            let mut rotting = objects.iter_mut().filter(|(name, _)| snapshots(name));
            rotting.nth(at)
        });
        if let Some((name, object)) = found
            && !object.is_empty()
        {
            let at = usize::try_from(shared.draw(0..object.len() as u64)).unwrap_or(0);
            let mut bytes = object.to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1;
            }
            *object = bytes.into();
            lock(&self.damaged).insert(snapshot_of(name));
        }
    }

    /// INV-08 for snapshots: each that nobody damaged is the fold of its journal up to where it says it stands.
    #[must_use]
    pub fn judge(&self, followers: &Followers) -> Vec<String> {
        let Ok(located) = locate(&self.objects) else {
            return Vec::new();
        };
        let mut wrong = Vec::new();
        for found in located.into_iter().filter(|found| found.complete) {
            let name = format!("{}{}", found.place.prefix(), found.name.as_str());
            if lock(&self.damaged).contains(&name) || !lock(&self.judged).insert(name.clone()) {
                continue;
            }
            let service = SERVICES.iter().position(|s| *s == found.place.service);
            let follower = service.and_then(|s| followers.of(s, found.place.lane));
            let read = self.rows(&found.place, &found.name);
            match (follower, read) {
                (Some(follower), Ok(rows)) => wrong.extend(
                    follower
                        .compare(&rows)
                        .map(|words| format!("snapshot {name}: {words}")),
                ),
                (None, _) => wrong.push(format!("snapshot {name} is of no lane")),
                (_, Err(error)) => wrong.push(format!("snapshot {name}: {error}")),
            }
        }
        wrong
    }

    /// Heads: whatever a lane has lost is in the store, as it was.
    #[must_use]
    pub fn judge_heads(&self, shared: &Shared) -> Vec<String> {
        let log = shared.log();
        let trimmed = log.lanes.iter().filter(|(_, lane)| lane.start > 0);
        trimmed
            .filter_map(|((topic, number), lane)| {
                let words = self.head_problem(topic, *number, lane).err()?;
                Some(format!(
                    "{topic}/{number} lost its head below {}: {words}",
                    lane.start
                ))
            })
            .collect()
    }

    fn head_problem(&self, topic: &Topic, lane: u32, log: &LaneLog) -> Result<(), String> {
        let parts = part::list(&self.objects, topic, lane).map_err(|error| error.to_string())?;
        let mut next = 0;
        for name in part::one_after_another(parts) {
            if next >= log.start {
                break;
            }
            let records = part::read(&self.objects, topic, lane, name);
            for record in records.map_err(|error| error.to_string())? {
                let at = usize::try_from(record.offset).unwrap_or(usize::MAX);
                let same = log.records.get(at).is_some_and(|was| {
                    (was.offset, was.appended_at, &was.value)
                        == (record.offset, record.appended_at, &record.value)
                });
                if !same {
                    return Err(format!("offset {at} is another record"));
                }
                if record.offset == next {
                    next += 1;
                }
            }
        }
        if next < log.start {
            return Err(format!("the store has it below {next} only"));
        }
        Ok(())
    }

    /// The rows that a cache would have of it.
    fn rows(
        &self,
        place: &tenfold_runtime::snapshot::Place,
        name: &tenfold_runtime::snapshot::Name,
    ) -> Result<crate::disk::Rows, Unusable> {
        let snapshot = Snapshot::open(&self.objects, place, name)?;
        let mut rows = crate::disk::Rows::new();
        snapshot.rows::<Unusable>(&self.objects, |writes| {
            for (key, value) in writes {
                match value {
                    Some(value) => rows.insert(key, value),
                    None => rows.remove(&key),
                };
            }
            Ok(())
        })?;
        let stamp = postcard::to_stdvec(&snapshot.stamp)
            .map_err(|error| Unusable::Damaged(error.to_string()))?;
        rows.insert(Bytes::from_static(STAMP), stamp.into());
        Ok(rows)
    }
}

/// The store, as one process reaches it.
struct SimStore {
    shared: Arc<Shared>,
    host: Arc<Host>,
    depot: Arc<Depot>,
}

impl SimStore {
    fn alive(&self) -> Result<(), StoreError> {
        if self.host.is_dead() {
            return Err(StoreError("the process is dead".into()));
        }
        Ok(())
    }
}

impl Store for SimStore {
    fn put(&self, name: &str, content: Bytes) -> Result<(), StoreError> {
        self.alive()?;
        if self.shared.strikes(Fault::SnapshotTorn) {
            // The process dies while it writes, and a part of the object is there under its name.
            let part = usize::try_from(self.shared.draw(0..content.len().max(1) as u64));
            let part = content.slice(..part.unwrap_or(0));
            lock(&self.depot.damaged).insert(snapshot_of(name));
            self.depot.objects.put(name, part)?;
            self.host.kill();
            return Err(StoreError("the process dies, by order".into()));
        }
        if self.shared.strikes(Fault::SnapshotAway) {
            return Err(StoreError("it does not answer, by order".into()));
        }
        self.depot.objects.put(name, content)?;
        if self.shared.strikes(Fault::SnapshotDamaged) {
            self.depot.rot(&self.shared);
        }
        Ok(())
    }

    fn get(&self, name: &str, bytes_max: u64) -> Result<Option<Bytes>, StoreError> {
        self.alive()?;
        if self.shared.strikes(Fault::SnapshotAway) {
            return Err(StoreError("it does not answer, by order".into()));
        }
        self.depot.objects.get(name, bytes_max)
    }

    fn list(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        self.alive()?;
        self.depot.objects.list(prefix)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.alive()?;
        self.depot.objects.delete(name)
    }
}
