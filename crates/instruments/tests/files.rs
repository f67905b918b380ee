//! Files as instruments write them, each with the table a person would read off it (`FILE.table`), or with
//! the reason and a part of the message by which it is refused (`FILE.refused`). All values are made up.

mod common;

use std::path::{Path, PathBuf};
use tenfold_instruments::read;

/// A file, what it must come to, and whether that is a table.
struct Case {
    file: PathBuf,
    wanted: String,
    is_table: bool,
    /// The curves that are in it, if a person wrote them down.
    curves: Option<String>,
}

fn cases(format: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/files")
        .join(format);
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let file = entry.expect("an entry").path();
        let end = file.extension().and_then(|end| end.to_str());
        if matches!(end, Some("table" | "refused" | "curves")) {
            continue;
        }
        let beside = |end: &str| PathBuf::from(format!("{}.{end}", file.display()));
        let is_table = beside("table").is_file();
        let wanted = std::fs::read_to_string(beside(if is_table { "table" } else { "refused" }))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let curves = std::fs::read_to_string(beside("curves")).ok();
        cases.push(Case {
            curves,
            file,
            wanted,
            is_table,
        });
    }
    cases.sort_by(|a, b| a.file.cmp(&b.file));
    cases
}

fn check(format: &str) {
    let cases = cases(format);
    let tables = cases.iter().filter(|case| case.is_table).count();
    assert!(tables >= 6, "{format}: {tables} files that are read");
    assert!(cases.len() - tables >= 4, "{format}: files that are not");
    let mut wrong = Vec::new();
    for case in &cases {
        let bytes = std::fs::read(&case.file).expect("the file is read");
        let name = case.file.file_name().unwrap_or_default().to_string_lossy();
        match (read(&bytes, &[]), case.is_table) {
            (Ok(table), true) => {
                let text = common::text(&table);
                let differ = text
                    .lines()
                    .zip(case.wanted.lines())
                    .find(|(is, wanted)| is != wanted);
                if let Some((is, wanted)) = differ {
                    wrong.push(format!("{name}: {is:?} is not {wanted:?}"));
                } else if text != case.wanted {
                    let (is, wanted) = (text.lines().count(), case.wanted.lines().count());
                    wrong.push(format!("{name}: {is} lines, not {wanted}"));
                }
                let is = common::curves(&table);
                match &case.curves {
                    Some(wanted) if is != *wanted => {
                        wrong.push(format!("{name}: its curves are\n{is}and not\n{wanted}"));
                    }
                    _ => {}
                }
            }
            (Err(refusal), false) => {
                let mut lines = case.wanted.lines();
                let (reason, part) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
                if refusal.reason.code() != reason || !refusal.message.contains(part) {
                    wrong.push(format!("{name}: {refusal}, wanted {reason} {part:?}"));
                }
            }
            (Ok(table), false) => wrong.push(format!("{name}: read as {}", table.format)),
            (Err(refusal), true) => wrong.push(format!("{name}: {refusal}")),
        }
    }
    let with_curves = cases.iter().filter(|case| case.curves.is_some()).count();
    assert!(
        with_curves > 0 || format == "generic",
        "{format}: no file with curves"
    );
    assert!(wrong.is_empty(), "{format}:\n{}", wrong.join("\n"));
}

#[test]
fn quantstudio() {
    check("quantstudio");
}

#[test]
fn design_analysis() {
    check("design-analysis");
}

#[test]
fn sds7500() {
    check("sds7500");
}

#[test]
fn lightcycler480() {
    check("lightcycler480");
}

#[test]
fn cfx() {
    check("cfx");
}

#[test]
fn rdml() {
    check("rdml");
}

#[test]
fn generic() {
    check("generic");
}
