//! A lab moves in the middle of a day: copied while it runs, stopped, put somewhere else, and on it goes.

use crate::{runtime, services};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tenfold_lab_day::{Day, Progress, play};
use tenfold_tests::kafka::KafkaCluster;
use tenfold_tests::process::{Served, program, run};

/// Tubes of the day, and how many are received when the lab moves.
const TUBES: usize = 600;
const MOVES_AT: u64 = 200;
/// Longest wait until then.
const MOMENT_MAX: Duration = Duration::from_secs(240);

/// Runs a command in a folder; answers what it printed as JSON.
fn tenfold(arguments: &[&str]) -> serde_json::Value {
    let all = [&["--json"], arguments].concat();
    let (status, said, told) = run(&program("tenfold"), &all);
    assert!(status.success(), "tenfold {arguments:?}: {said}{told}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn in_folder(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

/// Plays a day that begins at `here` and ends at `there`; `moves` is called between the two, when `here` is dead.
fn play_and_move(
    day: &Day,
    here: &mut Served,
    there: &mut Served,
    moves: impl FnOnce(&mut Served),
) {
    let at = [here.address(), there.address()];
    let services = services(&at, &at, &at);
    let progress = Progress::default();
    std::thread::scope(|scope| {
        let (progress, services) = (&progress, &services);
        let played = scope.spawn(move || runtime().block_on(play(day, services, progress)));
        let began = Instant::now();
        while progress.received.load(Ordering::Relaxed) < MOVES_AT {
            assert!(
                began.elapsed() < MOMENT_MAX,
                "the day stands still at {progress:?}"
            );
            assert!(!played.is_finished(), "the day was over before the move");
            std::thread::sleep(Duration::from_millis(5));
        }
        moves(here);
        there.start();
        there.wait_ready();
        let played = played
            .join()
            .expect("no panic")
            .expect("the day ends right");
        println!(
            "  moved at {MOVES_AT} of {} tubes, {} reports",
            played.tubes, played.reports
        );
    });
}

#[test]
fn a_lab_is_backed_up_while_it_works_and_goes_on_elsewhere_from_a_backup() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let mut here = crate::embedded::all_in_one(folder.path());
    let mut there = Served::new(
        "moved",
        program("tenfold"),
        &["run", "--data", "other"],
        folder.path(),
    );
    let day = Day::new("B", TUBES, 2);
    let [data, other, copy, warm, warm_data] =
        ["data", "other", "copy", "warm", "warm-data"].map(|name| in_folder(folder.path(), name));
    play_and_move(&day, &mut here, &mut there, |here| {
        // While it works: the process gives it. The copy is whole, and could be started.
        let address = here.address();
        let backed = tenfold(&["backup", &warm, "--data", &data, "--server", &address]);
        let restored = tenfold(&["restore", &warm, "--data", &warm_data]);
        assert_eq!(
            backed["lanes"], restored["lanes"],
            "the same chain in every lane"
        );
        tenfold(&["audit", "--data", &warm_data]);
        let (refused, _, told) = run(&program("tenfold"), &["export", &copy, "--data", &data]);
        assert!(!refused.success(), "a running lab was exported");
        assert!(told.contains("in use by process"), "{told}");
        here.kill();
        let backed = tenfold(&["backup", &copy, "--data", &data]);
        let (refused, _, told) = run(&program("tenfold"), &["backup", &copy, "--data", &data]);
        assert!(!refused.success() && told.contains("not empty"), "{told}");
        let restored = tenfold(&["restore", &copy, "--data", &other]);
        assert_eq!(backed["lanes"], restored["lanes"]);
        let (refused, _, told) = run(&program("tenfold"), &["restore", &copy, "--data", &other]);
        assert!(!refused.success() && told.contains("not empty"), "{told}");
    });
    there.kill();
    tenfold(&["audit", "--data", &other]);
}

#[test]
fn a_lab_moves_to_kafka_in_the_middle_of_a_day() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let kafka = KafkaCluster::start(1);
    let mut here = crate::embedded::all_in_one(folder.path());
    let mut there = Served::new(
        "moved",
        program("tenfold"),
        &[
            "run",
            "--kafka",
            kafka.bootstrap(),
            "--dev",
            "--set",
            "cache.dir=cache-moved",
        ],
        folder.path(),
    );
    let day = Day::new("M", TUBES, 2);
    let [data, file] = ["data", "lab.tenfold"].map(|name| in_folder(folder.path(), name));
    play_and_move(&day, &mut here, &mut there, |here| {
        here.kill();
        let exported = tenfold(&["export", &file, "--data", &data]);
        let arguments = ["import", &file, "--dev", "--kafka", kafka.bootstrap()];
        let imported = tenfold(&arguments);
        assert_eq!(
            exported["lanes"], imported["lanes"],
            "the same chain in every lane"
        );
        let (refused, _, told) = run(&program("tenfold"), &arguments);
        assert!(!refused.success() && told.contains("not empty"), "{told}");
    });
    tenfold(&["audit", "--kafka", kafka.bootstrap()]);
}
