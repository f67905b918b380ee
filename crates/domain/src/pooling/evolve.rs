//! The fold: what an event does to the state. Never panics, and does the same at every replay.

use super::event::{Event, What};
use super::{board, labels, plate, pool, tube, work};
use crate::policy::fold_activation;
use crate::tables::Write;
use crate::time::Timestamp;

/// An event that contradicts the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FoldProblem(pub String);

impl FoldProblem {
    /// Something that an event names is not there.
    #[must_use]
    pub fn missing(what: &str, id: impl std::fmt::Display) -> Self {
        Self(format!("{what} {id} is not there"))
    }
}

/// Folds an event into the state.
///
/// # Errors
/// It contradicts the state.
pub fn evolve(state: &mut dyn Write, event: &Event, at: Timestamp) -> Result<(), FoldProblem> {
    match &event.what {
        What::PolicyActivated { version, content } => {
            fold_activation(state, content, *version);
            Ok(())
        }
        What::SampleExpected { .. }
        | What::ExpectedWithdrawn { .. }
        | What::TubeReceived { .. }
        | What::TubeDetailed { .. }
        | What::TubeMoved { .. }
        | What::TubeHeld { .. }
        | What::TubeReleased { .. }
        | What::TubeRelabelled { .. }
        | What::TubeDiscarded { .. }
        | What::TubeWithdrawn { .. } => tube::evolve(state, event, at),
        What::PoolOpened { .. }
        | What::MemberPlanned { .. }
        | What::MemberVerified { .. }
        | What::MemberTransferred { .. }
        | What::MemberLeft { .. }
        | What::SealDue { .. }
        | What::PoolSealed { .. }
        | What::PoolVoided { .. }
        | What::PoolHeld { .. }
        | What::PoolReleased { .. }
        | What::TubeAlone { .. }
        | What::AloneUndone { .. } => pool::evolve(state, event, at),
        What::PoolLabelsReserved { .. } | What::PlateLabelsReserved { .. } => {
            labels::evolve(state, &event.what)
        }
        What::PlateStarted { .. }
        | What::PlateCombined { .. }
        | What::LotBound { .. }
        | What::LotUnbound { .. }
        | What::WellsPlanned { .. }
        | What::WellsTransferred { .. }
        | What::WellFailed { .. }
        | What::PlateSealed { .. }
        | What::PlateVoided { .. }
        | What::PlateLoaded { .. } => plate::evolve(state, event, at),
        What::RetestOrdered { .. }
        | What::ReplateOrdered(_)
        | What::SampleClosed(_)
        | What::TubesFiled { .. } => work::evolve(state, event, at),
        What::DeadlinesChecked(checks) => board::deadline::evolve(state, checks, at),
    }
}
