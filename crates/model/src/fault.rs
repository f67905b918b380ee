//! What may go wrong, by kind. A configuration's bound says how many of them may happen in one run; they
//! may be any of its kinds, and happen at any moment.

use serde::Serialize;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A process takes the lane while another owns it, or tries to. The other becomes a zombie: it goes on
    /// until it notices.
    Rival,
    /// A process dies, and starts again with its cache, which may be behind.
    Crash,
    /// An append or its acknowledgement is late: its outcome is taken as unknown.
    TimeOut,
    /// An append never lands.
    Lost,
    /// An append lands twice, the second time at any later moment.
    Twice,
    /// An append lands before one that was sent before it.
    Overtaken,
    /// An append lands, and its sender never hears of it.
    Unheard,
    /// An append lands, and its sender is told no offset.
    NoOffset,
    /// An append lands, and its sender is told an earlier offset.
    FalseOffset,
    /// Bytes that are no record land in the journal.
    Stray,
}

/// Anything with a list of kinds of faults.
pub trait Faults {
    /// The kinds that may happen.
    fn kinds(&self) -> &'static [Fault];

    /// May this kind happen?
    fn may(&self, fault: Fault) -> bool {
        self.kinds().contains(&fault)
    }
}
