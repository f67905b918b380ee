//! A log that many runs share, of which each sees its own part: topics and groups carry the run's name. So each run
//! begins with empty lanes. Must not know which log it is.

use std::sync::Arc;
use tenfold_runtime::log::{
    Class, Done, Extent, Log, Membership, NewRecord, ReadError, Reader, Suggest, Topic, TopicPlan,
    Wake,
};

/// One run's part of a log.
pub struct NamedLog {
    whole: Arc<dyn Log>,
    prefix: String,
}

impl NamedLog {
    /// The part whose topics and groups begin so.
    #[must_use]
    pub fn new(whole: Arc<dyn Log>, prefix: &str) -> Self {
        Self {
            whole,
            prefix: prefix.to_owned(),
        }
    }

    fn topic(&self, topic: &Topic) -> Topic {
        Topic::named(&format!("{}{topic}", self.prefix))
    }

    fn group(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }
}

impl Log for NamedLog {
    fn append(&self, class: Class, topic: &Topic, lane: u32, record: NewRecord, done: Done) {
        self.whole
            .append(class, &self.topic(topic), lane, record, done);
    }

    fn reader(
        &self,
        topic: &Topic,
        lane: u32,
        from: u64,
        wake: Wake,
    ) -> Result<Box<dyn Reader>, ReadError> {
        self.whole.reader(&self.topic(topic), lane, from, wake)
    }

    fn extent(&self, topic: &Topic, lane: u32) -> Result<Extent, ReadError> {
        self.whole.extent(&self.topic(topic), lane)
    }

    fn trim(&self, topic: &Topic, lane: u32, below: u64) -> Result<u64, ReadError> {
        self.whole.trim(&self.topic(topic), lane, below)
    }

    fn lanes(&self, topic: &Topic) -> Result<u32, ReadError> {
        self.whole.lanes(&self.topic(topic))
    }

    fn create(&self, plans: &[TopicPlan]) -> Result<(), String> {
        let plans: Vec<TopicPlan> = plans
            .iter()
            .map(|plan| TopicPlan {
                topic: self.topic(&plan.topic),
                ..plan.clone()
            })
            .collect();
        self.whole.create(&plans)
    }

    /// A run is no place to judge the log's settings.
    fn settings_problems(&self, _: &[TopicPlan]) -> Vec<String> {
        Vec::new()
    }

    fn join(
        &self,
        group: &str,
        instance: &str,
        topic: &Topic,
        suggest: Suggest,
    ) -> Result<Box<dyn Membership>, ReadError> {
        self.whole
            .join(&self.group(group), instance, &self.topic(topic), suggest)
    }

    fn position(&self, group: &str, topic: &Topic, lane: u32) -> Result<Option<u64>, ReadError> {
        self.whole
            .position(&self.group(group), &self.topic(topic), lane)
    }

    fn store_position(
        &self,
        group: &str,
        topic: &Topic,
        lane: u32,
        next: u64,
    ) -> Result<(), ReadError> {
        self.whole
            .store_position(&self.group(group), &self.topic(topic), lane, next)
    }
}
