//! Journals that releases wrote: every later release must fold them to the state that stands beside them.
//!
//! `tests/golden/RELEASE/SERVICE.journal` is lane 0 of a service after a short story ([`story`]): a comment,
//! then one record a line, in hexadecimal, from offset 0. `SERVICE.state` is the version of the tables and
//! the digest of the folded state ([`fold`]).
//!
//! A version writes its own once: `WRITE_GOLDEN=1 cargo test -p tenfold-tests --test golden`, and commits them;
//! `docs/releasing.md` says when. Journals of a published version are never written again. When the tables
//! change (and with them `tables_version`), digests are: delete the `.state` files, run the same, and look that
//! only they changed.

mod city;
mod fold;
mod story;

use std::fs;
use std::path::{Path, PathBuf};
use tenfold_intake::IntakeProcessor;
use tenfold_pooling::PoolingProcessor;
use tenfold_results::ResultsProcessor;
use tenfold_runtime::processor::Processor;

/// Releases that wrote journals: one folder each.
fn releases() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root())
        .expect("the folder of golden journals")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn writing() -> bool {
    std::env::var_os("WRITE_GOLDEN").is_some()
}

/// Writes this release's journals if it has none yet.
fn write_journals() {
    let folder = root().join(env!("CARGO_PKG_VERSION"));
    if folder.exists() {
        return;
    }
    let journals = story::play();
    fs::create_dir(&folder).expect("a folder");
    for (service, records) in journals {
        let mut text = format!(
            "# Tenfold {}, {service}, lane 0: one record a line, in hexadecimal, from offset 0\n",
            env!("CARGO_PKG_VERSION")
        );
        for record in records {
            text.extend(record.iter().map(|byte| format!("{byte:02x}")));
            text.push('\n');
        }
        fs::write(folder.join(format!("{service}.journal")), text).expect("written");
    }
}

fn check<P: Processor>(release: &Path, processor: &P) {
    let journal = release.join(format!("{}.journal", processor.service()));
    let text =
        fs::read_to_string(&journal).unwrap_or_else(|e| panic!("{}: {e}", journal.display()));
    let folded = fold::fold(processor, &fold::records(&text));
    assert!(
        folded.decisions > 5,
        "{}: {} records",
        journal.display(),
        folded.decisions
    );
    let says = format!("{} {}\n", processor.tables_version(), folded.digest);
    let beside = journal.with_extension("state");
    match fs::read_to_string(&beside) {
        Ok(stands) => assert_eq!(
            stands,
            says,
            "{} folds to another state than it did; if the tables changed on purpose, see {}",
            journal.display(),
            file!()
        ),
        Err(_) if writing() => fs::write(&beside, says).expect("written"),
        Err(error) => panic!("{}: {error}", beside.display()),
    }
}

#[test]
fn every_journal_that_a_release_wrote_folds_to_the_state_beside_it() {
    if writing() {
        write_journals();
    }
    let releases = releases();
    assert!(
        releases.contains(&root().join(env!("CARGO_PKG_VERSION"))),
        "version {} has no golden journals: docs/releasing.md says how they are written",
        env!("CARGO_PKG_VERSION")
    );
    for release in releases {
        check(&release, &IntakeProcessor::new());
        check(&release, &PoolingProcessor::new());
        check(&release, &ResultsProcessor::new());
    }
}
