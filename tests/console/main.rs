//! The bench console in a real Chromium, with keys alone.

mod curves;
mod day;
mod floor;
mod long;
mod look;
mod pool;
mod reach;
mod stamp;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tenfold_tests::browser::Browser;

/// One browser at a time: each wants a core.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A browser that leaves its pictures below the target folder.
fn browser(language: &str) -> Browser {
    let pictures = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&pictures).expect("a folder");
    Browser::open(language, &pictures)
}
