//! What became of a source's registrations: read from each lane after a cursor, again and again.

use super::{Answers, IntakeGrpc, invalid, unreadable};
use futures::future::try_join_all;
use std::time::Duration;
use tenfold_proto::v1;
use tenfold_proto::v1::intake_query::Query;
use tenfold_proto::v1::intake_reply::Reply;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// Outcomes asked of a lane at once.
const ROWS: u32 = 500;
/// Tellings that wait for a slow watcher.
const WAITING_MAX: usize = 4;
/// Pause when there is nothing new; it grows to [`PAUSE_MAX`], so that a quiet watch costs next to nothing.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Most lanes a cursor is read for.
const LANES_MAX: usize = 4_096;

impl IntakeGrpc {
    pub(super) async fn tell_outcomes(
        &self,
        request: v1::WatchOutcomesRequest,
    ) -> Result<Answers<v1::OutcomesTold>, Status> {
        if request.source.is_empty() {
            return Err(invalid(
                "SOURCE_MISSING",
                "source",
                "the request does not say whose outcomes",
                "give the source of the registrations; a site that named none is its own source",
            ));
        }
        let cursors = if request.cursor.is_empty() {
            self.begin(request.from_now).await?
        } else {
            self.parse_cursor(&request.cursor)?
        };
        let (to, told) = mpsc::channel(WAITING_MAX);
        let watch = Watch {
            service: self.clone(),
            source: request.source,
            until_now: request.until_now,
            cursors,
        };
        tokio::spawn(watch.run(to));
        Ok(Box::pin(ReceiverStream::new(told)))
    }

    async fn begin(&self, from_now: bool) -> Result<Vec<v1::IntakeCursor>, Status> {
        let lanes = self.gateway.lanes();
        if !from_now {
            return Ok((0..lanes).map(|_| v1::IntakeCursor::default()).collect());
        }
        let ends = (0..lanes).map(|lane| async move {
            let query = Query::Outcomes(v1::IntakeOutcomesQuery {
                end: true,
                ..Default::default()
            });
            match self.ask_lane(lane, query).await? {
                Reply::Outcomes(end) => Ok(end.cursor.unwrap_or_default()),
                _ => Err(unreadable()),
            }
        });
        try_join_all(ends).await
    }

    fn parse_cursor(&self, text: &str) -> Result<Vec<v1::IntakeCursor>, Status> {
        let parsed: Option<Vec<_>> = text
            .split(',')
            .take(LANES_MAX)
            .map(|part| {
                let (entry, outcome) = part.split_once('.')?;
                Some(v1::IntakeCursor {
                    entry: entry.parse().ok()?,
                    outcome: outcome.parse().ok()?,
                })
            })
            .collect();
        let lanes = usize::try_from(self.gateway.lanes()).unwrap_or(usize::MAX);
        parsed.filter(|c| c.len() == lanes).ok_or_else(|| {
            invalid(
                "CURSOR",
                "cursor",
                "the cursor was not made by this call, or for another number of lanes",
                "send the cursor of the last message as it is, or none to begin again",
            )
        })
    }
}

fn write_cursor(cursors: &[v1::IntakeCursor]) -> String {
    let parts: Vec<String> = cursors
        .iter()
        .map(|c| format!("{}.{}", c.entry, c.outcome))
        .collect();
    parts.join(",")
}

/// One watcher.
struct Watch {
    service: IntakeGrpc,
    source: String,
    until_now: bool,
    cursors: Vec<v1::IntakeCursor>,
}

impl Watch {
    async fn run(mut self, to: mpsc::Sender<Result<v1::OutcomesTold, Status>>) {
        let stop = self.service.stop.clone();
        let mut pause = PAUSE_MIN;
        loop {
            let (told, more) = match self.round().await {
                Ok(round) => round,
                Err(status) => {
                    let _ = to.send(Err(status)).await;
                    return;
                }
            };
            let quiet = told.outcomes.is_empty() && told.dropped == 0;
            let last = self.until_now && !more;
            if (!quiet || last) && to.send(Ok(told)).await.is_err() {
                return;
            }
            if last {
                return;
            }
            if more {
                continue;
            }
            pause = if quiet {
                (pause * 2).min(PAUSE_MAX)
            } else {
                PAUSE_MIN
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
                () = to.closed() => return,
            }
        }
    }

    /// Asks every lane once.
    async fn round(&mut self) -> Result<(v1::OutcomesTold, bool), Status> {
        let asked = (0_u32..).zip(&self.cursors).map(|(lane, cursor)| {
            let query = Query::Outcomes(v1::IntakeOutcomesQuery {
                source: self.source.clone(),
                after: Some(*cursor),
                most: ROWS,
                end: false,
            });
            let service = &self.service;
            async move {
                match service.ask_lane(lane, query).await? {
                    Reply::Outcomes(outcomes) => Ok::<_, Status>(outcomes),
                    _ => Err(unreadable()),
                }
            }
        });
        let answers = try_join_all(asked).await?;
        let mut told = v1::OutcomesTold::default();
        let mut more = false;
        for (cursor, answer) in self.cursors.iter_mut().zip(answers) {
            *cursor = answer.cursor.unwrap_or_default();
            told.outcomes.extend(answer.outcomes);
            told.dropped = told.dropped.saturating_add(answer.dropped);
            more |= answer.more;
        }
        told.cursor = write_cursor(&self.cursors);
        Ok((told, more))
    }
}
