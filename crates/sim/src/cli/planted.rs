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

/// How the planted tree is built.
#[derive(Clone, Debug)]
pub struct Build {
    /// Optimised as a release is.
    pub release: bool,
    /// The target folder: one for all of them, so that only what a patch touches is built again.
    pub target: PathBuf,
}

/// Plants them one by one.
///
/// # Errors
/// The tree cannot be copied, or git or cargo cannot be run.
pub fn all(which: &str, seeds: u64) -> anyhow::Result<ExitCode> {
    let build = Build {
        release: true,
        target: std::env::temp_dir().join("tenfold-planted"),
    };
    let tree = Tree::copy()?;
    let mut missed = 0;
    println!(
        "{:<34} {:>8} {:>8}  what found it",
        "bug", "seeds", "seconds"
    );
    for patch in patches()? {
        let name = name(&patch);
        if !name.contains(which) {
            continue;
        }
        let began = Instant::now();
        let found = tree.plant(&patch, &build, seeds)?;
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

/// The name of a patch, as `--planted` takes it.
#[must_use]
pub fn name(patch: &Path) -> String {
    patch
        .file_stem()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A copy of the tree as it lies here, committed or not.
#[derive(Debug)]
pub struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    /// Copies it.
    ///
    /// # Errors
    /// It cannot be read, or there is no room.
    pub fn copy() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        copy(&root().canonicalize()?, folder.path()).context("the tree is copied")?;
        Ok(Self { folder })
    }

    /// Applies a patch, builds, and runs the simulation until something is found: after how many seeds,
    /// and in which words. The patch is taken out again.
    ///
    /// # Errors
    /// git or cargo cannot be run, or the planted tree does not build.
    pub fn plant(
        &self,
        patch: &Path,
        build: &Build,
        seeds: u64,
    ) -> anyhow::Result<Option<(u64, String)>> {
        self.apply(patch, false)?;
        let found = self.hunt(build, seeds);
        self.apply(patch, true)?;
        found
    }

    fn apply(&self, patch: &Path, out: bool) -> anyhow::Result<()> {
        let mut git = Command::new("git");
        git.arg("apply").args(out.then_some("--reverse")).arg(patch);
        // The copy is no repository, even if a folder above it is one.
        git.current_dir(self.folder.path())
            .env("GIT_CEILING_DIRECTORIES", self.folder.path());
        let output = git.output().context("git runs")?;
        ensure!(
            output.status.success(),
            "{git:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    fn hunt(&self, build: &Build, seeds: u64) -> anyhow::Result<Option<(u64, String)>> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The whole workspace's features, so that what it is built of is built once. Not the program itself: that
        // would be put in place of the sound one.
        cargo
            .args(["build", "--locked", "--quiet", "--workspace"])
            .args(["--example", "planted"])
            .args(build.release.then_some("--release"))
            .env("CARGO_TARGET_DIR", &build.target)
            .current_dir(self.folder.path());
        let output = cargo.output().context("cargo runs")?;
        ensure!(
            output.status.success(),
            "the planted tree does not build: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let profile = if build.release { "release" } else { "debug" };
        let program = build.target.join(profile).join("examples/planted");
        let output = Command::new(&program)
            .args(["--json", "--first", "--from", "1", "--seeds"])
            .arg(seeds.to_string())
            .output()
            .with_context(|| format!("{} runs", program.display()))?;
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
}

/// Copies a folder without what git and cargo keep in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if [".git", "target", "data"]
            .iter()
            .any(|other| name == *other)
        {
            continue;
        }
        let to = to.join(&name);
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&to)?;
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}
