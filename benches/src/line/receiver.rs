//! The reporting system: takes every report, and answers it.

use super::pace::Pace;
use anyhow::{Context as _, bail, ensure};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use v1::results_client::ResultsClient;
use v1::results_delivery::Cargo;

/// The receiver of the default policy.
const RECEIVER: &str = "cdc";

/// Answers under way.
const WINDOW: usize = 1_024;

/// A stream that is silent for so long while reports are missing has stopped.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// What must be reported of a tube.
pub(super) struct Awaited {
    /// Which tube of its run.
    pub(super) nth: usize,
    /// What its report must say.
    pub(super) verdict: v1::Verdict,
}

/// What came.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// When the report of which tube of the run was answered, in this order.
    pub answered: Vec<(usize, Instant)>,
    /// Deliveries of reports that were answered before, or belong to an earlier run.
    pub repeated: usize,
    /// Suspect pools that it was alerted of.
    pub alerts: HashSet<String>,
}

impl Reports {
    /// How long each took since its tube was due, in seconds.
    pub fn seconds(&self, pace: Pace) -> impl Iterator<Item = f64> {
        let answered = self.answered.iter();
        answered.map(move |(nth, at)| at.saturating_duration_since(pace.due(*nth)).as_secs_f64())
    }

    /// Most tubes that were due and not reported, of so many, at any moment.
    #[must_use]
    pub fn most_at_hand(&self, pace: Pace, tubes: usize) -> usize {
        let answered = self.answered.iter().enumerate();
        answered
            .map(|(before, (_, at))| pace.due_at(*at).min(tubes).saturating_sub(before))
            .max()
            .unwrap_or(0)
    }
}

/// Takes reports until each of these tubes was reported, right and in its first version. Reports of other tubes are answered, too:
/// a receiver that hung up had answered some that come again.
pub(super) async fn take(
    channel: Channel,
    mut tubes: HashMap<String, Awaited>,
) -> anyhow::Result<Reports> {
    let all = tubes.len();
    let mut reports = Reports::default();
    let (up, mut requests) = mpsc::channel(WINDOW);
    let hello = v1::SubscribeRequest {
        receiver: RECEIVER.to_owned(),
        answers: Vec::new(),
    };
    up.send(hello).await?;
    let requests = futures::stream::poll_fn(move |context| requests.poll_recv(context));
    let mut down = ResultsClient::new(channel)
        .subscribe(requests)
        .await?
        .into_inner();
    while !tubes.is_empty() {
        let Ok(message) = tokio::time::timeout(SILENCE_MAX, down.message()).await else {
            let first = tubes.keys().next();
            bail!(
                "of {all} tubes {} were never reported, such as {first:?}",
                tubes.len()
            );
        };
        let delivery = message?.context("the stream of reports ended")?;
        match delivery.cargo {
            Some(Cargo::Report(report)) => match tubes.remove(&report.barcode) {
                Some(tube) => {
                    ensure!(
                        report.verdict() == tube.verdict && report.version == 1,
                        "{} must be {:?}: {report:?}",
                        report.barcode,
                        tube.verdict,
                    );
                    reports.answered.push((tube.nth, Instant::now()));
                }
                None => {
                    ensure!(report.version == 1, "a second report: {report:?}");
                    reports.repeated += 1;
                }
            },
            Some(Cargo::Alert(alert)) => {
                reports.alerts.insert(alert.pool);
            }
            None => bail!("an empty delivery: {}", delivery.id),
        }
        let answer = v1::SubscribeRequest {
            receiver: String::new(),
            answers: vec![v1::DeliveryAnswer {
                id: delivery.id,
                rejected: String::new(),
            }],
        };
        up.send(answer).await?;
    }
    // The last answers are on their way: the other side ends the stream when it has taken them.
    drop(up);
    let taken = async { while down.message().await.is_ok_and(|more| more.is_some()) {} };
    let taken = tokio::time::timeout(SILENCE_MAX, taken).await;
    taken.context("the last answers are never taken")?;
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_hand_is_what_was_due_and_is_not_answered() {
        let pace = Pace::from_now(100.0);
        let at = |nth, ms| (nth, pace.due(nth) + Duration::from_millis(ms));
        let reports = Reports {
            // When the last one was answered, fifteen were due.
            answered: vec![at(0, 95), at(1, 95), at(9, 55)],
            ..Default::default()
        };
        assert_eq!(reports.most_at_hand(pace, 1_000), 13);
        assert_eq!(reports.most_at_hand(pace, 5), 5);
        let seconds: Vec<f64> = reports.seconds(pace).collect();
        assert!((seconds[2] - 0.055).abs() < 1e-6, "{seconds:?}");
        assert_eq!(Reports::default().most_at_hand(pace, 5), 0);
    }
}
