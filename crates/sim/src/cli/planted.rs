//! The simulation is tested itself: each known bug is planted in a copy of the tree, built, and must be found.

use anyhow::{Context as _, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// The folder of the patches.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("planted")
}

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The patches, by name.
///
/// # Errors
/// The folder cannot be read.
pub fn patches() -> anyhow::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder())?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "patch"))
        .collect();
    found.sort();
    Ok(found)
}

/// Sees that a patch applies to the tree as it is.
///
/// # Errors
/// It does not.
pub fn applies(patch: &Path) -> anyhow::Result<()> {
    let output = Command::new("git")
        .args(["apply", "--check"])
        .arg(patch)
        .current_dir(root())
        .output()
        .context("git runs")?;
    ensure!(
        output.status.success(),
        "{} does not apply: {}",
        patch.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Plants them one by one.
///
/// # Errors
/// The tree cannot be copied, or git or cargo cannot be run.
pub fn all(which: &str, seeds: u64) -> anyhow::Result<ExitCode> {
    let copy = tempfile::tempdir()?;
    let tree = copy.path().join("tree");
    run(Command::new("git")
        .args(["clone", "--quiet", "--no-hardlinks"])
        .arg(root())
        .arg(&tree))?;
    let mut missed = 0;
    println!(
        "{:<34} {:>8} {:>8}  what found it",
        "bug", "seeds", "seconds"
    );
    for patch in patches()? {
        let name = patch
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !name.contains(which) {
            continue;
        }
        run(Command::new("git")
            .args(["apply"])
            .arg(&patch)
            .current_dir(&tree))?;
        let began = Instant::now();
        let found = hunt(&tree, seeds)?;
        run(Command::new("git")
            .args(["checkout", "--quiet", "."])
            .current_dir(&tree))?;
        let took = began.elapsed().as_secs();
        match found {
            Some((seeds, words)) => println!("{name:<34} {seeds:>8} {took:>8}  {words}"),
            None => {
                missed += 1;
                println!("{name:<34} {:>8} {took:>8}  NOT FOUND", "-");
            }
        }
    }
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds the tree and runs its simulation until something is found.
fn hunt(tree: &Path, seeds: u64) -> anyhow::Result<Option<(u64, String)>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The same target folder for all of them, so that only what a patch touches is built again.
    cargo
        .args(["run", "--quiet", "--release", "-p", "sim", "--"])
        .args(["--json", "--first", "--from", "1", "--seeds"])
        .arg(seeds.to_string())
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_INCREMENTAL", "1")
        .current_dir(tree);
    let output = cargo.output().context("cargo runs")?;
    let report: serde_json::Value = serde_json::from_slice(
        output
            .stdout
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default(),
    )
    .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let Some(first) = report["failed"].get(0) else {
        return Ok(None);
    };
    let needed = first["seed"].as_u64().unwrap_or(0);
    let words = first["problems"][0].as_str().unwrap_or_default();
    let words = words.lines().next().unwrap_or_default();
    Ok(Some((needed, words.chars().take(110).collect())))
}

fn target() -> PathBuf {
    std::env::temp_dir().join("tenfold-planted")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
