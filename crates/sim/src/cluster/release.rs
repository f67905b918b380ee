//! Two releases of one service, side by side: the newer one writes at a higher level and folds into other
//! tables. The older one must stop a lane before it applies what it does not know.

use bytes::Bytes;
use tenfold_domain::Timestamp;
use tenfold_domain::tables::{Read, TableDef, Write};
use tenfold_runtime::processor::{Answer, Decision, FoldError, Input, Processor, Undecodable};

/// The level of the release that the tree holds.
pub const OLD: u32 = 1;
/// The level of the release that is rolled out.
pub const NEW: u32 = 2;

/// A service's rules, as some release of it.
pub struct Release<P> {
    /// The rules.
    pub rules: P,
    /// The release's level.
    pub level: u32,
}

impl<P: Processor> Processor for Release<P> {
    type Event = P::Event;

    fn service(&self) -> &'static str {
        self.rules.service()
    }

    fn tables(&self) -> &'static [TableDef] {
        self.rules.tables()
    }

    fn tables_version(&self) -> u32 {
        self.rules.tables_version() + self.level - OLD
    }

    fn level(&self) -> u32 {
        self.level
    }

    fn decide(
        &self,
        state: &mut dyn Write,
        input: Input<'_>,
        now: Timestamp,
    ) -> Result<Decision<P::Event>, Undecodable> {
        self.rules.decide(state, input, now)
    }

    fn evolve(
        &self,
        state: &mut dyn Write,
        event: &P::Event,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        self.rules.evolve(state, event, at)
    }

    fn encode(&self, event: &P::Event, to: &mut Vec<u8>) {
        self.rules.encode(event, to);
    }

    fn decode(&self, bytes: &[u8]) -> Result<P::Event, FoldError> {
        self.rules.decode(bytes)
    }

    fn next_timer(&self, state: &dyn Read) -> Option<Timestamp> {
        self.rules.next_timer(state)
    }

    fn due_timers(&self, state: &dyn Read, now: Timestamp, most: usize) -> Vec<Bytes> {
        self.rules.due_timers(state, now, most)
    }

    fn query(&self, state: &dyn Read, query: &[u8], now: Timestamp) -> Answer {
        self.rules.query(state, query, now)
    }
}
