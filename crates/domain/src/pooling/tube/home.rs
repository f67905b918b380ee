//! What a tube was in: when it is filed, its pools and plates are looked at, because they go with the last of their
//! tubes. Only what was left is written down, so that the way to the instrument costs nothing.

use super::{Tube, TubeState};
use serde::{Deserialize, Serialize};

/// What holds a tube, or its liquid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Home {
    /// A pool, by its key.
    Pool(u64),
    /// A plate, by its key.
    Plate(u64),
}

/// Most homes that are remembered: of a thing that had more, the oldest are not filed by it.
const HOMES_MAX: usize = 16;

/// Writes down that a home was left, once.
pub(in super::super) fn left<T: PartialEq>(homes: &mut Vec<T>, home: T) {
    if homes.contains(&home) {
        return;
    }
    if homes.len() >= HOMES_MAX {
        homes.remove(0);
    }
    homes.push(home);
}

impl Tube {
    /// What holds it now.
    #[must_use]
    pub fn home(&self) -> Option<Home> {
        match self.state {
            TubeState::Pooled { pool } => Some(Home::Pool(pool)),
            TubeState::Alone(vessel) => vessel.plate().map(Home::Plate),
            _ => None,
        }
    }
}
