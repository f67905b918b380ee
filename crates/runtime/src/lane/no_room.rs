//! The log has no room: commands are refused at once, and nothing else stops.
//!
//! The lane is taken again, which is how it finds out that there is room: its `LaneOpened` is appended
//! until the log takes it. Meanwhile the state is that of the journal's end, and questions are answered
//! from it, with the seq and time at which it is true.

use super::calls::{Ask, Call, Reply};
use super::reading::Goal;
use super::state::LaneState;
use super::{Lane, Phase};
use crate::processor::Processor;

impl<P: Processor> Lane<P> {
    /// Takes note that there is no room, and tells everybody who waits for something to be decided.
    pub(super) fn run_full(&mut self, reason: &str) {
        let reason = format!("there is no room: {reason}");
        if let Phase::Owned(owned) = &mut self.phase {
            for flight in &mut owned.in_flight {
                // A question that waited behind the record is asked again.
                let (commands, questions): (Vec<_>, Vec<_>) = flight
                    .waiting
                    .drain(..)
                    .partition(|waiting| is_command(&waiting.call));
                flight.waiting = questions;
                for waiting in commands {
                    (waiting.call.reply)(Reply::NoRoom(reason.clone()));
                }
            }
        }
        let (commands, questions): (Vec<_>, Vec<_>) = self.calls.drain(..).partition(is_command);
        self.calls = questions.into();
        for call in commands {
            (call.reply)(Reply::NoRoom(reason.clone()));
        }
        self.no_room = Some(reason);
    }

    /// While the lane waits for room: answers what is asked from what is committed.
    pub(super) fn answer_from_committed(&mut self) {
        let waits = matches!(
            &self.phase,
            Phase::Folding(folding) if matches!(folding.goal, Goal::Opening { .. })
        );
        let Some(stamp) = self
            .stamp
            .as_ref()
            .filter(|_| waits && self.no_room.is_some())
        else {
            return;
        };
        let (seq, at) = (
            stamp.chain.seq,
            self.context.clock.wall().max(stamp.decided_at),
        );
        let (questions, commands): (Vec<_>, Vec<_>) =
            self.calls.drain(..).partition(|call| !is_command(call));
        self.calls = commands.into();
        for call in questions {
            if let Ask::Query(body) = &call.ask {
                let answer = self.ask(body, at);
                if self.cache_failed() {
                    // What could not be read looks absent: asked again when the cache is rebuilt.
                    self.calls.push_back(call);
                    continue;
                }
                Self::answer(call, answer, seq, at);
            }
        }
        if self.cache_failed() {
            self.wipe_cache();
            self.start_loading();
        }
    }

    fn cache_failed(&self) -> bool {
        self.state.as_ref().is_some_and(LaneState::failed)
    }
}

const fn is_command(call: &Call) -> bool {
    matches!(call.ask, Ask::Command { .. })
}
