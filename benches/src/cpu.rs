//! What processes and threads take of this machine's cores and memory, as the system counts it in `/proc`.

use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::Path;

/// Length of the system's ticks: a hundredth of a second on every Linux that Tenfold is built for (`USER_HZ`).
const TICK_SECONDS: f64 = 0.01;

/// Where user and system time are behind a thread's name, from 0.
const USER: usize = 11;

/// The same of a machine's line: user, nice, system, idle, waiting, interrupts, and those done later.
const MACHINE_BUSY: [usize; 5] = [0, 1, 2, 5, 6];

/// Seconds that a process has taken, with its threads that have ended.
///
/// # Errors
/// It is gone, or the system is no Linux.
pub fn process(id: u32) -> anyhow::Result<f64> {
    Ok(stat(Path::new(&format!("/proc/{id}/stat")))?.1)
}

/// Seconds that each thread of this process has taken: name and seconds, by the thread's id.
///
/// # Errors
/// The system is no Linux.
pub fn threads() -> anyhow::Result<BTreeMap<String, (String, f64)>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/task").context(NO_LINUX)? {
        let entry = entry?;
        // One that ended just now.
        if let Ok(stat) = stat(&entry.path().join("stat")) {
            all.insert(entry.file_name().to_string_lossy().into_owned(), stat);
        }
    }
    Ok(all)
}

/// Seconds that all processes have taken of this machine since it started.
///
/// # Errors
/// The system is no Linux.
pub fn machine() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/stat").context(NO_LINUX)?;
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .filter_map(|number| number.parse().ok())
        .collect();
    let busy = MACHINE_BUSY.iter().filter_map(|at| ticks.get(*at));
    Ok(busy.sum::<f64>() * TICK_SECONDS)
}

/// Bytes that the files of a folder take of the disk.
///
/// # Errors
/// It cannot be read.
pub fn disk(folder: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0;
    let entries = std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        // A file that was replaced meanwhile takes nothing.
        let Ok(about) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        bytes += if about.is_dir() {
            disk(&path).unwrap_or(0)
        } else {
            about.blocks() * 512
        };
    }
    Ok(bytes)
}

const NO_LINUX: &str = "/proc cannot be read: this figure is of Linux";

fn stat(file: &Path) -> anyhow::Result<(String, f64)> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("{}: {NO_LINUX}", file.display()))?;
    parse(&text).with_context(|| format!("{} says {text:?}", file.display()))
}

/// Name and seconds. A name may hold anything, brackets and spaces, too: it ends at the last bracket.
fn parse(text: &str) -> Option<(String, f64)> {
    let (before, after) = text.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let mut ticks = after.split_whitespace().skip(USER);
    let mut next = || ticks.next()?.parse::<f64>().ok();
    let seconds = (next()? + next()?) * TICK_SECONDS;
    Some((name.to_owned(), seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_hide_the_times() {
        let line = "12 (rdk:(a) b) S 1 1 1 0 -1 4194304 10 0 0 0 150 50 0 0 20 0 9 0 1 1 1";
        assert_eq!(parse(line), Some(("rdk:(a) b".to_owned(), 2.0)));
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn a_thread_that_works_is_seen_by_its_name_in_process_and_machine() {
        let before = (
            process(std::process::id()).expect("/proc"),
            machine().expect("/proc"),
        );
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let works = std::thread::Builder::new().name("works-hard".to_owned());
        let thread = works.spawn(move || {
            let began = std::time::Instant::now();
            while began.elapsed().as_millis() < 400 {
                std::hint::spin_loop();
            }
            let _ = wait.recv();
        });
        let thread = thread.expect("a thread");
        std::thread::sleep(std::time::Duration::from_millis(600));
        let all = threads().expect("/proc");
        drop(done);
        thread.join().expect("no panic");
        let (_, took) = all
            .values()
            .find(|(name, _)| name == "works-hard")
            .expect("it is there");
        // Of 400 ms, on a machine that others use, too.
        assert!(*took > 0.03, "{took}");
        let after = (
            process(std::process::id()).expect("/proc"),
            machine().expect("/proc"),
        );
        assert!(after.0 >= before.0 + took - 0.02, "{before:?}, {after:?}");
        assert!(after.1 >= before.1 + took - 0.02, "{before:?}, {after:?}");
    }

    #[test]
    fn a_folder_takes_what_its_files_take() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("in")).expect("made");
        std::fs::write(folder.path().join("in/a"), vec![1; 100_000]).expect("written");
        let bytes = disk(folder.path()).expect("read");
        assert!((98_304..300_000).contains(&bytes), "{bytes}");
    }
}
