//! `tenfold snapshots`: what the store has, and whether it can be relied on. What is proven, and how, is the engine's
//! ([`tenfold_runtime::snapshot`]); here is only what is opened and printed.

use crate::audit::{Where, open};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenfold_intake::IntakeProcessor;
use tenfold_pooling::PoolingProcessor;
use tenfold_results::ResultsProcessor;
use tenfold_runtime::cache::{Cache as _, MemoryCache};
use tenfold_runtime::lane::digest::compare;
use tenfold_runtime::log::{Log, Topic};
use tenfold_runtime::processor::Processor;
use tenfold_runtime::snapshot::objects::Objects;
use tenfold_runtime::snapshot::read::{NotRestored, Snapshot, Unusable};
use tenfold_runtime::snapshot::store::Store;
use tenfold_runtime::snapshot::{Located, locate};
use tenfold_service_shell::config::{Config, Override};

pub const EXAMPLES: &str = "\
Examples:
  tenfold snapshots list                                        those of the settings, also while all goes on
  tenfold snapshots list --url file:///mnt/lab/snapshots
  tenfold snapshots verify --kafka 127.0.0.1:9092 --url s3://lab/tenfold
  tenfold snapshots verify --data data --fold                   an embedded log; stop what runs on it first

Exit codes: 0 all can be relied on, 1 one cannot, 2 the store or the log could not be read.";

/// Snapshots of lanes.
#[derive(Subcommand)]
pub enum Snapshots {
    /// What the store has
    List(List),
    /// Read every snapshot, and prove by digests and by the log that a lane can go on from it
    Verify(Verify),
}

#[derive(Args)]
pub struct List {
    /// The store, if not that of the settings: file:///FOLDER or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Data folder, if not ./data
    #[arg(long, value_name = "FOLDER")]
    data: Option<std::path::PathBuf>,
}

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    log: Where,
    /// The store, if not that of the settings: file:///FOLDER or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Fold the journal from its first record, too, and compare every row (takes as long as rebuilding the caches)
    #[arg(long)]
    fold: bool,
}

impl Snapshots {
    /// The settings that flags stand for.
    pub fn overrides(&self) -> Vec<Override> {
        let (mut flags, url) = match self {
            Self::List(list) => {
                let cache = list.data.as_ref().map(|data| data.join("cache"));
                let cache = cache.map(|dir| ("cache.dir".to_owned(), dir.display().to_string()));
                (cache.into_iter().collect(), &list.url)
            }
            Self::Verify(verify) => (verify.log.overrides(), &verify.url),
        };
        flags.extend(url.clone().map(|url| ("snapshots.url".to_owned(), url)));
        flags
    }
}

/// Lists, or verifies.
pub fn run(command: &Snapshots, config: &Config, output: Output) -> Outcome {
    let Some(url) = config.snapshots_url() else {
        return Err(Failure::Usage(
            "there is no store of snapshots: name it with --url, or with the setting snapshots.url"
                .to_owned(),
        ));
    };
    // Opening would make the folder.
    if let Some(folder) = url.strip_prefix("file://")
        && !std::path::Path::new(folder).is_dir()
    {
        return Err(not_read(format!("there are no snapshots in {folder}")));
    }
    let store = Objects::open(&url).map_err(not_read)?;
    let located = locate(&store).map_err(not_read)?;
    match command {
        Snapshots::List(_) => {
            list(&store, &located, output);
            Ok(())
        }
        Snapshots::Verify(args) => {
            let log = open(config)?;
            verify(&store, &located, log.as_ref(), args.fold, output)
        }
    }
}

fn not_read(error: impl std::fmt::Display) -> Failure {
    Failure::NotRead(error.to_string())
}

/// What is told of a snapshot: the row of the table, and the value for programs.
fn told(
    found: &Located,
    snapshot: Result<&Snapshot, &Unusable>,
    state: &str,
) -> (Vec<String>, Value) {
    let (place, name) = (&found.place, found.name.as_str());
    let mut row = vec![place.service.clone(), place.lane.to_string()];
    let mut value = json!({
        "service": place.service,
        "lane": place.lane,
        "journal": place.journal.to_string(),
        "snapshot": name,
        "bytes": found.bytes,
        "state": state,
    });
    let made_at = snapshot.ok().map(|s| s.manifest.made_at);
    let made_at = made_at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    if let (Ok(snapshot), Some(fields)) = (snapshot, value.as_object_mut()) {
        let (manifest, stamp) = (&snapshot.manifest, &snapshot.stamp);
        fields.insert(
            "made_at".into(),
            json!(made_at.map(|at| format!("{at:.0}"))),
        );
        fields.insert("release".into(), json!(manifest.release));
        fields.insert("seq".into(), json!(stamp.chain.seq));
        fields.insert("next_offset".into(), json!(stamp.next_offset));
        fields.insert("chunks".into(), json!(manifest.chunks.len()));
        fields.insert("rows".into(), json!(manifest.rows));
    }
    let number = |of: fn(&Snapshot) -> u64| snapshot.map(|s| of(s).to_string()).unwrap_or_default();
    row.extend([
        name.to_owned(),
        made_at.map_or_else(String::new, |at| format!("{at:.0}")),
        number(|s| s.stamp.chain.seq),
        number(|s| s.manifest.rows),
        found.bytes.to_string(),
        state.to_owned(),
    ]);
    (row, value)
}

const HEADINGS: [&str; 8] = [
    "service", "lane", "snapshot", "made at", "seq", "rows", "bytes", "",
];

fn list(store: &dyn Store, located: &[Located], output: Output) {
    let told = located.iter().map(|found| {
        if !found.complete {
            let unfinished = Unusable::Damaged("it has no manifest".to_owned());
            return told(found, Err(&unfinished), "not finished");
        }
        let snapshot = Snapshot::open(store, &found.place, &found.name);
        let state = match &snapshot {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        told(found, snapshot.as_ref(), &state)
    });
    let (rows, values) = told.unzip();
    output.rows(&HEADINGS, rows, &Value::Array(values));
}

fn verify(
    store: &dyn Store,
    located: &[Located],
    log: &dyn Log,
    fold: bool,
    output: Output,
) -> Outcome {
    let (mut rows, mut values, mut wrong) = (Vec::new(), Vec::new(), 0_usize);
    for found in located.iter().filter(|found| found.complete) {
        let snapshot = Snapshot::open(store, &found.place, &found.name);
        let proven = match (&snapshot, found.place.service.as_str()) {
            (Err(error), _) => Err(error.to_string()),
            (Ok(snapshot), "intake") => prove(store, log, snapshot, &IntakeProcessor::new(), fold),
            (Ok(snapshot), "pooling") => {
                prove(store, log, snapshot, &PoolingProcessor::new(), fold)
            }
            (Ok(snapshot), "results") => {
                prove(store, log, snapshot, &ResultsProcessor::new(), fold)
            }
            (Ok(_), other) => Err(format!("there is no service {other}")),
        };
        wrong += usize::from(proven.is_err());
        let state = proven.unwrap_or_else(|error| format!("NOT USABLE: {error}"));
        let (row, value) = told(found, snapshot.as_ref(), &state);
        rows.push(row);
        values.push(value);
    }
    output.rows(&HEADINGS, rows, &Value::Array(values));
    if wrong == 0 {
        return Ok(());
    }
    Err(Failure::Wrong(format!(
        "{wrong} snapshots cannot be used here; lanes pass them over"
    )))
}

/// What a lane would ask before it goes on from a snapshot; and, if told so, whether the fold makes the same.
fn prove<P: Processor>(
    store: &dyn Store,
    log: &dyn Log,
    snapshot: &Snapshot,
    processor: &P,
    fold: bool,
) -> Result<String, String> {
    let (lane, journal) = (snapshot.manifest.lane, Topic::journal(processor.service()));
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let extent = log.extent(&journal, lane).map_err(|error| words(&error))?;
    if snapshot.is_ahead_of(extent) {
        return Err(format!(
            "it stands at offset {}, and the log ends at {}: the log has lost its tail, or is another's",
            snapshot.stamp.next_offset, extent.end
        ));
    }
    let mark =
        tenfold_runtime::lane::rows::mark(processor.service(), lane, processor.tables_version());
    snapshot
        .fits(&mark, processor.level())
        .and_then(|()| snapshot.belongs_to(log, &journal, processor.level()))
        .map_err(|error| words(&error))?;
    if !fold {
        let read = snapshot.rows::<Unusable>(store, |_| Ok(()));
        return read
            .map(|()| "whole".to_owned())
            .map_err(|error| words(&error));
    }
    let cache = MemoryCache::default();
    let rows = cache.open(lane).map_err(|error| words(&error))?;
    snapshot
        .restore(store, rows.as_ref())
        .map_err(|error: NotRestored| words(&error))?;
    let compared = compare(log, processor, rows.as_ref(), lane)?;
    match compared.difference {
        None => Ok("whole, and what the journal makes".to_owned()),
        Some(difference) => Err(format!(
            "the journal makes another state: table {}, key {:?}",
            difference.table, difference.key
        )),
    }
}
