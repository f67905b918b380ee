//! The sections of the settings, each as `default.toml` documents it. Must not know where a value came from.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Most threads that run lanes: a service has few lanes that are busy at once, and one thread writes its cache.
pub const WORKERS_MAX: u32 = 16;

/// Most of `lanes.small_record_bytes`: the size at which a record is closed; a lane that waits behind all of its records has one
/// in flight.
pub const SMALL_RECORD_BYTES_MAX: u64 = 256 << 10;

/// Least of `lanes.answers_kept_minutes`: longer than a clock may jump before its lane is suspect, and than anybody waits who tries
/// again by himself.
pub const ANSWERS_KEPT_MIN: u64 = 10;

/// Most of `lanes.answers_kept_minutes`: thirty days.
pub const ANSWERS_KEPT_MAX: u64 = 43_200;

/// Most of `instance.intake_niceness`: what systems know.
pub const NICENESS_MAX: u8 = 19;

/// This process among its equals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Its name; empty = the host's.
    pub name: String,
    /// Threads that run the lanes of each service; 0 = as many as the machine has cores, [`WORKERS_MAX`] at most; for
    /// intake's, those that are left when the services of the process share the cores.
    pub workers: u32,
    /// How far the threads of intake's lanes stand back, 0 to [`NICENESS_MAX`].
    pub intake_niceness: u8,
}

impl Instance {
    /// How far the threads of a service's lanes stand back: only those of intake do.
    #[must_use]
    pub fn niceness(&self, service: &str) -> u8 {
        match service {
            "intake" => self.intake_niceness,
            _ => 0,
        }
    }

    /// Threads that run the lanes of a service, one of so many in the process.
    #[must_use]
    pub fn workers(&self, service: &str, services: usize) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let set = usize::try_from(self.workers).unwrap_or(usize::MAX);
        let own = match (set, service) {
            (0, "intake") => cores() / services.max(1),
            (0, _) => cores(),
            (set, _) => set,
        };
        own.clamp(1, WORKERS_MAX as usize)
    }
}

/// Kinds of log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// One process, a folder.
    Embedded,
    /// Apache Kafka.
    Kafka,
}

/// Where the truth is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Which.
    pub kind: LogKind,
    /// Folder of the embedded log.
    pub dir: PathBuf,
    /// Bootstrap brokers of Kafka.
    pub brokers: String,
    /// Settings of the broker that break promises are accepted.
    pub dev: bool,
}

/// Where the folded state is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Folder.
    pub dir: PathBuf,
    /// How long rows gather in a lane before its cache is given them, in milliseconds.
    pub gather_ms: u32,
    /// And how many, at most.
    pub gather_rows: u32,
    /// Memory of one service's cache, in MiB.
    pub memory_mib_max: u32,
    /// Lanes of other instances are followed, so that taking one needs no reading.
    pub standby: bool,
}

/// Where copies of the folded state go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshots {
    /// The store, `auto` or `off`.
    pub url: String,
    /// One is due after so much journal, in MiB.
    pub every_mib: u32,
    /// So many are kept of each lane.
    pub keep: u32,
}

/// Where the older records of journals and inboxes go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    /// The store, or `off`.
    pub url: String,
    /// What is there is trimmed from the log.
    pub trim: bool,
    /// Size of an object there, in KiB.
    pub part_kib: u32,
}

/// Files of instruments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Folder where they are kept; empty = `runs` beside the cache.
    pub dir: PathBuf,
    /// Most of them, in MiB.
    pub dir_mib_max: u32,
    /// Watched folder; empty = none.
    pub watch: PathBuf,
    /// A file is taken when its size stayed for so long, in seconds.
    pub watch_quiet_s: u32,
}

/// Lanes of each service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lanes {
    /// Of intake.
    pub intake: u32,
    /// Of pooling.
    pub pooling: u32,
    /// Of results.
    pub results: u32,
    /// Behind a record in flight smaller than this, in bytes, a lane appends nothing; 0 = it never waits (decision 0702).
    pub small_record_bytes: u32,
    /// How long messages that nobody waits for gather, in milliseconds.
    pub messages_gather_ms: u32,
    /// How long the answer to a request is known, in minutes.
    pub answers_kept_minutes: u32,
}

impl Lanes {
    /// How long the answer to a request is known.
    #[must_use]
    pub fn answers_kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.answers_kept_minutes) * 60)
    }

    /// Lanes of a service by its name; `None` if there is no such service.
    #[must_use]
    pub fn of(&self, service: &str) -> Option<u32> {
        match service {
            "intake" => Some(self.intake),
            "pooling" => Some(self.pooling),
            "results" => Some(self.results),
            _ => None,
        }
    }
}

/// Addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Of all services in one process.
    pub all: Addresses,
    /// Of intake alone.
    pub intake: Addresses,
    /// Of pooling alone.
    pub pooling: Addresses,
    /// Of results alone.
    pub results: Addresses,
    /// Where other instances reach this one; empty = where it listens.
    pub advertise: String,
    /// Addresses beyond this machine are taken.
    pub beyond_this_machine: bool,
}

impl Listen {
    /// Addresses of a process by what it runs: a service's name, or `all`.
    #[must_use]
    pub fn of(&self, what: &str) -> Addresses {
        match what {
            "intake" => self.intake,
            "pooling" => self.pooling,
            "results" => self.results,
            _ => self.all,
        }
    }
}

/// What one process listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// For gRPC.
    pub grpc: SocketAddr,
    /// For `/metrics`, `/healthz`, `/readyz`.
    pub http: SocketAddr,
}

/// The bench console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// Where the page is served; empty = nowhere.
    pub listen: String,
    /// The only lab it offers; empty = all of the policy.
    pub lab: String,
}

impl Console {
    /// Where the page is served; `None` = nowhere, or the setting is no address (which [`Config::validate`](super::Config::validate) says).
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }
}

/// The gRPC server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// Longest unary call, in milliseconds.
    pub call_ms_max: u64,
    /// Calls in flight of one connection.
    pub streams_per_connection_max: u32,
    /// Connections at once.
    pub connections_max: u32,
    /// How long a connection may take to greet, in milliseconds.
    pub greeting_ms_max: u64,
    /// How often a quiet connection is asked whether it lives, in milliseconds.
    pub keepalive_interval_ms: u64,
    /// How long it may take to answer that, in milliseconds.
    pub keepalive_timeout_ms: u64,
    /// How long open calls have to end on the way down, in milliseconds.
    pub drain_ms_max: u64,
}

impl Grpc {
    /// Longest unary call.
    #[must_use]
    pub const fn call_max(&self) -> Duration {
        Duration::from_millis(self.call_ms_max)
    }

    /// How long a connection may take to greet.
    #[must_use]
    pub const fn greeting_max(&self) -> Duration {
        Duration::from_millis(self.greeting_ms_max)
    }

    /// How long open calls have to end on the way down.
    #[must_use]
    pub const fn drain_max(&self) -> Duration {
        Duration::from_millis(self.drain_ms_max)
    }
}

/// The hot path's budget, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// From a command's arrival to its answer.
    pub scan_ms: u64,
    /// From a batch of registrations' arrival to its durable acknowledgement.
    pub acknowledgement_ms: u64,
}

/// Forms of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Logs of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Form of a line.
    pub format: LogFormat,
    /// What is logged.
    pub level: String,
}

/// Where the command line finds the services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Intake's address.
    pub intake: String,
    /// Pooling's address.
    pub pooling: String,
    /// Results' address.
    pub results: String,
    /// The lab of commands that name none; may be empty.
    pub lab: String,
    /// Longest call, in milliseconds.
    pub timeout_ms: u64,
}
