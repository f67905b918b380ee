//! The bench console in a real Chromium, with keys alone.

mod browser;
mod curves;
mod day;
mod floor;
mod look;
mod pool;
mod stamp;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One browser at a time: each wants a core.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
