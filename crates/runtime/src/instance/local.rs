//! Calls: to a lane here, or by one hop to its owner; tried again, with the same request id, until
//! the caller's time is up.

use super::directory::Directory;
use super::forward;
use crate::budget::Watch;
use crate::clock::Clock;
use crate::gateway::{Answered, Answering, Call as Asked, CallError, Lanes, Posting};
use crate::lane::calls::{Ask, Call, Reply};
use crate::lane::context::{Event, Mailbox};
use crate::log::{AppendError, Class, Log, NewRecord, Topic};
use crate::metrics as m;
use bytes::Bytes;
use prost::Message;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tenfold_domain::{Code, Rejection};
use tenfold_proto::lane::{External, InboxRecord, inbox_record::Content};
use tokio::sync::{Semaphore, oneshot};

/// First pause before a call is tried again; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// Longest pause before a call is tried again.
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// Appends to inboxes on their way from this instance's edge; more wait their turn.
const POSTS_MAX: usize = 256;

/// How one try ended.
#[derive(Debug)]
pub enum Tried {
    /// With an answer.
    Answered(Answered),
    /// With an error that another try will not change.
    Failed(CallError),
    /// The lane is owned elsewhere, or nowhere yet.
    NotOwner {
        /// The owner's address, if known.
        address: Option<String>,
    },
}

/// See the module.
pub struct Local {
    service: &'static str,
    lanes: u32,
    topics: HashMap<String, u32>,
    mailbox: Mailbox,
    log: Arc<dyn Log>,
    directory: Arc<Directory>,
    address: String,
    peers: forward::Peers,
    posts: Semaphore,
    clock: Arc<dyn Clock>,
    /// How long posts take.
    watch: Mutex<Watch>,
}

impl Local {
    #[allow(clippy::too_many_arguments)] // built in one place, from parts that have nothing else in common
    pub(super) fn new(
        service: &'static str,
        lanes: u32,
        topics: HashMap<String, u32>,
        mailbox: Mailbox,
        log: Arc<dyn Log>,
        directory: Arc<Directory>,
        address: String,
        clock: Arc<dyn Clock>,
        post_budget: Duration,
    ) -> Self {
        Self {
            service,
            lanes,
            topics,
            mailbox,
            log,
            directory,
            address,
            peers: forward::Peers::default(),
            posts: Semaphore::new(POSTS_MAX),
            clock,
            watch: Mutex::new(Watch::new(service, post_budget)),
        }
    }

    pub(super) const fn service(&self) -> &'static str {
        self.service
    }

    pub(super) fn tell(&self, lane: u32, event: Event) {
        (self.mailbox)(lane, event);
    }

    /// One try on a lane of this instance.
    pub(super) async fn try_here(
        &self,
        lane: u32,
        asked: Asked,
        traceparent: String,
        timeout: Duration,
    ) -> Tried {
        let (send, answer) = oneshot::channel();
        let ask = match asked {
            Asked::Command {
                actor,
                request_id,
                body,
            } => Ask::Command {
                actor,
                request_id,
                body,
            },
            Asked::Query(body) => Ask::Query(body),
        };
        let call = Call {
            ask,
            queued_at: self.clock.monotonic(),
            traceparent,
            reply: Box::new(move |reply| {
                let _ = send.send(reply);
            }),
        };
        self.tell(lane, Event::Call(call));
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(Reply::Answer { answer, seq, at })) => match answer {
                Ok(body) => Tried::Answered(Answered { body, seq, at }),
                Err(rejection) => Tried::Failed(CallError::Rejected(rejection)),
            },
            Ok(Ok(Reply::NotOwner) | Err(_)) => {
                let owner = self.directory.owner(self.service, lane);
                Tried::NotOwner {
                    address: owner.map(|o| o.address).filter(|a| *a != self.address),
                }
            }
            Ok(Ok(Reply::Full)) => Tried::Failed(CallError::Full),
            Ok(Ok(Reply::NoRoom(reason))) => Tried::Failed(CallError::Rejected(Rejection::new(
                Code::ResourceExhausted,
                "NO_ROOM",
                "",
                reason,
                "make room on the log's disk; then send the same again",
            ))),
            Ok(Ok(Reply::Unavailable(reason))) => Tried::Failed(CallError::Unavailable(reason)),
            Err(_) => Tried::Failed(CallError::Unavailable(
                "the lane did not answer in time".to_owned(),
            )),
        }
    }

    async fn call_until(
        &self,
        lane: u32,
        asked: Asked,
        timeout: Duration,
    ) -> Result<Answered, CallError> {
        let began = Instant::now();
        let mut pause = PAUSE_MIN;
        loop {
            let left = timeout.saturating_sub(began.elapsed());
            let mut tried = self
                .try_here(lane, asked.clone(), crate::trace::current(), left)
                .await;
            if let Tried::NotOwner {
                address: Some(address),
            } = &tried
            {
                let left = timeout.saturating_sub(began.elapsed());
                tried = self
                    .peers
                    .call(address, self.service, lane, &asked, left)
                    .await;
            }
            match tried {
                Tried::Answered(answered) => {
                    metrics::histogram!(m::CALL_SECONDS, "service" => self.service)
                        .record(began.elapsed().as_secs_f64());
                    return Ok(answered);
                }
                Tried::Failed(error) => return Err(error),
                Tried::NotOwner { .. } => {}
            }
            if began.elapsed() + pause >= timeout {
                return Err(CallError::Unavailable(format!(
                    "lane {lane} of {} has no owner now",
                    self.service
                )));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn post_to(
        &self,
        service: &str,
        lane: u32,
        origin: &str,
        items: Vec<Bytes>,
    ) -> Result<(), CallError> {
        let _turn = self
            .posts
            .acquire()
            .await
            .map_err(|_| CallError::Unavailable("shutting down".to_owned()))?;
        let record = InboxRecord {
            content: Some(Content::External(External {
                origin: origin.to_owned(),
                items,
            })),
            traceparent: crate::trace::current(),
        };
        let (send, ended) = oneshot::channel();
        self.log.append(
            Class::Relay,
            &Topic::inbox(service),
            lane,
            NewRecord::of(record.encode_to_vec()),
            Box::new(move |result| {
                let _ = send.send(result);
            }),
        );
        match ended.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(AppendError::NotSent(_))) => Err(CallError::Full),
            Ok(Err(error @ (AppendError::NoRoom(_) | AppendError::Refused(_)))) => {
                Err(CallError::Rejected(Rejection::new(
                    Code::ResourceExhausted,
                    "NOT_APPENDED",
                    "",
                    error.to_string(),
                    "see the operator's log; then send the same again",
                )))
            }
            Ok(Err(error @ AppendError::Unknown(_))) => {
                Err(CallError::Unavailable(error.to_string()))
            }
            Err(_) => Err(CallError::Unavailable("the log was closed".to_owned())),
        }
    }
}

impl Lanes for Local {
    fn lanes(&self) -> u32 {
        self.lanes
    }

    fn call(&self, lane: u32, call: Asked, timeout: Duration) -> Answering<'_> {
        Box::pin(self.call_until(lane, call, timeout))
    }

    fn post(&self, service: &str, lane: u32, origin: &str, items: Vec<Bytes>) -> Posting<'_> {
        let (service, origin) = (service.to_owned(), origin.to_owned());
        Box::pin(async move {
            let began = Instant::now();
            let posted = self.post_to(&service, lane, &origin, items).await;
            self.watch
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .post(lane, began.elapsed(), self.clock.monotonic());
            posted
        })
    }

    fn lanes_of(&self, service: &str) -> u32 {
        if service == self.service {
            return self.lanes;
        }
        self.topics
            .get(Topic::inbox(service).as_str())
            .copied()
            .unwrap_or(0)
    }
}
