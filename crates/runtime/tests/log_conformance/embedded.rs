//! The embedded log: the cases, a process killed in the middle, and a second opener.

use crate::support::{append_text, read_from, texts, topic};
use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions, OpenError};
use tenfold_runtime::log::{Class, Log, NewRecord, Topic};

/// Set in the child of the kill test: the folder to write to.
const CHILD_FOLDER: &str = "TENFOLD_TEST_LOG_FOLDER";

struct InFolder {
    log: EmbeddedLog,
    _folder: TempDir,
}

impl Deref for InFolder {
    type Target = EmbeddedLog;
    fn deref(&self) -> &EmbeddedLog {
        &self.log
    }
}

fn open(folder: &Path) -> EmbeddedLog {
    EmbeddedLog::open(folder, EmbeddedOptions::default()).expect("log opens")
}

fn fresh() -> InFolder {
    let folder = tempfile::tempdir().expect("folder");
    InFolder {
        log: open(folder.path()),
        _folder: folder,
    }
}

crate::every_case!(fresh());

#[test]
fn a_topic_made_by_the_log_has_no_settings_problems() {
    crate::suite::a_topic_made_by_the_log_has_no_settings_problems(&*fresh());
}

#[test]
fn what_was_appended_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let kept = {
        let log = open(folder.path());
        let kept = topic(&log, "kept", 2);
        append_text(&log, &kept, 1, "before");
        log.store_position("g", &kept, 1, 1).unwrap();
        kept
    };
    let log = open(folder.path());
    assert_eq!(log.lanes(&kept), Ok(2));
    assert_eq!(log.position("g", &kept, 1), Ok(Some(1)));
    assert_eq!(append_text(&log, &kept, 1, "after"), 1);
    let other = topic(&log, "other", 1);
    assert_eq!(append_text(&log, &other, 0, "apart"), 0);
    assert_eq!(
        texts(&read_from(&log, &kept, 1, 0).take(2)),
        ["before", "after"]
    );
}

#[test]
fn a_second_opener_is_told_which_process_has_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let second = EmbeddedLog::open(folder.path(), EmbeddedOptions::default());
    let Err(OpenError::InUse { holder, .. }) = second else {
        panic!("a second opener was let in");
    };
    assert_eq!(holder, std::process::id().to_string());
    drop(first);
    open(folder.path());
}

/// Not a test of its own: what the killed process of the next test does.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD_FOLDER) else {
        return;
    };
    let log = open(Path::new(&folder));
    let topic = topic(&log, "killed", 4);
    for n in 0_u64.. {
        let lane = (n % 4) as u32;
        let (tell, end) = std::sync::mpsc::channel();
        let done = Box::new(move |result| drop(tell.send(result)));
        log.append(
            Class::Commit,
            &topic,
            lane,
            NewRecord::of(n.to_string()),
            done,
        );
        end.recv().unwrap().unwrap();
        println!("acknowledged {n}");
    }
}

#[test]
fn everything_acknowledged_is_there_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "embedded::child_that_appends_until_it_is_killed",
            ])
            .env(CHILD_FOLDER, folder.path().join(round.to_string()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acknowledged = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, n)) = line.split_once("acknowledged ") {
                acknowledged = Some(n.parse::<u64>().unwrap());
            }
            if acknowledged == Some(150 + 37 * round) {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let last = acknowledged.expect("the child acknowledged something");
        assert!(last >= 150 + 37 * round);
        let log = open(&folder.path().join(round.to_string()));
        for lane in 0..4_u64 {
            let expected: Vec<String> = (0..=last)
                .filter(|n| n % 4 == lane)
                .map(|n| n.to_string())
                .collect();
            let read = read_from(&log, &Topic::named("killed"), lane as u32, 0);
            let read = texts(&{ read }.take(expected.len()));
            assert_eq!(read[..expected.len()], expected);
            assert!(
                read.len() <= expected.len() + 1,
                "only the last may not be acknowledged"
            );
        }
    }
}
