//! What must hold at every moment of every run.

use super::fold::View;
use super::{Inputs, Lane, LaneModel};
use crate::fault::Fault;
use stateright::Property;

/// An acknowledged decision counts for every later reader.
pub const KEPT: &str = "what was acknowledged counts for every later reader";
/// No record of a fenced owner counts.
pub const FENCED: &str = "no record of a fenced owner counts";
/// Two readers of one prefix fold the same.
pub const AGREE: &str = "owners, caches and readers of one prefix agree";
/// Exactly once.
pub const ONCE: &str = "each input takes effect once, and messages in order";
/// Decided on what counts.
pub const BASED: &str = "a decision counts only on top of what it was decided on";
/// No alarms without a cause.
pub const RUNS: &str = "no lane stops";
/// Progress.
pub const ENDS: &str = "when nothing more happens by itself, everything is done";

/// All of them.
pub fn all() -> Vec<Property<LaneModel>> {
    vec![
        Property::always(KEPT, |_, lane: &Lane| {
            let done = &lane.journal.reader.folded.done;
            lane.promised.iter().all(|promised| done.contains(promised))
        }),
        Property::always(FENCED, |_, lane: &Lane| !lane.journal.fenced_counted),
        Property::always(AGREE, |model: &LaneModel, lane: &Lane| {
            lane.owners
                .iter()
                .all(|owner| agrees(model, lane, &owner.view) && agrees(model, lane, &owner.cache))
        }),
        Property::always(ONCE, |model: &LaneModel, lane: &Lane| {
            let done = &lane.journal.reader.folded.done;
            match model.inputs {
                Inputs::Calls(_) => (1..)
                    .zip(done)
                    .all(|(next, call)| !done[next..].contains(call)),
                Inputs::Inbox => (1..).zip(done).all(|(n, message)| n == *message),
            }
        }),
        Property::always(BASED, |_, lane: &Lane| !lane.journal.base_missing),
        Property::always(RUNS, |_, lane: &Lane| {
            !lane.journal.stopped && !lane.owners.iter().any(super::owner::Owner::is_stopped)
        }),
        Property::always(ENDS, |model: &LaneModel, lane: &Lane| {
            let mut steps = Vec::new();
            model.steps(lane, &mut steps);
            !steps.is_empty() || model.is_done(lane)
        }),
        // That the model is not empty: the worst it is made for does happen in it.
        Property::sometimes("everything is done", |model: &LaneModel, lane: &Lane| {
            model.is_done(lane)
        }),
        Property::sometimes("all faults happen", |_, lane: &Lane| lane.faults == 0),
        Property::sometimes(
            "two believe that they own the lane",
            |model: &LaneModel, lane: &Lane| {
                let owning = |owner: &&super::owner::Owner| {
                    matches!(owner.phase, super::owner::Phase::Owns { .. })
                };
                !model.kinds.contains(&Fault::Rival)
                    || lane.owners.iter().filter(owning).count() > 1
            },
        ),
    ]
}

/// A view is what a reader makes of the journal up to there.
fn agrees(model: &LaneModel, lane: &Lane, view: &View) -> bool {
    let reader = &lane.journal.reader;
    if view.next == 0 || view == reader {
        return true;
    }
    let mut read = View::default();
    read.read_to(&lane.journal.log, view.next, model.flaw);
    read == *view
}
