//! Tests of the repository itself: that it stays tidy, that dependencies point one way, and that what
//! its pages say is so.

mod dependencies;
mod metrics;
mod pages;
mod panics;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository is there")
}

/// Files that are, or would be, under version control: path below the top, and text. Binary files are left out.
fn files() -> Vec<(String, String)> {
    let list = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let paths: Vec<String> = match list {
        Some(list) => list
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect(),
        // A release archive has no git: every file below the top counts, but for what builds and runs leave.
        None => walk(&root(), Path::new("")),
    };
    let files: Vec<(String, String)> = paths
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(root().join(&path)).ok()?;
            Some((path, text))
        })
        .collect();
    assert!(files.len() > 50, "only {} files were found", files.len());
    files
}

fn walk(root: &Path, below: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let Ok(entries) = std::fs::read_dir(root.join(below)) else {
        return paths;
    };
    for entry in entries.flatten() {
        let path = below.join(entry.file_name());
        let name = path.to_string_lossy().into_owned();
        if ["target", "data", ".git"].contains(&name.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            paths.extend(walk(root, &path));
        } else {
            paths.push(name);
        }
    }
    paths
}
