//! What Kafka's errors mean for a caller, in one place.

use crate::log::{AppendError, ReadError};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Whether the record or topic is at fault, so that trying again will not help.
const fn is_permanent(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::InvalidTopic
            | Code::PolicyViolation
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::GroupAuthorizationFailed
    )
}

/// A record that the producer did not take.
pub(super) fn not_taken(error: &KafkaError) -> AppendError {
    match error.rdkafka_error_code() {
        Some(code) if is_permanent(code) => AppendError::Refused(error.to_string()),
        Some(Code::QueueFull) => AppendError::NotSent("queue full".into()),
        _ => AppendError::NotSent(error.to_string()),
    }
}

/// A record that the producer took and could not deliver.
pub(super) fn not_delivered(error: &KafkaError) -> AppendError {
    match error.rdkafka_error_code() {
        Some(code) if is_permanent(code) => AppendError::Refused(error.to_string()),
        _ => AppendError::Unknown(error.to_string()),
    }
}

/// Whether the producer is of no more use.
pub(super) fn is_fatal(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(Code::Fatal))
}

/// Something that could not be read or asked.
pub(super) fn read(error: &KafkaError) -> ReadError {
    match error.rdkafka_error_code() {
        Some(code) if is_permanent(code) => ReadError::Refused(error.to_string()),
        _ => ReadError::Unavailable(error.to_string()),
    }
}

/// Whether an error of a consumer may be the end of one of its readers.
pub(super) fn may_end_a_reader(error: &KafkaError) -> bool {
    match error.rdkafka_error_code() {
        Some(code) => {
            is_permanent(code)
                || matches!(
                    code,
                    Code::OffsetOutOfRange
                        | Code::AutoOffsetReset
                        | Code::NoOffset
                        | Code::LogTruncation
                        | Code::BadMessage
                        | Code::InvalidMessage
                )
        }
        None => false,
    }
}
