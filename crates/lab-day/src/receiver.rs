//! The reporting system: takes every report, answers it, and remembers what it was told.

use crate::link::{Services, no_answer};
use crate::play::Progress;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tenfold_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use v1::results_client::ResultsClient;
use v1::results_delivery::Cargo;

/// The receiver of the default policy.
pub const RECEIVER: &str = "cdc";

/// How long the stream may be silent before it is looked whether the day is over.
const LOOK: Duration = Duration::from_millis(200);

/// A report that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Id of its delivery.
    pub id: String,
    /// As it came first.
    pub report: v1::Report,
    /// How often it came.
    pub times: u32,
}

/// Everything the receiver was told.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    /// Beginning of the day's barcodes: what may still come of other days is answered, and not looked at.
    pub day: String,
    /// Reports by barcode and version.
    pub reports: BTreeMap<(String, u32), Taken>,
    /// Alerts by pool, with the id of their delivery.
    pub alerts: BTreeMap<String, String>,
    /// What must not happen.
    pub wrong: Vec<String>,
    /// Tubes of which a new swab must be taken, not yet looked at.
    pub recollect: Vec<v1::Report>,
    /// Times the stream was opened.
    pub streams: u32,
}

impl Inbox {
    /// The newest report of a barcode.
    #[must_use]
    pub fn newest(&self, barcode: &str) -> Option<&v1::Report> {
        self.reports
            .range((barcode.to_owned(), 0)..=(barcode.to_owned(), u32::MAX))
            .next_back()
            .map(|(_, taken)| &taken.report)
    }

    fn take(&mut self, delivery: &v1::ResultsDelivery) -> bool {
        match &delivery.cargo {
            Some(Cargo::Report(report)) if !report.barcode.starts_with(&self.day) => false,
            Some(Cargo::Report(report)) => self.take_report(&delivery.id, report),
            Some(Cargo::Alert(alert)) => {
                let known = self.alerts.insert(alert.pool.clone(), delivery.id.clone());
                if known.is_some_and(|id| id != delivery.id) {
                    self.wrong
                        .push(format!("pool {} was alerted twice", alert.pool));
                }
                false
            }
            None => {
                self.wrong
                    .push(format!("delivery {} is empty", delivery.id));
                false
            }
        }
    }

    /// Whether it is new.
    fn take_report(&mut self, id: &str, report: &v1::Report) -> bool {
        let key = (report.barcode.clone(), report.version);
        if let Some(taken) = self.reports.get_mut(&key) {
            taken.times += 1;
            if taken.id != id || taken.report != *report {
                self.wrong.push(format!(
                    "version {} of {} came twice, as {:?} and as {report:?}",
                    report.version, report.barcode, taken.report
                ));
            }
            return false;
        }
        if report.verdict() == v1::Verdict::Recollect {
            self.recollect.push(report.clone());
        }
        let taken = Taken {
            id: id.to_owned(),
            report: report.clone(),
            times: 1,
        };
        self.reports.insert(key, taken);
        true
    }
}

/// Takes reports until the day is over; a broken stream is opened again at the next instance.
///
/// # Errors
/// The stream is refused.
pub async fn receive(
    services: &Services,
    inbox: &Mutex<Inbox>,
    progress: &Progress,
    over: &AtomicBool,
) -> anyhow::Result<()> {
    while !over.load(Ordering::Relaxed) {
        match stream(services, inbox, progress, over).await {
            Ok(()) => {}
            Err(status) if no_answer(&status) => tokio::time::sleep(LOOK).await,
            Err(status) => anyhow::bail!("the stream of reports: {status}"),
        }
    }
    Ok(())
}

async fn stream(
    services: &Services,
    inbox: &Mutex<Inbox>,
    progress: &Progress,
    over: &AtomicBool,
) -> Result<(), Status> {
    let (up, requests) = mpsc::channel(256);
    let hello = v1::SubscribeRequest {
        receiver: RECEIVER.to_owned(),
        answers: Vec::new(),
    };
    up.send(hello)
        .await
        .map_err(|_| Status::unavailable("closed"))?;
    let mut client = ResultsClient::new(services.results.next());
    let mut down = client
        .subscribe(ReceiverStream::new(requests))
        .await?
        .into_inner();
    if let Ok(mut inbox) = inbox.lock() {
        inbox.streams += 1;
    }
    while !over.load(Ordering::Relaxed) {
        let Ok(message) = tokio::time::timeout(LOOK, down.message()).await else {
            continue;
        };
        let Some(delivery) = message? else {
            return Ok(());
        };
        let new = inbox.lock().is_ok_and(|mut inbox| inbox.take(&delivery));
        progress
            .reports
            .fetch_add(u64::from(new), Ordering::Relaxed);
        let answer = v1::SubscribeRequest {
            receiver: String::new(),
            answers: vec![v1::DeliveryAnswer {
                id: delivery.id,
                rejected: String::new(),
            }],
        };
        up.send(answer)
            .await
            .map_err(|_| Status::unavailable("closed"))?;
    }
    Ok(())
}
