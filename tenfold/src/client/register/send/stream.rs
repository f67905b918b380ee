//! Batches up, acknowledgements down: a window of batches is held until it is acknowledged, and sent again after a break.

use super::report::{Rejected, Report};
use crate::client::register::file::{self, Line};
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use indicatif::ProgressBar;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::{RegisterBatch, Registration};
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

struct Pending {
    first: u64,
    items: Vec<Registration>,
}

/// One file on its way.
pub(super) struct Sender<'a> {
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
    /// What became of it so far.
    pub(super) report: Report,
}

impl<'a> Sender<'a> {
    pub(super) fn new(session: &'a Session, source: String, bar: ProgressBar) -> Outcome<Self> {
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

    pub(super) async fn send(mut self, mut lines: file::Lines) -> Outcome<Report> {
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
