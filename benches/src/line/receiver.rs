//! The reporting system: takes every report, and answers it.

use anyhow::{Context as _, bail, ensure};
use std::collections::HashSet;
use std::time::Duration;
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

/// Takes reports until each of these tubes was reported, negative. Reports of other tubes are answered, too: a receiver that
/// hung up had answered some that come again.
pub(super) async fn take(channel: Channel, mut tubes: HashSet<String>) -> anyhow::Result<()> {
    let all = tubes.len();
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
            let first = tubes.iter().next();
            bail!(
                "of {all} tubes {} were never reported, such as {first:?}",
                tubes.len()
            );
        };
        let delivery = message?.context("the stream of reports ended")?;
        match delivery.cargo {
            Some(Cargo::Report(report)) => {
                ensure!(
                    report.verdict() == v1::Verdict::Negative,
                    "{} is reported as {:?}",
                    report.barcode,
                    report.verdict()
                );
                tubes.remove(&report.barcode);
            }
            other => bail!("a delivery that is no report: {other:?}"),
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
    Ok(())
}
