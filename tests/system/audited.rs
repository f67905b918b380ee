//! Every whole day ends before the auditor: the log is read from its first record, with what the day's
//! clients were answered, and each cache is compared with its journal.

use std::path::{Path, PathBuf};
use tenfold_lab_day::Services;
use tenfold_lab_day::ledger::Ledger;
use tenfold_tests::process::{program, run};

/// Where the day's clients write down what they were answered.
pub fn ledger_file(folder: &Path) -> PathBuf {
    folder.join("clients.jsonl")
}

/// Services whose clients write that down.
pub fn with_ledger(services: Services, folder: &Path) -> Services {
    let ledger = Ledger::to(&ledger_file(folder)).expect("a ledger file");
    services.with_ledger(&ledger)
}

/// Audits a log, named by arguments such as `--data FOLDER`. Panics with all that was found.
pub fn audit(log: &[&str], folder: &Path) {
    let ledger = ledger_file(folder);
    let ledger = ledger.to_string_lossy();
    audit_alone(&[log, &["--ledger", &ledger]].concat());
}

/// Audits a log without what clients were told.
pub fn audit_alone(arguments: &[&str]) {
    let arguments = [&["audit"], arguments].concat();
    let (status, said, told) = run(&program("tenfold"), &arguments);
    assert!(
        status.success(),
        "the audit ended with {status}:\n{said}\n{told}"
    );
    let told = |what: &str| said.lines().find(|line| line.contains(what));
    println!(
        "  audited: {:?}, {:?}",
        told("messages applied").unwrap_or_default().trim(),
        told("requests told").unwrap_or_default().trim()
    );
}

/// Compares the caches of a stopped process with their journals.
pub fn digest(arguments: &[&str]) {
    let mut all = vec!["digest"];
    all.extend(arguments);
    let (status, said, told) = run(&program("tenfold"), &all);
    assert!(
        status.success(),
        "the digests ended with {status}:\n{said}\n{told}"
    );
}
