//! Owning and deciding: what must hold on any log.
//!
//! [`owning`] has two who want one lane, [`appending`] a log that misreports, [`caching`] a cache that is not what it was,
//! [`deciding`] what callers, inboxes and clocks are told.

mod appending;
mod caching;
mod deciding;
mod owning;

use crate::bed::Bed;
pub use deciding::posted;
use tenfold_runtime::log::Topic;

/// A scenario.
pub type Scenario = fn(Bed);

pub const SCENARIOS: &[(&str, Scenario)] = &[
    (
        "a command is answered once, and its retry gets the same answer",
        deciding::retries,
    ),
    (
        "a command to a lane that never had a record is decided",
        deciding::first_command,
    ),
    (
        "a lane that was never created is refused",
        owning::never_created,
    ),
    (
        "a record of a fenced owner that lands late never counts",
        owning::late_append,
    ),
    (
        "a paused process that wakes changes nothing",
        owning::paused_process,
    ),
    (
        "of two owners with the same epoch one counts",
        owning::same_epoch,
    ),
    (
        "an append of unknown outcome that landed is not decided twice",
        appending::unknown_landed,
    ),
    (
        "an append of unknown outcome that was lost is decided again",
        appending::unknown_lost,
    ),
    (
        "an append of unknown outcome that lands behind the next owner is void",
        appending::unknown_late,
    ),
    (
        "stray records between valid ones are passed over",
        appending::strays,
    ),
    (
        "reports with false or missing offsets are checked against the journal",
        appending::false_offsets,
    ),
    ("a second opener fences the first", owning::second_opener),
    (
        "an idle owner that was fenced answers nothing from stale state",
        owning::stale_answers,
    ),
    (
        "an owner who has nothing to do learns that another took the lane",
        owning::idle_owner,
    ),
    (
        "a crash between commit and cache loses nothing",
        caching::crash_before_cache,
    ),
    (
        "a cache that is deleted, behind or of another journal is rebuilt or refused",
        caching::caches,
    ),
    (
        "a decision that panics or cannot be read goes to the dead letters",
        deciding::dead_letters,
    ),
    (
        "of a decision that folds as it goes and then fails nothing is left",
        deciding::half_way,
    ),
    (
        "without room commands are refused, questions are answered, and work goes on by itself",
        appending::no_room,
    ),
    ("timers fire once, also across owners", deciding::timers),
    (
        "a graceful end hands the lane over within two seconds",
        owning::graceful,
    ),
];

fn journal() -> Topic {
    Topic::journal("intake")
}
