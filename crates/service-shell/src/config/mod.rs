//! Settings of a process: defaults in one commented file, then a file, then the environment, then flags.
//!
//! [`DEFAULTS`] is the documentation of every key. Must not know policy: what a laboratory decides for
//! itself travels in the log.

mod problems;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Value};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Environment variables with this prefix are settings; `__` stands between section and key.
pub const ENV_PREFIX: &str = "TENFOLD_";

/// Names the settings file; not itself a setting.
pub const ENV_FILE: &str = "TENFOLD_CONFIG";

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// This process among its equals.
    pub instance: Instance,
    /// Where the truth is.
    pub log: Log,
    /// Where the folded state is.
    pub cache: Cache,
    /// Where copies of it go.
    pub snapshots: Snapshots,
    /// Files of instruments.
    pub runs: Runs,
    /// Lanes of each service.
    pub lanes: Lanes,
    /// Addresses.
    pub listen: Listen,
    /// The bench console.
    pub console: Console,
    /// The gRPC server.
    pub grpc: Grpc,
    /// The hot path's budget.
    pub budget: Budget,
    /// Logs of the process.
    pub telemetry: Telemetry,
    /// The command line's services.
    pub client: Client,
}

/// This process among its equals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Its name; empty = the host's.
    pub name: String,
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
}

impl Lanes {
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
    /// Where the page is served; `None` = nowhere, or the setting is no address (which [`Config::validate`] says).
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

/// What is wrong with the settings: everything, not only the first thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings are not right:\n{}", .0.iter().map(|p| format!("  - {p}\n")).collect::<String>())]
pub struct ConfigErrors(pub Vec<String>);

/// A setting that a flag gave: key such as `log.kind`, and its value.
pub type Override = (String, String);

/// Reads `KEY=VALUE`.
///
/// # Errors
/// There is no `=`.
pub fn key_value(text: &str) -> Result<Override, String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| format!("{text:?} is not KEY=VALUE"))
}

impl Config {
    /// Reads defaults, the file, the environment of this process, and flags; and checks the whole.
    ///
    /// # Errors
    /// Everything that is wrong: unknown keys (with the nearest known one), values of the wrong type,
    /// values out of bounds.
    pub fn load(file: Option<&Path>, flags: &[Override]) -> Result<Self, ConfigErrors> {
        let env = Env::prefixed(ENV_PREFIX).ignore(&["config"]).split("__");
        Self::read(file, Some(env), flags)
    }

    fn read(
        file: Option<&Path>,
        env: Option<Env>,
        flags: &[Override],
    ) -> Result<Self, ConfigErrors> {
        let mut given = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigErrors(vec![format!(
                    "there is no file {}: leave --config out to run on the defaults",
                    file.display()
                )]));
            }
            given = given.merge(Toml::file(file));
        }
        if let Some(env) = env {
            given = given.merge(env);
        }
        for (key, value) in flags {
            given = given.merge((key.as_str(), typed(value)));
        }
        let unknown = problems::unknown_keys(&given)?;
        if !unknown.is_empty() {
            return Err(ConfigErrors(unknown));
        }
        let config: Self = given.extract().map_err(|error| {
            ConfigErrors(error.into_iter().map(|error| error.to_string()).collect())
        })?;
        let problems = config.validate();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigErrors(problems))
        }
    }

    /// Everything that is out of bounds, each with key, value and limit; empty = all is well.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        problems::out_of_bounds(self)
    }

    /// URL of the store of snapshots; `None` = there are none.
    #[must_use]
    pub fn snapshots_url(&self) -> Option<String> {
        match (self.snapshots.url.as_str(), self.log.kind) {
            ("off", _) | ("auto", LogKind::Kafka) => None,
            ("auto", LogKind::Embedded) => {
                let folder = self.cache.dir.with_file_name("snapshots");
                let folder = std::path::absolute(&folder).unwrap_or(folder);
                Some(format!("file://{}", folder.display()))
            }
            (url, _) => Some(url.to_owned()),
        }
    }

    /// Files of instruments, with the folder where they are kept.
    #[must_use]
    pub fn runs(&self) -> Runs {
        let mut runs = self.runs.clone();
        if runs.dir.as_os_str().is_empty() {
            runs.dir = self.cache.dir.with_file_name("runs");
        }
        runs
    }

    /// The instance's name: as set, or the host's, or `tenfold`.
    #[must_use]
    pub fn instance_name(&self) -> String {
        if !self.instance.name.is_empty() {
            return self.instance.name.clone();
        }
        std::fs::read_to_string("/etc/hostname")
            .ok()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "tenfold".to_owned())
    }
}

/// A flag's text as the value it looks like: flags come without types.
fn typed(text: &str) -> Value {
    if let Ok(flag) = text.parse::<bool>() {
        return Value::from(flag);
    }
    if let Ok(number) = text.parse::<u64>() {
        return Value::from(number);
    }
    Value::from(text)
}

fn as_dict(value: &Value) -> Option<&Dict> {
    match value {
        Value::Dict(_, dict) => Some(dict),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
