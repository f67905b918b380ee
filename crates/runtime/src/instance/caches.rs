//! A service's caches as an instance is given them: open, and read already if there was time.

use crate::cache::{BasedCache, Cache};
use crate::lane::early::{Early, Tables};
use std::sync::Arc;

/// See the module.
pub struct Caches {
    pub(super) cache: BasedCache,
    pub(super) early: Early,
}

impl Caches {
    /// Not read: each lane reads its own when it starts.
    pub fn over(cache: Arc<dyn Cache>) -> Self {
        Self {
            cache: BasedCache::over(cache),
            early: Early::default(),
        }
    }

    /// With what the lanes below `lanes` have in them, for a process that will own them all: so that it need not wait for
    /// its log to begin. Nobody may write to them meanwhile. Blocks.
    pub fn read(cache: Arc<dyn Cache>, of: &Tables, lanes: u32) -> Self {
        let cache = BasedCache::over(cache);
        let early = Early::read(&cache, of, lanes);
        Self { cache, early }
    }
}
