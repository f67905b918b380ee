//! The timeline of a tube, a pool or a plate: what happened, when, by whom.

use crate::ids::Actor;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, SmolStrBuilder};

/// Most steps kept with one thing; a tube that lives longer keeps its first and its newest ones. The
/// journal has them all.
const STEPS_MAX: usize = 40;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum StepKind {
    Received,
    Detailed,
    Amended,
    Moved,
    Held,
    Released,
    Relabelled,
    Discarded,
    Withdrawn,
    Opened,
    Planned,
    Transferred,
    Left,
    Alone,
    Sealed,
    Voided,
    Plated,
    Loaded,
    Replated,
    Retest,
    Closed,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What.
    pub kind: StepKind,
    /// When (lane time).
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// Where or why, in words.
    pub note: SmolStr,
}

/// Steps in the order they happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Adds a step; above the bound the second oldest goes.
    pub fn add(&mut self, kind: StepKind, at: Timestamp, by: &Actor, note: impl Into<SmolStr>) {
        if self.0.len() >= STEPS_MAX {
            self.0.remove(1);
        }
        self.0.push(Step {
            kind,
            at,
            by: by.clone(),
            note: note.into(),
        });
    }

    /// The steps.
    #[must_use]
    pub fn as_slice(&self) -> &[Step] {
        &self.0
    }

    /// Forgets all of them: the thing is closed.
    pub fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

/// A note of several parts, without the machinery of `fmt`: every tube has some.
pub(super) fn note(parts: &[&str]) -> SmolStr {
    let mut note = SmolStrBuilder::new();
    for part in parts {
        note.push_str(part);
    }
    note.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_life_keeps_its_first_and_its_newest_steps() {
        let mut steps = Steps::default();
        for at in 0..100 {
            steps.add(StepKind::Moved, Timestamp(at), &"t".into(), "");
        }
        let at: Vec<i64> = steps.as_slice().iter().map(|s| s.at.0).collect();
        assert_eq!((at.len(), at[0], at[1], at[39]), (40, 0, 61, 99));
    }
}
