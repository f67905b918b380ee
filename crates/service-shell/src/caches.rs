//! The caches of a process's services: where they are, and that they are read while the embedded log is opened.

use crate::config::Config;
use anyhow::Context as _;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use tenfold_runtime::cache::{Cache, SledCache};
use tenfold_runtime::instance::{Caches, Tables};

/// Opens the cache of a service. Blocks.
///
/// # Errors
/// Its folder cannot be used.
pub fn open(config: &Config, service: &str) -> anyhow::Result<Arc<dyn Cache>> {
    let folder = config.cache.dir.join(config.instance_name()).join(service);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cache folder {}", folder.display()))?;
    let bytes = (config.cache.memory_mib_max as usize) << 20;
    let cache = SledCache::open(&folder, bytes)
        .with_context(|| format!("cache in {}", folder.display()))?;
    Ok(Arc::new(cache))
}

/// Caches that a thread reads, one service after another: the log is opened meanwhile by another core, and more threads would
/// take that from it.
#[derive(Default)]
pub struct Early(HashMap<&'static str, Receiver<anyhow::Result<Caches>>>);

impl Early {
    /// Begins to read the caches of these services, all lanes of each, in this order. If no thread can be had, they are
    /// read later.
    #[must_use]
    pub fn begin(config: &Config, services: &[Tables]) -> Self {
        let (mut read, mut to_read) = (HashMap::new(), Vec::new());
        for tables in services {
            let Some(lanes) = config.lanes.of(tables.service) else {
                continue;
            };
            let (give, take) = channel();
            to_read.push((*tables, lanes, give));
            read.insert(tables.service, take);
        }
        let config = config.clone();
        let reading = move || {
            for (tables, lanes, give) in to_read {
                let cache = open(&config, tables.service);
                // Nobody waits for them any more if the log could not be opened.
                let _ = give.send(cache.map(|cache| Caches::read(cache, &tables, lanes)));
            }
        };
        let thread = std::thread::Builder::new().name("read-caches".to_owned());
        match thread.spawn(reading) {
            Ok(_) => Self(read),
            Err(_) => Self::default(),
        }
    }

    /// Those of a service, once; `None` if nobody reads them. Blocks until they are read.
    ///
    /// # Errors
    /// The cache's folder cannot be used.
    pub fn of(&mut self, service: &str) -> anyhow::Result<Option<Caches>> {
        let Some(read) = self.0.remove(service) else {
            return Ok(None);
        };
        let read = read.recv();
        let read = read.with_context(|| format!("reading the cache of {service} ended: see above"));
        read?.map(Some)
    }
}
