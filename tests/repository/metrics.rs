//! Names of metrics are made in one place.

use crate::files;

#[test]
fn every_metric_that_is_counted_is_in_the_list_and_every_one_in_the_list_is_counted() {
    let list = "crates/service-shell/src/metrics/definitions.rs";
    let files = files();
    let defined = names(
        &files
            .iter()
            .find(|(path, _)| path == list)
            .expect("the list")
            .1,
    );
    assert!(defined.len() > 3, "{defined:?}");
    let mut counted = Vec::new();
    for (path, text) in &files {
        if path.ends_with(".rs") && path != list && !path.starts_with("tests/") {
            for name in names(text) {
                assert!(
                    defined.contains(&name),
                    "{path} counts {name}, which {list} does not list"
                );
                counted.push(name);
            }
        }
    }
    for name in &defined {
        assert!(
            counted.contains(name),
            "{name} is listed but nothing counts it"
        );
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
