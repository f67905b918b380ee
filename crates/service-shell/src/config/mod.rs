//! Settings of a process: defaults in one commented file, then a file, then the environment, then flags.
//!
//! [`DEFAULTS`] is the documentation of every key, [`sections`] their types. Must not know policy: what a
//! laboratory decides for itself travels in the log.

mod flag;
mod problems;
mod sections;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Value};
use flag::Flag;
pub use sections::{
    Addresses, Budget, Cache, Client, Console, Grpc, Heads, Instance, Lanes, Listen, Log,
    LogFormat, LogKind, Runs, Snapshots, Telemetry,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    /// Where the older records of journals and inboxes go.
    pub heads: Heads,
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
            given = given.merge(Flag {
                key,
                value: typed(value),
            });
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

    /// URL of the store of heads; `None` = the log keeps everything.
    #[must_use]
    pub fn heads_url(&self) -> Option<&str> {
        let url = self.heads.url.as_str();
        (url != "off").then_some(url)
    }

    /// What keeps a process that runs services from putting heads away, in words that say what to set.
    #[must_use]
    pub fn heads_problem(&self) -> Option<String> {
        problems::heads(self)
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
