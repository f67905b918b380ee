//! The three services as processes of their own, two instances each, on a real Kafka.

use crate::audited::{audit, digest, with_ledger};
use crate::day::{Kill, with_kills};
use crate::services;
use std::path::Path;
use std::time::Duration;
use tenfold_lab_day::Day;
use tenfold_tests::kafka::KafkaCluster;
use tenfold_tests::process::{Served, program, run};

/// Tubes of the day.
const TUBES: usize = 20_000;

/// Labs: enough for both instances of a service to own some.
const LABS: usize = 4;

const SERVICES: [&str; 3] = ["intake", "pooling", "results"];

/// Two instances of each service: those of one service beside one another.
fn two_each(kafka: &KafkaCluster, folder: &Path) -> Vec<Served> {
    let mut processes = Vec::new();
    for service in SERVICES {
        for instance in ["a", "b"] {
            let name = format!("{service}-{instance}");
            let cache = format!("cache.dir=cache-{name}");
            let arguments = [
                "--kafka",
                kafka.bootstrap(),
                "--dev",
                "--instance",
                &name,
                "--set",
                &cache,
            ];
            let program = program(&format!("tenfold-{service}"));
            processes.push(Served::new(&name, program, &arguments, folder));
        }
    }
    for process in &mut processes {
        process.start();
    }
    for process in &mut processes {
        let ready = process.wait_ready();
        println!("  ready after {ready:?}");
    }
    processes
}

#[test]
fn a_day_of_20_000_samples_ends_right_though_two_services_are_killed() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let kafka = KafkaCluster::start(1);
    let arguments = ["topics", "create", "--dev", "--kafka", kafka.bootstrap()];
    let (status, said, told) = run(&program("tenfold"), &arguments);
    assert!(status.success(), "topics are not created: {said}{told}");
    let mut processes = two_each(&kafka, folder.path());
    let addresses = |index: usize| [processes[index].address(), processes[index + 1].address()];
    let services = services(&addresses(0), &addresses(2), &addresses(4));
    let services = with_ledger(services, folder.path());
    let day = Day::new("K", TUBES, LABS);
    let kills = [
        Kill {
            process: 2,
            when: |progress| &progress.received,
            reaches: TUBES as u64 / 4,
            down: Duration::from_secs(1),
        },
        Kill {
            process: 5,
            when: |progress| &progress.reports,
            reaches: TUBES as u64 / 2,
            down: Duration::from_secs(1),
        },
    ];
    with_kills(&day, &services, &mut processes, &kills);
    let log = ["--kafka", kafka.bootstrap()];
    // While everything runs; then, with everything stopped, the caches.
    audit(&log, folder.path());
    for process in &mut processes {
        process.kill();
    }
    for service in SERVICES {
        for instance in ["a", "b"] {
            let name = format!("{service}-{instance}");
            let cache = folder.path().join(format!("cache-{name}")).join(&name);
            let cache = cache.to_string_lossy();
            digest(&["--kafka", kafka.bootstrap(), "--cache", &cache]);
        }
    }
}
