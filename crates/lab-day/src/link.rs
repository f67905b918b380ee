//! Calls that survive a killed process: every try goes to the next address, with the same request id.

use crate::ledger::{Asked, Ledger};
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// Longest time a try may take.
const TRY_MAX: Duration = Duration::from_secs(10);

/// Longest time all tries of one call may take: a killed process starts again well within it.
const CALL_MAX: Duration = Duration::from_secs(90);

/// Pause between tries.
const PAUSE: Duration = Duration::from_millis(100);

/// What calls went through.
#[derive(Debug, Default)]
pub struct Calls {
    /// Calls, tries that failed, and the longest time from a first failed try to its success, by service.
    by_service: Mutex<BTreeMap<&'static str, Seen>>,
}

/// What the calls of one service went through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Calls made.
    pub calls: u64,
    /// Tries that got no answer.
    pub failed_tries: u64,
    /// Longest time from a first failed try to the answer.
    pub outage_max: Duration,
    /// Longest call that needed one try.
    pub slowest: Duration,
    /// Sum of all calls that needed one try.
    pub total: Duration,
}

impl Calls {
    fn note(&self, service: &'static str, change: impl FnOnce(&mut Seen)) {
        if let Ok(mut all) = self.by_service.lock() {
            change(all.entry(service).or_default());
        }
    }

    /// By service.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<&'static str, Seen> {
        self.by_service
            .lock()
            .map(|all| all.clone())
            .unwrap_or_default()
    }
}

/// One service, at all its addresses.
#[derive(Clone)]
pub struct Link {
    service: &'static str,
    channels: Arc<Vec<Channel>>,
    turn: Arc<AtomicUsize>,
    calls: Arc<Calls>,
    ledger: Ledger,
}

impl Link {
    fn new(
        service: &'static str,
        addresses: &[String],
        calls: &Arc<Calls>,
    ) -> anyhow::Result<Self> {
        let channels = addresses
            .iter()
            .map(|address| {
                Ok(Endpoint::from_shared(address.clone())
                    .with_context(|| format!("{address:?} is no address"))?
                    .connect_timeout(Duration::from_secs(2))
                    .tcp_nodelay(true)
                    .connect_lazy())
            })
            .collect::<anyhow::Result<Vec<Channel>>>()?;
        if channels.is_empty() {
            bail!("{service} has no address");
        }
        Ok(Self {
            service,
            channels: Arc::new(channels),
            turn: Arc::default(),
            calls: Arc::clone(calls),
            ledger: Ledger::default(),
        })
    }

    /// The next instance in turn.
    #[must_use]
    pub fn next(&self) -> Channel {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.channels[turn % self.channels.len()].clone()
    }

    /// Asks for something to be done, until it is answered, and writes down how that ended.
    ///
    /// # Errors
    /// The service refuses, or nobody answers for [`CALL_MAX`].
    pub async fn command<T, F, R>(&self, asked: &Asked, call: F) -> Result<T, Status>
    where
        F: Fn(Channel) -> R,
        R: Future<Output = Result<Response<T>, Status>>,
    {
        let answer = self.call(call).await;
        self.ledger.answered(self.service, asked, &answer);
        answer
    }

    /// Makes a call until it is answered. Refusals are answers.
    ///
    /// # Errors
    /// The service refuses, or nobody answers for [`CALL_MAX`].
    pub async fn call<T, F, R>(&self, call: F) -> Result<T, Status>
    where
        F: Fn(Channel) -> R,
        R: Future<Output = Result<Response<T>, Status>>,
    {
        let began = Instant::now();
        let mut failed_at: Option<Instant> = None;
        loop {
            let answer = tokio::time::timeout(TRY_MAX, call(self.next()))
                .await
                .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")));
            match answer {
                Err(status) if no_answer(&status) && began.elapsed() < CALL_MAX => {
                    failed_at.get_or_insert_with(Instant::now);
                    self.calls.note(self.service, |seen| seen.failed_tries += 1);
                    tokio::time::sleep(PAUSE).await;
                }
                answer => {
                    self.calls.note(self.service, |seen| {
                        seen.calls += 1;
                        if let Some(failed_at) = failed_at {
                            seen.outage_max = seen.outage_max.max(failed_at.elapsed());
                        } else {
                            seen.slowest = seen.slowest.max(began.elapsed());
                            seen.total += began.elapsed();
                        }
                    });
                    return answer.map(Response::into_inner);
                }
            }
        }
    }
}

/// Whether a status says that nobody answered; a broken connection shows as one of several codes.
#[must_use]
pub fn no_answer(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Unknown
        | Code::Cancelled => true,
        Code::Internal => status.get_error_details().error_info().is_none(),
        _ => false,
    }
}

/// The stable reason of a refusal; empty if it has none.
#[must_use]
pub fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

/// The three services.
#[derive(Clone)]
pub struct Services {
    /// The registry.
    pub intake: Link,
    /// Tubes, pools, plates.
    pub pooling: Link,
    /// Runs and reports.
    pub results: Link,
    /// What the calls went through.
    pub calls: Arc<Calls>,
    /// What was asked and answered.
    pub ledger: Ledger,
}

impl Services {
    /// Services at these addresses, such as `http://127.0.0.1:7070`; several are instances of one.
    ///
    /// # Errors
    /// One is no address.
    pub fn at(intake: &[String], pooling: &[String], results: &[String]) -> anyhow::Result<Self> {
        let calls = Arc::default();
        Ok(Self {
            intake: Link::new("intake", intake, &calls)?,
            pooling: Link::new("pooling", pooling, &calls)?,
            results: Link::new("results", results, &calls)?,
            calls,
            ledger: Ledger::default(),
        })
    }

    /// The same, writing down what is asked and answered.
    #[must_use]
    pub fn with_ledger(mut self, ledger: &Ledger) -> Self {
        for link in [&mut self.intake, &mut self.pooling, &mut self.results] {
            link.ledger = ledger.clone();
        }
        self.ledger = ledger.clone();
        self
    }
}
