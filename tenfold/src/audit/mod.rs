//! `tenfold audit`: reads the whole log and tells whether anything in it breaks the promises. The rules
//! are [`tenfold_audit`]'s; here is only how the log is opened and how the answer is printed.

mod source;

use crate::failure::{Failure, Outcome};
use crate::output::{Output, table};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use source::LogSource;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use tenfold_audit::told::Told;
use tenfold_audit::{Options, Report};
use tenfold_runtime::log::Log;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions};
use tenfold_runtime::log::kafka::{KafkaLog, KafkaOptions};
use tenfold_service_shell::config::{Config, LogKind, Override};
use tenfold_service_shell::stores::with_heads;

/// Memory for pages of an embedded log while it is audited.
const CACHE_BYTES: usize = 32 << 20;

/// Most bytes of one lane that wait to be audited, on Kafka.
const KAFKA_LANE_BYTES: usize = 512 << 10;

/// Which log.
#[derive(Args)]
pub struct Where {
    /// Folder with the embedded log, if not ./data; what runs on it must be stopped
    #[arg(long, value_name = "FOLDER", conflicts_with = "kafka")]
    pub data: Option<PathBuf>,
    /// Read Apache Kafka at these brokers; the system may go on running
    #[arg(long, value_name = "HOST:PORT")]
    pub kafka: Option<String>,
    /// The store that has the heads of its lanes, if not that of the settings: file:///FOLDER or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL")]
    pub heads: Option<String>,
}

/// `tenfold audit`.
#[derive(Args)]
pub struct Audit {
    #[command(flatten)]
    pub log: Where,
    /// A file of what a client asked and was answered, a JSON object a line; may be given several times
    #[arg(long, value_name = "FILE")]
    pub ledger: Vec<PathBuf>,
}

impl Where {
    /// The settings they stand for.
    pub fn overrides(&self) -> Vec<Override> {
        let mut flags = Vec::new();
        if let Some(data) = &self.data {
            for name in ["log", "cache"] {
                let under = data.join(name).to_string_lossy().into_owned();
                flags.push((format!("{name}.dir"), under));
            }
            flags.push(("log.kind".to_owned(), "embedded".to_owned()));
        }
        if let Some(brokers) = &self.kafka {
            flags.push(("log.kind".to_owned(), "kafka".to_owned()));
            flags.push(("log.brokers".to_owned(), brokers.clone()));
        }
        if let Some(url) = &self.heads {
            flags.push(("heads.url".to_owned(), url.clone()));
        }
        flags
    }
}

/// Opens the log to read it; a folder without one is an error, and nothing is made.
pub fn open(config: &Config) -> Outcome<Arc<dyn Log>> {
    match config.log.kind {
        LogKind::Embedded => {
            let dir = &config.log.dir;
            if !dir.is_dir() {
                return Err(Failure::NotRead(format!(
                    "there is no log in {}: name the data folder with --data, or brokers with --kafka",
                    dir.display()
                )));
            }
            let options = EmbeddedOptions {
                cache_bytes: CACHE_BYTES,
                ..EmbeddedOptions::default()
            };
            let log = EmbeddedLog::open(dir, options)
                .map_err(|error| Failure::NotRead(error.to_string()))?;
            whole(config, Arc::new(log))
        }
        LogKind::Kafka => {
            let mut options = KafkaOptions::new(config.log.brokers.clone());
            options.client_id = "tenfold-audit".to_owned();
            options.reader_bytes_max = KAFKA_LANE_BYTES;
            let log = KafkaLog::connect(options)
                .map_err(|error| Failure::NotRead(format!("{error:#}")))?;
            whole(config, Arc::new(log))
        }
    }
}

fn whole(config: &Config, log: Arc<dyn Log>) -> Outcome<Arc<dyn Log>> {
    let opened = with_heads(config, log);
    let opened = opened.map_err(|error| Failure::NotRead(format!("{error:#}")))?;
    Ok(opened.log)
}

/// Audits, prints, and ends with 1 if anything was found.
pub fn run(args: &Audit, config: &Config, output: Output) -> Outcome {
    let mut told = Told::default();
    for path in &args.ledger {
        let unread = |why: String| Failure::NotRead(format!("{}: {why}", path.display()));
        let file = File::open(path).map_err(|error| unread(error.to_string()))?;
        told.read(BufReader::new(file)).map_err(unread)?;
    }
    let log = open(config)?;
    let bar = bar(output);
    let audited = tenfold_audit::audit(&LogSource(log), Options { told }, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    let report = audited.map_err(|error| Failure::NotRead(error.to_string()))?;
    print(&report, output);
    if report.is_clean() {
        return Ok(());
    }
    let count: u64 = report.rules.iter().map(|rule| rule.findings).sum();
    Err(Failure::Wrong(format!("{count} findings")))
}

fn bar(output: Output) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if output.is_json() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) =
        ProgressStyle::with_template("auditing {wide_bar} {pos} of {len} records, {eta} to go")
    {
        bar.set_style(style);
    }
    bar
}

fn print(report: &Report, output: Output) {
    if output.is_json() {
        output.value(&serde_json::to_value(report).unwrap_or_default());
        return;
    }
    let services = report
        .services
        .iter()
        .map(|service| {
            let passed: u64 = service.passed_over.values().sum();
            [
                service.service.to_owned(),
                service.lanes.to_string(),
                service.batches.to_string(),
                service.takings.to_string(),
                passed.to_string(),
                service.inbox_records.to_string(),
                service.duplicate_relays.to_string(),
            ]
            .to_vec()
        })
        .collect();
    let headings = [
        "service",
        "lanes",
        "batches",
        "takings",
        "passed over",
        "inbox records",
        "duplicates",
    ];
    output.say(&table(&headings, services));
    let (messages, requests) = (&report.messages, &report.requests);
    let mut counts = vec![
        ("messages sent", messages.sent),
        ("messages applied", messages.applied),
        ("messages sent and not yet applied", messages.in_flight),
        ("public records sent", messages.published),
        ("public records found", messages.public_records),
        ("requests done", requests.done),
        ("requests refused", requests.refused),
        ("requests told by clients", requests.told),
    ];
    counts.extend(report.counted.iter().map(|c| (c.what.as_str(), c.count)));
    let rows = counts
        .iter()
        .map(|(name, count)| vec![(*name).to_owned(), count.to_string()])
        .collect();
    output.say("");
    output.say(&table(&["counted", ""], rows));
    if !report.cut_short.is_empty() {
        output.say(&format!(
            "\nThe log grew meanwhile; judged up to {}.",
            report.cut_short.join(", ")
        ));
    }
    let rules = report
        .rules
        .iter()
        .map(|rule| {
            let holds = if rule.findings == 0 {
                "holds".to_owned()
            } else {
                format!("{} findings", rule.findings)
            };
            vec![rule.rule.to_string(), holds]
        })
        .collect();
    output.say("");
    output.say(&table(&["rule", ""], rules));
    for finding in &report.findings {
        output.say(&format!("\n{}: {}", finding.rule, finding.text));
        for place in &finding.records {
            output.say(&format!("    {place}"));
        }
    }
}
