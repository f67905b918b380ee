//! What results asks for: test a tube again, plate wells again, let go of a closed sample, file it.

pub mod closed;
pub mod filed;
pub mod replate;
pub mod retest;

use super::event::{Event, What};
use super::evolve::FoldProblem;
use super::lab::tube_key;
use super::step::StepKind;
use super::tube::{Tube, TubeState, Vessel, change};
use super::{plate, pool};
use crate::tables::{ReadExt, Write};
use crate::time::Timestamp;

pub(super) fn evolve(
    state: &mut dyn Write,
    event: &Event,
    at: Timestamp,
) -> Result<(), FoldProblem> {
    let by = &event.by;
    match &event.what {
        What::RetestOrdered { order, clock } => change(state, &order.tube, at, |state, _, tube| {
            pool::part(state, tube, at);
            tube.state = TubeState::Alone(Vessel::Ready);
            tube.order = Some(order.order.clone());
            tube.round = order.round;
            tube.set_clock(clock);
            tube.steps
                .add(StepKind::Retest, at, by, order.order.to_string());
        }),
        What::ReplateOrdered(order) => plate::replated(state, order, by, at),
        What::SampleClosed(closed) => {
            let known = tube_key(state, &closed.tube).and_then(|key| state.get::<Tube>(&key));
            if known.is_none() {
                return Ok(());
            }
            change(state, &closed.tube, at, |state, key, tube| {
                super::tube::leave_rack(state, key, tube);
                pool::part(state, tube, at);
                tube.close(TubeState::Closed(closed.result));
            })
        }
        What::TubesFiled {
            lab,
            tubes,
            pools,
            plates,
        } => filed::evolve(state, lab, tubes, pools, plates),
        _ => Ok(()),
    }
}
