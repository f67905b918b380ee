//! A lab whose older records leave the log: nobody who works there, or looks back, can tell.

use crate::{runtime, services};
use std::path::Path;
use tenfold_lab_day::{Day, Progress, play};
use tenfold_tests::process::{Served, program, run};

/// Tubes of a day.
const TUBES: usize = 1_000;

fn tenfold(arguments: &[&str]) -> serde_json::Value {
    let all = [&["--json"], arguments].concat();
    let (status, said, told) = run(&program("tenfold"), &all);
    assert!(status.success(), "tenfold {arguments:?}: {said}{told}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// A day of labs of its own: a day's end is told by what its labs have in all.
const DAYS: [&str; 5] = ["H1", "H2", "H3", "H4", "H5"];

fn labs(day: &str) -> Vec<String> {
    vec![format!("{day}-a"), format!("{day}-b")]
}

fn day(name: &str, served: &Served) {
    let at = [served.address()];
    let services = services(&at, &at, &at);
    let mut day = Day::at(name, TUBES, labs(name));
    day.other_labs = DAYS.into_iter().flat_map(labs).collect();
    runtime()
        .block_on(play(&day, &services, &Progress::default()))
        .expect("the day ends right");
}

/// Records that a store has of a topic's only lane.
fn stored(heads: &serde_json::Value, topic: &str) -> u64 {
    let lanes = heads.as_array().expect("lanes");
    let of = lanes.iter().find(|lane| lane["topic"] == topic);
    of.and_then(|lane| lane["stored_below"].as_u64())
        .unwrap_or(0)
}

#[test]
fn a_lab_goes_on_and_is_proven_right_though_its_log_has_lost_the_first_day() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let path = |name: &str| folder.path().join(name);
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (data, copy, other) = (
        text(&path("data")),
        text(&path("copy")),
        text(&path("other")),
    );
    let url = format!("file://{}", path("older").display());
    let settings = text(&path("lab.toml"));
    let lanes = "[lanes]\nintake = 1\npooling = 1\nresults = 1\n";
    let small = "[snapshots]\nevery_mib = 1\n";
    let heads = format!("[heads]\nurl = {url:?}\npart_kib = 32\n");
    std::fs::write(&settings, format!("{lanes}{small}{heads}")).expect("settings");
    let arguments = ["run", "--data", "data", "--config", &settings];
    let mut lab = Served::new("lab", program("tenfold"), &arguments, folder.path());
    let mut days = DAYS.into_iter();
    for name in days.by_ref().take(3) {
        lab.start();
        lab.wait_ready();
        day(name, &lab);
        lab.kill();
    }
    let before = tenfold(&["heads", "list", "--heads", &url]);
    for topic in ["pooling.journal", "pooling.inbox"] {
        assert!(stored(&before, topic) > 1, "{topic}: {before}");
    }

    // A new machine, without caches; and then one whose snapshots are gone, too: all is folded, from the store and the log.
    for (name, gone) in days.zip([&["cache"][..], &["cache", "snapshots"]]) {
        for gone in gone {
            std::fs::remove_dir_all(path("data").join(gone)).expect("it is there");
        }
        lab.start();
        lab.wait_ready();
        day(name, &lab);
        if gone.len() > 1 {
            // While it works: the copy has everything, wherever it was.
            let address = lab.address();
            tenfold(&["backup", &copy, "--data", &data, "--server", &address]);
        }
        lab.kill();
    }
    let with = ["--data", &data, "--heads", &url];
    tenfold(&[&["heads", "verify"], &with[..]].concat());
    tenfold(&[&["audit"], &with[..]].concat());
    tenfold(&[&["digest"], &with[..]].concat());
    tenfold(&["restore", &copy, "--data", &other, "--config", &settings]);
    tenfold(&["audit", "--data", &other]);

    // Whoever is not told of the store says what to set.
    let (refused, _, told) = run(&program("tenfold"), &["audit", "--data", &data]);
    assert!(!refused.success(), "audited a part of a log");
    assert!(told.contains("heads.url"), "{told}");
}
