//! Filed samples, read back from the lane's journal.
//!
//! What the lane has of a filed sample says where its timeline stands. Any instance reads that stretch of the journal
//! from the log, makes the sample's rows again ([`Recall`]), and answers the question from them, as the lane would
//! have before. It costs reading everything that the lane decided between the sample's loading and its end: a few
//! megabytes for each busy hour. At most [`READERS_MAX`] stretches are read at once; who comes later waits.

use crate::processor::{LEVEL, ResultsProcessor};
use crate::queries;
use prost::Message;
use std::sync::Arc;
use tenfold_domain::policy::Library;
use tenfold_domain::results::recall::Recall;
use tenfold_domain::{Timestamp, ids::TubeId};
use tenfold_proto::v1;
use tenfold_proto::v1::results_query::Query;
use tenfold_runtime::journal::Stretch;
use tenfold_runtime::log::Log;
use tenfold_runtime::processor::Processor as _;
use tokio::sync::Semaphore;

/// Most stretches read at once by one process.
const READERS_MAX: usize = 2;

/// See the module.
#[derive(Clone)]
pub struct Reader {
    log: Arc<dyn Log>,
    seats: Arc<Semaphore>,
}

impl Reader {
    /// Reads from this log.
    #[must_use]
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self {
            log,
            seats: Arc::new(Semaphore::new(READERS_MAX)),
        }
    }

    /// Answers a question about a filed sample from the journal of its lane.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub async fn answer<R: Message + Default + 'static>(
        &self,
        lane: u32,
        filed: v1::FiledSample,
        policy: v1::PolicyActivated,
        query: Query,
    ) -> Result<R, String> {
        let seat = Arc::clone(&self.seats)
            .acquire_owned()
            .await
            .map_err(|_| "the process is stopping".to_owned())?;
        let log = Arc::clone(&self.log);
        let read = move || {
            let _seat = seat;
            let recall = recall(log.as_ref(), lane, &filed, &policy)?;
            ask(&recall, query)
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| error.to_string())?
    }
}

fn recall(
    log: &dyn Log,
    lane: u32,
    filed: &v1::FiledSample,
    policy: &v1::PolicyActivated,
) -> Result<Recall, String> {
    let tube = TubeId::parse(&filed.tube).ok_or("the tube's number cannot be read")?;
    let policy = (policy.version > 0).then_some((policy.version, policy.content.as_str()));
    let mut recall = Recall::of(tube, policy);
    let stretch = Stretch {
        log,
        service: "results",
        lane,
        level: LEVEL,
        from: Timestamp(filed.from),
        to: Timestamp(filed.until),
    };
    let processor = ResultsProcessor::new();
    for decisions in stretch.read().map_err(|error| error.to_string())? {
        let at = Timestamp(decisions.decided_at);
        for bytes in &decisions.events {
            let event = processor.decode(bytes).map_err(|error| error.to_string())?;
            recall.take(event, at)?;
        }
    }
    recall.finish(Timestamp(filed.until))?;
    if recall.is_found() {
        Ok(recall)
    } else {
        Err(
            "the journal of this lane does not have it: the lab was in another lane then"
                .to_owned(),
        )
    }
}

/// Asks the rows that were made again.
///
/// # Errors
/// They do not hold what is asked for.
fn ask<R: Message + Default>(recall: &Recall, query: Query) -> Result<R, String> {
    let query = v1::ResultsQuery { query: Some(query) }.encode_to_vec();
    let answer = queries::answer(&Library::default(), recall.tables(), &query, Timestamp(0))
        .map_err(|rejection| rejection.message)?;
    R::decode(answer).map_err(|error| error.to_string())
}
