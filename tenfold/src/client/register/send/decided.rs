//! What was decided about the items of a source: asked for until nothing new is told.

use super::report::{Rejected, Report};
use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tenfold_proto::v1::intake_client::IntakeClient;
use tenfold_proto::v1::{RegistrationOutcome, WatchOutcomesRequest};
use tonic::transport::Channel;

/// How long to wait for the decisions about what was acknowledged.
const DECIDED_MAX: Duration = Duration::from_secs(120);

/// No news about what was decided for so long: there is none.
const SILENT: Duration = Duration::from_secs(2);

/// Waits until everything was decided, and adds what was refused.
pub(super) async fn decided(
    session: &Session,
    source: &str,
    mut report: Report,
) -> Outcome<Report> {
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
