//! Calls into a service: any instance takes them, the lane's owner decides them.

use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tenfold_domain::{Rejection, Timestamp};

/// An answer, and when it was true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The reply, encoded as the service's processor did.
    pub body: Bytes,
    /// Journal sequence number the answer is true at.
    pub seq: u64,
    /// Lane time the answer is true at.
    pub at: Timestamp,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The service decided so.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Too many calls wait already: try again later. Nothing was done.
    #[error("too many calls wait: try again later")]
    Full,
    /// No owner answered in time. The command may have been done: ask again with the same request id.
    #[error("no answer in time: ask again with the same request id ({0})")]
    Unavailable(String),
}

/// One call to a lane.
#[derive(Clone, Debug)]
pub enum Call {
    /// Something to decide.
    Command {
        /// Who calls.
        actor: String,
        /// Made by the client; the same for every try.
        request_id: String,
        /// The service's command, encoded.
        body: Bytes,
    },
    /// A question.
    Query(Bytes),
}

/// A future of an answer.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answered, CallError>> + Send + 'a>>;

/// A future of a durable append.
pub type Posting<'a> = Pin<Box<dyn Future<Output = Result<(), CallError>> + Send + 'a>>;

/// Whatever takes calls for the lanes of one service: an instance, or a test driver.
pub trait Lanes: Send + Sync + 'static {
    /// Number of lanes.
    fn lanes(&self) -> u32;
    /// Calls the owner of a lane, here or elsewhere.
    fn call(&self, lane: u32, call: Call, timeout: Duration) -> Answering<'_>;
    /// Puts inputs from outside into an inbox; done when they are durable there.
    fn post(&self, service: &str, lane: u32, origin: &str, items: Vec<Bytes>) -> Posting<'_>;
    /// Number of lanes of any service.
    fn lanes_of(&self, service: &str) -> u32;
}

/// The way into one service.
#[derive(Clone)]
pub struct Gateway {
    lanes: Arc<dyn Lanes>,
    timeout: Duration,
}

impl Gateway {
    /// A gateway whose calls wait at most `timeout`.
    pub fn new(lanes: Arc<dyn Lanes>, timeout: Duration) -> Self {
        Self { lanes, timeout }
    }

    /// Number of lanes.
    #[must_use]
    pub fn lanes(&self) -> u32 {
        self.lanes.lanes()
    }

    /// Decides a command on the lane of `key` (a barcode, a lab).
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn command(
        &self,
        key: &str,
        actor: &str,
        request_id: &str,
        body: Bytes,
    ) -> Result<Answered, CallError> {
        if request_id.is_empty() {
            return Err(Rejection::invalid(
                "REQUEST_ID_MISSING",
                "request_id",
                "the request has no id",
                "make one (a UUID), and send the same again when you retry",
            )
            .into());
        }
        let call = Call::Command {
            actor: actor.to_owned(),
            request_id: request_id.to_owned(),
            body,
        };
        let lane = crate::lane_of(key, self.lanes.lanes());
        self.lanes.call(lane, call, self.timeout).await
    }

    /// Asks the lane of `key`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn query(&self, key: &str, body: Bytes) -> Result<Answered, CallError> {
        let lane = crate::lane_of(key, self.lanes.lanes());
        self.query_lane(lane, body).await
    }

    /// Asks one lane by its number: for questions that go to all of them.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn query_lane(&self, lane: u32, body: Bytes) -> Result<Answered, CallError> {
        self.lanes.call(lane, Call::Query(body), self.timeout).await
    }

    /// Puts inputs from outside into this or another service's inbox, by lane; done when durable.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn post(
        &self,
        service: &str,
        lane: u32,
        origin: &str,
        items: Vec<Bytes>,
    ) -> Result<(), CallError> {
        self.lanes.post(service, lane, origin, items).await
    }

    /// Number of lanes of any service.
    #[must_use]
    pub fn lanes_of(&self, service: &str) -> u32 {
        self.lanes.lanes_of(service)
    }
}
