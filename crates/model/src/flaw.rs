//! Planted protocol bugs: each rule of the protocol left out, one at a time. The model must refute every
//! one; a flaw that it does not would show that the model is too weak.

use crate::{lane, relay};
use serde::Serialize;

/// A rule that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// A record is committed by any success, wherever it landed.
    OffsetIgnored,
    /// Acknowledgements are used as they come, not strictly in the order of seq.
    ReportsOutOfOrder,
    /// A lane is owned once its `LaneOpened` is appended, without folding up to it.
    OwnedUnread,
    /// An owner's name is its instance's, not made anew for each attempt.
    NameReused,
    /// Readers do not mind a gap in seq.
    SeqGapIgnored,
    /// A call that was seen before is answered at once, without waiting for a commit.
    RepeatUncommitted,
    /// Messages are relayed when they are decided, before the commit.
    RelayedUncommitted,
    /// The receiver takes n > last + 1.
    GapAccepted,
    /// The receiver waits for what is missing when n > last + 1 comes.
    GapAwaited,
    /// After a failure only that message is sent again.
    OnlyFailedResent,
    /// A new owner relays from its own first message on.
    RelayedFromOwnStart,
    /// An acknowledged message counts as arrived wherever it landed.
    RelayOffsetIgnored,
}

impl Flaw {
    /// All there are.
    pub const ALL: [Self; 12] = [
        Self::OffsetIgnored,
        Self::ReportsOutOfOrder,
        Self::OwnedUnread,
        Self::NameReused,
        Self::SeqGapIgnored,
        Self::RepeatUncommitted,
        Self::RelayedUncommitted,
        Self::GapAccepted,
        Self::GapAwaited,
        Self::OnlyFailedResent,
        Self::RelayedFromOwnStart,
        Self::RelayOffsetIgnored,
    ];

    /// What is done wrong, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OffsetIgnored => "acknowledge without comparing the offset",
            Self::ReportsOutOfOrder => "use acknowledgements out of order",
            Self::OwnedUnread => "own a lane without folding up to its LaneOpened",
            Self::NameReused => "reuse an owner's name",
            Self::SeqGapIgnored => "ignore a gap in seq",
            Self::RepeatUncommitted => "answer a repeated call without waiting for a commit",
            Self::RelayedUncommitted => "relay before the commit",
            Self::GapAccepted => "accept n > last + 1",
            Self::GapAwaited => "wait for what is missing when n > last + 1",
            Self::OnlyFailedResent => "send again only what failed",
            Self::RelayedFromOwnStart => "let a new owner relay from its own start",
            Self::RelayOffsetIgnored => "count a message as arrived wherever it landed",
        }
    }

    /// The model in which it is planted.
    pub const fn place(self) -> Place {
        match self {
            Self::OffsetIgnored
            | Self::ReportsOutOfOrder
            | Self::OwnedUnread
            | Self::NameReused
            | Self::SeqGapIgnored
            | Self::RepeatUncommitted => Place::Lane,
            Self::RelayedUncommitted
            | Self::GapAccepted
            | Self::GapAwaited
            | Self::OnlyFailedResent
            | Self::RelayedFromOwnStart
            | Self::RelayOffsetIgnored => Place::Relay,
        }
    }

    /// The property that it breaks.
    pub const fn falls(self) -> &'static str {
        match self {
            Self::OffsetIgnored
            | Self::ReportsOutOfOrder
            | Self::OwnedUnread
            | Self::RepeatUncommitted => lane::properties::KEPT,
            Self::NameReused => lane::properties::RUNS,
            Self::SeqGapIgnored => lane::properties::BASED,
            Self::RelayedUncommitted => relay::properties::SAME,
            Self::GapAccepted => relay::properties::ONCE,
            Self::GapAwaited
            | Self::OnlyFailedResent
            | Self::RelayedFromOwnStart
            | Self::RelayOffsetIgnored => relay::properties::ENDS,
        }
    }
}

/// One of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// [`crate::lane`].
    Lane,
    /// [`crate::relay`].
    Relay,
}
