//! Positions of groups, as committed offsets. Kafka lets only members commit to a group that has
//! members, so [`super::group`] keeps its members in a group of another name.

use super::meta::partition;
use super::quiet::Quiet;
use super::settings::{self, ANSWER_WITHIN};
use super::{KafkaOptions, errors};
use crate::log::{ReadError, Topic};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Positions {
    options: KafkaOptions,
    clients: Mutex<HashMap<String, Arc<BaseConsumer<Quiet>>>>,
}

impl Positions {
    pub(super) fn new(options: KafkaOptions) -> Self {
        Self {
            options,
            clients: Mutex::default(),
        }
    }

    fn client(&self, group: &str) -> Result<Arc<BaseConsumer<Quiet>>, ReadError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(group) {
            return Ok(client.clone());
        }
        let client: BaseConsumer<Quiet> = settings::positions(&self.options, group)
            .create_with_context(Quiet)
            .map_err(|error| errors::read(&error))?;
        let client = Arc::new(client);
        clients.insert(group.to_owned(), client.clone());
        Ok(client)
    }

    pub(super) fn get(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
    ) -> Result<Option<u64>, ReadError> {
        let read = |error: KafkaError| errors::read(&error);
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(&topic.full_name(), partition(lane));
        let found = self
            .client(group)?
            .committed_offsets(wanted, ANSWER_WITHIN)
            .map_err(read)?;
        let elements = found.elements();
        let Some(element) = elements.first() else {
            return Ok(None);
        };
        element.error().map_err(read)?;
        Ok(match element.offset() {
            Offset::Offset(offset) => u64::try_from(offset).ok(),
            _ => None,
        })
    }

    pub(super) fn store(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError> {
        let read = |error: KafkaError| errors::read(&error);
        let offset = i64::try_from(next)
            .map_err(|_| ReadError::Refused(format!("offset {next} is above what Kafka has")))?;
        let mut position = TopicPartitionList::new();
        position
            .add_partition_offset(&topic.full_name(), partition(lane), Offset::Offset(offset))
            .map_err(read)?;
        self.client(group)?
            .commit(&position, CommitMode::Sync)
            .map_err(read)
    }
}
