//! Dependencies point one way: services -> runtime, proto -> domain. What a crate must not know, it must not
//! be able to name.

use crate::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// For each crate of the workspace, those of its siblings that it may depend on. A new crate must be added here.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("tenfold-domain", &[]),
    ("tenfold-proto", &["tenfold-domain"]),
    // Readers of instrument files: bytes in, a table out.
    ("tenfold-instruments", &["tenfold-domain"]),
    // Arithmetic over assumptions; knows nothing of the pipeline.
    ("tenfold-capacity", &[]),
    // Labels: text in, bytes for a printer out.
    ("tenfold-labels", &[]),
    // Worklists of robots and sample sheets of instruments: what is planned in, text out.
    ("tenfold-worklists", &["tenfold-domain"]),
    // The auditor knows the wire and nothing else: see `the_auditor_shares_only_the_wire`.
    ("tenfold-audit", &["tenfold-proto"]),
    ("tenfold-console", &["tenfold-domain", "tenfold-proto"]),
    ("tenfold-runtime", &["tenfold-domain", "tenfold-proto"]),
    (
        "tenfold-service-shell",
        &["tenfold-domain", "tenfold-proto", "tenfold-runtime"],
    ),
    ("tenfold-lab-day", &["tenfold-domain", "tenfold-proto"]),
    (
        "tenfold-chaos",
        &[
            "tenfold-proto",
            "tenfold-runtime",
            "tenfold-lab-day",
            "tenfold-tests",
        ],
    ),
    ("tenfold-model", &["tenfold-proto", "tenfold-runtime"]),
    (
        "sim",
        &[
            "tenfold-domain",
            "tenfold-proto",
            "tenfold-runtime",
            "tenfold-lab-day",
            "tenfold-intake",
            "tenfold-pooling",
            "tenfold-results",
        ],
    ),
    (
        "tenfold-bench",
        &[
            "tenfold-capacity",
            "tenfold-domain",
            "tenfold-proto",
            "tenfold-runtime",
            "tenfold-service-shell",
            "tenfold-lab-day",
            "tenfold-intake",
            "tenfold-pooling",
            "tenfold-tests",
        ],
    ),
    ("tenfold-intake", SERVICE),
    ("tenfold-pooling", SERVICE),
    (
        "tenfold-results",
        &[
            "tenfold-domain",
            "tenfold-instruments",
            "tenfold-proto",
            "tenfold-runtime",
            "tenfold-service-shell",
        ],
    ),
    (
        "tenfold",
        &[
            "tenfold-audit",
            "tenfold-capacity",
            "tenfold-console",
            "tenfold-domain",
            "tenfold-instruments",
            "tenfold-labels",
            "tenfold-worklists",
            "tenfold-proto",
            "tenfold-runtime",
            "tenfold-service-shell",
            "tenfold-lab-day",
            "tenfold-intake",
            "tenfold-pooling",
            "tenfold-results",
        ],
    ),
];

/// A service knows the layers below it, and no other service.
const SERVICE: &[&str] = &[
    "tenfold-domain",
    "tenfold-proto",
    "tenfold-runtime",
    "tenfold-service-shell",
];

/// Libraries that the rules must not know: async, the wire, logs and caches.
const NOT_IN_THE_RULES: &[&str] = &[
    "tokio", "prost", "tonic", "rdkafka", "sled", "redb", "rand", "reqwest", "metrics", "tracing",
];

/// Libraries that only the runtime knows.
const ONLY_IN_THE_RUNTIME: &[&str] = &["rdkafka", "sled", "redb", "object_store"];

/// Its yardsticks are these libraries alone, without anything of ours.
const MEASURES_THE_LIBRARIES: &str = "tenfold-bench";

/// Names of normal and build dependencies (tests may use more) of each crate of the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut crates = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let names = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
            .map(|dependency| dependency["name"].as_str().expect("a name").to_owned())
            .collect();
        crates.insert(package["name"].as_str().expect("a name").to_owned(), names);
    }
    crates
}

#[test]
fn every_crate_depends_only_on_the_layers_below_it() {
    for (name, dependencies) in dependencies() {
        if name == "tenfold-tests" {
            continue;
        }
        let (_, may_know) = MAY_KNOW
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} is new: say in this test what it may depend on"));
        for dependency in dependencies.iter().filter(|d| d.starts_with("tenfold")) {
            assert!(
                may_know.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn the_rules_know_no_async_no_wire_and_no_log() {
    let rules = &dependencies()["tenfold-domain"];
    for library in NOT_IN_THE_RULES {
        assert!(
            !rules.contains(*library),
            "tenfold-domain must not depend on {library}"
        );
    }
}

#[test]
fn readers_of_files_know_no_async_no_wire_and_no_log() {
    let readers = &dependencies()["tenfold-instruments"];
    for library in NOT_IN_THE_RULES {
        assert!(
            !readers.contains(*library),
            "tenfold-instruments must not depend on {library}"
        );
    }
}

#[test]
fn only_the_runtime_knows_the_logs_and_the_cache() {
    for (name, dependencies) in dependencies() {
        if name == MEASURES_THE_LIBRARIES {
            continue;
        }
        for library in ONLY_IN_THE_RUNTIME {
            assert_eq!(
                dependencies.contains(*library),
                name == "tenfold-runtime",
                "{name} and {library}"
            );
        }
    }
}

#[test]
fn the_auditor_shares_only_the_wire() {
    for (path, text) in crate::files() {
        if !path.starts_with("crates/audit/src/") {
            continue;
        }
        for word in ["tenfold_domain", "tenfold_runtime", "convert::"] {
            assert!(
                !text.contains(word),
                "{path} names {word}: the auditor knows the generated wire types and nothing else"
            );
        }
    }
}
