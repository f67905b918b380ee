//! Sends a file of registrations: batches up, acknowledgements down, and afterwards what was refused.
//!
//! Items are numbered by their order in the file under a source made of the file's content, so the same
//! file sent again is the same source. After a break it goes on from the last acknowledged item; started
//! anew, everything is sent again, and what is known already stays as it is.

use super::file::{self, Line};
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::{RegisterBatch, Registration, RegistrationOutcome, WatchOutcomesRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// Registrations in one batch.
const BATCH: usize = 1_000;

/// Batches sent and not yet acknowledged: what is held in memory for a new try.
const WINDOW: usize = 16;

/// Tries in a row without any progress before it is given up.
const TRIES_MAX: u32 = 8;

/// Pause after a failed try; doubles.
const PAUSE: Duration = Duration::from_millis(250);

/// A stream that acknowledges nothing for so long is broken.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How long to wait for the decisions about what was acknowledged.
const DECIDED_MAX: Duration = Duration::from_secs(120);

/// No news about what was decided for so long: there is none.
const SILENT: Duration = Duration::from_secs(2);

/// Most refused lines kept for the report; the rest is counted.
const REFUSED_MAX: usize = 100_000;

/// Examples of each reason in the report.
const EXAMPLES: usize = 5;

/// One line that was not taken.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Rejected {
    /// The line in the file.
    pub line: u64,
    /// The barcode, if the line could be read.
    pub barcode: String,
    /// Stable name of the reason.
    pub reason: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What became of a file.
#[derive(Debug, Default)]
pub struct Report {
    /// Lines that state something.
    pub lines: u64,
    /// Registrations acknowledged as durable.
    pub acknowledged: u64,
    /// Lines not taken.
    pub rejected: Vec<Rejected>,
    /// Refusals that are not in `rejected`.
    pub more_rejected: u64,
    /// How long it took until the last acknowledgement.
    pub took: Duration,
    warnings: Vec<String>,
    /// The line of each item sent, by its sequence number.
    by_sequence: Vec<u32>,
}

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
    let mut sender = Sender::new(session, source.clone(), bar)?;
    sender.report.warnings.clone_from(&lines.warnings);
    let report = sender.send(lines).await?;
    decided(session, &source, report).await
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

struct Pending {
    first: u64,
    items: Vec<Registration>,
}

struct Sender<'a> {
    session: &'a Session,
    source: String,
    client: IntakeClient<Channel>,
    bar: ProgressBar,
    began: Instant,
    /// Batches sent or to be sent, not acknowledged.
    window: VecDeque<Pending>,
    next: u64,
    /// Sequence numbers of refused items point to lines.
    lines: Vec<u32>,
    report: Report,
}

impl<'a> Sender<'a> {
    fn new(session: &'a Session, source: String, bar: ProgressBar) -> Outcome<Self> {
        Ok(Self {
            session,
            source,
            client: IntakeClient::new(session.channel(To::Intake)?),
            bar,
            began: Instant::now(),
            window: VecDeque::new(),
            next: 1,
            lines: Vec::new(),
            report: Report::default(),
        })
    }

    async fn send(mut self, mut lines: file::Lines) -> Outcome<Report> {
        let mut tries = 0;
        loop {
            let before = self.report.acknowledged;
            match self.attempt(&mut lines).await {
                Ok(()) => break,
                Err(failure @ Failure::Unavailable(_)) => {
                    tries = if self.report.acknowledged > before {
                        0
                    } else {
                        tries + 1
                    };
                    if tries >= TRIES_MAX {
                        self.bar.abandon();
                        return Err(Failure::Unavailable(format!(
                            "{failure}\n{} registrations are durable; send the file again to go on",
                            self.report.acknowledged
                        )));
                    }
                    self.bar.set_message("no answer, trying again");
                    tokio::time::sleep(PAUSE * 2_u32.saturating_pow(tries)).await;
                }
                Err(other) => return Err(other),
            }
        }
        self.report.took = self.began.elapsed();
        self.bar.finish_and_clear();
        self.report.by_sequence = self.lines;
        Ok(self.report)
    }

    /// One stream, from the first batch not acknowledged to the end of the file.
    async fn attempt(&mut self, lines: &mut file::Lines) -> Outcome {
        let (batches, stream) = mpsc::channel::<RegisterBatch>(WINDOW);
        let mut acks = self
            .client
            .register_stream(ReceiverStream::new(stream))
            .await?
            .into_inner();
        // What an earlier stream left unacknowledged goes first.
        let mut sent = 0;
        let mut batches = Some(batches);
        loop {
            while let Some(to) = &batches {
                if sent == self.window.len() {
                    if self.window.len() >= WINDOW {
                        break;
                    }
                    match self.read(lines) {
                        Some(pending) => self.window.push_back(pending),
                        None => {
                            batches = None;
                            break;
                        }
                    }
                }
                let Some(pending) = self.window.get(sent) else {
                    break;
                };
                let batch = RegisterBatch {
                    actor: self.session.actor.clone(),
                    source: self.source.clone(),
                    first_sequence: pending.first,
                    registrations: pending.items.clone(),
                };
                if to.send(batch).await.is_err() {
                    // The stream broke: its acknowledgements say why.
                    break;
                }
                sent += 1;
            }
            if self.window.is_empty() {
                return Ok(());
            }
            let ack = tokio::time::timeout(SILENCE_MAX, acks.message())
                .await
                .map_err(|_| Failure::Unavailable("nothing is acknowledged".to_owned()))??;
            let Some(ack) = ack else {
                return Err(Failure::Unavailable("the stream was closed".to_owned()));
            };
            while let Some(first) = self.window.front() {
                let last = first.first + first.items.len() as u64 - 1;
                if ack.sequence < last {
                    break;
                }
                self.window.pop_front();
                sent = sent.saturating_sub(1);
            }
            self.report.acknowledged = self.report.acknowledged.max(ack.sequence);
            self.bar
                .set_message(format!("{} registered", self.report.acknowledged));
        }
    }

    /// The next batch of the file.
    fn read(&mut self, lines: &mut file::Lines) -> Option<Pending> {
        let mut items = Vec::with_capacity(BATCH);
        while items.len() < BATCH {
            let Some(Line {
                number,
                registration,
            }) = lines.next()
            else {
                break;
            };
            self.report.lines += 1;
            match registration {
                Ok(registration) => {
                    self.bar
                        .inc(prost::Message::encoded_len(&registration) as u64);
                    self.lines.push(u32::try_from(number).unwrap_or(u32::MAX));
                    items.push(registration);
                }
                Err(message) => self.report.reject(Rejected {
                    line: number,
                    barcode: String::new(),
                    reason: "LINE_UNREADABLE".to_owned(),
                    message,
                    help: "put the line right and send the file again".to_owned(),
                }),
            }
        }
        if items.is_empty() {
            return None;
        }
        let first = self.next;
        self.next += items.len() as u64;
        Some(Pending { first, items })
    }
}

/// Waits until everything was decided, and adds what was refused.
async fn decided(session: &Session, source: &str, mut report: Report) -> Outcome<Report> {
    let mut watch = Watch {
        client: IntakeClient::new(session.channel(To::Intake)?),
        lines: std::mem::take(&mut report.by_sequence),
        cursor: String::new(),
        told: HashSet::new(),
        last_news: Instant::now(),
    };
    let until = Instant::now() + DECIDED_MAX;
    loop {
        match watch.look(source, &mut report).await {
            // What is acknowledged is decided after a break too: goes on at the cursor.
            Err(Failure::Unavailable(_)) if Instant::now() < until => {
                watch.last_news = Instant::now();
            }
            Err(failure) => return Err(failure),
            // Decisions follow the acknowledgement within moments; when nothing new is told, all is decided.
            Ok(()) if watch.last_news.elapsed() > SILENT || Instant::now() > until => {
                return Ok(report);
            }
            Ok(()) => {}
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Reads what was decided about a source, from a cursor on.
struct Watch {
    client: IntakeClient<Channel>,
    /// The line of each item sent, by its sequence number.
    lines: Vec<u32>,
    cursor: String,
    told: HashSet<(u64, String)>,
    last_news: Instant,
}

impl Watch {
    async fn look(&mut self, source: &str, report: &mut Report) -> Outcome {
        let request = WatchOutcomesRequest {
            source: source.to_owned(),
            cursor: self.cursor.clone(),
            from_now: false,
            until_now: true,
        };
        let mut outcomes = self.client.watch_outcomes(request).await?.into_inner();
        while let Some(part) = outcomes.message().await? {
            self.cursor = part.cursor;
            report.more_rejected += part.dropped;
            for outcome in part.outcomes {
                self.last_news = Instant::now();
                self.note(outcome, report);
            }
        }
        Ok(())
    }

    fn note(&mut self, outcome: RegistrationOutcome, report: &mut Report) {
        let Some(refusal) = outcome.refusal else {
            return;
        };
        let key = (outcome.sequence, outcome.barcode.clone());
        if !self.told.insert(key) {
            return;
        }
        let line = usize::try_from(outcome.sequence.saturating_sub(1))
            .ok()
            .and_then(|index| self.lines.get(index))
            .copied();
        report.reject(Rejected {
            line: line.map_or(0, u64::from),
            barcode: outcome.barcode,
            reason: refusal.reason,
            message: refusal.message,
            help: refusal.help,
        });
    }
}

impl Report {
    fn reject(&mut self, rejected: Rejected) {
        if self.rejected.len() < REFUSED_MAX {
            self.rejected.push(rejected);
        } else {
            self.more_rejected += 1;
        }
    }

    /// Prints it; fails if anything was rejected.
    pub fn print(mut self, output: Output, to: Option<&Path>) -> Outcome {
        self.rejected.sort_by_key(|rejected| rejected.line);
        if let Some(path) = to {
            self.write(path)?;
        }
        let rejected = self.rejected.len() as u64 + self.more_rejected;
        let seconds = self.took.as_secs_f64().max(0.001);
        let value = serde_json::json!({
            "lines": self.lines,
            "durable": self.acknowledged,
            "rejected": rejected,
            "per_second": (self.acknowledged as f64 / seconds).round(),
            "rejected_lines": self.rejected,
        });
        if output.is_json() {
            output.value(&value);
        } else {
            for warning in &self.warnings {
                output.say(&format!("note: {warning}"));
            }
            output.say(&format!(
                "{} lines: {} registrations durable in {seconds:.1} s ({:.0} a second), {rejected} rejected",
                self.lines,
                self.acknowledged,
                self.acknowledged as f64 / seconds,
            ));
            self.examples(output);
        }
        if rejected == 0 {
            Ok(())
        } else {
            Err(Failure::Wrong(format!(
                "{rejected} line(s) were not taken; the others were. Put them right and send the file again"
            )))
        }
    }

    fn examples(&self, output: Output) {
        let mut by_reason: BTreeMap<&str, Vec<&Rejected>> = BTreeMap::new();
        for rejected in &self.rejected {
            by_reason
                .entry(&rejected.reason)
                .or_default()
                .push(rejected);
        }
        for (reason, rejected) in by_reason {
            output.say(&format!("\n{reason}: {} line(s)", rejected.len()));
            for one in rejected.iter().take(EXAMPLES) {
                output.say(&format!("  line {}: {}", one.line, one.message));
            }
            if rejected.len() > EXAMPLES {
                output.say(&format!(
                    "  and {} more (--rejected FILE lists all)",
                    rejected.len() - EXAMPLES
                ));
            }
            if let Some(help) = rejected
                .first()
                .map(|one| &one.help)
                .filter(|help| !help.is_empty())
            {
                output.say(&format!("  what to do: {help}"));
            }
        }
    }

    fn write(&self, path: &Path) -> Outcome {
        let wrong = |error: csv::Error| Failure::Usage(format!("{}: {error}", path.display()));
        let mut writer = csv::Writer::from_path(path).map_err(wrong)?;
        for rejected in &self.rejected {
            writer.serialize(rejected).map_err(wrong)?;
        }
        writer.flush()?;
        Ok(())
    }
}
