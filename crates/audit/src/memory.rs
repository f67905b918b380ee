//! A log in memory: what tests make by hand, and what a tool holds that read a log elsewhere.

use crate::source::{Extent, LaneName, Record, Records, Source, SourceError};
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    lanes: BTreeMap<LaneName, Vec<Record>>,
}

impl MemorySource {
    /// The records of a lane, made if it is not there. Their offsets must grow.
    pub fn lane(&mut self, topic: &str, lane: u32) -> &mut Vec<Record> {
        self.lanes.entry(LaneName::new(topic, lane)).or_default()
    }
}

impl Source for MemorySource {
    fn lanes(&self, topic: &str) -> Result<u32, SourceError> {
        let lanes = self.lanes.keys().filter(|name| &*name.topic == topic);
        lanes
            .map(|name| name.lane.saturating_add(1))
            .max()
            .ok_or_else(|| SourceError(format!("there is no topic {topic}")))
    }

    fn extent(&self, name: &LaneName) -> Result<Extent, SourceError> {
        let records = self.lanes.get(name).map(Vec::as_slice).unwrap_or_default();
        let end = records.last().map_or(0, |r| r.offset.saturating_add(1));
        Ok(Extent {
            start: records.first().map_or(0, |r| r.offset),
            end,
        })
    }

    fn read(&self, name: &LaneName, from: u64, to: u64) -> Result<Box<dyn Records>, SourceError> {
        let records = self.lanes.get(name).cloned().unwrap_or_default();
        let wanted = records
            .into_iter()
            .filter(move |r| (from..to).contains(&r.offset));
        Ok(Box::new(Listed(Box::new(wanted))))
    }
}

struct Listed(Box<dyn Iterator<Item = Record>>);

impl Records for Listed {
    fn next(&mut self) -> Result<Option<Record>, SourceError> {
        Ok(self.0.next())
    }
}
