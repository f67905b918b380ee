//! Whole days of a lab against the real programs, which are killed in the middle.

mod audited;
mod crowd;
mod day;
mod dead_letters;
mod demo;
mod embedded;
mod heads;
mod instruments;
mod kafka;
mod kills;
mod many;
mod moving;
mod robots;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tempfile::TempDir;
use tenfold_lab_day::Services;
use tokio::runtime::Runtime;

/// What all players run on; connections live as long as it does.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// One whole system at a time: each wants both cores, and its figures are of itself alone.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The three services at these addresses.
fn services(intake: &[String], pooling: &[String], results: &[String]) -> Services {
    let _here = runtime().enter();
    Services::at(intake, pooling, results).expect("addresses")
}

/// A folder for one test; kept if `TENFOLD_KEEP` is set, to look into after a failure.
fn folder() -> TempDir {
    let mut folder = tempfile::Builder::new()
        .prefix("tenfold-system-")
        .tempdir()
        .expect("a folder");
    if std::env::var_os("TENFOLD_KEEP").is_some() {
        folder.disable_cleanup(true);
        println!("  data stay in {}", folder.path().display());
    }
    folder
}
