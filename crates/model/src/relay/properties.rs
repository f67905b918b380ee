//! What must hold at every moment of every run.

use super::sender::Sender;
use super::{RelayModel, Relaying};
use crate::fault::{Fault, Faults};
use stateright::Property;

/// Exactly once, in order, and as it was decided.
pub const ONCE: &str = "each message takes effect once, in order, as it was decided";
/// What the journal says is what the receiver took.
pub const SAME: &str = "no message takes effect other than as the journal has it";
/// A mark says the truth.
pub const ARRIVED: &str = "what counts as arrived was taken";
/// No alarms without a cause.
pub const RUNS: &str = "no message contradicts an earlier one";
/// Progress.
pub const ENDS: &str = "when nothing more happens by itself, every message has taken effect";

/// All of them.
pub fn all() -> Vec<Property<RelayModel>> {
    vec![
        Property::always(ONCE, |_, now: &Relaying| {
            let mut decided = now.decided();
            now.receiver
                .taken
                .iter()
                .all(|t| decided.next() == Some(*t))
        }),
        Property::always(SAME, |_, now: &Relaying| {
            now.receiver
                .taken
                .iter()
                .zip(now.decided())
                .all(|(taken, decided)| *taken == decided)
        }),
        Property::always(ARRIVED, |_, now: &Relaying| {
            let believed = now.senders.iter().map(|sender| match sender {
                Sender::Up(up) => up.out.acked(),
                Sender::Away => 0,
            });
            let taken = now.receiver.taken.len() as u64;
            believed.chain([now.marked()]).all(|acked| acked <= taken)
        }),
        Property::always(RUNS, |_, now: &Relaying| !now.receiver.contradicted),
        Property::always(ENDS, |model: &RelayModel, now: &Relaying| {
            let mut steps = Vec::new();
            model.steps(now, &mut steps);
            !steps.is_empty() || model.is_done(now)
        }),
        // That the model is not empty: the worst it is made for does happen in it.
        Property::sometimes(
            "everything is done",
            |model: &RelayModel, now: &Relaying| model.is_done(now),
        ),
        Property::sometimes("all faults happen", |_, now: &Relaying| now.faults == 0),
        Property::sometimes("two relay at once", |model: &RelayModel, now: &Relaying| {
            let up = |sender: &&Sender| matches!(sender, Sender::Up(up) if !up.flying.is_empty());
            !model.may(Fault::Rival) || now.senders.iter().filter(up).count() > 1
        }),
    ]
}
