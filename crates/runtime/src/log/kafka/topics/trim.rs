//! Removing a partition's records below an offset, on its leader's word.

use super::options;
use crate::log::kafka::errors;
use crate::log::kafka::meta::{Meta, partition};
use crate::log::{ReadError, Topic};
use futures::executor::block_on;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

/// See [`crate::log::Log::trim`].
pub(in crate::log::kafka) fn trim(
    meta: &Meta,
    topic: &Topic,
    lane: u32,
    below: u64,
) -> Result<u64, ReadError> {
    let extent = meta.extent(topic, lane)?;
    // Kafka would remove the last record, too.
    let below = below.min(extent.end.saturating_sub(1));
    if below <= extent.start {
        return Ok(extent.start);
    }
    let failed = |error: KafkaError| errors::read(&error);
    let offset = i64::try_from(below).unwrap_or(i64::MAX);
    let mut wanted = TopicPartitionList::new();
    wanted
        .add_partition_offset(&topic.full_name(), partition(lane), Offset::Offset(offset))
        .map_err(failed)?;
    let removed = block_on(meta.admin.delete_records(&wanted, &options())).map_err(failed)?;
    let removed = removed.elements();
    let Some(told) = removed.first() else {
        return Err(ReadError::Unavailable(format!(
            "{topic}/{lane}: nobody said which records are gone"
        )));
    };
    told.error().map_err(failed)?;
    match told.offset() {
        Offset::Offset(start) => Ok(u64::try_from(start).unwrap_or(below)),
        _ => Ok(below),
    }
}
