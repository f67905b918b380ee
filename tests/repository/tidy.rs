//! The tidiness test: what a reader would trip over.

use crate::files;

/// Most lines of a file of code: what fits in a head at once. About 400; a test more must not split a file.
const LINES_MAX: usize = 450;

/// Most lines of a `main.rs`: parse, build, run, drain.
const MAIN_LINES_MAX: usize = 60;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[(
    "proto/tenfold/v1/pooling.proto",
    "the whole service's calls in one place, for readers of its API",
)];

fn is_code(path: &str) -> bool {
    [".rs", ".proto", ".sh", ".toml"]
        .iter()
        .any(|end| path.ends_with(end))
        || path.starts_with("scripts/")
}

fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn no_file_is_longer_than_a_head_can_hold() {
    let mut found = Vec::new();
    for (path, text) in files() {
        let lines = text.lines().count();
        if is_code(&path) && lines > LINES_MAX && !LONGER.iter().any(|(long, _)| *long == path) {
            found.push(format!("{path}: {lines} lines"));
        }
    }
    none(
        &format!("over {LINES_MAX} lines: one room, or several?"),
        found,
    );
}

#[test]
fn the_list_of_longer_files_names_only_longer_files() {
    let files = files();
    for (long, reason) in LONGER {
        let lines = files
            .iter()
            .find(|(path, _)| path == long)
            .map_or(0, |(_, text)| text.lines().count());
        assert!(
            lines > LINES_MAX,
            "{long} has {lines} lines: take it off the list"
        );
        assert!(reason.len() > 20, "{long}: {reason:?} is no reason");
    }
}

#[test]
fn every_main_is_short() {
    let found = files()
        .into_iter()
        .filter(|(path, _)| path.ends_with("/main.rs") && path.contains("/src/"))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MAIN_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    none(&format!("a main over {MAIN_LINES_MAX} lines"), found);
}

#[test]
fn nothing_unfinished_is_left() {
    // Put together here, so that this file does not find itself.
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["dbg", "!("].concat(),
        ["unimple", "mented!("].concat(),
        ["to", "do!("].concat(),
        // Without a reason.
        ["#[ig", "nore]"].concat(),
    ];
    let mut found = Vec::new();
    for (path, text) in files().iter().filter(|(path, _)| is_code(path)) {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none("unfinished", found);
}

#[test]
fn every_crate_and_every_module_says_what_it_is_for() {
    let mut found = Vec::new();
    for (path, text) in files() {
        let source = path.ends_with(".rs") && path.contains("src/");
        // A file of tests beside its module is told by the module.
        let tests = path.ends_with("tests.rs");
        if source && !tests && !text.starts_with("//!") {
            found.push(path);
        }
    }
    none("does not begin with //!", found);
}

#[test]
fn no_file_carries_a_path_of_somebodys_machine() {
    let places = [
        ["/ro", "ot/"].concat(),
        ["/ho", "me/"].concat(),
        ["/Us", "ers/"].concat(),
        ["/wo", "rk/"].concat(),
        ["/tmp/", "wt"].concat(),
    ];
    let mut found = Vec::new();
    for (path, text) in files() {
        if path == "Cargo.lock" || path.ends_with(".svg") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if places.iter().any(|place| line.contains(place.as_str())) {
                found.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none("a machine's path", found);
}

#[test]
fn no_comment_has_an_example_that_nobody_compiles() {
    let mut found = Vec::new();
    for (path, text) in files() {
        let mut inside = false;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let Some(fence) = line
                .strip_prefix("/// ```")
                .or_else(|| line.strip_prefix("//! ```"))
            else {
                continue;
            };
            inside = !inside;
            if inside && path.ends_with(".rs") && !["text", "json"].contains(&fence) {
                found.push(format!("{path}:{}", at + 1));
            }
        }
    }
    none(
        "examples are tests (doctest = false); other blocks say that they are `text` or `json`",
        found,
    );
}
