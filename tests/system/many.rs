//! Very many registrations from one file.

use crate::embedded::all_in_one;
use crate::{runtime, services};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tenfold_lab_day::{Day, Services, play};
use tenfold_proto::v1;
use tenfold_tests::process::{command, program};
use v1::intake_client::IntakeClient;

/// Registrations in the file, if `TENFOLD_MANY` does not say otherwise.
const MANY: usize = 100_000;

/// Every so many lines one is bad.
const BAD_EVERY: usize = 1_000;

/// Most memory the process may ever use.
const MEMORY_MIB_MAX: u64 = 1_024;

/// Longest wait for everything to be decided.
const DECIDED_MAX: Duration = Duration::from_secs(300);

/// The source that the file is sent as.
const SOURCE: &str = "many";

/// Writes the file; answers how many lines of it are bad.
fn write(path: &Path, lines: usize) -> usize {
    let mut text = String::from("barcode,site,kind,specimen_type,sampling_class,subjects\n");
    let mut bad = 0;
    for number in 0..lines {
        let (site, barcode) = match number % BAD_EVERY {
            7 if (number / BAD_EVERY).is_multiple_of(2) => {
                ("lab-1-street", format!("M {number:07}"))
            }
            7 => ("nowhere", format!("M{number:08}")),
            _ => ("lab-1-street", format!("M{number:08}")),
        };
        bad += usize::from(number % BAD_EVERY == 7);
        let _ = writeln!(text, "{barcode},{site},person,np-swab,routine,m-{number}");
    }
    std::fs::write(path, text).expect("the file is written");
    bad
}

/// What `tenfold register FILE` said.
struct Told {
    durable: usize,
    rejected: usize,
    per_second: f64,
    reasons: HashSet<String>,
    took: Duration,
}

fn register(path: &Path, server: &str) -> std::process::Child {
    command(&program("tenfold"))
        .args(["--json", "--server", server, "register", "--source", SOURCE])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tenfold register starts")
}

fn told(child: std::process::Child, began: Instant) -> Told {
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    let value: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|error| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        panic!("tenfold register --json printed no JSON ({error}): {said}\n{complaint}")
    });
    let number = |name: &str| usize::try_from(value[name].as_u64().unwrap_or(0)).unwrap_or(0);
    let rejected = value["rejected_lines"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    Told {
        durable: number("durable"),
        rejected: number("rejected"),
        per_second: value["per_second"].as_f64().unwrap_or(0.0),
        reasons: rejected
            .iter()
            .map(|one| one["reason"].as_str().unwrap_or_default().to_owned())
            .collect(),
        took: began.elapsed(),
    }
}

/// Registrations decided as accepted.
async fn registered(services: &Services) -> u64 {
    let board = services
        .intake
        .call(|channel| async move {
            IntakeClient::new(channel)
                .get_board(v1::IntakeBoardRequest::default())
                .await
        })
        .await
        .expect("intake's board");
    board.labs.iter().map(|lab| lab.registered_total).sum()
}

/// Barcodes that the source is told are registered.
async fn told_of_each(services: &Services) -> HashSet<String> {
    let request = v1::WatchOutcomesRequest {
        source: SOURCE.to_owned(),
        until_now: true,
        ..Default::default()
    };
    let mut outcomes = IntakeClient::new(services.intake.next())
        .watch_outcomes(request)
        .await
        .expect("outcomes")
        .into_inner();
    let mut barcodes = HashSet::new();
    while let Some(part) = outcomes.message().await.expect("outcomes") {
        let accepted = part
            .outcomes
            .into_iter()
            .filter(|outcome| outcome.refusal.is_none());
        barcodes.extend(accepted.map(|outcome| outcome.barcode));
    }
    barcodes
}

#[test]
fn a_file_of_very_many_registrations_survives_a_kill_and_a_second_sending() {
    let lines = std::env::var("TENFOLD_MANY")
        .ok()
        .map_or(MANY, |many| many.parse().expect("a number"));
    let _alone = crate::alone();
    let folder = crate::folder();
    let file = folder.path().join("many.csv");
    let bad = write(&file, lines);
    let good = lines - bad;
    let mut process = all_in_one(folder.path());
    let at = [process.address()];
    let services = services(&at, &at, &at);
    runtime()
        .block_on(play::apply_policy(&Day::new("M", 0, 1), &services))
        .expect("a policy");

    let began = Instant::now();
    let sending = register(&file, &process.address());
    let a_third = good as u64 / 3;
    while runtime().block_on(registered(&services)) < a_third {
        assert!(
            began.elapsed() < DECIDED_MAX,
            "a third of it is never registered\n{}",
            process.log_tail()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let memory_before = process.memory_max_mib();
    process.kill();
    process.start();
    let ready = process.wait_ready();
    let first = told(sending, began);
    assert_eq!(first.durable, lines, "lines acknowledged");
    assert_eq!(first.rejected, bad, "lines rejected");
    assert_eq!(first.reasons.len(), 2, "{:?}", first.reasons);

    let again = told(register(&file, &process.address()), Instant::now());
    assert_eq!(
        (again.durable, again.rejected),
        (lines, bad),
        "the same file again"
    );
    assert_eq!(
        runtime().block_on(registered(&services)),
        good as u64,
        "registered, each once"
    );
    let barcodes = runtime().block_on(told_of_each(&services));
    assert_eq!(barcodes.len(), good, "barcodes that are known");
    let memory = process.memory_max_mib();
    println!(
        "  {lines} lines: {} a second with a kill -9 in the middle (ready again after {ready:?}), {:.1} s in all; \
         again: {} a second, {:.1} s in all; memory {memory_before:?} then {memory:?} MiB",
        first.per_second,
        first.took.as_secs_f64(),
        again.per_second,
        again.took.as_secs_f64(),
    );
    for mib in memory_before.into_iter().chain(memory) {
        assert!(
            mib < MEMORY_MIB_MAX,
            "{mib} MiB are more than {MEMORY_MIB_MAX}"
        );
    }
}
