//! Names of metrics are made in one place.

use crate::files;

/// Where names are made: one list for the engine, one for everything around it.
const LISTS: [&str; 2] = [
    "crates/service-shell/src/metrics/definitions.rs",
    "crates/runtime/src/metrics.rs",
];

#[test]
fn every_metric_that_is_counted_is_in_a_list() {
    let files = files();
    let mut defined = Vec::new();
    for (path, text) in &files {
        if LISTS.contains(&path.as_str()) {
            defined.extend(names(text));
        }
    }
    assert!(defined.len() > 10, "{defined:?}");
    for (path, text) in &files {
        if path.ends_with(".rs") && !path.starts_with("tests/") {
            for name in names(text) {
                assert!(
                    defined.contains(&name),
                    "{path} counts {name}, which no list has: {LISTS:?}"
                );
            }
        }
    }
}

/// Literals `"tenfold_..."` that end in a unit, as names of metrics do.
fn names(text: &str) -> Vec<String> {
    let units = [
        "_seconds", "_bytes", "_ratio", "_count", "_total", "_info", "_number", "_records",
    ];
    text.split("\"tenfold_")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|rest| format!("tenfold_{rest}"))
        .filter(|name| units.iter().any(|unit| name.ends_with(unit)))
        .collect()
}
