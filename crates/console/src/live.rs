//! Answers that follow changes. A page names the questions it wants followed; whoever asks the same is served by one
//! follower, which asks the service every second and tells when the answer is another one.

use crate::calls::{Call, Effect, find};
use crate::refusal::Refusal;
use crate::wire::Wire;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

/// How often a question is asked again.
const EVERY: Duration = Duration::from_secs(1);

/// A stream that says nothing else says that it lives: a page that hears nothing for three of these knows.
const BEAT: Duration = Duration::from_secs(2);

/// Most questions of one page.
const WATCHES_MAX: usize = 8;

/// Most different questions of all pages.
const FOLLOWED_MAX: usize = 1_000;

/// A question to follow.
#[derive(Debug, Deserialize)]
pub struct Watch {
    call: String,
    body: Value,
}

/// The newest answer to a question; nothing before the first.
type Answer = Option<Result<Value, Refusal>>;

/// All that is followed.
pub struct Live {
    wire: Wire,
    followed: Mutex<HashMap<String, watch::Sender<Answer>>>,
}

impl Live {
    /// Nothing is followed yet.
    #[must_use]
    pub fn new(wire: Wire) -> Arc<Self> {
        Arc::new(Self {
            wire,
            followed: Mutex::default(),
        })
    }

    /// The answers to these questions, each again when it changes.
    ///
    /// # Errors
    /// A question is none, or there are too many.
    pub fn stream(
        self: &Arc<Self>,
        watches: &str,
    ) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Refusal> {
        let watches: Vec<Watch> = serde_json::from_str(watches)
            .map_err(|error| Refusal::unreadable(error.to_string()))?;
        if watches.len() > WATCHES_MAX {
            return Err(Refusal::unreadable(format!(
                "{} questions, more than {WATCHES_MAX}",
                watches.len()
            )));
        }
        let mut streams = Vec::with_capacity(watches.len());
        for (number, watch) in watches.into_iter().enumerate() {
            let call = watch
                .call
                .split_once('/')
                .and_then(|(service, method)| find(service, method))
                .filter(|call| call.effect == Effect::Asks)
                .ok_or_else(|| Refusal::unknown(&watch.call))?;
            let answers = WatchStream::new(self.follow(call, watch.body)?);
            streams.push(answers.filter_map(move |answer| async move { event(number, answer?) }));
        }
        let streams = streams.into_iter().map(StreamExt::boxed);
        let all = futures::stream::select_all(streams).map(Ok);
        // Without a question the stream still lives.
        let all = all.chain(futures::stream::pending());
        let beat = Event::default().event("beat").data("");
        Ok(Sse::new(all).keep_alive(KeepAlive::new().interval(BEAT).event(beat)))
    }

    fn follow(
        self: &Arc<Self>,
        call: Call,
        body: Value,
    ) -> Result<watch::Receiver<Answer>, Refusal> {
        let key = format!("{}/{} {body}", call.service.name(), call.method);
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = followed.get(&key) {
            return Ok(sender.subscribe());
        }
        if followed.len() >= FOLLOWED_MAX {
            return Err(Refusal::full(format!(
                "{FOLLOWED_MAX} questions are followed already"
            )));
        }
        let (sender, receiver) = watch::channel(None);
        followed.insert(key.clone(), sender.clone());
        tokio::spawn(Arc::clone(self).ask(key, call, body, sender));
        Ok(receiver)
    }

    async fn ask(self: Arc<Self>, key: String, call: Call, body: Value, to: watch::Sender<Answer>) {
        loop {
            let answer = Some(self.wire.call(call, body.clone()).await);
            to.send_if_modified(|known| {
                let changed = *known != answer;
                if changed {
                    *known = answer;
                }
                changed
            });
            tokio::time::sleep(EVERY).await;
            // Nobody can join between the count and the removal: both happen under the lock.
            let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
            if to.receiver_count() == 0 {
                followed.remove(&key);
                return;
            }
        }
    }
}

fn event(number: usize, answer: Result<Value, Refusal>) -> Option<Event> {
    let told = match answer {
        Ok(value) => json!({ "watch": number, "value": value }),
        Err(refusal) => json!({ "watch": number, "refusal": refusal }),
    };
    Event::default().json_data(told).ok()
}
