//! Sends a file of registrations: batches up, acknowledgements down, and afterwards what was refused.
//!
//! Items are numbered by their order in the file under a source made of the file's content, so the same
//! file sent again is the same source. After a break it goes on from the last acknowledged item; started
//! anew, everything is sent again, and what is known already stays as it is.
//!
//! [`stream`] sends, [`decided`] asks what came of it, [`report`] tells it.

mod decided;
mod report;
mod stream;

use crate::client::register::file;
use crate::connect::Session;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;

pub use report::Report;

/// Sends a file.
pub async fn file(
    session: &Session,
    output: Output,
    path: &Path,
    source: Option<String>,
) -> Outcome<Report> {
    let source = match source {
        Some(source) => source,
        None => source_of(path)?,
    };
    let lines = file::open(path)?;
    let bar = progress(output, std::fs::metadata(path).map_or(0, |meta| meta.len()));
    let mut sender = stream::Sender::new(session, source.clone(), bar)?;
    sender.report.warnings.clone_from(&lines.warnings);
    let report = sender.send(lines).await?;
    decided::decided(session, &source, report).await
}

fn source_of(path: &Path) -> Outcome<String> {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(std::fs::File::open(path)?)
        .map_err(Failure::from)?;
    let hash = hasher.finalize().to_hex();
    Ok(format!("file-{}", hash.get(..16).unwrap_or_default()))
}

fn progress(output: Output, bytes: u64) -> ProgressBar {
    if output.is_json() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    let style = "{msg:>24} {wide_bar} {percent:>3} %  {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}
