//! Where everything is kept that outlives a process: the log, the store of snapshots, and the heads of lanes.

use crate::config::{Config, LogKind};
use anyhow::Context as _;
use std::sync::Arc;
use tenfold_runtime::heads::whole::Whole;
use tenfold_runtime::heads::{self, Heads};
use tenfold_runtime::log::Log;
use tenfold_runtime::log::embedded::{Claim, EmbeddedOptions};
use tenfold_runtime::log::kafka::{KafkaLog, KafkaOptions};
use tenfold_runtime::snapshot::objects::Objects;
use tenfold_runtime::snapshot::store::{MemoryStore, Store};
use tenfold_runtime::snapshot::{Settings, Snapshots};

/// A log as it is read and written.
pub struct Opened {
    /// The log, with heads if there are any: every lane reads from its begin.
    pub log: Arc<dyn Log>,
    /// Puts them away; `None` = the log keeps everything.
    pub heads: Option<Arc<Heads>>,
}

/// Opens the log that the settings name, for a command. Blocks.
///
/// # Errors
/// It cannot be opened, and what to do.
pub fn open_log(config: &Config) -> anyhow::Result<Opened> {
    with_heads(config, raw(config, || {})?)
}

/// The same for a process that runs services: it keeps lanes' first records beside its caches, so that it takes lanes
/// though the store of heads is away. `claimed` is called when the data folder is this process's, before the log in it is
/// opened, which may take long; not on Kafka. Blocks.
///
/// # Errors
/// It cannot be opened, and what to do.
pub fn open_log_of_services(config: &Config, claimed: impl FnOnce()) -> anyhow::Result<Opened> {
    let log = raw(config, claimed)?;
    if config.heads_url().is_none() {
        return Ok(Opened { log, heads: None });
    }
    let near = config.cache.dir.join(config.instance_name()).join("heads");
    let near = std::path::absolute(&near).unwrap_or(near);
    let near = Objects::open(&format!("file://{}", near.display()))?;
    with_near(config, log, Arc::new(near))
}

fn raw(config: &Config, claimed: impl FnOnce()) -> anyhow::Result<Arc<dyn Log>> {
    match config.log.kind {
        LogKind::Embedded => {
            let claim = Claim::of(&config.log.dir)?;
            claimed();
            Ok(Arc::new(claim.open(EmbeddedOptions::default())?))
        }
        LogKind::Kafka => {
            let mut options = KafkaOptions::new(config.log.brokers.clone());
            options.client_id = config.instance_name();
            Ok(Arc::new(KafkaLog::connect(options)?))
        }
    }
}

/// A log with the heads that the settings name, for a command. Blocks.
///
/// # Errors
/// Their store cannot be opened, and what to do.
pub fn with_heads(config: &Config, log: Arc<dyn Log>) -> anyhow::Result<Opened> {
    with_near(config, log, Arc::new(MemoryStore::default()))
}

fn with_near(config: &Config, log: Arc<dyn Log>, near: Arc<dyn Store>) -> anyhow::Result<Opened> {
    let Some(url) = config.heads_url() else {
        return Ok(Opened { log, heads: None });
    };
    let store = Objects::open(url).context(
        "heads.url names no store that can be used (\"off\" = the log keeps everything)",
    )?;
    let settings = heads::Settings {
        trim: config.heads.trim,
        part_bytes: (config.heads.part_kib as usize) << 10,
    };
    let background = Arc::new(|work: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name("heads".to_owned());
        if let Err(error) = thread.spawn(work) {
            tracing::error!(%error, "no thread to read the head of a lane");
        }
    });
    let heads = Heads::new(log, Arc::new(store), near, settings, background);
    Ok(Opened {
        log: Arc::new(Whole(Arc::clone(&heads))),
        heads: Some(heads),
    })
}

/// Opens the store of snapshots that the settings name; `None` if there shall be none. Blocks.
///
/// # Errors
/// It cannot be opened, and what to do.
pub fn open_snapshots(config: &Config) -> anyhow::Result<Option<Snapshots>> {
    let Some(url) = config.snapshots_url() else {
        return Ok(None);
    };
    let store = Objects::open(&url)
        .context("snapshots.url names no store that can be used (\"off\" = no snapshots)")?;
    Ok(Some(Snapshots {
        store: Arc::new(store),
        settings: Settings {
            every_bytes: u64::from(config.snapshots.every_mib) << 20,
            keep: config.snapshots.keep as usize,
            ..Settings::default()
        },
    }))
}
