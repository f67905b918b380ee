//! A simulated reporting system: takes reports by `Subscribe`, accepts them, and rejects the very first once.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tenfold_proto::v1::results_client::ResultsClient;
use tenfold_proto::v1::results_delivery::Cargo;
use tenfold_proto::v1::{DeliveryAnswer, SubscribeRequest, Verdict};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// The receiver, as the policy names it.
const RECEIVER: &str = "cdc";

/// Answers on their way.
const ANSWERS: usize = 1_024;

/// Pause before it subscribes again after a break.
const PAUSE: Duration = Duration::from_millis(500);

/// What it was told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Newest version and verdict of each barcode.
    pub reports: HashMap<String, (u32, Verdict)>,
    /// Versions accepted twice, which must not be.
    pub twice: Vec<String>,
    /// Alerts about pools.
    pub alerts: u32,
    /// The report that was rejected once: its barcode.
    pub rejected: Option<String>,
}

/// Shared with the reporting system's task.
pub type Shared = Arc<Mutex<Told>>;

/// Looks at what was told.
pub fn told<T>(shared: &Shared, look: impl FnOnce(&Told) -> T) -> T {
    look(&shared.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Receives reports whose barcode begins with `prefix`, for ever; others are accepted and not kept.
pub fn start(session: &Session, prefix: String) -> Outcome<Shared> {
    let shared = Shared::default();
    let client = ResultsClient::new(session.channel(To::Results)?);
    let told = Arc::clone(&shared);
    tokio::spawn(async move {
        loop {
            let ended = subscribe(client.clone(), &told, &prefix).await;
            tracing::debug!(?ended, "the reporting system subscribes again");
            tokio::time::sleep(PAUSE).await;
        }
    });
    Ok(shared)
}

async fn subscribe(
    mut client: ResultsClient<tonic::transport::Channel>,
    shared: &Shared,
    prefix: &str,
) -> Outcome {
    let (up, answers) = mpsc::channel(ANSWERS);
    let hello = SubscribeRequest {
        receiver: RECEIVER.to_owned(),
        answers: Vec::new(),
    };
    let gone = |_| Failure::Unavailable("the stream ended".to_owned());
    up.send(hello).await.map_err(gone)?;
    let mut down = client
        .subscribe(ReceiverStream::new(answers))
        .await?
        .into_inner();
    while let Some(delivery) = down.message().await? {
        let rejected = {
            let mut told = shared.lock().unwrap_or_else(PoisonError::into_inner);
            take(&mut told, delivery.cargo, prefix)
        };
        let answer = SubscribeRequest {
            receiver: String::new(),
            answers: vec![DeliveryAnswer {
                id: delivery.id,
                rejected,
            }],
        };
        up.send(answer).await.map_err(gone)?;
    }
    Ok(())
}

/// Notes a delivery; the answer is why it is rejected, or nothing.
fn take(told: &mut Told, cargo: Option<Cargo>, prefix: &str) -> String {
    let report = match cargo {
        Some(Cargo::Report(report)) => report,
        Some(Cargo::Alert(_)) => {
            told.alerts += 1;
            return String::new();
        }
        None => return String::new(),
    };
    if !report.barcode.starts_with(prefix) {
        return String::new();
    }
    if told.rejected.is_none() {
        told.rejected = Some(report.barcode);
        return "the site is not in our register yet".to_owned();
    }
    let verdict = report.verdict();
    let before = told
        .reports
        .insert(report.barcode.clone(), (report.version, verdict));
    if let Some((version, _)) = before
        && version >= report.version
    {
        told.twice.push(report.barcode);
    }
    String::new()
}
