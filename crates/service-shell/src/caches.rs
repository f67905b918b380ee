//! The caches of a process's services: where they are, and that they are read while the embedded log is opened.

use crate::config::Config;
use anyhow::{Context as _, anyhow};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
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

/// Caches that threads are reading, a thread a service.
#[derive(Default)]
pub struct Early(HashMap<&'static str, JoinHandle<anyhow::Result<Caches>>>);

impl Early {
    /// Begins to read the caches of these services, all lanes of each. What no thread can be had for is read later.
    #[must_use]
    pub fn begin(config: &Config, services: &[Tables]) -> Self {
        let one = |tables: &Tables| {
            let (config, tables) = (config.clone(), *tables);
            let lanes = config.lanes.of(tables.service)?;
            let thread = std::thread::Builder::new().name(format!("read-{}", tables.service));
            let read = move || Ok(Caches::read(open(&config, tables.service)?, &tables, lanes));
            Some((tables.service, thread.spawn(read).ok()?))
        };
        Self(services.iter().filter_map(one).collect())
    }

    /// Those of a service, once; `None` if nobody reads them. Blocks until they are read.
    ///
    /// # Errors
    /// The cache's folder cannot be used.
    pub fn of(&mut self, service: &str) -> anyhow::Result<Option<Caches>> {
        let Some(thread) = self.0.remove(service) else {
            return Ok(None);
        };
        let read = thread.join();
        let read =
            read.map_err(|_| anyhow!("reading the cache of {service} panicked: see above"))?;
        read.map(Some)
    }
}
