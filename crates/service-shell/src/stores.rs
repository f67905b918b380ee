//! Where everything is kept that outlives a process: the log, the store of snapshots, and the heads of lanes.

use crate::config::{Config, LogKind};
use anyhow::Context as _;
use std::sync::Arc;
use tenfold_runtime::heads::whole::Whole;
use tenfold_runtime::heads::{self, Heads};
use tenfold_runtime::log::Log;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions};
use tenfold_runtime::log::kafka::{KafkaLog, KafkaOptions};
use tenfold_runtime::snapshot::objects::Objects;
use tenfold_runtime::snapshot::{Settings, Snapshots};

/// A log as it is read and written.
pub struct Opened {
    /// The log, with heads if there are any: every lane reads from its begin.
    pub log: Arc<dyn Log>,
    /// Puts them away; `None` = the log keeps everything.
    pub heads: Option<Arc<Heads>>,
}

/// Opens the log that the settings name. Blocks.
///
/// # Errors
/// It cannot be opened, and what to do.
pub fn open_log(config: &Config) -> anyhow::Result<Opened> {
    let log: Arc<dyn Log> = match config.log.kind {
        LogKind::Embedded => Arc::new(EmbeddedLog::open(
            &config.log.dir,
            EmbeddedOptions::default(),
        )?),
        LogKind::Kafka => {
            let mut options = KafkaOptions::new(config.log.brokers.clone());
            options.client_id = config.instance_name();
            Arc::new(KafkaLog::connect(options)?)
        }
    };
    with_heads(config, log)
}

/// A log with the heads that the settings name. Blocks.
///
/// # Errors
/// Their store cannot be opened, and what to do.
pub fn with_heads(config: &Config, log: Arc<dyn Log>) -> anyhow::Result<Opened> {
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
    let heads = Heads::new(log, Arc::new(store), settings, background);
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
