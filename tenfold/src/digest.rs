//! `tenfold digest`: is each lane's cache the fold of its journal? The comparison is the engine's
//! ([`tenfold_runtime::lane::digest`]); here is only what is opened and printed.

use crate::audit::{Where, open};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::Args;
use std::path::PathBuf;
use tenfold_intake::IntakeProcessor;
use tenfold_pooling::PoolingProcessor;
use tenfold_results::ResultsProcessor;
use tenfold_runtime::cache::{Cache, SledCache};
use tenfold_runtime::lane::digest::{Compared, Difference, compare};
use tenfold_runtime::log::{Log, Topic};
use tenfold_runtime::processor::Processor;
use tenfold_service_shell::config::Config;

/// Memory for pages of each cache.
const CACHE_BYTES: usize = 64 << 20;

/// Most bytes of a value that are shown.
const SHOWN_MAX: usize = 48;

/// `tenfold digest`.
#[derive(Args)]
pub struct Digest {
    #[command(flatten)]
    pub log: Where,
    /// Folder of an instance's caches (with `intake`, `pooling` or `results` in it), if not those of the
    /// settings; what runs on it must be stopped
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
}

/// Compares all lanes that have a cache; ends with 1 if one differs.
pub fn run(args: &Digest, config: &Config, output: Output) -> Outcome {
    let folders = match &args.cache {
        Some(folder) => vec![folder.clone()],
        None => instances(config)?,
    };
    let log = open(config)?;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    let mut differences = Vec::new();
    for folder in folders {
        let found = [
            lanes(log.as_ref(), &IntakeProcessor::new(), &folder)?,
            lanes(log.as_ref(), &PoolingProcessor::new(), &folder)?,
            lanes(log.as_ref(), &ResultsProcessor::new(), &folder)?,
        ];
        for (service, compared) in ["intake", "pooling", "results"].iter().zip(found) {
            for lane in compared {
                if let Some(difference) = &lane.difference {
                    let lane = lane.lane;
                    differences.push(format!("{service}/{lane}: {}", told(difference)));
                }
                rows.push(row(service, &lane));
                values.push(value(service, &lane));
            }
        }
    }
    if rows.is_empty() {
        return Err(Failure::NotRead("there is no cache to compare".to_owned()));
    }
    let headings = ["service", "lane", "seq", "rows", "cache", "journal", ""];
    output.rows(&headings, rows, &serde_json::Value::Array(values));
    if differences.is_empty() {
        return Ok(());
    }
    for difference in &differences {
        output.say(&format!("\n{difference}"));
    }
    Err(Failure::Wrong(format!(
        "{} lanes have another state in their cache than their journal makes",
        differences.len()
    )))
}

/// The folders of all instances that kept caches here.
fn instances(config: &Config) -> Outcome<Vec<PathBuf>> {
    let dir = &config.cache.dir;
    let entries = std::fs::read_dir(dir)
        .map_err(|error| Failure::NotRead(format!("{}: {error}", dir.display())))?;
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    Ok(folders)
}

/// Compares the lanes of one service; none if it has no cache here.
fn lanes<P: Processor>(
    log: &dyn Log,
    processor: &P,
    folder: &std::path::Path,
) -> Outcome<Vec<Compared>> {
    let folder = folder.join(processor.service());
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let unread = |error: String| Failure::NotRead(format!("{}: {error}", folder.display()));
    let cache = SledCache::open_to_read(&folder, CACHE_BYTES)
        .map_err(|error| unread(format!("{error}; if a process has it, stop that first")))?;
    let count = log
        .lanes(&Topic::journal(processor.service()))
        .map_err(|error| unread(error.to_string()))?;
    let mut compared = Vec::new();
    for lane in 0..count {
        let rows = cache
            .open(lane)
            .map_err(|error| unread(error.to_string()))?;
        let one = compare(log, processor, rows.as_ref(), lane)
            .map_err(|why| unread(format!("lane {lane}: {why}")))?;
        compared.push(one);
    }
    Ok(compared)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value from a byte on, as far as it is shown.
fn shown(value: Option<&bytes::Bytes>, from: usize) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let rest = value.get(from..).unwrap_or_default();
    let part = rest.get(..SHOWN_MAX).unwrap_or(rest);
    format!("{} ({} bytes in all)", hex(part), value.len())
}

fn verdict(lane: &Compared) -> String {
    match (&lane.difference, lane.folded_below) {
        (Some(_), _) => "DIFFERS".to_owned(),
        (None, None) => "no cache".to_owned(),
        (None, Some(below)) if below < lane.journal_end => {
            format!("equal, {} records behind", lane.journal_end - below)
        }
        (None, Some(_)) => "equal".to_owned(),
    }
}

/// The first row that differs: both values, from the first byte that is another.
fn told(difference: &Difference) -> String {
    let (cache, journal) = (difference.cache.as_ref(), difference.journal.as_ref());
    if difference.table == "stamp" {
        let text = |value: Option<&bytes::Bytes>| {
            value.map_or_else(String::new, |v| String::from_utf8_lossy(v).into_owned())
        };
        return format!(
            "where the cache says it stands: {}; the journal: {}",
            text(cache),
            text(journal)
        );
    }
    let from = cache.zip(journal).map_or(0, |(a, b)| {
        a.iter().zip(b.iter()).take_while(|(a, b)| a == b).count()
    });
    format!(
        "table {}, key {}, from byte {from}: the cache has {}, the journal makes {}",
        difference.table,
        hex(&difference.key),
        shown(cache, from),
        shown(journal, from)
    )
}

fn row(service: &str, lane: &Compared) -> Vec<String> {
    let short = |digest: &[u8; 32]| hex(digest.get(..8).unwrap_or_default());
    vec![
        service.to_owned(),
        lane.lane.to_string(),
        lane.seq.to_string(),
        lane.rows.to_string(),
        short(&lane.cache),
        short(&lane.journal),
        verdict(lane),
    ]
}

fn value(service: &str, lane: &Compared) -> serde_json::Value {
    serde_json::json!({
        "service": service,
        "lane": lane.lane,
        "seq": lane.seq,
        "rows": lane.rows,
        "folded_below": lane.folded_below,
        "journal_end": lane.journal_end,
        "cache": hex(&lane.cache),
        "journal": hex(&lane.journal),
        "equal": lane.difference.is_none(),
        "difference": lane.difference.as_ref().map(told),
    })
}
