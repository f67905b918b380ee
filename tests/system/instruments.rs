//! Files of instruments on their way in: by the command line and through the watched folder.

use crate::embedded::all_in_one_with;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tenfold_tests::process::{program, run};

/// Longest wait for the watched folder.
const PATIENCE: Duration = Duration::from_secs(120);

/// A file as an instrument writes it.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/instruments/tests/files")
        .join(name)
}

fn tenfold(server: &str, arguments: &[&str]) -> (bool, serde_json::Value) {
    let all = [&["--json", "--server", server], arguments].concat();
    let (status, said, told) = run(&program("tenfold"), &all);
    let text = if said.trim().is_empty() { told } else { said };
    let value = serde_json::from_str(text.lines().next().unwrap_or_default());
    (
        status.success(),
        value.unwrap_or_else(|error| panic!("tenfold {arguments:?}: {error}: {text}")),
    )
}

fn appears(path: &Path) {
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < PATIENCE, "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_is_recognised_kept_and_answered_and_the_watched_folder_takes_or_rejects() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let lab = folder.path().join("watch/lab-1");
    std::fs::create_dir_all(&lab).expect("made");
    let process = all_in_one_with(
        folder.path(),
        &["--set", "runs.watch=watch", "--set", "runs.watch_quiet_s=1"],
    );
    let at = process.address();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, tenfold_domain::policy::Policy::default_text()).expect("written");
    let (applied, told) = tenfold(&at, &["policy", "apply", &policy.to_string_lossy()]);
    assert!(applied, "{told}");

    let file = example("quantstudio/workbook.xls");
    let import = ["import-run", &file.to_string_lossy(), "--lab", "lab-1"];
    let (mut taken, mut told) = tenfold(&at, &import);
    let began = Instant::now();
    // The policy is on its way to the lane.
    while !taken && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(100));
        (taken, told) = tenfold(&at, &import);
    }
    assert!(taken, "{told}");
    assert_eq!(told["format"], "QuantStudio", "{told}");
    assert_eq!(told["plate"], "PL-QS-7", "{told}");
    assert_eq!(told["wells"], 8, "{told}");
    assert_eq!(told["state"], "IMPORT_STATE_PARKED", "{told}");
    let (_, again) = tenfold(&at, &import);
    assert_eq!(again["same_file"], true, "{again}");

    let copy = folder.path().join("copy.xls");
    let hash = told["file_hash"].as_str().expect("a hash");
    let (given, said) = tenfold(&at, &["run-file", hash, "--out", &copy.to_string_lossy()]);
    assert!(given, "{said}");
    let bytes = |path: &Path| std::fs::read(path).expect("read");
    assert_eq!(bytes(&copy), bytes(&file));

    // From here on through the folder; the second file's name names the plate.
    for (from, name) in [
        ("cfx/maestro.csv", "PL-CFX_again.dat"),
        ("cfx/cut.csv", "cut.csv"),
        ("rdml/bomb.rdml", "bomb.rdml"),
    ] {
        let half = lab.join(format!("{name}.part"));
        std::fs::copy(example(from), &half).expect("copied");
        std::fs::rename(&half, lab.join(name)).expect("renamed");
    }
    appears(&lab.join("done/PL-CFX_again.dat"));
    for (name, reason) in [
        ("cut.csv", "FILE_DAMAGED"),
        ("bomb.rdml", "FILE_UNPACKS_TOO_LARGE"),
    ] {
        appears(&lab.join("rejected").join(name));
        let told = lab.join("rejected").join(format!("{name}.reason"));
        let told = std::fs::read_to_string(told).expect("a reason beside it");
        assert!(told.starts_with(reason), "{told}");
    }
    let (_, waiting) = tenfold(&at, &["review", "list", "--lab", "lab-1"]);
    let parked = waiting["parked"].as_array().expect("runs that wait");
    let plates: Vec<&str> = parked
        .iter()
        .filter_map(|run| run["plate"].as_str())
        .collect();
    assert!(
        plates.contains(&"PL-CFX") && plates.contains(&"PL-QS-7"),
        "{waiting}"
    );
}
