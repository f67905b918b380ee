//! What an audit found wrong: the rule that is broken, in words, and the records that show it.

use crate::source::Place;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Most findings told of one rule: the first say enough, the rest are counted.
pub const TOLD_MAX: usize = 50;

/// What is checked. The first nine are the invariants of the design; INV-08 compares the cache with the
/// journal, and `tenfold digest` does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Every accepted sample is in exactly one place; the counts add up.
    Inv01,
    /// A tube is in one pool a round, a slot holds one tube, a pool keeps its limit.
    Inv02,
    /// What must not be mixed is not.
    Inv03,
    /// A well holds one thing, and a sealed plate does not change.
    Inv04,
    /// No negative without an unbroken chain to a well that is negative.
    Inv05,
    /// One report for each sample and version.
    Inv06,
    /// One open order for each member that waits.
    Inv07,
    /// Deadlines follow from event time and the policy in force.
    Inv09,
    /// The valid records of a journal are one unbroken chain.
    Chain,
    /// Each message is sent once, arrives, and is applied once.
    Message,
    /// Each acknowledged request took effect once.
    Request,
    /// A result follows from recorded transfers and runs.
    Result,
    /// Nothing is in a journal that no input explains.
    Unexplained,
}

impl Rule {
    /// Those that an audit judges, in the order in which they are told.
    pub const ALL: [Self; 13] = [
        Self::Inv01,
        Self::Inv02,
        Self::Inv03,
        Self::Inv04,
        Self::Inv05,
        Self::Inv06,
        Self::Inv07,
        Self::Inv09,
        Self::Chain,
        Self::Message,
        Self::Request,
        Self::Result,
        Self::Unexplained,
    ];

    /// Its name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inv01 => "INV-01",
            Self::Inv02 => "INV-02",
            Self::Inv03 => "INV-03",
            Self::Inv04 => "INV-04",
            Self::Inv05 => "INV-05",
            Self::Inv06 => "INV-06",
            Self::Inv07 => "INV-07",
            Self::Inv09 => "INV-09",
            Self::Chain => "chain",
            Self::Message => "message",
            Self::Request => "request",
            Self::Result => "result",
            Self::Unexplained => "unexplained",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is broken.
    pub rule: Rule,
    /// What is wrong, with ids.
    pub text: String,
    /// The records that show it, the latest last.
    pub records: Vec<Place>,
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    told: Vec<Finding>,
    counts: BTreeMap<Rule, u64>,
}

impl Findings {
    /// One more.
    pub fn add(&mut self, rule: Rule, text: impl Into<String>, records: Vec<Place>) {
        let count = self.counts.entry(rule).or_default();
        *count = count.saturating_add(1);
        if *count <= TOLD_MAX as u64 {
            self.told.push(Finding {
                rule,
                text: text.into(),
                records,
            });
        }
    }

    /// Number of a rule's findings, told or not.
    #[must_use]
    pub fn of(&self, rule: Rule) -> u64 {
        self.counts.get(&rule).copied().unwrap_or_default()
    }

    /// Number of all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Those that are told, in the order in which they were found.
    #[must_use]
    pub fn told(&self) -> &[Finding] {
        &self.told
    }
}
