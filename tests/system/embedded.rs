//! One process with all three services on the embedded log.

use crate::audited::{audit, digest, with_ledger};
use crate::day::{Kill, with_kills};
use crate::services;
use std::path::Path;
use std::time::Duration;
use tenfold_lab_day::Day;
use tenfold_tests::process::{Served, program, run};

/// `tenfold run` with its data in a folder.
pub fn all_in_one(folder: &Path) -> Served {
    all_in_one_with(folder, &[])
}

/// The same with more arguments.
pub fn all_in_one_with(folder: &Path, more: &[&str]) -> Served {
    let arguments = [&["run", "--data", "data"], more].concat();
    let mut process = Served::new("tenfold", program("tenfold"), &arguments, folder);
    process.start();
    process.wait_ready();
    process
}

#[test]
fn a_day_ends_right_though_the_process_is_killed_twice() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let mut processes = [all_in_one(folder.path())];
    let at = [processes[0].address()];
    let services = with_ledger(services(&at, &at, &at), folder.path());
    let day = Day::new("E", 1_000, 2);
    let kills = [
        Kill {
            process: 0,
            when: |progress| &progress.received,
            reaches: 300,
            down: Duration::from_millis(300),
        },
        Kill {
            process: 0,
            when: |progress| &progress.reports,
            reaches: 400,
            down: Duration::from_millis(300),
        },
    ];
    with_kills(&day, &services, &mut processes, &kills);
    processes[0].kill();
    let data = folder.path().join("data");
    let log = ["--data", &data.to_string_lossy()];
    audit(&log, folder.path());
    digest(&log);
}

#[test]
fn a_second_process_on_the_same_data_is_refused_and_told_who_has_it() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let process = all_in_one(folder.path());
    let data = folder.path().join("data");
    let arguments = [
        "run",
        "--data",
        &data.to_string_lossy(),
        "--grpc",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ];
    let (status, _, told) = run(&program("tenfold"), &arguments);
    assert!(!status.success(), "a second process has the same log open");
    let owner = process.id().expect("it runs").to_string();
    assert!(
        told.contains(&owner),
        "it does not say that process {owner} has the log: {told}"
    );
}
