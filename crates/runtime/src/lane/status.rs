//! What a lane looks like from outside: for `tenfold status`, readiness and tests. Nothing decides by it.

use super::{Lane, Phase};
use crate::processor::Processor;

/// What a lane looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The lane.
    pub lane: u32,
    /// Its phase, for people.
    pub phase: &'static str,
    /// Epoch of the latest valid `LaneOpened` it knows.
    pub epoch: u64,
    /// Last committed seq.
    pub seq: u64,
    /// Why it stopped, if it did.
    pub problem: String,
}

impl<P: Processor> Lane<P> {
    /// What it looks like from outside.
    pub fn status(&self) -> Status {
        let (phase, problem) = match &self.phase {
            Phase::Idle => ("idle", String::new()),
            Phase::Loading => ("loading", String::new()),
            Phase::Pausing(_) => ("pausing", String::new()),
            Phase::Folding(folding) => (folding.name(), String::new()),
            Phase::Owned(_) => ("owned", String::new()),
            Phase::Stopped(reason) => ("stopped", reason.clone()),
        };
        let chain = self.stamp.as_ref().map(|s| s.chain).unwrap_or_default();
        Status {
            lane: self.number,
            phase,
            epoch: chain.epoch,
            seq: chain.seq,
            problem,
        }
    }
}
