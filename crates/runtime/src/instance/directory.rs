//! Who owns which lane: a hint, spread through the topic `owners`. On doubt the journal decides.

use crate::log::{Class, Log, NewRecord, Topic};
use bytes::Bytes;
use prost::Message;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tenfold_proto::lane::OwnerAnnounced;

/// The topic's name without prefix; it has one lane.
pub const OWNERS: &str = "owners";
/// An owner tells again after so long, for those who came later.
const AGAIN_EVERY: Duration = Duration::from_secs(30);
/// How often the reader looks if it should end.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Bytes read at a time.
const READ_BYTES: usize = 256 << 10;

type Key = (String, u32);

#[derive(Default)]
struct Known {
    /// The entry with the highest epoch seen for each lane.
    lanes: HashMap<Key, OwnerAnnounced>,
    /// Lanes owned by instances of this process, by address.
    own: HashMap<Key, OwnerAnnounced>,
}

/// See the module. One a process.
pub struct Directory {
    log: Arc<dyn Log>,
    known: Mutex<Known>,
    shared: bool,
}

impl Directory {
    /// Starts to follow the topic; without that topic only lanes of this process are known.
    pub fn start(log: Arc<dyn Log>) -> Arc<Self> {
        let topic = Topic::named(OWNERS);
        let shared = log.lanes(&topic).is_ok();
        let directory = Arc::new(Self {
            log,
            known: Mutex::default(),
            shared,
        });
        if shared {
            let weak = Arc::downgrade(&directory);
            let started = std::thread::Builder::new()
                .name("owners".to_owned())
                .spawn(move || follow(&weak));
            if let Err(error) = started {
                tracing::error!(%error, "no thread to follow the owners of lanes");
            }
        }
        directory
    }

    /// Who owns a lane, as far as is known here.
    pub fn owner(&self, service: &str, lane: u32) -> Option<OwnerAnnounced> {
        self.lock().lanes.get(&(service.to_owned(), lane)).cloned()
    }

    /// An instance of this process took a lane.
    pub(super) fn owned(
        &self,
        service: &str,
        lane: u32,
        epoch: u64,
        address: &str,
        instance: &str,
    ) {
        let entry = OwnerAnnounced {
            service: service.to_owned(),
            lane,
            epoch,
            address: address.to_owned(),
            instance: instance.to_owned(),
        };
        let key = (service.to_owned(), lane);
        {
            let mut known = self.lock();
            known.lanes.insert(key.clone(), entry.clone());
            known.own.insert(key, entry.clone());
        }
        self.announce(&entry);
    }

    /// An instance of this process does not own a lane any more. True if it did.
    pub(super) fn lost(&self, service: &str, lane: u32, address: &str) -> bool {
        let key = (service.to_owned(), lane);
        let mut known = self.lock();
        if known.lanes.get(&key).is_some_and(|e| e.address == address) {
            known.lanes.remove(&key);
        }
        let own = known.own.get(&key).is_some_and(|e| e.address == address);
        own && known.own.remove(&key).is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, entry: &OwnerAnnounced) {
        if !self.shared {
            return;
        }
        let record = NewRecord {
            key: Some(Bytes::from(format!("{}/{}", entry.service, entry.lane))),
            value: entry.encode_to_vec().into(),
            headers: Vec::new(),
        };
        // Lost on the way, it is announced again.
        self.log.append(
            Class::Relay,
            &Topic::named(OWNERS),
            0,
            record,
            Box::new(|_| {}),
        );
    }

    /// Takes note of what others announce; contradicts what is older than our own ownership.
    fn hear(&self, heard: OwnerAnnounced) {
        let key = (heard.service.clone(), heard.lane);
        let contradict = {
            let mut known = self.lock();
            let newer = known
                .lanes
                .get(&key)
                .is_none_or(|entry| heard.epoch >= entry.epoch);
            let own = known.own.get(&key).cloned();
            if newer {
                known.lanes.insert(key, heard.clone());
            }
            own.filter(|own| own.epoch > heard.epoch)
        };
        if let Some(own) = contradict {
            self.announce(&own);
        }
    }
}

fn follow(directory: &Weak<Directory>) {
    let topic = Topic::named(OWNERS);
    let mut reader = None;
    let mut told = Instant::now();
    loop {
        let Some(directory) = directory.upgrade() else {
            return;
        };
        if reader.is_none() {
            reader = directory
                .log
                .extent(&topic, 0)
                .and_then(|extent| {
                    directory
                        .log
                        .reader(&topic, 0, extent.start, Arc::new(|| {}))
                })
                .map_err(|error| tracing::warn!(%error, "the owners of lanes cannot be read"))
                .ok();
        }
        let polled = reader.as_mut().map(|reader| reader.poll(READ_BYTES));
        match polled {
            Some(Ok(records)) => {
                for record in records {
                    if let Ok(heard) = OwnerAnnounced::decode(record.value) {
                        directory.hear(heard);
                    }
                }
            }
            Some(Err(_)) => reader = None,
            None => {}
        }
        if told.elapsed() >= AGAIN_EVERY {
            told = Instant::now();
            let own: Vec<OwnerAnnounced> = directory.lock().own.values().cloned().collect();
            for entry in own {
                directory.announce(&entry);
            }
        }
        drop(directory);
        std::thread::sleep(LOOK_EVERY);
    }
}
