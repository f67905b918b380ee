//! No code that a lab runs ends its process on purpose: what cannot happen has an error all the same.

use crate::files;

/// What ends a process. Put together, so that this file does not find itself.
const ENDS: &[[&str; 2]] = &[
    [".unwrap", "()"],
    [".expect", "(\""],
    [".unwrap", "_err()"],
    ["pan", "ic!("],
    ["unreach", "able!("],
];

/// Folders of code that labs run.
const RUNS: &[&str] = &["crates/", "services/", "tenfold/", "proto/"];

/// Tests, examples, and what only tests and measurements use.
const ONLY_TESTED: &[&str] = &[
    "/tests/",
    "tests.rs",
    "/examples/",
    "/benches/",
    "crates/sim/",
    "crates/model/",
    "crates/lab-day/",
    // The driver of tests and its tables: a story that cannot go on has failed.
    "crates/runtime/src/driver/",
    "crates/domain/src/tables/memory.rs",
];

/// A file without its tests, which stand at its end.
fn that_runs(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

/// The lines of a file that end a process.
fn ends(text: &str) -> Vec<String> {
    that_runs(text)
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(|(_, line)| ENDS.iter().any(|end| line.contains(&end.concat())))
        .map(|(at, line)| format!("{}: {}", at + 1, line.trim()))
        .collect()
}

#[test]
fn what_a_lab_runs_never_ends_itself() {
    let mut looked_at = 0;
    let mut found = Vec::new();
    for (path, text) in files() {
        let runs = path.ends_with(".rs")
            && RUNS.iter().any(|folder| path.starts_with(folder))
            && !ONLY_TESTED.iter().any(|kind| path.contains(kind));
        if runs {
            looked_at += 1;
            found.extend(ends(&text).into_iter().map(|line| format!("{path}:{line}")));
        }
    }
    assert!(looked_at > 200, "{looked_at} files: where is the code?");
    assert!(
        found.is_empty(),
        "an error says what to do, an end does not:\n  {}",
        found.join("\n  ")
    );
}

#[test]
fn an_end_is_seen_before_the_tests_of_a_file_and_not_in_them() {
    let end = ENDS[0].concat();
    let text = format!("a{end};\n// b{end}\n#[cfg(test)]\nmod tests {{\nc{end};\n}}\n");
    assert_eq!(ends(&text), [format!("1: a{end};")]);
}
