//! `tenfold backup`, `restore`, `export` and `import`: a whole log in one file. What the file is, and when it
//! is whole, is [`tenfold_runtime::archive`]'s matter; here is where it comes from and where it goes.

mod give;
mod take;

pub use give::{backup, export};
pub use take::{import, restore};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use tenfold_runtime::archive::ArchiveError;
use tenfold_runtime::archive::check::{LaneSum, check};
use tenfold_service_shell::config::Override;

/// The archive's name in a backup's folder.
const FILE: &str = "lab.tenfold";

/// `tenfold backup`.
#[derive(Args)]
pub struct Backup {
    /// Folder to make; it must not be there, or be empty
    pub folder: PathBuf,
    /// Folder with the embedded log, if not ./data
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
}

/// `tenfold export`.
#[derive(Args)]
pub struct Export {
    /// File to make; it must not be there
    pub file: PathBuf,
    /// Folder with the embedded log, if not ./data; what runs on it must be stopped
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
}

/// `tenfold restore`.
#[derive(Args)]
pub struct Restore {
    /// A backup's folder, or an archive
    pub from: PathBuf,
    /// Folder for the embedded log, if not ./data; it must hold no log
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
}

/// `tenfold import`.
#[derive(Args)]
pub struct Import {
    /// An archive, or a backup's folder
    pub from: PathBuf,
    /// Apache Kafka at these brokers, which has no topic of Tenfold yet
    #[arg(long, value_name = "HOST:PORT", required = true)]
    pub kafka: String,
    /// Accept Kafka settings that break promises (one replica): for development
    #[arg(long)]
    pub dev: bool,
}

/// The settings that a data folder stands for.
pub fn of_data(data: Option<&PathBuf>) -> Vec<Override> {
    let mut flags = vec![("log.kind".to_owned(), "embedded".to_owned())];
    for name in ["log", "cache"] {
        if let Some(data) = data {
            let under = data.join(name).to_string_lossy().into_owned();
            flags.push((format!("{name}.dir"), under));
        }
    }
    flags
}

impl Import {
    /// The settings it stands for.
    pub fn overrides(&self) -> Vec<Override> {
        vec![
            ("log.kind".to_owned(), "kafka".to_owned()),
            ("log.brokers".to_owned(), self.kafka.clone()),
            ("log.dev".to_owned(), self.dev.to_string()),
        ]
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Log(_) => Self::Unavailable(error.to_string()),
            ArchiveError::File(_) | ArchiveError::Refused(_) => Self::Usage(error.to_string()),
            ArchiveError::Damaged(_) | ArchiveError::Differs(_) => Self::Wrong(error.to_string()),
        }
    }
}

fn bar(output: Output, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(what);
    if output.is_json() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} records, {eta} to go")
    {
        bar.set_style(style);
    }
    bar
}

fn open(file: &Path) -> std::io::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(1 << 20, File::open(file)?))
}

/// The archive that is meant: a file, or the one in a backup's folder.
fn archive_in(from: &Path) -> Outcome<PathBuf> {
    let file = match from.is_dir() {
        true => from.join(FILE),
        false => from.to_owned(),
    };
    if !file.is_file() {
        return Err(Failure::Usage(format!(
            "there is no archive in {}",
            from.display()
        )));
    }
    Ok(file)
}

/// Reads a file that was written, and says what it holds.
fn tell(file: &Path, output: Output, next: &str) -> Outcome {
    let sums = check(open(file)?)?;
    let bytes = std::fs::metadata(file)?.len();
    say(&sums, bytes, output, next);
    Ok(())
}

fn say(sums: &[LaneSum], bytes: u64, output: Output, next: &str) {
    let records: u64 = sums.iter().map(|sum| sum.records).sum();
    if output.is_json() {
        let lanes: Vec<_> = sums
            .iter()
            .map(|sum| {
                serde_json::json!({
                    "topic": sum.topic,
                    "lane": sum.lane,
                    "records": sum.records,
                    "digest": format!("{:?}", sum.digest),
                    "seq": sum.chain.map(|chain| chain.seq),
                    "chain": sum.chain.map(|chain| format!("{:?}", chain.hash)),
                })
            })
            .collect();
        output.value(&serde_json::json!({ "records": records, "bytes": bytes, "lanes": lanes }));
        return;
    }
    let journals = sums.iter().filter(|sum| sum.chain.is_some()).count();
    output.say(&format!(
        "{records} records of {} lanes, {:.1} MiB; read again: every digest fits, and the chains of {journals} journals are whole.\n{next}",
        sums.len(),
        bytes as f64 / f64::from(1 << 20),
    ));
}
