//! Lanes that others own, kept warm: loaded and followed, so that taking one needs no reading of its cache.
//!
//! Off unless the configuration says so: the state of every lane of the service is then held by every instance. A lane
//! that was lost is followed in the same way, until its new owner is silent.

use super::context::{Event, Notice};
use super::load::{self, Ends, LoadError};
use super::reading::Goal;
use super::take::Reading;
use super::{Lane, Phase};
use crate::processor::Processor;
use std::sync::Arc;

impl<P: Processor> Lane<P> {
    /// A lane that nobody wants here is to be followed.
    pub(super) fn stands_by(&self) -> bool {
        self.context.standby && !self.wanted && !self.unfollowed
    }

    /// Begins to follow it.
    pub(super) fn stand_by(&mut self) {
        if self.stands_by() {
            self.start_loading();
        }
    }

    /// A lane that is no longer wanted and stays warm is followed from now on; false if it does not.
    pub(super) fn stay_warm(&mut self, wanted_before: bool) -> bool {
        let reads = matches!(
            self.phase,
            Phase::Loading | Phase::Pausing(_) | Phase::Folding(_)
        );
        if !self.context.standby || !reads {
            return false;
        }
        self.refuse_calls();
        let last_seen = Some(self.context.clock.monotonic());
        self.set_goal(Goal::Following { last_seen });
        if wanted_before {
            (self.context.notify)(
                self.number,
                Notice::Lost {
                    reason: "the lane was given to another instance".to_owned(),
                },
            );
        }
        true
    }

    /// A lane that is only followed and cannot be: nobody is served by it, so nobody is called. True if it was one.
    pub(super) fn stop_following(&mut self, reason: &str) -> bool {
        if self.wanted || matches!(self.phase, Phase::Owned(_)) {
            return false;
        }
        tracing::warn!(
            service = self.context.service,
            lane = self.number,
            reason,
            "the lane cannot be kept warm here"
        );
        self.unfollowed = true;
        self.release(reason);
        true
    }

    /// Before what was followed is taken: does the log still have all that the state is made of, and where does it
    /// end?
    pub(super) fn look_again(&mut self) {
        let (Phase::Folding(folding), Some(stamp)) = (&mut self.phase, &self.stamp) else {
            return;
        };
        folding.looking = true;
        let (lane, attempt, stamp) = (self.number, self.attempt, stamp.clone());
        let reading = Reading::begin(&self.context, lane, move |result| Event::Looked {
            attempt,
            result,
        });
        let background = Arc::clone(&self.context.background);
        background(Box::new(move || {
            reading.read(|context| load::look(context, lane, &stamp));
        }));
    }

    /// The look has ended: the lane is taken as it is; or loaded anew, which finds out what is wrong.
    pub(super) fn looked(&mut self, result: Result<Box<Ends>, LoadError>) {
        let Phase::Folding(folding) = &mut self.phase else {
            return;
        };
        if !folding.looking {
            return;
        }
        folding.looking = false;
        if !self.wanted {
            return;
        }
        self.fenced = false;
        match result {
            Ok(ends) => {
                folding.inbox_id = ends.inbox_id;
                folding.inbox_start = ends.inbox.start;
                folding.inbox_end = ends.inbox.end;
                folding.goal = Goal::CatchUp {
                    end: ends.extent.end,
                };
                self.pursue_goal();
            }
            Err(error) => {
                tracing::debug!(service = self.context.service, lane = self.number, %error, "what was followed is loaded anew");
                self.start_loading();
            }
        }
    }
}
