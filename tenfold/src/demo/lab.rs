//! A simulated lab: what its people and robots ask of the services.

use crate::connect::{Session, To};
use crate::failure::{Failure, Outcome};
use std::time::{Duration, Instant};
use tenfold_proto::v1::pooling_client::PoolingClient;
use tenfold_proto::v1::results_client::ResultsClient;
use tonic::transport::Channel;

/// Longest wait for something that must come by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// A lab.
#[derive(Clone)]
pub struct Lab {
    /// Its id.
    pub id: String,
    /// What the barcodes of the day's own tubes begin with: others stand in the lab, too.
    day: String,
    /// Who works there.
    pub session: Session,
    /// Its way to pooling.
    pub pooling: PoolingClient<Channel>,
    /// Its way to results.
    pub results: ResultsClient<Channel>,
}

impl Lab {
    /// A lab with connections of its own. `day`: what the barcodes of the day's tubes begin with.
    pub fn new(id: &str, day: &str, session: &Session) -> Outcome<Self> {
        Ok(Self {
            id: id.to_owned(),
            day: day.to_owned(),
            session: session.clone(),
            pooling: PoolingClient::new(session.channel(To::Pooling)?),
            results: ResultsClient::new(session.channel(To::Results)?),
        })
    }

    /// Whether a tube is of this day. What an earlier day left when it was killed is a matter of the lab's people: it
    /// may wait for ever, so the day neither waits for it nor touches it where it need not.
    pub fn owns(&self, barcode: &str) -> bool {
        barcode.starts_with(&self.day)
    }
}

/// Calls a method of pooling that changes something; refusals come back as failures.
macro_rules! ask {
    ($lab:expr, $actor:expr, $method:ident, $request:ident { $($field:ident : $value:expr),* $(,)? }) => {{
        let request = tenfold_proto::v1::$request {
            lab: $lab.id.clone(),
            actor: $actor.to_owned(),
            request_id: $lab.session.request_id(),
            $($field: $value),*
        };
        $lab.pooling
            .$method($lab.session.ask(request))
            .await
            .map(tonic::Response::into_inner)
            .map_err($crate::failure::Failure::from)
    }};
}

/// Asks pooling something.
macro_rules! look {
    ($lab:expr, $method:ident, $request:ident { $($field:ident : $value:expr),* $(,)? }) => {{
        let request = tenfold_proto::v1::$request {
            lab: $lab.id.clone(),
            $($field: $value),*
        };
        $lab.pooling
            .$method($lab.session.ask(request))
            .await
            .map(tonic::Response::into_inner)
            .map_err($crate::failure::Failure::from)
    }};
}

pub(super) use {ask, look};

/// Waits for something that must come by itself.
pub struct Patience {
    what: String,
    until: Instant,
}

impl Patience {
    /// Begins to wait.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            until: Instant::now() + PATIENCE,
        }
    }

    /// Says anew what is waited for: some of it has come.
    pub fn still_for(&mut self, what: String) {
        self.what = what;
    }

    /// A pause before the next look; fails with what was waited for when it took too long.
    pub async fn pause(&self) -> Outcome {
        if Instant::now() > self.until {
            return Err(Failure::Wrong(format!(
                "{}: still not so after {} s",
                self.what,
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}

/// The refusal a dirty case must meet; anything else is a failure.
pub fn must_be_refused<T>(case: &str, outcome: Outcome<T>) -> Outcome<String> {
    match outcome {
        Err(Failure::Refused(refusal)) => Ok(format!("{case}: refused, {}", refusal.reason)),
        Err(other) => Err(other),
        Ok(_) => Err(Failure::Wrong(format!("{case} was not refused"))),
    }
}
