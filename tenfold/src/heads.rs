//! `tenfold heads`: what the store has of the lanes' older records, and whether all that the log has not is there. What a
//! part is, and how it is proven, is the engine's ([`tenfold_runtime::heads`]); here is only what is opened and printed.

use crate::audit::{Where, open};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tenfold_runtime::heads::part::{self, Located, Name};
use tenfold_runtime::log::Log;
use tenfold_runtime::snapshot::objects::Objects;
use tenfold_runtime::snapshot::store::Store;
use tenfold_service_shell::config::{Config, Override};

pub const EXAMPLES: &str = "\
Examples:
  tenfold heads list                                        those of the settings, also while all goes on
  tenfold heads list --heads file:///mnt/lab/heads
  tenfold heads verify --kafka 127.0.0.1:9092 --heads s3://lab/tenfold
  tenfold heads verify --data data                          an embedded log; stop what runs on it first

Exit codes: 0 all is there, 1 something is not, 2 the store or the log could not be read.";

/// Older records of lanes.
#[derive(Subcommand)]
pub enum Heads {
    /// What the store has
    List(List),
    /// Read every part, and see that store and log together have every record of every lane
    Verify(Where),
}

#[derive(Args)]
pub struct List {
    /// The store, if not that of the settings: file:///FOLDER or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    heads: Option<String>,
}

impl Heads {
    /// The settings that flags stand for.
    pub fn overrides(&self) -> Vec<Override> {
        match self {
            Self::List(list) => {
                let url = list.heads.clone();
                url.map(|url| ("heads.url".to_owned(), url))
                    .into_iter()
                    .collect()
            }
            Self::Verify(log) => log.overrides(),
        }
    }
}

/// Lists, or verifies.
pub fn run(command: &Heads, config: &Config, output: Output) -> Outcome {
    let Some(url) = config.heads_url() else {
        return Err(Failure::Usage(
            "there is no store of heads, and the log keeps everything: name one with --heads, or with the setting heads.url"
                .to_owned(),
        ));
    };
    // Opening would make the folder.
    if let Some(folder) = url.strip_prefix("file://")
        && !std::path::Path::new(folder).is_dir()
    {
        return Err(not_read(format!("there are no heads in {folder}")));
    }
    let store = Objects::open(url).map_err(not_read)?;
    let located = part::locate(&store).map_err(not_read)?;
    match command {
        Heads::List(_) => {
            let told = located.iter().map(|found| told(found, ""));
            let (rows, values) = told.unzip();
            output.rows(&HEADINGS, rows, &Value::Array(values));
            Ok(())
        }
        Heads::Verify(_) => verify(&store, &located, open(config)?.as_ref(), output),
    }
}

fn not_read(error: impl std::fmt::Display) -> Failure {
    Failure::NotRead(error.to_string())
}

const HEADINGS: [&str; 6] = ["topic", "lane", "parts", "bytes", "from 0 up to", ""];

/// The row of the table, and the value for programs.
fn told(found: &Located, state: &str) -> (Vec<String>, Value) {
    let reach = reach(found);
    let row = vec![
        found.topic.to_string(),
        found.lane.to_string(),
        found.parts.len().to_string(),
        found.bytes.to_string(),
        reach.to_string(),
        state.to_owned(),
    ];
    let value = json!({
        "topic": found.topic.as_str(),
        "lane": found.lane,
        "parts": found.parts.len(),
        "bytes": found.bytes,
        "stored_below": reach,
        "state": state,
    });
    (row, value)
}

/// The store has everything below this offset.
fn reach(found: &Located) -> u64 {
    let parts = part::one_after_another(found.parts.clone());
    parts.last().map_or(0, |part| part.end)
}

fn verify(store: &dyn Store, located: &[Located], log: &dyn Log, output: Output) -> Outcome {
    let parts = located.iter().map(|found| found.parts.len() as u64).sum();
    let bar = bar(output, parts);
    let (mut rows, mut values, mut wrong) = (Vec::new(), Vec::new(), 0_usize);
    for found in located {
        let proven = prove(store, found, log, &bar);
        wrong += usize::from(proven.is_err());
        let state = proven.unwrap_or_else(|error| format!("NOT WHOLE: {error}"));
        let (row, value) = told(found, &state);
        rows.push(row);
        values.push(value);
    }
    bar.finish_and_clear();
    output.rows(&HEADINGS, rows, &Value::Array(values));
    if wrong == 0 {
        return Ok(());
    }
    Err(Failure::Wrong(format!(
        "of {wrong} lanes records are missing or damaged: bring their parts back from a copy of the store"
    )))
}

/// Every part is what was written, and what the log has not is there.
fn prove(
    store: &dyn Store,
    found: &Located,
    log: &dyn Log,
    bar: &ProgressBar,
) -> Result<String, String> {
    let (topic, lane) = (&found.topic, found.lane);
    let mut damaged = Vec::new();
    let mut sound = found.parts.clone();
    for name in &found.parts {
        bar.inc(1);
        if let Err(error) = part::read(store, topic, lane, *name) {
            sound.remove(name);
            damaged.push(error.to_string());
        }
    }
    // Says how far the store reaches, if that is not enough.
    let extent = log.extent(topic, lane).map_err(|error| error.to_string())?;
    let last: Option<Name> = part::one_after_another(sound).last().copied();
    let stored = last.map_or(0, |part| part.end);
    if damaged.is_empty() {
        return Ok(format!("whole; the log ends at {}", extent.end));
    }
    Err(format!("sound below {stored}; {}", damaged.join("; ")))
}

fn bar(output: Output, parts: u64) -> ProgressBar {
    let bar = ProgressBar::new(parts);
    if output.is_json() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) =
        ProgressStyle::with_template("verifying {wide_bar} {pos} of {len} parts, {eta} to go")
    {
        bar.set_style(style);
    }
    bar
}
