//! Questions about topics and lanes.

use super::quiet::Quiet;
use super::settings::{self, ANSWER_WITHIN};
use super::{ConnectError, KafkaOptions, errors};
use crate::log::{Extent, ReadError, Topic};
use rdkafka::admin::AdminClient;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The first wait for where a lane ends; the next is twice as long, until all are [`ANSWER_WITHIN`].
const FIRST_TRY: Duration = Duration::from_secs(1);

/// Least time between two tries.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Meta {
    asker: BaseConsumer<Quiet>,
    pub(super) admin: AdminClient<Quiet>,
    /// Lanes are fixed when a topic is made, so what was seen once stays true.
    lanes: Mutex<HashMap<Topic, u32>>,
}

impl Meta {
    pub(super) fn connect(options: &KafkaOptions) -> Result<Self, ConnectError> {
        let config = settings::questions(options);
        let invalid = |error: rdkafka::error::KafkaError| ConnectError::Settings(error.to_string());
        let meta = Self {
            asker: config.create_with_context(Quiet).map_err(invalid)?,
            admin: config.create_with_context(Quiet).map_err(invalid)?,
            lanes: Mutex::default(),
        };
        match meta.asker.fetch_metadata(None, ANSWER_WITHIN) {
            Ok(_) => Ok(meta),
            Err(error) => Err(ConnectError::Unreachable {
                bootstrap: options.bootstrap.clone(),
                reason: error.to_string(),
            }),
        }
    }

    /// Everything there is.
    pub(super) fn all(&self) -> Result<Metadata, ReadError> {
        self.asker
            .fetch_metadata(None, ANSWER_WITHIN)
            .map_err(|error| errors::read(&error))
    }

    /// The lanes of a topic, if they were asked for before.
    pub(super) fn known_lanes(&self, topic: &Topic) -> Option<u32> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.get(topic).copied()
    }

    /// The lanes of a topic.
    pub(super) fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        if let Some(lanes) = self.known_lanes(topic) {
            return Ok(lanes);
        }
        let name = topic.full_name();
        let metadata = self
            .asker
            .fetch_metadata(Some(&name), ANSWER_WITHIN)
            .map_err(|error| errors::read(&error))?;
        let missing = || ReadError::Refused(format!("topic {name} does not exist"));
        let found = metadata.topics().first().ok_or_else(missing)?;
        if let Some(error) = found.error() {
            let code = rdkafka::error::KafkaError::MetadataFetch(error.into());
            return Err(errors::read(&code));
        }
        let lanes = u32::try_from(found.partitions().len()).map_err(|_| missing())?;
        if lanes == 0 {
            return Err(missing());
        }
        let mut known = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(topic.clone(), lanes);
        Ok(lanes)
    }

    /// Says so if a topic has no such lane.
    pub(super) fn check_lane(&self, topic: &Topic, lane: u32) -> Result<(), ReadError> {
        let lanes = self.lanes(topic)?;
        if lane < lanes {
            return Ok(());
        }
        Err(no_lane(topic, lane, lanes))
    }

    /// First and next offset of a lane.
    pub(super) fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        self.extent_by(topic, lane, tries())
    }

    /// The same, asked once: for who will look again.
    pub(super) fn glance(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        self.extent_by(topic, lane, tries().take(1))
    }

    fn extent_by(
        &self,
        topic: &Topic,
        lane: u32,
        tries: impl Iterator<Item = Duration>,
    ) -> Result<Extent, ReadError> {
        self.check_lane(topic, lane)?;
        let (start, end) = self
            .watermarks(&topic.full_name(), lane, tries)
            .map_err(|error| errors::read(&error))?;
        match (u64::try_from(start), u64::try_from(end)) {
            (Ok(start), Ok(end)) => Ok(Extent { start, end }),
            _ => Err(ReadError::Unavailable(format!(
                "{topic} lane {lane} has no offsets yet"
            ))),
        }
    }

    fn watermarks(
        &self,
        topic: &str,
        lane: u32,
        tries: impl Iterator<Item = Duration>,
    ) -> KafkaResult<(i64, i64)> {
        let mut outcome = Err(KafkaError::MetadataFetch(
            RDKafkaErrorCode::OperationTimedOut,
        ));
        for wait in tries {
            let began = Instant::now();
            outcome = self.asker.fetch_watermarks(topic, partition(lane), wait);
            match &outcome {
                Err(error) if unanswered(error) => {
                    // An answer that says "not now" at once is no reason to ask without a pause.
                    std::thread::sleep(PAUSE.saturating_sub(began.elapsed()));
                }
                _ => break,
            }
        }
        outcome
    }
}

/// How long a question waits for its broker, try after try. A question that was asked while its broker died is
/// never answered, though another broker leads the lane by then; one to a broker that is slow must not be asked
/// over and over.
fn tries() -> impl Iterator<Item = Duration> {
    let mut left = ANSWER_WITHIN;
    let mut next = FIRST_TRY;
    std::iter::from_fn(move || {
        let wait = next.min(left);
        left = left.saturating_sub(wait);
        next = next.saturating_mul(2);
        (!wait.is_zero()).then_some(wait)
    })
}

/// A broker (or the way to it) did not answer: another may lead the lane soon.
fn unanswered(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::RequestTimedOut
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
        )
    )
}

pub(super) fn no_lane(topic: &Topic, lane: u32, lanes: u32) -> ReadError {
    ReadError::Refused(format!("topic {topic} has {lanes} lanes, no lane {lane}"))
}

/// A lane as Kafka numbers partitions; a lane above the range is one that does not exist.
pub(super) fn partition(lane: u32) -> i32 {
    i32::try_from(lane).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_again_after_a_second_and_given_up_after_ten() {
        let waits: Vec<u64> = tries().map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 3]);
        assert_eq!(tries().sum::<Duration>(), ANSWER_WITHIN);
    }
}
