//! The log of a lab with one machine: one redb file, one log thread, one fsync for all who wait.
//!
//! Knows files and transactions; must not know what a record says. Read in this order: [`store`]
//! and `stored` (tables and their encoding), `writer` (the log thread: group commit, failed commits), `obstacle` and
//! `reserve` (full disks), `reader`, `lock` and `claim` (one process at a time).
//!
//! Records are kept until they are trimmed, whatever the plan's retention says: it only promises a minimum.

mod claim;
mod lock;
mod obstacle;
mod reader;
mod reserve;
mod shared;
mod store;
pub mod stored;
#[cfg(test)]
mod tests;
mod writer;

use super::{
    AppendError, Class, Cut, CutLane, CutPosition, Done, Extent, Log, Membership, NewRecord,
    RECORD_BYTES_MAX, ReadError, Reader, Suggest, Topic, TopicPlan, Wake,
};
pub use claim::Claim;
use lock::DirectoryLock;
use reader::EmbeddedReader;
pub use reserve::Reserve;
use reserve::{NoReserve, WithReserve};
use shared::{Op, Shared};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// How an embedded log runs.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// Most bytes of records that wait for the log thread; above it an append is not sent.
    pub queue_bytes_max: usize,
    /// Most bytes of records in one commit: bounds how long the last of them waits.
    pub commit_bytes_max: usize,
    /// Memory for redb's page cache, in bytes.
    pub cache_bytes: usize,
    /// Saves the page allocator's state in every commit, so that opening after a crash takes no
    /// full scan of the file, for a second fsync in every commit. Off by default, by measurement:
    /// `docs/decisions/0401-embedded-log-repair.md`.
    pub quick_repair: bool,
    /// Room kept aside for when the disk is full, in bytes: more than one commit writes, with what the
    /// cache still has to write. 0 = none.
    pub reserve_bytes: u64,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            queue_bytes_max: 64 << 20,
            commit_bytes_max: 8 << 20,
            cache_bytes: 64 << 20,
            quick_repair: false,
            reserve_bytes: 32 << 20,
        }
    }
}

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("log in {} is in use by process {holder}: stop it first, or choose another data folder", dir.display())]
    InUse {
        /// The log's folder.
        dir: PathBuf,
        /// The other process's id, or `unknown`.
        holder: String,
    },
    /// The folder or a file in it cannot be made or read.
    #[error("log folder {}: {source}", dir.display())]
    Folder {
        /// The log's folder.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is there but is not a log that can be read.
    #[error("log file {}: {reason}", file.display())]
    Database {
        /// The database's file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A log in a folder of this machine, for one process.
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedLog {
    /// Opens the log in a folder, which is made if it is not there. After an unclean stop this may
    /// take seconds for each GiB; progress is logged.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(dir: impl AsRef<Path>, options: EmbeddedOptions) -> Result<Self, OpenError> {
        Claim::of(dir)?.open(options)
    }

    /// Opens a log on storage of the caller's own making, for one process: how power loss and full
    /// disks are tried. `storage` is called again after each failed commit; `reserve` is room kept aside
    /// on the same disk, if there is any.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_on<S: redb::StorageBackend>(
        storage: impl Fn() -> std::io::Result<S> + Send + 'static,
        reserve: Option<Arc<dyn Reserve>>,
        options: EmbeddedOptions,
    ) -> Result<Self, OpenError> {
        let cache_bytes = options.cache_bytes;
        let reserve = reserve.unwrap_or_else(|| Arc::new(NoReserve));
        let kept = Arc::clone(&reserve);
        let opener = Box::new(move || {
            let storage = WithReserve::new(storage()?, Arc::clone(&kept));
            store::open_on(storage, cache_bytes, "its storage")
        });
        Self::start(opener, reserve, options, None).map_err(|reason| OpenError::Database {
            file: "(no file)".into(),
            reason,
        })
    }

    fn start(
        opener: store::Opener,
        reserve: Arc<dyn Reserve>,
        options: EmbeddedOptions,
        lock: Option<DirectoryLock>,
    ) -> Result<Self, String> {
        let database = opener().map_err(|error| error.to_string())?;
        let topics = store::load_topics(&database)?;
        let lanes = store::load_lanes(&database, &topics)?;
        let shared = Arc::new(Shared::new(
            database,
            topics,
            lanes,
            options.queue_bytes_max,
        ));
        let writer = writer::Writer::new(shared.clone(), opener, reserve, options, lock);
        let thread = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || writer.run())
            .map_err(|error| format!("cannot start the log thread: {error}"))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    fn place(&self, topic: &Topic, lane: u32) -> Result<store::Place, String> {
        let info = self
            .shared
            .topic(topic.as_str())
            .ok_or_else(|| format!("topic {topic} does not exist"))?;
        if lane >= info.lanes {
            return Err(format!(
                "topic {topic} has {} lanes, no lane {lane}",
                info.lanes
            ));
        }
        Ok((info.id, lane))
    }
}

impl Drop for EmbeddedLog {
    /// Commits what waits, then closes the file. Readers that are left answer with an error.
    fn drop(&mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic of the log thread was printed by it; there is nothing to add here.
            let _ = thread.join();
        }
    }
}

impl Log for EmbeddedLog {
    fn append(&self, _class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done) {
        let bytes = record.bytes();
        let op = match self.place(topic, lane) {
            Err(reason) => Op::Reject(AppendError::Refused(reason), done),
            Ok(_) if bytes > RECORD_BYTES_MAX => Op::Reject(
                AppendError::Refused(format!(
                    "record of {bytes} bytes is too large: the limit is {RECORD_BYTES_MAX}"
                )),
                done,
            ),
            Ok(place) => Op::Append {
                place,
                record,
                done,
            },
        };
        self.shared.push_append(op, bytes);
    }

    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError> {
        let place = self.place(topic, lane).map_err(ReadError::Refused)?;
        let reader = EmbeddedReader::start(self.shared.clone(), place, from, wake)?;
        Ok(Box::new(reader))
    }

    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        let place = self.place(topic, lane).map_err(ReadError::Refused)?;
        Ok(self.shared.extent(place))
    }

    /// The file does not shrink: its pages are used again.
    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError> {
        let place = self.place(topic, lane).map_err(ReadError::Refused)?;
        loop {
            let ends = self.shared.ends(place);
            if below.min(ends.end.saturating_sub(1)) <= ends.start {
                return Ok(ends.start);
            }
            let (reply, answer) = mpsc::channel();
            self.shared.push(Op::Trim {
                place,
                below,
                reply,
            });
            answer
                .recv()
                .unwrap_or_else(|_| Err("the log is closed".into()))
                .map_err(ReadError::Unavailable)?;
        }
    }

    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        self.shared
            .topic(topic.as_str())
            .map(|info| info.lanes)
            .ok_or_else(|| ReadError::Refused(format!("topic {topic} does not exist")))
    }

    fn create(&self, plans: &[TopicPlan]) -> Result<(), String> {
        if self.shared.is_sure() && self.settings_problems(plans).is_empty() {
            // A start on a full disk has nothing to write.
            return Ok(());
        }
        let (reply, answer) = mpsc::channel();
        self.shared.push(Op::Create {
            plans: plans.to_vec(),
            reply,
        });
        answer
            .recv()
            .unwrap_or_else(|_| Err("the log is closed".into()))
    }

    fn settings_problems(&self, plans: &[TopicPlan]) -> Vec<String> {
        plans
            .iter()
            .filter_map(|plan| match self.shared.topic(plan.topic.as_str()) {
                None => Some(format!("topic {} does not exist: create it", plan.topic)),
                Some(info) if info.lanes != plan.lanes => Some(format!(
                    "topic {} has {} lanes, {} are wanted: set lanes to {}",
                    plan.topic, info.lanes, plan.lanes, info.lanes
                )),
                Some(_) => None,
            })
            .collect()
    }

    /// One process has all lanes: suggests them before it returns, and none on leaving.
    fn join(
        &self,
        _group: &str,
        _instance: &str,
        topic: &Topic,
        suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        let lanes = self.lanes(topic)?;
        suggest((0..lanes).collect());
        Ok(Box::new(SoleMember {
            suggest: std::sync::Mutex::new(Some(suggest)),
        }))
    }

    fn position(&self, group: &str, topic: &Topic, lane: u32) -> Result<Option<u64>, ReadError> {
        let place = self.place(topic, lane).map_err(ReadError::Refused)?;
        self.shared
            .with_database(|database| store::position(database, group, place))
    }

    fn store_position(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError> {
        let place = self.place(topic, lane).map_err(ReadError::Refused)?;
        let (reply, answer) = mpsc::channel();
        self.shared.push(Op::StorePosition {
            group: group.to_owned(),
            place,
            next,
            reply,
        });
        answer
            .recv()
            .unwrap_or_else(|_| Err("the log is closed".into()))
            .map_err(ReadError::Unavailable)
    }

    fn cut(&self) -> Result<Cut, ReadError> {
        // Before the ends: what a position stands for is then below them.
        let positions = self.shared.with_database(store::positions)?;
        let topics = self.shared.topics();
        let name = |id: u32| {
            let found = topics.iter().find(|(_, info)| info.id == id);
            found.map(|(name, info)| (Topic::named(name), info.lanes))
        };
        let lanes = self.shared.all_ends().into_iter();
        let mut lanes: Vec<CutLane> = lanes
            .filter_map(|((id, lane), ends)| {
                let (topic, lanes) = name(id)?;
                let end = ends.end;
                Some(CutLane {
                    topic,
                    lane,
                    lanes,
                    end,
                })
            })
            .collect();
        lanes.sort_by(|a, b| (&a.topic, a.lane).cmp(&(&b.topic, b.lane)));
        let positions = positions
            .into_iter()
            .filter_map(|(group, (id, lane), next)| {
                let (topic, _) = name(id)?;
                Some(CutPosition {
                    group,
                    topic,
                    lane,
                    next,
                })
            })
            .collect();
        Ok(Cut { lanes, positions })
    }
}

/// The only member a group of one process has.
struct SoleMember {
    suggest: std::sync::Mutex<Option<Suggest>>,
}

impl Membership for SoleMember {
    fn leave(&self) {
        let suggest = shared::locked(&self.suggest).take();
        if let Some(suggest) = suggest {
            suggest(Vec::new());
        }
    }
}

impl Drop for SoleMember {
    fn drop(&mut self) {
        self.leave();
    }
}
