//! The demonstration, in a lab where others left work half done.

use crate::audited::{audit_alone, digest};
use crate::embedded::all_in_one;
use crate::robots::{Tenfold, barcode, in_a_rack};
use serde_json::Value;
use std::path::Path;
use tenfold_tests::process::{free_address, program, run};

/// A tube that was received and never registered.
const LATE: &str = "LATE000001";

/// What a day leaves that is killed at the worst places: a tube that came before its registration, a rack that is
/// planned and a pool at a bench, whose transfers nobody confirmed.
fn left_over(tenfold: &Tenfold, folder: &Path) {
    let lab = ["--lab", "lab-1"];
    let ask = |arguments: &[&str]| tenfold.ask(&[arguments, &lab].concat());
    in_a_rack(tenfold, folder);
    ask(&["receive", LATE]);
    for number in [0, 1] {
        ask(&["scan", "--bench", "b1", &barcode(number)]);
    }
    ask(&["pool", "plan-rack", "R-1", "--bench", "robot"]);
}

/// The tubes in lab-1 whose registration nobody knows.
fn pending(tenfold: &Tenfold) -> Vec<Value> {
    let work = tenfold.ask(&["work", "--lab", "lab-1", "--queue", "pending"]);
    let items = work["items"].as_array().expect("items");
    items.iter().map(|item| item["barcode"].clone()).collect()
}

#[test]
fn a_demonstration_ends_right_beside_what_a_killed_one_left() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let mut lab = all_in_one(folder.path());
    let tenfold = Tenfold(lab.address());
    left_over(&tenfold, folder.path());
    assert_eq!(pending(&tenfold), [LATE]);
    lab.kill();
    let data = folder.path().join("data");
    let log = ["--data", &data.to_string_lossy()];
    let [grpc, http] = [free_address(), free_address()].map(|address| address.to_string());
    let arguments = [
        &["--json", "demo", "--exit", "--set", "console.listen="][..],
        &["--grpc", &grpc, "--http", &http],
        &log,
    ];
    let (status, said, told) = run(&program("tenfold"), &arguments.concat());
    assert!(
        status.success(),
        "the demonstration ended with {status}:\n{said}\n{told}"
    );
    lab.start();
    lab.wait_ready();
    assert_eq!(pending(&tenfold), [LATE], "it is left to the lab's people");
    lab.kill();
    audit_alone(&log);
    digest(&log);
}
