//! What the pages tell a reader to run is there.

use crate::files;

/// The words that follow these marks in a text.
fn behind<'text>(text: &'text str, mark: &str) -> Vec<&'text str> {
    let parts = text.split(mark).skip(1);
    let word = |part: &'text str| {
        let end = part.find(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
        part.get(..end.unwrap_or(part.len())).unwrap_or_default()
    };
    parts.map(word).collect()
}

#[test]
fn every_example_and_every_target_that_a_page_names_is_there() {
    let files = files();
    let makefile = files.iter().find(|(path, _)| path == "Makefile");
    let makefile = makefile.map_or("", |(_, text)| text);
    let (mut named, mut missing) = (0, Vec::new());
    for (path, text) in &files {
        if !(path.ends_with(".md") || path == "Makefile" || path.starts_with("scripts/")) {
            continue;
        }
        for example in behind(text, "--example ") {
            named += 1;
            let file = format!("/examples/{example}.rs");
            if !files.iter().any(|(path, _)| path.ends_with(&file)) {
                missing.push(format!("{path}: --example {example}"));
            }
        }
        for target in behind(text, "`make ") {
            named += 1;
            if !makefile
                .lines()
                .any(|line| line.starts_with(&format!("{target}:")))
            {
                missing.push(format!("{path}: make {target}"));
            }
        }
    }
    assert!(named > 20, "only {named} were found: is this test blind?");
    assert!(missing.is_empty(), "not there:\n  {}", missing.join("\n  "));
}

#[test]
fn a_word_ends_before_what_is_no_part_of_it() {
    assert_eq!(
        behind("`make bench NAME=x`, `make docs`: make it", "`make "),
        ["bench", "docs"]
    );
}
