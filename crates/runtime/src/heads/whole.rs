//! Head and tail as one log: a lane whose head is in the store reads like one that the log has whole.

use super::reader::HeadReader;
use super::{Heads, end_of, has_heads};
use crate::log::{
    Class, Cut, Done, Extent, Log, Membership, NewRecord, ReadError, Reader, Suggest, Topic,
    TopicPlan, Wake,
};
use std::sync::Arc;

/// See the module.
pub struct Whole(pub Arc<Heads>);

impl Log for Whole {
    fn append(&self, class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done) {
        self.0.log.append(class, topic, lane, record, done);
    }

    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError> {
        if !has_heads(topic) {
            return self.0.log.reader(topic, lane, from, wake);
        }
        let place = (topic.clone(), lane);
        let reader = HeadReader::start(Arc::clone(&self.0), place, from, wake)?;
        Ok(Box::new(reader))
    }

    /// A lane starts at 0: the store has what the log has not. While the store is away, whether it has is told by
    /// whoever reads there: its first record, which every taker of a lane reads, is near by.
    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        let extent = self.0.log.extent(topic, lane)?;
        if extent.start == 0 || !has_heads(topic) {
            return Ok(extent);
        }
        let stored = match self.0.parts(&(topic.clone(), lane), extent.start) {
            Ok(parts) => end_of(&parts),
            Err(error) => {
                tracing::warn!(%topic, lane, %error, "nobody knows what the store of heads has");
                extent.start
            }
        };
        if stored < extent.start {
            return Err(ReadError::Refused(format!(
                "{topic}/{lane} begins at offset {} in the log, and the store of heads has it below {stored} only: bring back the parts that are missing there, or name the store that has them (setting heads.url)",
                extent.start
            )));
        }
        Ok(Extent { start: 0, ..extent })
    }

    /// Trims the log; the head is not touched.
    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError> {
        self.0.log.trim(topic, lane, below)
    }

    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        self.0.log.lanes(topic)
    }

    fn create(&self, plans: &[TopicPlan]) -> Result<(), String> {
        self.0.log.create(plans)
    }

    fn settings_problems(&self, plans: &[TopicPlan]) -> Vec<String> {
        self.0.log.settings_problems(plans)
    }

    fn join(
        &self,
        group: &str,
        instance: &str,
        topic: &Topic,
        suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        self.0.log.join(group, instance, topic, suggest)
    }

    fn position(&self, group: &str, topic: &Topic, lane: u32) -> Result<Option<u64>, ReadError> {
        self.0.log.position(group, topic, lane)
    }

    fn store_position(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError> {
        self.0.log.store_position(group, topic, lane, next)
    }

    fn cut(&self) -> Result<Cut, ReadError> {
        self.0.log.cut()
    }
}
