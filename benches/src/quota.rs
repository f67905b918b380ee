//! A bound on what a process may take of the machine's cores: a control group of the system with a quota.
//!
//! Making one needs the right to: root, or a group that was delegated. Both kinds are known: version 2 (`cpu.max`), and the
//! controller `cpu` of version 1 (`cpu.cfs_quota_us`).

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the system shows its control groups.
const ROOT: &str = "/sys/fs/cgroup";

/// The quota is of so many microseconds each: the system's own default.
const PERIOD_US: u32 = 100_000;

/// A group; given back when it is dropped, if its processes have ended.
#[derive(Debug)]
pub struct Quota(PathBuf);

impl Quota {
    /// A group of processes that take at most so many cores together.
    ///
    /// # Errors
    /// The system has no control groups for processors, or does not let us make one.
    pub fn of_cores(cores: f64, name: &str) -> anyhow::Result<Self> {
        let root = Path::new(ROOT);
        let quota = (cores * f64::from(PERIOD_US)) as u32;
        // Version 1 first: where both are there, the controller is its.
        let (folder, file, bound) = if root.join("cpu/cpu.cfs_quota_us").exists() {
            (root.join("cpu"), "cpu.cfs_quota_us", format!("{quota}"))
        } else if root.join("cgroup.controllers").exists() {
            (root.to_owned(), "cpu.max", format!("{quota} {PERIOD_US}"))
        } else {
            bail!(
                "{ROOT} shows no control groups for processors: this figure is of Linux with cgroups"
            );
        };
        let path = folder.join(name);
        let not_ours = "a control group with a bound cannot be made: run this figure as root, where groups may bound processors";
        std::fs::create_dir(&path).context(not_ours)?;
        let group = Self(path);
        std::fs::write(group.0.join(file), bound).context(not_ours)?;
        Ok(group)
    }

    /// Puts a process into it, with all threads it has and will have.
    ///
    /// # Errors
    /// It is gone, or the system does not let us.
    pub fn admit(&self, process: u32) -> anyhow::Result<()> {
        std::fs::write(self.0.join("cgroup.procs"), process.to_string())
            .context("a process cannot be put into a control group: run this figure as root")
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // A process that was killed leaves its group a moment later.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
